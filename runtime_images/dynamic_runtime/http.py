"""The HTTP/1.1 edge: one protocol object a connection, over the llhttp parser.

A connection parses strictly, holds each request whole (bounded), hands it to the application one at a time in
order, and writes responses. It refuses what is ambiguous (RFC 9112: both Content-Length and Transfer-Encoding, bad
chunking) with a status and a one-line JSON body, and never waits for a slow client for ever. It knows nothing of
workers.
"""

import asyncio
from collections import deque
from http import HTTPStatus
from typing import TYPE_CHECKING, cast

import httptools

from runtime_images.dynamic_runtime.exchange import Exchange, Header
from runtime_images.dynamic_runtime.request_target import is_host, origin_form
from runtime_images.dynamic_runtime.slow_readers import unread_bytes

if TYPE_CHECKING:
    from runtime_images.dynamic_runtime.http_server import HttpServer

MAX_REQUEST_HEAD_BYTES = 64 * 1024
HEAD_TIMEOUT_S = 30.0
BODY_TIMEOUT_S = 30.0
IDLE_TIMEOUT_S = 90.0
WRITE_TIMEOUT_S = 60.0
LINGER_S = 1.0
_NEVER_S = float("inf")
_MAX_CHUNK_OVERHEAD = 8
_MAX_PARTS = 1024
"""Parts of a body that are kept apart; a body that comes in more, byte by byte, must not cost an object a byte."""
_FOREIGN_METHODS = frozenset(
    b"CONNECT PRI SOURCE DESCRIBE ANNOUNCE SETUP PLAY PAUSE TEARDOWN GET_PARAMETER SET_PARAMETER REDIRECT RECORD "
    b"FLUSH".split()
)
"""What the parser knows but a function is not for: tunnels, HTTP/2's preface, Icecast and RTSP."""


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
        self._parts: list[bytes | bytearray] = []
        self._body_bytes = 0
        self._raw_body_bytes = 0
        self._unread_bytes = self._fields_bytes = self._hosts = self._length = 0
        self._method = b"GET"
        self._host = b""
        self._expects = self._codings = b""
        self._owes_continue = False
        self._refused = False
        self._reading_paused = False
        self._lingering: asyncio.TimerHandle | None = None
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
        if self._lingering is not None:
            self._lingering.cancel()
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
        self._unread_bytes = 0

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
        version = self._parser.get_http_version().encode()
        lines = [b"%b %b HTTP/%b" % (self._method, self._url, version), *(b"%b: %b" % header for header in kept)]
        return b"\r\n".join(lines) + b"\r\n\r\n"

    # httptools callbacks

    def on_message_begin(self) -> None:
        """A request begins; its head must come in time."""
        self._url = b""
        self._method = b"GET"
        self._headers = []
        self._fields_bytes = self._hosts = self._length = 0
        self._expects = self._codings = b""
        self._deadline_s = self.server.clock.monotonic() + HEAD_TIMEOUT_S

    def on_url(self, url: bytes) -> None:
        """Part of the request target."""
        self._url += url

    def on_header(self, name: bytes, value: bytes | None) -> None:
        """One header line."""
        if not self._in_head:
            return  # trailers are none of the application's business
        name, value = name.lower(), value.strip(b" \t") if value else b""  # llhttp leaves tabs
        self._headers.append((name, value))
        self._fields_bytes += len(name) + len(value)
        if name == b"host":
            self._hosts += 1
            self._host = value
        elif name == b"content-length":
            self._length = int(value)  # the parser has refused what is no number
        elif name == b"expect":
            self._expects = value.lower()
        elif name == b"transfer-encoding":
            self._codings += b"," + value.lower()

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
        # With HTTP/1.0 the framing of a coded message can't be trusted (RFC 9112, 6.1): close afterwards.
        exchange.keep_alive = self._parser.should_keep_alive() and (version == b"1.1" or not self._codings)
        if version not in (b"1.0", b"1.1"):
            self._refuse(HTTPStatus.HTTP_VERSION_NOT_SUPPORTED, "only HTTP/1.0 and HTTP/1.1 are spoken here")
        elif self._method in _FOREIGN_METHODS:
            self._refuse(HTTPStatus.NOT_IMPLEMENTED, f"{self._method.decode()} is not supported here")
        elif len(self._url) + self._fields_bytes > MAX_REQUEST_HEAD_BYTES - 1024:
            self._refuse(
                HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
                f"the request head exceeds {MAX_REQUEST_HEAD_BYTES} bytes",
            )
        elif self._hosts != 1 and (self._hosts or version == b"1.1"):
            self._refuse(HTTPStatus.BAD_REQUEST, "a request needs exactly one Host header")
        elif not self._is_addressed(exchange):
            self._refuse(HTTPStatus.BAD_REQUEST, "the request's target or its Host header is malformed")
        elif self._codings and self._codings != b",chunked":
            ends_well = self._codings.rpartition(b",")[2].strip() == b"chunked"  # else nobody knows where it ends
            status = HTTPStatus.NOT_IMPLEMENTED if ends_well else HTTPStatus.BAD_REQUEST
            self._refuse(status, "no transfer coding but chunked is understood here")
        elif self._length > self.server.max_body_bytes:
            self._refuse_body()
        else:
            self._receiving = exchange
            self._owes_continue = self._expects == b"100-continue" and version == b"1.1"
            if self._owes_continue:
                self._continue()

    def _is_addressed(self, exchange: Exchange) -> bool:
        """Bring the target into origin form; whether it and the Host header are well-formed."""
        if self._hosts and not is_host(self._host):
            return False
        if not exchange.target.startswith(b"/") or b"#" in exchange.target:
            origin = origin_form(exchange.method, exchange.target)
            if origin is None:
                return False
            exchange.target, authority = origin
            if authority is not None:  # it counts, whatever the Host header says (RFC 9112, 3.2.2)
                others = [header for header in exchange.headers if header[0] != b"host"]
                exchange.headers = [(b"host", authority), *others]
        return True

    def _continue(self) -> None:
        """Ask for the body that a client holds back, once all answers before it have left."""
        if self._current is None and not self._pending:
            self._owes_continue = False
            self.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_body(self, body: bytes) -> None:
        """Part of the request's body."""
        if self._receiving is None:
            return
        self._body_bytes += len(body)
        if self._body_bytes > self.server.max_body_bytes:
            self._refuse_body()
            return
        if len(self._parts) < _MAX_PARTS:
            self._parts.append(body)
        elif len(self._parts) == _MAX_PARTS:
            self._parts.append(bytearray(body))
        else:
            self._parts[-1] += body

    def on_message_complete(self) -> None:
        """The request is whole: queue it behind those that came before on this connection."""
        self._in_head = True
        self._head_bytes = 0
        exchange, self._receiving = self._receiving, None
        if exchange is None:
            return
        exchange.arrived_s = self.server.clock.monotonic()
        exchange.body = b"".join(self._parts)  # of a single part, the part itself
        self._owes_continue = False
        self._parts = []
        if self._current is None and not self._pending:
            self._hand_over(exchange)
        else:
            self._pending.append(exchange)
            self._next()

    # answering

    def _next(self) -> None:
        """Hand over the next request, one at a time; read on only when the client is not ahead of us."""
        while self._current is None and self._pending:
            self._hand_over(self._pending.popleft())
        if self._transport is None or self._transport.is_closing():
            return
        if bool(self._pending) is not self._reading_paused:
            self._reading_paused = not self._reading_paused
            if self._reading_paused:
                self._transport.pause_reading()
            else:
                self._transport.resume_reading()

    def _hand_over(self, exchange: Exchange) -> None:
        self._current = exchange
        self._deadline_s = _NEVER_S
        if exchange.refusal is None:
            self.server.application.handle(exchange)
        else:
            status, message = exchange.refusal
            exchange.respond_json(status, {"error": message})

    def write(self, data: bytes) -> None:
        """Send bytes to the client."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(data)

    def finish(self, exchange: Exchange) -> None:
        """The response is complete: close, or go on with the next request."""
        if exchange is not self._current:
            return
        self._current = None
        exchange.on_client_gone = exchange.on_drain = None  # they refer back to the exchange: no work for the collector
        self._deadline_s = self.server.clock.monotonic() + IDLE_TIMEOUT_S
        if not exchange.keep_alive:
            self._linger()
        elif self._pending or self._reading_paused:
            self.server.loop.call_soon(self._next)
        elif self._owes_continue:
            self._continue()

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
        if self.write_paused and self._transport is not None:
            before, self._unread_bytes = self._unread_bytes, unread_bytes(self._transport)
            if self._unread_bytes < before:  # it reads, if slowly
                self._deadline_s = now_s + WRITE_TIMEOUT_S
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
        """Close in stages (RFC 9112, 9.6): with unread input a close is a reset, and may cost the client our answer."""
        self._refused = True
        if self._transport is not None and not self._transport.is_closing():
            if self._reading_paused:
                self._reading_paused = False
                self._transport.resume_reading()
            self._transport.write_eof()
            self._lingering = self.server.loop.call_later(LINGER_S, self._transport.close)
