"""The HTTP/1.1 edge: one protocol object a connection, over the llhttp parser.

A connection parses strictly, holds each request whole (bounded), hands it to the application one at a time in
order, and writes responses. It refuses what is ambiguous (RFC 9112: both Content-Length and Transfer-Encoding, bad
chunking) with a status and a one-line JSON body, and never waits for a slow client for ever. It knows nothing of
workers.
"""

import asyncio
import json
from collections import deque
from collections.abc import Callable, Sequence
from email.utils import formatdate
from http import HTTPStatus
from typing import Protocol, cast

import httptools

from runtime_images.dynamic_runtime.clock import Clock

Header = tuple[bytes, bytes]

MAX_REQUEST_HEAD_BYTES = 64 * 1024
HEAD_TIMEOUT_S = 30.0
BODY_TIMEOUT_S = 30.0
IDLE_TIMEOUT_S = 90.0
WRITE_TIMEOUT_S = 60.0
LINGER_S = 1.0
_MAX_CHUNK_OVERHEAD = 8
_FOREIGN_METHODS = frozenset(
    b"CONNECT PRI SOURCE DESCRIBE ANNOUNCE SETUP PLAY PAUSE TEARDOWN GET_PARAMETER SET_PARAMETER REDIRECT RECORD "
    b"FLUSH".split()
)
"""What the parser knows but a function is not for: tunnels, HTTP/2's preface, Icecast and RTSP."""
_TOKEN = bytes(c for c in range(33, 127) if chr(c) not in '"(),/:;<=>?@[\\]{}')
_HOP_BY_HOP = frozenset((b"connection", b"keep-alive", b"transfer-encoding", b"te", b"trailer", b"upgrade"))
_REASONS = {status.value: status.phrase.encode() for status in HTTPStatus}


class Application(Protocol):
    """Whoever answers requests."""

    def handle(self, exchange: "Exchange") -> None:
        """Answer the exchange, now or later. Never raises."""


class Exchange:
    """One request and the means to answer it, once. Header names of the request are lower case."""

    __slots__ = (
        "_chunked", "_connection", "_left", "arrived_s", "body", "client_gone", "headers", "keep_alive", "method",
        "on_client_gone", "on_drain", "refusal", "started", "target", "version",
    )  # fmt: skip

    def __init__(
        self,
        connection: "HttpConnection",
        method: bytes,
        target: bytes,
        version: bytes,
        headers: list[Header],
    ) -> None:
        self._connection = connection
        self._chunked = False
        self._left: int | None = None
        self.method = method
        self.target = target
        self.version = version
        self.headers = headers
        self.body = b""
        self.keep_alive = True
        self.arrived_s = 0.0
        self.started = False
        self.client_gone = False
        self.on_client_gone: Callable[[], None] | None = None
        self.on_drain: Callable[[], None] | None = None
        self.refusal: tuple[int, str] | None = None

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
        if length is not None and length.isdigit():
            self._left = int(length)
        elif self.version == b"1.1" and _may_have_body(status):
            self._chunked = True
            fields.append((b"transfer-encoding", b"chunked"))
        else:
            self.keep_alive = False
        self._connection.write(self._head(status, fields))

    def write(self, chunk: bytes) -> None:
        """Send a part of a streamed response."""
        if self.client_gone or not chunk or self.method == b"HEAD":
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
        if self._left and self.method != b"HEAD":
            self.abort()
            return
        if self._chunked and self.method != b"HEAD":
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

    Hop-by-hop headers are the edge's own business and are left out.
    """
    if len(fields) % 2:
        return None
    headers: list[Header] = []
    for name, value in zip(fields[::2], fields[1::2], strict=True):
        if not name or name.translate(None, _TOKEN) or b"\r" in value or b"\n" in value:
            return None
        if name not in _HOP_BY_HOP:
            headers.append((name, value.strip(b" \t")))
    return headers


class HttpConnection(asyncio.Protocol):
    """One client connection."""

    def __init__(self, server: "HttpServer") -> None:
        self.server = server
        self.write_paused = False
        self._transport: asyncio.Transport | None = None
        self._parser = httptools.HttpRequestParser(self)
        self._pending: deque[Exchange] = deque()
        self._current: Exchange | None = None
        self._receiving: Exchange | None = None
        self._url = b""
        self._headers: list[Header] = []
        self._head_bytes = 0
        self._in_head = True
        self._parts: list[bytes] = []
        self._body_bytes = 0
        self._raw_body_bytes = 0
        self._fields_bytes = self._hosts = self._length = 0
        self._method = b"GET"
        self._expects = b""
        self._encoded = False
        self._refused = False
        self._deadline_s = server.clock.monotonic() + HEAD_TIMEOUT_S

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Register the connection."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's transports are no subclasses
        self.server.connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 -- asyncio's signature
        """Tell whoever works for this client that it is gone."""
        self.server.connections.discard(self)
        self._refused = True
        for exchange in (*self._pending, *([self._current] if self._current else ())):
            exchange.client_gone = True
            if exchange.on_client_gone is not None:
                exchange.on_client_gone()
        self._pending.clear()
        self._current = None

    def pause_writing(self) -> None:
        """The client is slower than the response."""
        self.write_paused = True
        self._deadline_s = self.server.clock.monotonic() + WRITE_TIMEOUT_S

    def resume_writing(self) -> None:
        """The client has caught up."""
        self.write_paused = False
        self._deadline_s = self.server.clock.monotonic() + WRITE_TIMEOUT_S
        if self._current is not None and self._current.on_drain is not None:
            self._current.on_drain()

    def data_received(self, data: bytes) -> None:
        """Parse what came; a parse error is answered once and closes."""
        if self._refused:
            return
        if self._in_head:
            self._head_bytes += len(data)
        try:
            self._parse(data)
        except httptools.HttpParserError as error:
            self._refuse(HTTPStatus.BAD_REQUEST, f"malformed request: {error}")
            return
        if self._in_head and self._head_bytes > MAX_REQUEST_HEAD_BYTES:
            self._refuse(
                HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
                f"the request head exceeds {MAX_REQUEST_HEAD_BYTES} bytes",
            )
        elif self._receiving is not None:
            self._raw_body_bytes += len(data)
            self._deadline_s = self.server.clock.monotonic() + BODY_TIMEOUT_S
            if self._raw_body_bytes > _MAX_CHUNK_OVERHEAD * self.server.max_body_bytes + MAX_REQUEST_HEAD_BYTES:
                self._refuse_body()  # endless chunk extensions or trailers

    def _parse(self, data: bytes) -> None:
        """Feed the parser; an offer to upgrade is declined by going on as if it had not been made (RFC 9110, 7.8)."""
        while True:
            try:
                self._parser.feed_data(data)
            except httptools.HttpParserUpgrade as offer:
                if self._refused:
                    return
                data = self._head_without_offer() + data[offer.args[0] :]
                self._parser = httptools.HttpRequestParser(self)
            else:
                return

    def _head_without_offer(self) -> bytes:
        """The head again, for a parser that shall read the body that the first one left alone."""
        closes = any(name == b"connection" and b"close" in value.lower() for name, value in self._headers)
        kept = [header for header in self._headers if header[0] not in (b"connection", b"upgrade")]
        if closes:
            kept.append((b"connection", b"close"))
        lines = [b"%b %b HTTP/1.1" % (self._method, self._url), *(b"%b: %b" % header for header in kept)]
        return b"\r\n".join(lines) + b"\r\n\r\n"

    # httptools callbacks

    def on_message_begin(self) -> None:
        """A request begins; its head must come in time."""
        self._url = b""
        self._method = b"GET"
        self._headers = []
        self._fields_bytes = self._hosts = self._length = 0
        self._expects = b""
        self._encoded = False
        self._deadline_s = self.server.clock.monotonic() + HEAD_TIMEOUT_S

    def on_url(self, url: bytes) -> None:
        """Part of the request target."""
        self._url += url

    def on_header(self, name: bytes, value: bytes | None) -> None:
        """One header line."""
        if not self._in_head:
            return  # trailers are none of the application's business
        name, value = name.lower(), value or b""
        self._headers.append((name, value))
        self._fields_bytes += len(name) + len(value)
        if name == b"host":
            self._hosts += 1
        elif name == b"content-length":
            self._length = int(value)  # the parser has refused what is no number
        elif name == b"expect":
            self._expects = value.lower()
        elif name == b"transfer-encoding":
            self._encoded = True  # with HTTP/1.0 its framing can't be trusted (RFC 9112, 6.1): close afterwards

    def on_headers_complete(self) -> None:
        """The head is there: decide whether the body is wanted."""
        self._in_head = False
        self._parts = []
        self._body_bytes = 0
        self._raw_body_bytes = 0
        self._method = self._parser.get_method()
        version = self._parser.get_http_version().encode()
        if self._refused or (self._parser.should_upgrade() and self._method != b"CONNECT"):
            return
        exchange = Exchange(self, self._method, self._url, version, self._headers)
        exchange.keep_alive = self._parser.should_keep_alive() and (version == b"1.1" or not self._encoded)
        if version not in (b"1.0", b"1.1"):
            self._refuse(HTTPStatus.HTTP_VERSION_NOT_SUPPORTED, "only HTTP/1.0 and HTTP/1.1 are spoken here")
        elif self._method in _FOREIGN_METHODS:
            self._refuse(HTTPStatus.NOT_IMPLEMENTED, f"{self._method.decode()} is not supported here")
        elif len(self._url) + self._fields_bytes > MAX_REQUEST_HEAD_BYTES - 1024:
            self._refuse(
                HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
                f"the request head exceeds {MAX_REQUEST_HEAD_BYTES} bytes",
            )
        elif exchange.version == b"1.1" and self._hosts != 1:
            self._refuse(HTTPStatus.BAD_REQUEST, "an HTTP/1.1 request needs exactly one Host header")
        elif self._length > self.server.max_body_bytes:
            self._refuse_body()
        else:
            self._receiving = exchange
            if self._expects == b"100-continue" and not self._pending and self._current is None:
                self.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_body(self, body: bytes) -> None:
        """Part of the request's body."""
        if self._receiving is None:
            return
        self._body_bytes += len(body)
        if self._body_bytes > self.server.max_body_bytes:
            self._refuse_body()
            return
        self._parts.append(body)

    def on_message_complete(self) -> None:
        """The request is whole: queue it behind those that came before on this connection."""
        self._in_head = True
        self._head_bytes = 0
        exchange, self._receiving = self._receiving, None
        if exchange is None:
            return
        exchange.arrived_s = self.server.clock.monotonic()
        exchange.body = b"".join(self._parts) if len(self._parts) != 1 else self._parts[0]
        self._parts = []
        self._pending.append(exchange)
        self._next()

    # answering

    def _next(self) -> None:
        """Hand over the next request, one at a time; read on only when the client is not ahead of us."""
        while self._current is None and self._pending:
            self._current = self._pending.popleft()
            self._deadline_s = float("inf")
            if self._current.refusal is None:
                self.server.application.handle(self._current)
            else:
                status, message = self._current.refusal
                self.server.refused(status)
                self._current.respond_json(status, {"error": message})
        if self._transport is None or self._transport.is_closing():
            return
        if self._pending:
            self._transport.pause_reading()
        elif not self._transport.is_reading():
            self._transport.resume_reading()

    def write(self, data: bytes) -> None:
        """Send bytes to the client."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(data)

    def finish(self, exchange: Exchange) -> None:
        """The response is complete: close, or go on with the next request."""
        if exchange is not self._current:
            return
        self._current = None
        self._deadline_s = self.server.clock.monotonic() + IDLE_TIMEOUT_S
        if exchange.refusal is not None:
            self._linger()
        elif not exchange.keep_alive:
            self.close()
        elif self._pending:
            self.server.loop.call_soon(self._next)
        else:
            self._next()

    def close(self) -> None:
        """Close once everything is written."""
        self._refused = True
        if self._transport is not None:
            self._transport.close()

    def abort(self) -> None:
        """Close at once; what is not written yet is lost, and the client sees it."""
        self._refused = True
        if self._transport is not None:
            self._transport.abort()

    @property
    def idle(self) -> bool:
        """Whether no request is being received or answered."""
        return self._current is None and self._receiving is None and not self._pending and not self._head_bytes

    def check_deadline(self, now_s: float) -> None:
        """End the connection of a client that is too slow; called about every second."""
        if now_s < self._deadline_s:
            return
        if self.write_paused:
            self.abort()
        elif self.idle:
            self.close()
        elif self._current is None:
            self._refuse(HTTPStatus.REQUEST_TIMEOUT, "the request did not come in time")

    def _refuse_body(self) -> None:
        self._refuse(
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            f"the body exceeds the limit of {self.server.max_body_bytes} bytes",
        )

    def _refuse(self, status: int, message: str) -> None:
        """Answer with an error and close: after a malformed message nothing behind it can be trusted.

        Requests that came whole before it on this connection are answered first.
        """
        if self._refused:
            return
        self._refused = True
        self._receiving = None
        exchange = Exchange(self, self._method, b"", b"1.1", [])
        exchange.keep_alive = False
        exchange.refusal = (status, message)
        self._pending.append(exchange)
        self._next()

    def _linger(self) -> None:
        """Close, but let the client read our answer first: closing with unread input would reset the connection."""
        if self._transport is not None and not self._transport.is_closing():
            if not self._transport.is_reading():
                self._transport.resume_reading()
            self._transport.write_eof()
            self.server.loop.call_later(LINGER_S, self._transport.close)


class HttpServer:
    """The listening side: its connections, limits and the date of this second."""

    def __init__(self, application: Application, clock: Clock, max_body_bytes: int) -> None:
        self.application = application
        self.clock = clock
        self.max_body_bytes = max_body_bytes
        self.loop = asyncio.get_running_loop()
        self.connections: set[HttpConnection] = set()
        self.draining = False
        self.date = formatdate(usegmt=True).encode()
        self.refusals = 0
        self._server: asyncio.Server | None = None

    async def listen(self, host: str, port: int) -> int:
        """Listen on a TCP address; the port, chosen by the system if `port` is 0.

        Raises:
            OSError: the address cannot be had.
        """
        self._server = await self.loop.create_server(lambda: HttpConnection(self), host, port, backlog=2048)
        return int(self._server.sockets[0].getsockname()[1])

    async def listen_unix(self, path: str) -> None:
        """Listen on a Unix socket that only this user may open.

        Raises:
            OSError: the path cannot be had.
        """
        self._server = await self.loop.create_unix_server(lambda: HttpConnection(self), path)

    def refused(self, status: int) -> None:  # noqa: ARG002 -- a seam for metrics by status
        """Count a request that the edge refused."""
        self.refusals += 1

    def tick(self) -> None:
        """Once a second: the date header, and clients that are too slow."""
        self.date = formatdate(usegmt=True).encode()
        now_s = self.clock.monotonic()
        for connection in list(self.connections):
            connection.check_deadline(now_s)

    def stop_listening(self) -> None:
        """Accept no further connection."""
        if self._server is not None:
            self._server.close()

    def close_connections(self, *, only_idle: bool) -> None:
        """Close connections; those in use only when told so."""
        for connection in list(self.connections):
            if connection.idle or not only_idle:
                connection.close()
