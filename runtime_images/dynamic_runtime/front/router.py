"""The front: it owns every request until its answer has left, and the pointer to the active worker.

A request waits in the front's one queue until the active worker has room. Its bytes are kept until its answer begins,
so a worker that dies costs nothing that had not begun; what had begun is run again only where that is safe. A switch
is one assignment to `active`.

`handle` and `answers_received` are what every request costs, and are written out for it; all that is rare stands below.
"""

import contextlib
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from http import HTTPStatus

from runtime_images.dynamic_runtime.clock import Clock
from runtime_images.dynamic_runtime.edge.exchange import Exchange
from runtime_images.dynamic_runtime.edge.limits import HANDLER_PATIENCE_S
from runtime_images.dynamic_runtime.edge.response_head import Header, check_head, why_refused
from runtime_images.dynamic_runtime.front.link import WorkerLink
from runtime_images.dynamic_runtime.settings import Settings
from runtime_images.dynamic_runtime.telemetry.backend_stats import AnswerRow
from runtime_images.dynamic_runtime.wire import frames
from runtime_images.dynamic_runtime.wire.frames import (
    ABORTED,
    CHUNK,
    FINAL,
    IN_ARENA,
    RESPONSE,
    FrameError,
    Kind,
    RawFrame,
)
from runtime_images.policy.model import Backend

_DIED = "the function's process died while it worked on this request"
_WAITED = "the request waited longer than its deadline"
_TOOK = "the function took longer than the request's deadline allows"
_HALF_CLOSED = "the function is busy, and a client that sends no more cannot be told from one that has left"
_TIMING_LINE = b"server-timing: queue;dur=%.3f, service;dur=%.3f\r\n"
"""The times that are known now, in ms (W3C Server Timing)."""

_FALLBACK_LINE = b"x-gaia-fallback: true\r\n"

SAFE_METHODS = frozenset((b"GET", b"HEAD", b"OPTIONS", b"TRACE"))
"""Methods that a client may expect to be repeated without effect (RFC 9110, section 9.2.1)."""

SERVER_ERROR = 500
_MAX_RETRIES_BEGUN = 1
_RETRY_LATER: list[Header] = [(b"retry-after", b"1")]
_GRACE_S = 5.0
"""How long after its deadline a request may still be with a worker before the worker counts as hung."""


@dataclass(slots=True)
class Counters:
    """What the front has counted since the start."""

    requests: int = 0
    failures: int = 0
    retried: int = 0


class Front:
    """Queue, routing pointer, retries. `answered` is told of the finished requests, all that came at once.

    `complained` is told of an answer that HTTP does not allow: whose, to which request, and what is wrong with it.

    `unavailable` is the sentence that clients get while no backend can serve, or empty while one may come.
    """

    def __init__(
        self,
        settings: Settings,
        clock: Clock,
        answered: Callable[[Backend, list[AnswerRow]], None],
        complained: Callable[[WorkerLink, int, str], None],
    ) -> None:
        self._settings = settings
        self._now = clock.monotonic
        self._answered = answered
        self._complained = complained
        self.queue: deque[Exchange] = deque()
        self.counters = Counters()
        self.active: WorkerLink | None = None
        self.fallback = False
        self.unavailable = ""
        self.last_activity_s = clock.monotonic()

    # what every request costs

    def handle(self, exchange: Exchange) -> None:
        """Take a request from the edge: give it to the active worker if that has room, else queue it."""
        self.counters.requests += 1
        link = self.active
        if link is not None and len(link.jobs) < link.room and not self.queue and not self.unavailable:
            link.dispatch(exchange, exchange.arrived_s)
        else:
            self._wait(exchange)

    def answers_received(self, link: WorkerLink, received: list[RawFrame]) -> None:
        """Pass on what a worker has answered, and count the requests that are finished by it.

        Raises:
            FrameError: the worker has sent what it must not.
        """
        now_s = self._now()
        own_lines = self._own_lines(link) + _TIMING_LINE
        rows: list[AnswerRow] = []
        answers, taken_ns, overlapping, last_ns = 0, 0, 0, link.ended_ns
        try:
            for frame in received:
                request_id, kind, flags, head, body, begun_ns, service_ns, cpu_ns = frame
                if not flags & FINAL:
                    self._take_part(link, frame)
                    continue
                exchange = link.jobs.get(request_id)
                if exchange is None:
                    raise FrameError(f"an answer to request {request_id}, which this worker does not have")
                checked = check_head(head) if kind == RESPONSE and flags == FINAL and not exchange.started else None
                if checked is not None:  # answer first: what else is to be done need not keep the client waiting
                    status = checked.status
                    times_ms = (begun_ns / 1e6 - exchange.arrived_s * 1e3, service_ns / 1e6)
                    exchange.answer(checked, own_lines % times_ms, body)
                link.settle(request_id, now_s)
                if exchange.slot is not None:
                    exchange.free_slot()
                ended_ns = begun_ns + service_ns
                taken_ns += service_ns
                overlapping += begun_ns < last_ns
                if ended_ns > last_ns:
                    last_ns = ended_ns
                if checked is None:
                    status = self._end_oddly(link, exchange, frame)
                if status >= SERVER_ERROR and not exchange.given_up:
                    self.counters.failures += 1
                if service_ns or not exchange.client_gone:  # one that was dropped before it began took no time at all
                    rows.append((status, exchange.arrived_s, now_s, service_ns, cpu_ns))
                answers += 1
        finally:  # also where a frame breaks the protocol: what was answered before it counts
            if answers:
                self.last_activity_s = now_s
                link.learn(answers, taken_ns, overlapping, last_ns)
                self._answered(link.backend, rows)
        if self.queue:
            self.pump()

    def _own_lines(self, link: WorkerLink) -> bytes:
        """X-Gaia-Backend, and whether that is not the backend that was wanted."""
        return link.header_line + _FALLBACK_LINE if self.fallback else link.header_line

    def pump(self) -> None:
        """Give the active worker what it has room for."""
        link = self.active
        while link is not None and self.queue and len(link.jobs) < link.room:
            link.dispatch(self.queue.popleft(), self._now())

    # requests that wait, and those that are refused

    def _wait(self, exchange: Exchange) -> None:
        """Queue a request, or refuse it when nothing can serve or the queue is full."""
        self.last_activity_s = exchange.arrived_s
        if self.unavailable:
            self._refuse(exchange, HTTPStatus.SERVICE_UNAVAILABLE, self.unavailable)
        elif len(self.queue) >= self._settings.queue_size:
            self._refuse(exchange, HTTPStatus.SERVICE_UNAVAILABLE, "the queue is full", retry_after=True)
        else:
            self.queue.append(exchange)
            self.pump()

    def client_gone(self, exchange: Exchange) -> None:
        """Nobody waits for this answer: drop it if it has not begun, tell the function of the disconnect if it has."""
        if exchange.link is not None:
            exchange.link.cancel(exchange)
        else:
            with contextlib.suppress(ValueError):  # the front does not have it: it is answered by someone else
                self.queue.remove(exchange)
            exchange.free_slot()

    def half_closed(self, exchange: Exchange) -> None:
        """Perhaps nobody waits for this answer: a worker that has the request goes on, but none shall begin it."""
        if exchange in self.queue:
            self.queue.remove(exchange)
            exchange.respond_json(HTTPStatus.SERVICE_UNAVAILABLE, {"error": _HALF_CLOSED}, _RETRY_LATER)

    def _refuse(self, exchange: Exchange, status: int, message: str, *, retry_after: bool = False) -> None:
        self.counters.failures += status >= SERVER_ERROR
        exchange.respond_json(status, {"error": message}, _RETRY_LATER if retry_after else ())

    # answers that come in parts, and those that are none

    def _take_part(self, link: WorkerLink, frame: RawFrame) -> None:
        """Pass on a part of a streamed answer, or a frame that is no answer at all."""
        request_id, kind, _, head, body = frame[:5]
        if kind not in (RESPONSE, CHUNK):
            link.take_other(frame)
            return
        exchange = link.jobs.get(request_id)
        if exchange is None or (kind == CHUNK and not exchange.started):
            raise FrameError(f"a part of an answer to request {request_id} that does not fit")
        if exchange.given_up or (kind == RESPONSE and not self._begin_stream(exchange, link, head)):
            return
        if exchange.owed_credits >= frames.CREDIT_CHUNKS:
            raise FrameError("more chunks than the client has taken")  # else it could fill the front's memory
        exchange.write(body)
        self._complain_of_misfit(link, exchange)
        exchange.owed_credits += 1
        if exchange.writable or exchange.client_gone:
            self.drained(exchange)

    def _begin_stream(self, exchange: Exchange, link: WorkerLink, raw_head: bytes) -> bool:
        """Send the head of a streamed answer; False if it cannot be sent."""
        head = check_head(raw_head)
        if exchange.started:
            raise FrameError(f"a second answer to request {exchange.id}")
        if head is None:
            self._refuse_head(link, exchange, raw_head)
            return False
        exchange.status = head.status
        exchange.begin(head, self._own_lines(link))
        exchange.started = exchange.streams = True  # also where the client has left, and nothing was written
        link.stream_begun()
        if link.blocking:
            exchange.connection.patience_s = HANDLER_PATIENCE_S
        return True

    def _refuse_head(self, link: WorkerLink, exchange: Exchange, raw_head: bytes) -> None:
        """Answer 502; what is wrong with the head is for the log, not for the client."""
        self._complained(link, exchange.id, why_refused(raw_head))
        self._give_up(exchange, HTTPStatus.BAD_GATEWAY, "the function sent headers that HTTP does not allow")

    def _complain_of_misfit(self, link: WorkerLink, exchange: Exchange) -> None:
        if exchange.misfit:
            self._complained(link, exchange.id, exchange.misfit)
            exchange.misfit = ""
            exchange.status = HTTPStatus.BAD_GATEWAY

    def _end_oddly(self, link: WorkerLink, exchange: Exchange, frame: RawFrame) -> int:
        """The last frame of an answer that is not simply a whole one; the status that the client sees."""
        _, kind, flags, raw_head, body = frame[:5]
        if exchange.streams:
            link.stream_ended()
        if flags & IN_ARENA:
            return self._end_long(link, exchange, frame)
        if exchange.given_up:
            return exchange.status
        if flags & ABORTED:
            exchange.abort()
            return HTTPStatus.BAD_GATEWAY
        if exchange.started and kind == CHUNK:
            exchange.write(body)
            exchange.end()
            self._complain_of_misfit(link, exchange)
            return exchange.status
        if exchange.started or kind != RESPONSE:
            self.counters.failures += 1
            exchange.abort()
            raise FrameError(f"an answer to request {exchange.id} that does not fit")
        self._refuse_head(link, exchange, raw_head)
        return exchange.status

    def _end_long(self, link: WorkerLink, exchange: Exchange, frame: RawFrame) -> int:
        """An answer whose body lies in the worker's arena; the status that the client sees."""
        _, kind, flags, raw_head, place, begun_ns, service_ns, _ = frame
        body = link.shared_body(place)
        fits = kind == RESPONSE and flags == FINAL | IN_ARENA and (exchange.given_up or not exchange.started)
        if body is None or not fits:
            exchange.abort()
            raise FrameError(f"an answer to request {exchange.id} that does not fit")
        head = check_head(raw_head)
        if exchange.given_up or head is None:
            link.give_back(place)
            if not exchange.given_up:
                self._refuse_head(link, exchange, raw_head)
            return exchange.status
        times_ms = (begun_ns / 1e6 - exchange.arrived_s * 1e3, service_ns / 1e6)
        own_lines = self._own_lines(link) + _TIMING_LINE % times_ms
        exchange.answer_shared(head, own_lines, body, lambda: link.give_back(place))
        return head.status

    def drained(self, exchange: Exchange) -> None:
        """The client has caught up: let the worker send as many chunks as it has taken."""
        if exchange.link is not None and exchange.owed_credits:
            exchange.link.send(frames.encode(Kind.CREDIT, exchange.id) * exchange.owed_credits)
        exchange.owed_credits = 0

    # faults

    def worker_lost(self, link: WorkerLink) -> tuple[int, int]:
        """Take a dead worker's requests back; how many are retried, how many had to fail.

        Not begun: retry. Begun: retry once where the function is idempotent or the method safe, else 502. Answer
        begun: the connection ends, so that the client sees the answer is not whole.
        """
        taken_back = list(link.jobs.values())
        retry: list[Exchange] = []
        for exchange in taken_back:
            begun = link.begun.has(exchange.id)
            link.settle(exchange.id, self._now())
            exchange.link = None
            if self._may_retry(exchange, begun=begun):
                retry.append(exchange)
                continue
            if exchange.slot is not None:
                link.orphans.append(exchange.slot)
                exchange.slot = None
            if not (exchange.given_up or exchange.client_gone):
                self._give_up(exchange, HTTPStatus.BAD_GATEWAY, _DIED)
        self.queue.extendleft(reversed(retry))
        self.counters.retried += len(retry)
        if self.active is link:
            self.active = None
        self.pump()
        return len(retry), len(taken_back) - len(retry)

    def _may_retry(self, exchange: Exchange, *, begun: bool) -> bool:
        if exchange.given_up or exchange.client_gone or exchange.started:
            return False
        if not begun:
            return True
        exchange.retries_begun += 1
        repeatable = self._settings.idempotent or exchange.method in SAFE_METHODS
        return repeatable and exchange.retries_begun <= _MAX_RETRIES_BEGUN

    def _give_up(self, exchange: Exchange, status: int, message: str) -> None:
        """Tell the client that there is no answer, or that the one it has begun to read is not whole."""
        exchange.given_up = True
        exchange.status = status
        if exchange.client_gone:
            exchange.started = True  # whatever still comes is for nobody
        elif exchange.started:
            self.counters.failures += 1
            exchange.abort()
        else:
            self._refuse(exchange, status, message)

    def expire(self, links: Iterable[WorkerLink], now_s: float) -> list[WorkerLink]:
        """Answer 504 where the deadline has passed; the links that hold on to such a request and look hung."""
        expired_s = now_s - self._settings.request_timeout_s  # what arrived before
        while self.queue and self.queue[0].arrived_s <= expired_s:
            self._give_up(self.queue.popleft(), HTTPStatus.GATEWAY_TIMEOUT, _WAITED)
        hung: list[WorkerLink] = []
        for link in links:
            late = [exchange for exchange in link.jobs.values() if exchange.arrived_s <= expired_s]
            for exchange in late:
                if not exchange.given_up:
                    link.cancel(exchange, forced=True)
                    self._give_up(exchange, HTTPStatus.GATEWAY_TIMEOUT, _TOOK)
            if any(exchange.arrived_s + _GRACE_S <= expired_s for exchange in late):
                hung.append(link)
        return hung

    def refuse_queue(self, message: str) -> None:
        """No backend will come: answer everything that waits."""
        self.unavailable = message
        while self.queue:
            self._give_up(self.queue.popleft(), HTTPStatus.SERVICE_UNAVAILABLE, message)

    # what the supervisor tells the front, and what an observer asks it

    def serve_on(self, link: WorkerLink) -> None:
        """Give a worker the traffic: from here on every request goes to it, those that wait first."""
        self.active = link
        self.unavailable = ""
        self.pump()

    def await_backend(self) -> None:
        """Let requests wait again: a backend may come."""
        self.unavailable = ""

    def set_fallback(self, fallback: bool) -> None:
        """Say whether the CPU serves because the GPU is unavailable."""
        self.fallback = fallback

    @property
    def slots(self) -> int:
        """How many requests the active worker serves at once."""
        return self.active.slots if self.active is not None else 1

    def queue_ages_s(self, now_s: float) -> tuple[float, ...]:
        """Return the ages of the requests that wait, oldest first."""
        return tuple([now_s - exchange.arrived_s for exchange in self.queue])
