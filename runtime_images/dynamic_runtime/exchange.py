"""One HTTP request and the means to answer it once, as an application sees them; framing is decided here.

A response is framed by its Content-Length, else chunked, else (HTTP/1.0) by the end of the connection. Headers that a
function wants to send are checked before they leave: none may split the response or speak of the connection.
"""

import json
from collections.abc import Callable, Sequence
from functools import lru_cache
from http import HTTPStatus
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from runtime_images.dynamic_runtime.http import HttpConnection

Header = tuple[bytes, bytes]

_TOKEN = bytes(c for c in range(33, 127) if chr(c) not in '"(),/:;<=>?@[\\]{}' and not 65 <= c <= 90)
"""What the lower-case name of a header may consist of (RFC 9110, 5.6.2)."""

_OURS = frozenset(
    b"connection keep-alive transfer-encoding te trailer upgrade date x-gaia-backend x-gaia-fallback".split()
)
"""Headers that speak of the connection or of the runtime: a function's are left out."""

_MAX_LENGTH_DIGITS = 18
_REASONS = {status.value: status.phrase.encode() for status in HTTPStatus}


class Exchange:
    """One request and the means to answer it, once. Header names of the request are lower case."""

    # Most exchanges keep these as they are: class attributes cost nothing where instance attributes cost each request.
    body = b""
    arrived_s = 0.0
    started = False
    client_gone = False
    on_client_gone: Callable[[], None] | None = None
    on_drain: Callable[[], None] | None = None
    refusal: tuple[int, str] | None = None
    _chunked = False
    _silent = False
    _left: int | None = None

    def __init__(
        self, connection: "HttpConnection", method: bytes, target: bytes, version: bytes, headers: list[Header]
    ) -> None:
        self._connection = connection
        self.method = method
        self.target = target
        self.version = version
        self.headers = headers
        self.keep_alive = True

    @property
    def path(self) -> bytes:
        """The target without its query."""
        return self.target.partition(b"?")[0]

    def header(self, name: bytes) -> bytes | None:
        """The first value of a header (lower-case name)."""
        return next((value for key, value in self.headers if key == name), None)

    def respond(self, status: int, headers: Sequence[Header], body: bytes) -> None:
        """Answer with a whole body; Content-Length is set from it."""
        if self.client_gone or self.started:
            return
        self.started = True
        fields = [header for header in headers if header[0] != b"content-length"]
        if _may_have_body(status):
            length = b"%d" % len(body)
            if self.method == b"HEAD" and not body:
                length = dict(headers).get(b"content-length", length)
            fields.append((b"content-length", length))
        payload = body if self.method != b"HEAD" and _may_have_body(status) else b""
        self._connection.write(self._head(status, fields) + payload)
        self._connection.finish(self)

    def respond_json(self, status: int, value: object, headers: Sequence[Header] = ()) -> None:
        """Answer with a JSON body of one line."""
        body = json.dumps(value).encode() + b"\n"
        self.respond(status, [(b"content-type", b"application/json"), *headers], body)

    def begin(self, status: int, headers: Sequence[Header]) -> None:
        """Start a streamed response: framed by the given Content-Length, else chunked, else (HTTP/1.0) by the end."""
        if self.client_gone or self.started:
            return
        self.started = True
        fields = list(headers)
        length = dict(headers).get(b"content-length")
        self._silent = self.method == b"HEAD" or not _may_have_body(status)
        if status == HTTPStatus.NO_CONTENT:
            fields = [header for header in headers if header[0] != b"content-length"]
        elif length is not None:
            self._left = int(length)
        elif status == HTTPStatus.NOT_MODIFIED:
            pass
        elif self.version == b"1.1":
            self._chunked = True
            fields.append((b"transfer-encoding", b"chunked"))
        else:
            self.keep_alive = False
        self._connection.write(self._head(status, fields))

    def write(self, chunk: bytes) -> None:
        """Send a part of a streamed response."""
        if self.client_gone or not chunk or self._silent:
            return
        if self._left is not None:
            self._left -= len(chunk)
            if self._left < 0:
                self.abort()
                return
        self._connection.write(b"%x\r\n%b\r\n" % (len(chunk), chunk) if self._chunked else chunk)

    def end(self) -> None:
        """Complete a streamed response; one that is shorter than its Content-Length closes the connection."""
        if self.client_gone:
            return
        if self._left and not self._silent:
            self.abort()
            return
        if self._chunked and not self._silent:
            self._connection.write(b"0\r\n\r\n")
        self._connection.finish(self)

    def abort(self) -> None:
        """End the connection: the client must see that the response is not complete."""
        self._connection.abort()

    @property
    def writable(self) -> bool:
        """Whether the client takes data as fast as it is written."""
        return not self._connection.write_paused

    def _head(self, status: int, headers: Sequence[Header]) -> bytes:
        self.keep_alive = self.keep_alive and not self._connection.server.draining
        lines = [b"HTTP/1.1 %d %b" % (status, _REASONS.get(status, b"Status"))]
        lines += [b"%b: %b" % header for header in headers]
        lines.append(b"date: " + self._connection.server.date)
        if not self.keep_alive:
            lines.append(b"connection: close")
        elif self.version == b"1.0":
            lines.append(b"connection: keep-alive")
        return b"\r\n".join(lines) + b"\r\n\r\n"


def _may_have_body(status: int) -> bool:
    return status >= 200 and status not in (204, 304)


def response_headers(fields: Sequence[bytes]) -> list[Header] | None:
    """Check the names and values that a function wants to send; None: they can't be sent.

    Hop-by-hop headers and the runtime's own are the edge's business and are left out.
    """
    if len(fields) % 2:
        return None
    headers: list[Header] = []
    lengths = 0
    for name, raw in zip(fields[::2], fields[1::2], strict=True):
        if not _is_name(name) or b"\r" in raw or b"\n" in raw:
            return None
        value = raw.strip(b" \t")
        if name == b"content-length":
            lengths += 1
            if lengths > 1 or len(value) > _MAX_LENGTH_DIGITS or not value.isdigit():
                return None  # the client would have to guess where the answer ends
        if name not in _OURS:
            headers.append((name, value))
    return headers


@lru_cache(maxsize=1024)
def _is_name(name: bytes) -> bool:
    """Whether a header may be called so; a function uses few names, again and again."""
    return bool(name) and not name.translate(None, _TOKEN)
