"""The front: it owns every request until its answer has left, and the pointer to the active worker.

A request waits in the front's one queue until the active worker has room. The request's frame is kept until its
answer begins, so a worker that dies costs nothing that had not begun; what had begun is run again only where that
is safe. A switch is one assignment to `active`.
"""

import itertools
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from http import HTTPStatus

from runtime_images.dynamic_runtime import frames
from runtime_images.dynamic_runtime.clock import Clock
from runtime_images.dynamic_runtime.exchange import Exchange, Header, response_headers
from runtime_images.dynamic_runtime.frames import Frame, FrameError, Kind, Timing
from runtime_images.dynamic_runtime.lane import Answer
from runtime_images.dynamic_runtime.link import WorkerLink
from runtime_images.dynamic_runtime.settings import Settings

SAFE_METHODS = frozenset((b"GET", b"HEAD", b"OPTIONS", b"TRACE"))
"""Methods that a client may expect to be repeated without effect (RFC 9110, section 9.2.1)."""

_MAX_RETRIES_BEGUN = 1
_RETRY_AFTER_S = b"1"
_GRACE_S = 5.0
"""How long after its deadline a request may still be with a worker before the worker counts as hung."""


@dataclass(slots=True, eq=False)
class Job:
    """One request on its way through the front."""

    id: int
    exchange: Exchange
    frame: bytes
    deadline_s: float
    link: WorkerLink | None = None
    retries_begun: int = 0
    status: int = 0
    streaming: bool = False
    given_up: bool = False
    owed_credits: int = 0


@dataclass(slots=True)
class Counters:
    """What the front has counted since the start."""

    requests: int = 0
    failures: int = 0
    retried: int = 0
    arrivals: deque[float] = field(default_factory=lambda: deque(maxlen=4096))


class Front:
    """Queue, routing pointer, retries. `answered` is told of every finished request.

    `unavailable` is the sentence that clients get while no backend can serve, or empty while one may come.
    """

    def __init__(self, settings: Settings, clock: Clock, answered: Callable[[Answer], None]) -> None:
        self._settings = settings
        self._clock = clock
        self._answered = answered
        self._ids = itertools.count(1)
        self.queue: deque[Job] = deque()
        self.counters = Counters()
        self.active: WorkerLink | None = None
        self.fallback = False
        self.unavailable = ""
        self.last_activity_s = clock.monotonic()

    # the client side

    def handle(self, exchange: Exchange) -> None:
        """Take a request from the edge: refuse it when nothing can serve or the queue is full, else dispatch it."""
        self.counters.requests += 1
        self.last_activity_s = exchange.arrived_s
        self.counters.arrivals.append(exchange.arrived_s)
        if self.unavailable:
            self._refuse(exchange, HTTPStatus.SERVICE_UNAVAILABLE, self.unavailable)
        elif len(self.queue) >= self._settings.queue_size:
            self._refuse(exchange, HTTPStatus.SERVICE_UNAVAILABLE, "the queue is full", retry_after=True)
        else:
            self._accept(exchange)

    def _accept(self, exchange: Exchange) -> None:
        fields = [exchange.method, exchange.target, exchange.version]
        for header in exchange.headers:
            fields += header
        head = frames.join_fields(fields)
        if len(head) > frames.MAX_HEAD_BYTES:
            self._refuse(exchange, HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "the request head is too large")
            return
        request_id = next(self._ids) & 0xFFFFFFFF or next(self._ids) & 0xFFFFFFFF
        job = Job(
            request_id,
            exchange,
            frames.encode(Kind.REQUEST, request_id, head, exchange.body),
            exchange.arrived_s + self._settings.request_timeout_s,
        )
        exchange.body = b""  # the frame holds it
        exchange.on_client_gone = lambda: self._client_gone(job)
        self.queue.append(job)
        self.pump()

    def pump(self) -> None:
        """Give the active worker what it has room for."""
        link = self.active
        while link is not None and self.queue and link.has_room:
            link.dispatch(self.queue.popleft(), self._clock.monotonic())

    def _client_gone(self, job: Job) -> None:
        """Nobody waits for this answer: drop it if it has not begun, tell the function of the disconnect if it has."""
        if job.link is None:
            if not job.given_up:
                job.given_up = True
                self.queue.remove(job)
        else:
            job.link.cancel(job)

    def _refuse(self, exchange: Exchange, status: int, message: str, *, retry_after: bool = False) -> None:
        self.counters.failures += status >= 500
        headers: list[Header] = [(b"retry-after", _RETRY_AFTER_S)] if retry_after else []
        exchange.respond_json(status, {"error": message}, headers)

    # the worker side

    def response_received(self, link: WorkerLink, frame: Frame) -> None:
        """Pass a part of an answer on to its client, and count the request when it is the last one."""
        job = link.jobs.get(frame.request_id)
        if job is None:
            raise FrameError(f"an answer to request {frame.request_id}, which this worker does not have")
        timing: Timing | None = None
        body = frame.body
        if frame.flags & frames.FINAL:
            body, timing = frames.split_final(frame)
            link.settle(job, self._clock.monotonic())
            link.learn(timing)
        status = self._relay(job, frame, body, timing)
        if timing is not None:
            self._count(job, link, status, timing)
            self.pump()

    def _relay(self, job: Job, frame: Frame, body: bytes, timing: Timing | None) -> int:
        """Write what the frame says to the client; the status that the client sees."""
        exchange = job.exchange
        if job.given_up:
            return HTTPStatus.GATEWAY_TIMEOUT
        if frame.flags & frames.ABORTED:
            exchange.abort()
            return HTTPStatus.BAD_GATEWAY
        if frame.kind == Kind.RESPONSE:
            return self._relay_head(job, frame, body, timing)
        exchange.write(body)
        if timing is not None:
            exchange.end()
        else:
            self._credit(job)
        return job.status

    def _relay_head(self, job: Job, frame: Frame, body: bytes, timing: Timing | None) -> int:
        fields = frames.split_fields(frame.head)
        headers = response_headers(fields[1:])
        status = int(fields[0]) if fields[0].isdigit() else 0
        if headers is None or not 200 <= status <= 599:
            job.given_up = True
            self._refuse(job.exchange, HTTPStatus.BAD_GATEWAY, "the function sent headers that HTTP does not allow")
            return HTTPStatus.BAD_GATEWAY
        headers += self._own_headers(job, timing)
        if timing is not None:
            job.exchange.respond(status, headers, body)
            return status
        job.streaming, job.status = True, status
        job.exchange.begin(status, headers)
        job.exchange.on_drain = lambda: self._pay_credits(job)
        job.exchange.write(body)
        self._credit(job)
        return status

    def _own_headers(self, job: Job, timing: Timing | None) -> list[Header]:
        """X-Gaia-Backend, and the times that are known now (Server-Timing, W3C)."""
        link = job.link
        assert link is not None
        headers: list[Header] = [link.header]
        if self.fallback:
            headers.append((b"x-gaia-fallback", b"true"))
        if timing is not None:
            queue_ms = max(0.0, 1000 * (timing.begun_ns / 1e9 - job.exchange.arrived_s))
            service_ms = (timing.ended_ns - timing.begun_ns) / 1e6
            headers.append((b"server-timing", b"queue;dur=%.3f, service;dur=%.3f" % (queue_ms, service_ms)))
        return headers

    def _credit(self, job: Job) -> None:
        """Let the worker send one more chunk, now or when the client has caught up."""
        job.owed_credits += 1
        if job.exchange.writable or job.exchange.client_gone:
            self._pay_credits(job)

    def _pay_credits(self, job: Job) -> None:
        if job.link is not None:
            job.link.send(frames.encode(Kind.CREDIT, job.id) * job.owed_credits)
        job.owed_credits = 0

    def _count(self, job: Job, link: WorkerLink, status: int, timing: Timing) -> None:
        if job.exchange.client_gone and _was_dropped(timing):
            return
        now_s = self._clock.monotonic()
        self.last_activity_s = now_s
        service_s = max(0, timing.ended_ns - timing.begun_ns) / 1e9
        if not job.given_up:
            self.counters.failures += status >= 500
        self._answered(
            Answer(
                link.backend,
                status,
                job.exchange.arrived_s,
                now_s,
                service_s,
                min(timing.cpu_ns / 1e9, service_s),
            )
        )

    # faults

    def worker_lost(self, link: WorkerLink) -> tuple[int, int]:
        """Take a dead worker's requests back; how many are retried, how many had to fail.

        Not begun: retry. Begun: retry once where the function is idempotent or the method safe, else 502. Answer
        begun: the connection ends, so that the client sees the answer is not whole.
        """
        jobs = list(link.jobs.values())
        retry: list[Job] = []
        for job in jobs:
            link.settle(job, self._clock.monotonic())
            job.link = None
            if self._may_retry(job, begun=link.begun.has(job.id)):
                retry.append(job)
            elif not (job.given_up or job.exchange.client_gone):
                self._fail(job)
        self.queue.extendleft(reversed(retry))
        self.counters.retried += len(retry)
        if self.active is link:
            self.active = None
        self.pump()
        return len(retry), len(jobs) - len(retry)

    def _may_retry(self, job: Job, *, begun: bool) -> bool:
        if job.given_up or job.exchange.client_gone or job.streaming:
            return False
        if not begun:
            return True
        job.retries_begun += 1
        repeatable = self._settings.idempotent or job.exchange.method in SAFE_METHODS
        return repeatable and job.retries_begun <= _MAX_RETRIES_BEGUN

    def _fail(self, job: Job) -> None:
        job.given_up = True
        self._end_badly(job, HTTPStatus.BAD_GATEWAY, "the function's process died while it worked on this request")

    def _end_badly(self, job: Job, status: int, message: str) -> None:
        """Tell the client that there is no answer, or that the one it has begun to read is not whole."""
        if job.exchange.client_gone:
            return
        if job.streaming:
            self.counters.failures += 1
            job.exchange.abort()
        else:
            self._refuse(job.exchange, status, message)

    def expire(self, links: Iterable[WorkerLink], now_s: float) -> list[WorkerLink]:
        """Answer 504 where the deadline has passed; the links that hold on to such a request and look hung."""
        while self.queue and self.queue[0].deadline_s <= now_s:
            job = self.queue.popleft()
            job.given_up = True
            self._refuse(job.exchange, HTTPStatus.GATEWAY_TIMEOUT, "the request waited longer than its deadline")
        for link in links:
            for job in link.jobs.values():
                if not job.given_up and job.deadline_s <= now_s:
                    self._time_out(job, link)
        return [link for link in links if any(job.deadline_s + _GRACE_S <= now_s for job in link.jobs.values())]

    def _time_out(self, job: Job, link: WorkerLink) -> None:
        job.given_up = True
        link.cancel(job, forced=True)
        self._end_badly(job, HTTPStatus.GATEWAY_TIMEOUT, "the function took longer than the request's deadline allows")

    def refuse_queue(self, message: str) -> None:
        """No backend will come: answer everything that waits."""
        self.unavailable = message
        while self.queue:
            job = self.queue.popleft()
            job.given_up = True
            self._refuse(job.exchange, HTTPStatus.SERVICE_UNAVAILABLE, message)


def _was_dropped(timing: Timing) -> bool:
    """Whether the worker dropped the request before it began: such an answer took no time at all."""
    return timing.begun_ns == timing.ended_ns
