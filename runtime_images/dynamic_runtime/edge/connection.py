"""The HTTP/1.1 edge: one protocol object a connection.

A connection reads requests whole (bounded), hands them to the application one at a time in order, and writes
responses. It refuses what is ambiguous with a status and a one-line JSON body, and never waits for a slow client for
ever. It knows nothing of workers. An ordinary request that comes in one piece takes the short way through
`data_received`; all else goes through the slow reader or is collected piece by piece.
"""

import asyncio
from collections import deque
from http import HTTPStatus
from typing import TYPE_CHECKING, cast

from runtime_images.dynamic_runtime.edge import limits
from runtime_images.dynamic_runtime.edge.body_receiver import BodyReceiver
from runtime_images.dynamic_runtime.edge.exchange import Exchange
from runtime_images.dynamic_runtime.edge.fast_path import Glance, lengths_of
from runtime_images.dynamic_runtime.edge.limits import FROM_THE_NEXT_TICK
from runtime_images.dynamic_runtime.edge.slow_path import Payload, ReadRequest, SlowReader
from runtime_images.dynamic_runtime.edge.slow_readers import unread_bytes
from runtime_images.dynamic_runtime.wire import client_address

if TYPE_CHECKING:
    from collections.abc import Callable

    from runtime_images.dynamic_runtime.edge.server import HttpServer


class HttpConnection(asyncio.Protocol):
    """One client connection.

    `_transport` is what may be written to; a transport that only has to send what it was given is `_leaving`.
    """

    _leaving: asyncio.Transport | None = None
    _client_done = False
    patience_s = limits.WRITE_TIMEOUT_S
    _body_due_s = _resumed_s = 0.0

    def __init__(self, server: "HttpServer") -> None:
        self.server = server
        self.client = client_address.NONE
        self._now = server.now
        self._handle = server.application.handle
        self.write_paused = False
        self._transport: asyncio.Transport | None = None
        self._max_body = server.max_body_bytes
        self._read: Callable[[bytes], None] | None = None  # who gets what comes, while a request is not whole
        self._glance = Glance(server.max_body_bytes)
        self._slow: SlowReader | None = None
        self._collected: Payload | None = None
        self._receiving: Exchange | None = None
        self._unsent: list[Callable[[], None]] = []
        self._head_length = self._missing = self._unread_bytes = 0
        self._owes_continue = False
        self._pending: deque[Exchange] = deque()
        self._current: Exchange | None = None
        self._reading_paused = False
        self._lingering: asyncio.TimerHandle | None = None
        self._deadline_s = server.now() + limits.HEAD_TIMEOUT_S

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Register the connection."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's transports are no subclasses
        self.client = client_address.pack(transport.get_extra_info("peername"))
        self.server.connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 -- asyncio's signature
        """Tell whoever works for this client that it is gone."""
        self.server.connections.discard(self)
        self._transport = self._leaving = None
        self._stop_reading()
        if self._lingering is not None:
            self._lingering.cancel()
        self._give_back()
        self._drop_what_waits()
        exchange, self._current = self._current, None
        if exchange is not None:
            exchange.client_gone = True
            self.server.application.client_gone(exchange)

    def eof_received(self) -> bool:
        """The client sends no more: it has left, or it waits for its answer (docs/http.md says how that is told).

        The result says whether the connection is kept to answer on; else the transport closes itself.
        """
        exchange = self._current
        if exchange is None and self._read is not None and self._read is not _ignore:
            self._client_done = True
            self.refuse(HTTPStatus.BAD_REQUEST, "the request ended before it was whole")
            return True
        if exchange is not None and self._now() - max(exchange.arrived_s, self._resumed_s) <= limits.HALF_CLOSE_S:
            self._client_done = True
            self._stop_reading()
            exchange.close_afterwards()
            self.server.application.half_closed(exchange)
            return True
        self._let_go()
        return False

    def pause_writing(self) -> None:
        """The client is slower than the response."""
        self.write_paused = True
        self._deadline_s = self._now() + self.patience_s
        self._unread_bytes = 0

    def resume_writing(self) -> None:
        """The client has caught up."""
        self.write_paused = False
        self._deadline_s = self._now() + self.patience_s
        self._give_back()
        if self._current is not None:
            self.server.application.drained(self._current)

    def data_received(self, data: bytes) -> None:
        """Take what came. The common case is one ordinary request, whole: it goes on at once, as it stands."""
        free = self._read is None and self._current is None and not self._pending
        if free and (head_length := self._glance.at(data)):
            exchange = self._current = Exchange(self, data, head_length, self._now())
            self._handle(exchange)
        else:
            self._take(data, 0)

    # requests in several pieces

    def _take(self, data: bytes, start: int) -> None:
        """Take requests from `start` on: ordinary ones one by one, the last one's body may be still on its way."""
        while self._read is None and start < len(data):
            lengths = lengths_of(data, start)
            if lengths is None or lengths[1] > self._max_body:
                break
            head_length, length = lengths
            end = start + head_length + length
            if end > len(data):
                self._collect_from(data[start:], head_length, end - len(data))
                return
            self._queue(Exchange(self, data[start:end], head_length, self._now()))
            start = end
        if start < len(data):
            (self._read or self._read_slowly)(data[start:] if start else data)

    def _collect_from(self, data: bytes, head_length: int, missing: int) -> None:
        """An ordinary request whose body is still on its way: nothing to parse, only to wait for."""
        self._body_begins()
        self._read = self._collect
        if self.server.requests is not None and self._receive_into_arena(data, head_length, missing):
            return
        self._collected = Payload(data)
        self._head_length = head_length
        self._missing = missing

    def _collect(self, data: bytes) -> None:
        assert self._collected is not None
        self.body_moved(len(data))
        end = self._missing
        self._missing -= len(data)
        self._collected.add(data if self._missing >= 0 else data[:end])
        if self._missing > 0:
            return
        payload, self._collected, self._read = self._collected.join(), None, None
        self._queue(Exchange(self, payload, self._head_length, self._now()))
        self._take(data, end)

    def _receive_into_arena(self, data: bytes, head_length: int, missing: int) -> bool:
        """Have the rest of a long body read from the socket to where the worker will find it; False: no room."""
        assert self.server.requests is not None
        assert self._transport is not None
        begun = memoryview(data)[head_length:]
        slot = self.server.requests.take(len(begun) + missing)
        if slot is None:
            return False
        slot.memory[: len(begun)] = begun
        self._receiving = Exchange(self, data[:head_length], head_length, 0.0)
        self._receiving.slot = slot
        self._transport.set_protocol(BodyReceiver(self, slot.memory[len(begun) :]))
        return True

    def _body_begins(self) -> None:
        self._deadline_s = self._body_due_s = self._now() + limits.BODY_TIMEOUT_S

    def body_moved(self, size: int) -> None:
        """A part of a body has come: it earns the rest some time, but a byte now and then does not."""
        self._body_due_s += size / limits.LEAST_BODY_RATE
        self._deadline_s = min(self._body_due_s, self._now() + limits.BODY_TIMEOUT_S)

    def body_complete(self) -> None:
        """A long body is whole."""
        assert self._transport is not None
        assert self._receiving is not None
        exchange, self._receiving, self._read = self._receiving, None, None
        self._transport.set_protocol(self)
        exchange.arrived_s = self._now()
        self._queue(exchange)

    def _read_slowly(self, data: bytes) -> None:
        """Have the slow reader take the bytes apart, until it stands between two requests again."""
        slow = self._slow
        if slow is None:
            slow = self._slow = SlowReader(self, self._max_body)
            self._deadline_s = self._now() + limits.HEAD_TIMEOUT_S
            self._read = self._read_slowly
        was_in_body = slow.in_body
        slow.feed(data)
        if slow.in_body:
            if not was_in_body:
                self._body_begins()
            self.body_moved(len(data))
        elif slow.between_requests and self._slow is not None:
            self._slow = None
            self._read = None

    def request_read(self, request: ReadRequest) -> None:
        """The slow reader has a request."""
        if self._read is _ignore:
            return  # the connection was closed by the answer to the one before
        self._owes_continue = False
        self._body_begins()  # what follows in the same read has its own time
        exchange = Exchange(self, request.payload.join(), request.head_length, self._now())
        exchange.http_1_0 = request.http_1_0
        exchange.keep_alive = request.keep_alive
        exchange.unusual = request.http_1_0 or not request.keep_alive or request.method == b"HEAD"
        self._queue(exchange)

    def body_expected(self) -> None:
        """The client has announced a body and waits to be asked for it (RFC 9110, section 10.1.1)."""
        self._owes_continue = True
        self._continue()

    def _continue(self) -> None:
        """Ask for the body that a client holds back, once all answers before it have left."""
        if self._current is None and not self._pending:
            self._owes_continue = False
            self.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def refuse(self, status: int, message: str, method: bytes = b"GET") -> None:
        """Answer with an error and close: after a malformed message nothing behind it can be trusted.

        Requests that came whole before it on this connection are answered first.
        """
        if self._read is _ignore:
            return  # the answer to the one before has closed the connection
        self._stop_reading()
        line = b"%b / HTTP/1.1\r\n\r\n" % method
        exchange = Exchange(self, line, len(line), self._now())
        exchange.close_afterwards()
        exchange.refusal = (status, message)
        self._queue(exchange)

    # answering

    def _queue(self, exchange: Exchange) -> None:
        """Hand a request over now, or after those that came before on this connection."""
        self._pending.append(exchange)
        self._next()

    def _next(self) -> None:
        """Hand over the next request, one at a time; read on only when the client is not ahead of us."""
        while self._current is None and self._pending:
            exchange = self._current = self._pending.popleft()
            if exchange.refusal is None:
                self._handle(exchange)
            else:
                status, message = exchange.refusal
                exchange.respond_json(status, {"error": message})
        if self._transport is None or self._transport.is_closing():
            return
        if bool(self._pending) is not self._reading_paused:
            self._reading_paused = not self._reading_paused
            if self._reading_paused:
                self._transport.pause_reading()
            else:
                self._resumed_s = self._now()
                self._transport.resume_reading()

    def write(self, data: bytes) -> None:
        """Send bytes to the client."""
        if self._transport is not None:
            self._transport.write(data)

    def write_shared(self, head: bytes, body: memoryview, give_back: "Callable[[], None]") -> None:
        """Send a head and a body in shared memory, which is given back once nothing of it is left to be sent."""
        transport = self._transport
        if transport is None:
            give_back()
            return
        transport.set_write_buffer_limits(0)  # what can leave now does, and we are told when the rest has
        transport.writelines((head, body))
        self._unsent.append(give_back)
        if not transport.get_write_buffer_size():
            self._give_back()

    def _give_back(self) -> None:
        """Everything written has left: nobody needs the shared memory that it stood in."""
        if self._unsent:
            for give_back in self._unsent:
                give_back()
            self._unsent.clear()
            if self._transport is not None:
                self._transport.set_write_buffer_limits()

    def finish(self, exchange: Exchange, last: bytes) -> None:
        """Send the last bytes of a response, then close, or go on with the next request."""
        if exchange.slot is not None and exchange.link is None:
            exchange.free_slot()  # no worker has it; else it is the front's to say when
        if last and self._transport is not None:
            self._transport.write(last)
        if exchange is not self._current:
            return
        self._current = None
        self._deadline_s = FROM_THE_NEXT_TICK
        if not exchange.keep_alive:
            self._linger()
        elif self._pending or self._reading_paused:
            self.server.loop.call_soon(self._next)
        elif self._owes_continue:
            self._continue()

    def close(self) -> None:
        """Close once everything is written."""
        self._stop_reading()
        if self._transport is not None:
            self._transport.close()
            self._let_go()

    def abort(self) -> None:
        """Close at once; what is not written yet is lost, and the client sees it."""
        self._stop_reading()
        transport = self._transport or self._leaving
        if transport is not None:
            transport.abort()
        self._transport = self._leaving = None

    def _let_go(self) -> None:
        """Nothing is written from here on; the client has some time to take what was."""
        self._leaving, self._transport = self._transport, None
        self._deadline_s = self._now() + self.patience_s

    @property
    def idle(self) -> bool:
        """Whether no request is being received or answered."""
        return self._current is None and self._read is None and not self._pending

    def check_deadline(self, now_s: float) -> None:
        """End the connection of a client that is too slow; called about every second."""
        transport = self._leaving or (self._transport if self.write_paused else None)
        if transport is not None:
            before, self._unread_bytes = self._unread_bytes, unread_bytes(transport)
            if self._unread_bytes < before:  # it reads, if slowly
                self._deadline_s = now_s + self.patience_s
        if self._deadline_s == FROM_THE_NEXT_TICK:
            self._deadline_s = now_s + (limits.IDLE_TIMEOUT_S if self.idle else limits.HEAD_TIMEOUT_S)
        if now_s < self._deadline_s:
            return
        if transport is not None:
            self.abort()
        elif self.idle:
            self.close()
        elif self._current is None:
            self.refuse(HTTPStatus.REQUEST_TIMEOUT, "the request came too slowly, or stopped coming")

    def _stop_reading(self) -> None:
        self._slow = None
        self._collected = None
        self._read = _ignore
        if self._receiving is not None:
            self._receiving.free_slot()
            self._receiving = None
            if self._transport is not None:
                self._transport.set_protocol(self)

    def _drop_what_waits(self) -> None:
        for exchange in self._pending:
            exchange.free_slot()
        self._pending.clear()

    def _linger(self) -> None:
        """Close in stages (RFC 9112, 9.6): with unread input a close is a reset, and may cost the client our answer."""
        self._stop_reading()
        self._drop_what_waits()
        transport = self._transport
        if self._client_done or transport is None or transport.is_closing():
            self.close()
            return
        if self._reading_paused:
            self._reading_paused = False
            transport.resume_reading()
        transport.write_eof()
        self._lingering = self.server.loop.call_later(limits.LINGER_S, transport.close)
        self._let_go()


def _ignore(data: bytes) -> None:
    """Where bytes go that come after the last request that is read on a connection."""
