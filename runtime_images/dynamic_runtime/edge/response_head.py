"""The head of a response: its status line and header lines, checked before they may leave.

A function's head comes as bytes from a process that nobody trusts. Its names must be tokens and its values without
control characters, so that it can neither split the response nor frame it: hop-by-hop headers and the runtime's own
are left out, a Content-Length is kept apart. Functions repeat their heads, so one that was checked is remembered.
"""

import re
from collections.abc import Sequence
from functools import lru_cache
from http import HTTPStatus

from runtime_images.dynamic_runtime.wire.frames import FAILED_HEADER, MAX_HEAD_BYTES, REFUSED, status_line

Header = tuple[bytes, bytes]

_WELL_FORMED = re.compile(
    rb"HTTP/1\.1 ([2-5][0-9][0-9]) [ -~]*+\r\n(?:[!#$%&'*+\-.^_`|~0-9a-z]++:[^\x00-\x08\x0a-\x1f\x7f]*+\r\n)*+"
)
"""Every repetition is possessive: each byte can be read in one way only, so none of a refused head is tried again."""

_STATUS_LINE = re.compile(rb"HTTP/1\.1 [2-5][0-9][0-9] [ -~]*+")
_NAME = re.compile(rb"[!#$%&'*+\-.^_`|~0-9a-z]++")
_VALUE = re.compile(rb"[^\x00-\x08\x0a-\x1f\x7f]*+")
_OURS = frozenset(
    b"connection keep-alive transfer-encoding te trailer upgrade date x-gaia-backend x-gaia-fallback".split()
)
"""Headers that speak of the connection or of the runtime: a function's are left out."""

_MAX_LENGTH_DIGITS = 18
_SHOWN = 80
_LONGEST_REASON = 300
_REMEMBERED = 128  # with heads of at most 64 KB this bounds the memory that a function can make the front spend


class ResponseHead:
    """A checked head. `lines` ends with a line end; the edge adds its own lines and the empty one.

    `length` is the Content-Length that the function gave, `closes` that it wants the connection to end. `ordinary` says
    that its answer needs no slow path: neither of them, and a status that has a body. `counted` is the status that its
    answer counts as: 500 where a function has failed and says so under another one.
    """

    __slots__ = ("closes", "counted", "has_body", "length", "lines", "ordinary", "status")

    def __init__(
        self, status: int, lines: bytes, length: int | None, *, closes: bool = False, failed: bool = False
    ) -> None:
        self.closes = closes
        self.status = status
        self.counted = max(status, int(HTTPStatus.INTERNAL_SERVER_ERROR)) if failed else status
        self.lines = lines
        self.length = length
        self.has_body = status >= 200 and status not in (204, 304)
        self.ordinary = self.has_body and length is None and not closes


@lru_cache(maxsize=_REMEMBERED)
def check_head(raw: bytes) -> ResponseHead | None:
    """Return the head that a function wants to send, or None if it cannot be sent."""
    match = _WELL_FORMED.fullmatch(raw)
    if match is None:
        return None
    status_line, *lines = raw.split(b"\r\n")[:-1]
    kept, length, closes, failed = [status_line], None, False, False
    for line in lines:
        name, _, value = line.partition(b":")
        if name == b"content-length":
            digits = value.strip(b" \t")
            if length is not None or len(digits) > _MAX_LENGTH_DIGITS or not digits.isdigit():
                return None  # the client would have to guess where the answer ends
            length = int(digits)
        elif name == b"connection":
            closes = closes or b"close" in [option.strip() for option in value.lower().split(b",")]
        elif name == FAILED_HEADER:
            failed = value.strip(b" \t").lower() != b"false"
        elif name not in _OURS:
            kept.append(line)
    return ResponseHead(int(match[1]), b"\r\n".join(kept) + b"\r\n", length, closes=closes, failed=failed)


def check_any_head(raw: bytes) -> ResponseHead | None:
    """Do so, and forget a long one."""
    return check_head(raw) if len(raw) <= MAX_HEAD_BYTES else check_head.__wrapped__(raw)


def why_refused(raw: bytes) -> str:
    """Say what is wrong with a head that `check_head` refuses, for the log; values stay out, they may be secrets."""
    if raw.startswith(REFUSED):
        reason = raw[1:_LONGEST_REASON].decode("utf-8", "replace")  # as the worker has seen it
        return reason or "its worker refused it without a reason"
    status_line, *lines = raw.split(b"\r\n")
    if not _STATUS_LINE.fullmatch(status_line):
        return f"its status line is {_shown(status_line)}"
    if not lines or lines.pop():
        return "its head does not end with a line end"
    lengths = 0
    for name, colon, value in (line.partition(b":") for line in lines):
        lengths += name == b"content-length"
        if not colon or not _NAME.fullmatch(name):
            return f"the header name {_shown(name)} is not a lower-case token"
        if not _VALUE.fullmatch(value):
            return f"the value of the header {_shown(name)} holds a control character"
    if lengths > 1:
        return "it has more than one content-length"
    return "its content-length is not a number of bytes"


def _shown(text: bytes) -> str:
    return ascii(text[:_SHOWN].decode("latin-1"))


def head_of(status: int, headers: Sequence[Header]) -> ResponseHead:
    """Return a head of our own making; its headers are not checked, except that Content-Length is kept apart."""
    lines = [b"%b: %b\r\n" % header for header in headers if header[0] != b"content-length"]
    length = dict(headers).get(b"content-length")
    return ResponseHead(status, b"".join((status_line(status), *lines)), None if length is None else int(length))
