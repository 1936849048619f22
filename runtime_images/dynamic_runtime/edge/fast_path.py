"""The fast path: one regular expression that recognizes an ordinary request at the beginning of what a client sent.

Nearly every read is one ordinary request: then the worker gets the bytes as they came, in a fraction of the time of a
parser with callbacks (`benchmarks.serving`, row "trivial"). The grammar is of what can be framed in one way only (RFC
9112): HTTP/1.1, a common method, a target in origin form, one Host, at most one Content-Length, and no header that
codes the body, asks for an upgrade or a 100, or ends the connection. All else takes the slow path (`slow_path.py`).
"""

import re

from runtime_images.dynamic_runtime.edge.limits import MAX_HEADERS

MAX_HEAD_BYTES = 63 * 1024  # longer heads are measured, and mostly refused, on the slow path
_LEAST_LINE_BYTES = len(b"a:\r\n")
_COMPARED_HEAD_BYTES = 4096  # a head up to this size is kept for comparison: a connection that idles must not cost more

_FRAMING = rb"(?i:host|content-length|transfer-encoding|te|trailer|connection|upgrade|expect):"
_LINE = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]++:[\t -~\x80-\xff]*+\r\n"
_LINES = rb"(?:(?!" + _FRAMING + rb")" + _LINE + rb"|(?i:connection: ?keep-alive)\r\n)*+"
_HOST = rb"(?i:host): ?[0-9A-Za-z._-]*+(?::[0-9]*+)?+\r\n" + _LINES
_LENGTH = rb"(?i:content-length): ?([0-9]{1,15})\r\n" + _LINES
_HEAD = rb"(?:GET|POST|PUT|DELETE|PATCH|OPTIONS) /[!-\x22$-~]*+ HTTP/1\.1\r\n" + _LINES

ordinary_head = re.compile(_HEAD + rb"(?:" + _HOST + rb"(?:" + _LENGTH + rb")?+|" + _LENGTH + _HOST + rb")\r\n").match
"""Matches the head of an ordinary request; its last group, if any matched, is the Content-Length.

Every repetition is possessive: each line can be read in one way only, so none is ever tried again.
"""


def lengths_of(data: bytes, start: int = 0) -> tuple[int, int] | None:
    """Return the lengths of head and body of the ordinary request that begins at `start`; None if none begins there."""
    head = ordinary_head(data, start)
    if head is None or (head_length := head.end() - start) > MAX_HEAD_BYTES:
        return None
    if head_length > MAX_HEADERS * _LEAST_LINE_BYTES and data.count(b"\n", start, head.end()) > MAX_HEADERS + 2:
        return None
    return head_length, int(head[head.lastindex]) if head.lastindex else 0


class FastPath:
    """One client's fast path. Its heads are mostly the same, byte for byte: then they are compared, not matched."""

    __slots__ = ("_head", "_head_length", "_max_body", "_size")

    def __init__(self, max_body_bytes: int) -> None:
        self._max_body = max_body_bytes
        self._head, self._head_length, self._size = b"", 0, -1

    def head_length(self, data: bytes) -> int:
        """Return how long the head is, if `data` is one ordinary request, whole, and nothing else; else 0."""
        if len(data) == self._size and data.startswith(self._head):
            return self._head_length
        lengths = lengths_of(data)
        if lengths is None or sum(lengths) != len(data) or lengths[1] > self._max_body:
            return 0
        if lengths[0] <= _COMPARED_HEAD_BYTES:
            self._head, self._head_length, self._size = data[: lengths[0]], lengths[0], len(data)
        return lengths[0]
