"""The HTTP/1.1 edge: one protocol object a connection.

It reads requests whole (bounded), hands them to the application one at a time in order, refuses what is ambiguous, and
never waits for a slow client for ever. An ordinary request that comes in one piece takes the fast path through
`data_received`; the request reader takes all else.
"""

import asyncio
from collections import deque
from http import HTTPStatus
from typing import TYPE_CHECKING, cast

from runtime_images.dynamic_runtime.edge.bodies import NO_ROOM, Body, BodyReceiver
from runtime_images.dynamic_runtime.edge.budget import SMALL_BYTES, Room
from runtime_images.dynamic_runtime.edge.exchange import SOON_S, Exchange, Refusal, retry_after
from runtime_images.dynamic_runtime.edge.limits import HALF_CLOSE_S, Patience
from runtime_images.dynamic_runtime.edge.outlet import Outlet
from runtime_images.dynamic_runtime.edge.request_reader import RequestReader
from runtime_images.dynamic_runtime.edge.slow_path import ReadRequest

if TYPE_CHECKING:
    from runtime_images.dynamic_runtime.edge.application import Server


class HttpConnection(asyncio.Protocol):
    """One client connection: requests in turn, from their reader to the application."""

    _client_done = False
    _resumed_s = 0.0
    _has_turn = False

    def __init__(self, server: "Server[HttpConnection]") -> None:
        self._server = server
        self._now = server.now
        self._application = server.application
        self._handle = server.application.handle
        self._make_exchange = server.make_exchange
        self._patience = Patience(server.now)
        self._outlet = Outlet(server.shared_head, self._patience, self._finished)
        self._reader = RequestReader(
            self, self._patience, server.max_body_bytes, server.budget, server.shared_head.backlog, server.requests
        )
        self._fast_path = self._reader.fast_path
        self._owes_continue = False
        self._pending: deque[Exchange] = deque()
        self._current: Exchange | None = None
        self._reading_paused = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._outlet.open(cast("asyncio.Transport", transport))  # uvloop's transports are no subclasses
        self._server.opened(self)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 -- asyncio's signature
        self._server.closed(self)
        self._outlet.lost()
        self._reader.stop()
        self._drop_pending()
        exchange, self._current = self._current, None
        if exchange is not None:
            exchange.client_gone = True
            self._application.client_gone(exchange)

    def eof_received(self) -> bool:
        """Return whether to keep the connection: the client has left, or waits for its answer (docs/http.md)."""
        exchange = self._current
        if exchange is None and self._reader.partial is not None and not self._reader.stopped:
            self._client_done = True
            self.refuse(HTTPStatus.BAD_REQUEST, "the request ended before it was whole")
            return True
        if exchange is not None and self._now() - max(exchange.arrived_s, self._resumed_s) <= HALF_CLOSE_S:
            self._client_done = True
            if exchange.parts:
                self._patience.half_closed()
            self._reader.stop()
            exchange.close_afterwards()
            self._application.half_closed(exchange)
            return True
        self._outlet.let_go()
        return False

    def pause_writing(self) -> None:
        self._outlet.pause()

    def resume_writing(self) -> None:
        self._outlet.resume()
        if self._current is not None:
            self._application.drained(self._current)
        else:
            self._next()

    def data_received(self, data: bytes) -> None:
        """Take what came. The common case is one ordinary request, whole: it goes on at once, as it stands."""
        free = self._reader.partial is None and self._current is None and not self._pending
        if free and not self._outlet.write_paused and (head_length := self._fast_path.head_length(data)):
            exchange = self._make_exchange(self._outlet, data, head_length, self._now())
            if len(data) > SMALL_BYTES:
                exchange.slot = self._server.budget.hold(len(data))
                if exchange.slot is None:
                    self.no_room()
                    return
            self._current = exchange
            self._handle(exchange)
        else:
            self._reader.feed(data)
            self._go_on_later()
            self.steer()

    # the reader's Recipient

    @property
    def busy(self) -> bool:
        return self._current is not None or bool(self._pending) or self._outlet.write_paused

    def ordinary_request(self, payload: bytes, head_length: int, body: Body | Room | None = None) -> None:
        self._queue(self._make_exchange(self._outlet, payload, head_length, self._now(), body))

    def slow_request(self, request: ReadRequest, body: Body) -> None:
        """Queue a request that took the slow path."""
        self._owes_continue = False
        payload = request.payload.join() if body.whole is None else body.head
        exchange = self._make_exchange(self._outlet, payload, request.head_length, self._now(), body)
        exchange.frame_as(http_1_0=request.http_1_0, keep_alive=request.keep_alive, wants_socket=request.wants_socket)
        self._queue(exchange)

    def is_wanted(self, head: bytes) -> bool:
        """Return whether the body of a request is to be read; it is refused if not."""
        exchange = self._make_exchange(self._outlet, head, len(head), self._now())
        refusal = self._server.refusal(exchange)
        if refusal is not None:
            self._refuse(refusal, exchange.method)
        return refusal is None

    def body_expected(self) -> None:
        """Note that the client has announced a body and waits to be asked for it (RFC 9110, section 10.1.1)."""
        self._owes_continue = True
        self._continue()

    def _continue(self) -> None:
        """Ask for the body that a client holds back, once all answers before it have left."""
        if self._current is None and not self._pending:
            self._owes_continue = False
            self._outlet.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def refuse(self, status: int, message: str, method: bytes = b"GET") -> None:
        self._refuse(Refusal(status, message), method)

    def no_room(self, method: bytes = b"GET") -> None:
        self._refuse(Refusal(HTTPStatus.SERVICE_UNAVAILABLE, NO_ROOM, retry_after(SOON_S)), method)

    def _refuse(self, refusal: Refusal, method: bytes = b"GET") -> None:
        """Answer with an error after the requests before it, and close: nothing behind it can be trusted."""
        if self._reader.stopped:
            return  # the answer to the one before has closed the connection
        self._reader.stop()
        line = b"%b / HTTP/1.1\r\n\r\n" % method
        exchange = self._make_exchange(self._outlet, line, len(line), self._now())
        exchange.refuse(refusal)
        self._queue(exchange)

    def receive(self, body: Body, begun: int) -> BodyReceiver:
        assert self._outlet.transport is not None
        receiver = BodyReceiver(self, self._reader, body, begun)
        self._outlet.transport.set_protocol(receiver)
        return receiver

    def receive_here(self) -> None:
        if self._outlet.transport is not None:
            self._outlet.transport.set_protocol(self)

    # requests in turn

    def _queue(self, exchange: Exchange) -> None:
        self._pending.append(exchange)
        self._next()

    def _next(self) -> None:
        """Hand over the next request, one at a time, while the client takes its answers; then see to the reading."""
        while self._current is None and not self._outlet.write_paused:
            if self._pending:
                self._hand_over(self._pending.popleft())
            elif self._reader.kept:
                self._reader.go_on()
                self._go_on_later()
                break
            else:
                break
        if self._owes_continue:
            self._continue()
        self.steer()

    def _go_on_later(self) -> None:
        """Take what is left of a read in the next turn, unless an answer is waited for."""
        if self._reader.kept and not self.busy:
            self._next_turn()

    def _next_turn(self) -> None:
        if not self._has_turn:
            self._has_turn = True
            self._server.loop.call_soon(self._take_turn)

    def _take_turn(self) -> None:
        self._has_turn = False
        self._next()

    def _hand_over(self, exchange: Exchange) -> None:
        self._current = exchange
        if exchange.refusal is None:
            self._handle(exchange)
        else:
            status, message, headers = exchange.refusal
            exchange.respond_json(status, {"error": message}, headers)

    def steer(self) -> None:
        """Read on only when the client is not ahead of us, takes its answers, and has room for its body."""
        transport = self._outlet.transport
        if transport is None or transport.is_closing():
            return
        reader = self._reader
        ahead = reader.is_ahead and (self._current is not None or self._outlet.write_paused)
        if (ahead or reader.kept or reader.waits or bool(self._pending)) is self._reading_paused:
            return
        self._reading_paused = not self._reading_paused
        if self._reading_paused:
            transport.pause_reading()
            return
        self._resumed_s = self._now()
        if reader.partial is not None:
            self._patience.body_goes_on()  # while we did not read, it could not come
        transport.resume_reading()

    def _drop_pending(self) -> None:
        for exchange in self._pending:
            exchange.free_body()
        self._pending.clear()

    @property
    def idle(self) -> bool:
        return self._current is None and self._reader.partial is None and not self._pending

    @property
    def is_spare(self) -> bool:
        """Whether no request is here, at most the beginning of one."""
        return self._current is None and not self._pending and not self._reader.kept and not self._reader.stopped

    @property
    def due_s(self) -> float:
        return self._patience.due_s

    def _finished(self, exchange: object) -> None:
        """Close, or go on with the next request: the answer to this one is written."""
        if exchange is not (current := self._current) or current is None:
            return
        self._current = None
        self._patience.answer_ended()
        if not current.keep_alive:
            self._linger()
        elif self._pending or self._reading_paused or self._owes_continue:
            self._next_turn()

    def check_deadline(self, now_s: float) -> None:
        """End the connection of a client that is too slow; called about every second."""
        unsent = self._outlet.unsent
        if self._client_done and self._current is not None and self._patience.has_left(self._current.parts, now_s):
            self.close()
            return
        if not self._patience.is_over(now_s, idle=self.idle, unsent=unsent):
            if self._current is None and self._reader.is_in_the_way and self._patience.is_in_the_way(now_s):
                self.refuse(HTTPStatus.REQUEST_TIMEOUT, "the request came too slowly while others waited for memory")
            return
        if unsent is not None:
            self.abort()
        elif self.idle:
            self.close()
        elif self._current is None and self._reader.waits:
            self.no_room()
        elif self._current is None:
            self.refuse(HTTPStatus.REQUEST_TIMEOUT, "the request came too slowly, or stopped coming")

    def abort(self) -> None:
        self._reader.stop()
        self._outlet.abort()

    def close(self) -> None:
        self._reader.stop()
        self._outlet.close()

    def _linger(self) -> None:
        """Close in stages (RFC 9112, 9.6): with unread input a close is a reset, and may cost the client our answer."""
        self._reader.stop()
        self._drop_pending()
        transport = self._outlet.transport
        if self._client_done or transport is None or transport.is_closing():
            self.close()
            return
        if self._reading_paused:
            self._reading_paused = False
            transport.resume_reading()
        self._outlet.linger(self._server.loop)
