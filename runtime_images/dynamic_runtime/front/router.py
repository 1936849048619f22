"""The front: it owns every request until its answer has left, and the pointer to the active worker.

A request waits in the one queue until the active worker has credit. Its bytes are kept until its answer begins, so a
worker that dies costs nothing that had not begun; what had begun is run again only where that is safe.
"""

import contextlib
from collections import deque
from collections.abc import Iterable
from http import HTTPStatus

from runtime_images.dynamic_runtime.clock import Clock
from runtime_images.dynamic_runtime.edge.exchange import SOON_S, Refusal, retry_after
from runtime_images.dynamic_runtime.front.answers import Answered, Answers, BadAnswer
from runtime_images.dynamic_runtime.front.job import Job
from runtime_images.dynamic_runtime.front.link import WorkerLink
from runtime_images.dynamic_runtime.settings import Settings
from runtime_images.dynamic_runtime.telemetry.backend_stats import Counters
from runtime_images.dynamic_runtime.wire.frames import RawFrame

_DIED = "the function's process died while it worked on this request"
_WAITED = "the request waited longer than its deadline"
_TOOK = "the function took longer than the request's deadline allows"
_HALF_CLOSED = "the function is busy, and a client that sends no more looks like one that has left"
_HUNG_AFTER_S = 5.0  # how long after its deadline a request may still be with a worker before the worker counts as hung


class Front:
    """Queue, routing pointer, retries. `unavailable` is the sentence that clients get while no backend can serve.

    `_retry_after_s` is when they may come back, 0 for never.
    """

    def __init__(self, settings: Settings, clock: Clock, answered: Answered, bad_answer: BadAnswer) -> None:
        self._settings = settings
        self._now = clock.monotonic
        self.answers = Answers(clock, answered, bad_answer)
        self._requests = self._failures = self._retried = 0
        self._last_arrival_s = clock.monotonic()
        self.queue: deque[Job] = deque()
        self.active: WorkerLink | None = None
        self.unavailable = ""
        self._retry_after_s = 0

    @property
    def counters(self) -> Counters:
        return Counters(self._requests, self._failures + self.answers.failures, self._retried)

    @property
    def last_activity_s(self) -> float:
        """When the last request came that had to wait, or the last answer."""
        return max(self._last_arrival_s, self.answers.last_s)

    def handle(self, job: Job) -> None:
        """Take a request from the edge: give it to the active worker if that has credit, else queue it."""
        self._requests += 1
        link = self.active
        if link is not None and len(link.jobs) < link.window.credit and not self.queue and not self.unavailable:
            link.dispatch(job, job.arrived_s)
        else:
            self._wait(job)

    def answers_received(self, link: WorkerLink, received: list[RawFrame]) -> None:
        """Pass answers on, or raise FrameError; give the active worker what it has credit for by that."""
        self.answers.receive(link, received)
        if self.queue:
            self._pump()

    def refusal(self) -> Refusal | None:
        """Return how a request is refused whose body is still to come, if it is; one that is refused counts."""
        refusal = self._refusal()
        self._requests += refusal is not None
        return refusal

    def _refusal(self) -> Refusal | None:
        """Return what a request gets that would have to wait, if it may not."""
        if self.unavailable:
            self._failures += 1
            return Refusal(HTTPStatus.SERVICE_UNAVAILABLE, self.unavailable, retry_after(self._retry_after_s))
        if len(self.queue) >= self._settings.queue_size:
            self._failures += 1
            return Refusal(HTTPStatus.SERVICE_UNAVAILABLE, "the queue is full", retry_after(SOON_S))
        return None

    def _pump(self) -> None:
        link = self.active
        while link is not None and self.queue and len(link.jobs) < link.window.credit:
            link.dispatch(self.queue.popleft(), self._now())

    # where requests go

    def route_to(self, link: WorkerLink) -> None:
        """Send every request to this worker from here on, those that wait first."""
        self.active = link
        self.unavailable = ""
        self._pump()

    def hold_queue(self) -> None:
        """Let requests wait again: a backend may come."""
        self.unavailable = ""

    def mark_fallback(self, *, active: bool) -> None:
        """Mark answers as not from the backend that was wanted, or no longer."""
        self.answers.fallback = active

    def refuse_queue(self, message: str, retry_after_s: int = 0) -> None:
        """Answer everything that waits or comes with an error: no backend will come, or not before a while."""
        self.unavailable, self._retry_after_s = message, retry_after_s
        while self.queue:
            self._failures += self.queue.popleft().give_up(HTTPStatus.SERVICE_UNAVAILABLE, message, retry_after_s)

    @property
    def slots(self) -> int:
        """How many requests the active worker serves at once."""
        return self.active.window.slots if self.active is not None else 1

    def queue_ages_s(self, now_s: float) -> tuple[float, ...]:
        """Return the ages of the requests that wait, oldest first."""
        return tuple([now_s - job.arrived_s for job in self.queue])

    # requests that wait, and those that nobody waits for

    def _wait(self, job: Job) -> None:
        """Queue a request, or refuse it when nothing can serve or the queue is full."""
        self._last_arrival_s = job.arrived_s
        if (refusal := self._refusal()) is not None:
            job.respond_json(refusal.status, {"error": refusal.message}, refusal.headers)
        else:
            self.queue.append(job)
            self._pump()

    def client_gone(self, job: Job) -> None:
        """Drop a request that has not begun; notify the function of the disconnect if it has."""
        if job.link is not None:
            job.cancel()
        else:
            with contextlib.suppress(ValueError):  # the front does not have it: it is answered by someone else
                self.queue.remove(job)
            job.free_body()

    def half_closed(self, job: Job) -> None:
        """Finish the request if a worker has it, drop it if it is queued: perhaps nobody waits for this answer."""
        if job in self.queue:
            self.queue.remove(job)
            job.refuse_now(HTTPStatus.SERVICE_UNAVAILABLE, _HALF_CLOSED, SOON_S)

    def drained(self, job: Job) -> None:
        """Let the worker send more: the client has caught up."""
        job.grant_credit()

    def _give_up(self, job: Job, status: int, message: str) -> None:
        self._failures += job.give_up(status, message)

    def worker_lost(self, link: WorkerLink) -> tuple[int, int]:
        """Take a dead worker's requests back; return how many are retried, and how many had to fail.

        Not begun: retry. Begun: retry once where the function is idempotent or the method safe, else 502. Answer
        begun: the connection ends, so that the client sees the answer is not whole; so does a WebSocket. If none had
        begun, the first may be what has ended the worker, and is retried a few times only: else it would end one after
        the other.
        """
        taken_back = list(link.jobs.values())
        begun = {job.id for job in taken_back if link.journal.has(job.id)}
        if taken_back and not begun:
            taken_back[0].suspicions += 1
        retry: list[Job] = []
        for job in taken_back:
            may_run_again = job.may_run_again(begun=job.id in begun, idempotent=self._settings.idempotent)
            link.settle(job.id, self._now())
            job.link = None
            if may_run_again:
                retry.append(job)
                continue
            link.bodies.keep(job)
            if not (job.given_up or job.client_gone):
                self._give_up(job, HTTPStatus.BAD_GATEWAY, _DIED)
        broken = self.answers.sockets.lost(link)
        self._failures += broken
        self.queue.extendleft(reversed(retry))
        self._retried += len(retry)
        if self.active is link:
            self.active = None
        self._pump()
        return len(retry), len(taken_back) - len(retry) + broken

    def expire(self, links: Iterable[WorkerLink], now_s: float) -> list[WorkerLink]:
        """Answer 504 where the deadline has passed; return the links that hold on to such a request and look hung."""
        expired_s = now_s - self._settings.request_timeout_s  # what arrived before
        while self.queue and self.queue[0].arrived_s <= expired_s:
            self._give_up(self.queue.popleft(), HTTPStatus.GATEWAY_TIMEOUT, _WAITED)
        hung: list[WorkerLink] = []
        for link in links:
            late = [job for job in link.jobs.values() if job.arrived_s <= expired_s]
            for job in late:
                if not job.given_up:
                    job.cancel(forced=True)
                    self._give_up(job, HTTPStatus.GATEWAY_TIMEOUT, _TOOK)
            over_s = expired_s - _HUNG_AFTER_S
            is_hung = self.answers.sockets.are_overdue(link, expired_s, over_s)
            if is_hung or any(job.arrived_s <= over_s for job in late):
                hung.append(link)
        return hung
