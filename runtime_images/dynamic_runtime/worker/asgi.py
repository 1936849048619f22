"""What ASGI says of a request and its answer: the scope of a request's head, the head of an answer's messages.

Follows the ASGI HTTP specification 2.3 (https://asgi.readthedocs.io/en/latest/specs/www.html). Clients send, and
functions answer, the same lines again and again, so what was taken apart once is remembered (`benchmarks.serving`,
"trivial", gaia asgi).
"""

from collections.abc import Iterable
from functools import lru_cache
from operator import index
from typing import Any
from urllib.parse import unquote_to_bytes

from runtime_images.dynamic_runtime.wire import frames
from runtime_images.dynamic_runtime.worker.contract import Scope
from runtime_images.dynamic_runtime.worker.exchange import octets
from runtime_images.dynamic_runtime.worker.forwarded import PROXIES, Forwarding, forwarding_of

_LONGEST_HEAD = frames.LONGEST_HEAD_BYTES - 100
"""The front takes no longer one, and a content-length may be added."""

_NAME_SHOWN = 64
_REMEMBERED_LINES = 128
_REMEMBERED_HEAD_BYTES = 4096  # longer heads are taken apart each time: so 128 of them bound the memory

_LENGTH_OF_LENGTH = len(b"content-length")


def build_scope(head: bytes, state: dict[str, Any], client: tuple[str, int] | None) -> Scope:
    """Return the ASGI scope of a request's head, as it stood on the wire and was checked by the front.

    `state` is what the application's lifespan has left; each request has a copy of its own, as ASGI asks. `client` is
    the host and port that the request came from, which a proxy may tell more of.
    """
    scope, said = _remembered_scope(head) if len(head) <= _REMEMBERED_HEAD_BYTES else _scope_of(head)
    # What an application may change is its own.
    asgi = {"version": "3.0", "spec_version": "2.3"}
    own = {**scope, "asgi": asgi, "headers": scope["headers"].copy(), "client": client, "state": state.copy()}
    if said is not None:
        own["client"], own["scheme"] = PROXIES.resolve(client, said)
    return own


def _scope_of(head: bytes) -> tuple[Scope, Forwarding | None]:
    """Return what a head alone says of its request, and what it says of a client behind proxies."""
    lines = head.split(b"\r\n")
    method, path, raw_path, query, version = _request_line(lines[0])
    headers = list(map(_header_of, lines[1:-2]))
    scope = {
        "type": "http",
        "http_version": version,
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": raw_path,
        "query_string": query,
        "root_path": "",
        "headers": headers,
        "server": None,
    }
    return scope, forwarding_of(headers)


_remembered_scope = lru_cache(maxsize=_REMEMBERED_LINES)(_scope_of)


@lru_cache(maxsize=_REMEMBERED_LINES)
def _request_line(line: bytes) -> tuple[str, str, bytes, bytes, str]:
    """Return method, path, path as it came, query and version."""
    method, target, version = line.split()
    raw_path, _, query = target.partition(b"?")
    path = unquote_to_bytes(raw_path).decode("utf-8", "replace")
    return method.decode(), path, raw_path, query, version[5:].decode()


@lru_cache(maxsize=_REMEMBERED_LINES)
def _header_of(line: bytes) -> tuple[bytes, bytes]:
    name, _, value = line.partition(b":")
    return name.lower(), value.strip(b" \t")


def encode_head(status: int, headers: Iterable[tuple[bytes, bytes]]) -> tuple[bytes, bytes | None]:
    """Return status line and header lines of an answer, and apart from them the Content-Length, if there is one.

    What could be read in another way than it is meant, because a value holds a line end or the length is none, becomes
    a head that the front refuses.

    Raises:
        TypeError, ValueError: the status is no final one, headers are no pairs of bytes, or there are too many of them.
    """
    if not 200 <= index(status) <= 599:
        raise ValueError(f"the status {status} is none of an answer: 200 to 599")
    lines, length = [frames.status_line(status)], None
    for name, value in headers:
        if len(name) == _LENGTH_OF_LENGTH and name.lower() == b"content-length":
            if length is not None:
                return refused("it has more than one content-length"), None
            length = (value if type(value) is bytes else octets(value, "a header's value")).strip(b" \t")
            if not length.isdigit():
                return refused("its content-length is not a number of bytes"), None
            continue
        try:
            line = _header_line(name, value)
        except TypeError:  # what holds bytes and is none, or cannot be remembered
            line = _header_line(octets(name, "a header's name"), octets(value, "a header's value"))
        if line is None:
            shown = octets(name, "a header's name")[:_NAME_SHOWN].decode("latin-1")
            return refused(f"the header {shown!a} holds a line end"), None
        lines.append(line)
    head = b"".join(lines)
    if len(head) > _LONGEST_HEAD:
        raise ValueError(f"the answer's headers have {len(head)} bytes, and {_LONGEST_HEAD} is the most")
    return head, length


def announcing(head: bytes, length: bytes | None) -> bytes:
    """Return the head with the Content-Length that the function gave, if it gave one."""
    return head if length is None else head + b"content-length: %b\r\n" % length


def whole_head(request_head: bytes, head: bytes, length: bytes | None, size: int) -> bytes:
    """Return the head for a body that is whole: the front adds its length, unless the function's is another body's."""
    if length is None or int(length) == size:
        return head
    if request_head.startswith(b"HEAD ") or head.startswith(b"HTTP/1.1 304 "):
        return announcing(head, length)  # it may be that of a body which is not sent (RFC 9110, 8.6)
    return refused(f"its content-length is {length.decode()}, but its body has {size} bytes")


def refused(reason: str) -> bytes:
    """Return a head that the front refuses for this reason."""
    return frames.REFUSED + reason.encode()


@lru_cache(maxsize=_REMEMBERED_LINES)
def _header_line(name: bytes, value: bytes) -> bytes | None:
    """Return one header line, None if it would be several."""
    line = b"%b: %b\r\n" % (name.lower(), value)
    return line if line.count(b"\r") == line.count(b"\n") == 1 else None
