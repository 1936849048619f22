"""Keeps count at the door of the front: which requests it was handed, and the one thing that became of each."""

from collections.abc import Callable
from typing import Any

from runtime_images.dynamic_runtime.edge.outlet import OpenSocket, Outlet, SocketListener
from runtime_images.dynamic_runtime.edge.response_head import ResponseHead
from runtime_images.dynamic_runtime.front.health import PROBES
from runtime_images.dynamic_runtime.front.job import Job
from runtime_images.dynamic_runtime.parts import Parts
from runtime_images.dynamic_runtime.wire.web_socket import DIED, RAISED, Closing

ANSWERED, BROKEN, LEFT = "answered", "broken off", "left by its client"
_ERROR = 500


class WitnessedJob(Job):
    """A request that remembers what became of it: `outcomes` are one, in the end."""

    sent_status = begun_status = 0
    closing: Closing | None = None

    def __init__(self, *args: Any) -> None:  # noqa: ANN401 -- those of a job
        super().__init__(*args)
        self.outcomes: list[str] = []

    def answer(self, head: ResponseHead, own_lines: bytes, body: bytes) -> None:
        self.sent_status = self.sent_status or head.status
        super().answer(head, own_lines, body)

    def answer_shared(
        self, head: ResponseHead, own_lines: bytes, body: memoryview, give_back: Callable[[], None]
    ) -> None:
        self.sent_status = self.sent_status or head.status
        super().answer_shared(head, own_lines, body, give_back)

    def begin(self, head: ResponseHead, own_lines: bytes = b"") -> None:
        self.sent_status = self.sent_status or head.status
        self.begun_status = 0 if self.client_gone else head.status
        super().begin(head, own_lines)

    def switch(self, head: ResponseHead, own_lines: bytes, listener: SocketListener) -> OpenSocket:
        self._note(ANSWERED)
        return super().switch(head, own_lines, _Listener(self, listener))

    def _finish(self, last: bytes | memoryview) -> None:
        self._note(ANSWERED)
        super()._finish(last)

    def abort(self) -> None:
        self._note(BROKEN)
        super().abort()

    def _note(self, outcome: str) -> None:
        if LEFT not in self.outcomes:
            self.outcomes.append(outcome)

    @property
    def has_failed(self) -> bool:
        """Whether a client was there that did not get what it asked for."""
        if self.closing in (RAISED, DIED):
            return True
        return self.outcomes[:1] == [BROKEN] or (self.outcomes[:1] == [ANSWERED] and self.sent_status >= _ERROR)

    @property
    def may_have_failed(self) -> bool:
        """Whether its client left in the middle of an error that is long: it counts if that ends well."""
        return self.outcomes[:1] == [LEFT] and self.begun_status >= _ERROR


class _Listener:
    """Hears how a WebSocket was closed, once."""

    def __init__(self, job: WitnessedJob, behind: SocketListener) -> None:
        self._job, self._behind = job, behind
        self.received = behind.received

    def closed(self, closing: Closing) -> None:
        assert self._job.closing is None, "a WebSocket is closed twice"
        self._job.closing = closing
        self._behind.closed(closing)


class Witness:
    """Stands between the server and the application behind it."""

    def __init__(self, parts: Parts) -> None:
        self._behind, self._front = parts.health, parts.front
        self.jobs: list[WitnessedJob] = []
        self.refused = 0
        self.drained = self._behind.drained
        refusal = parts.server.refusal
        parts.server.refusal = lambda job: self._count(refusal(job))
        parts.server.application = self
        parts.server.make_exchange = WitnessedJob
        self.made_way: set[int] = set()
        self._backlog = parts.server.shared_head.backlog
        self._add, self._backlog.add = self._backlog.add, self._waits  # type: ignore[method-assign]

    def _waits(self, client: Any, size: int) -> None:  # noqa: ANN401
        """Note which clients' ports make way where answers wait that are more than memory is there for."""
        before = {**self._backlog._sizes, client: 0}
        self._add(client, size)
        gone = [one for one in before if one not in self._backlog._sizes]
        outlets = [one if isinstance(one, Outlet) else one._recipient._outlet for one in gone]
        self.made_way |= {outlet.client[0] for outlet in outlets}

    def _count(self, refusal: Any) -> Any:  # noqa: ANN401
        self.refused += refusal is not None
        return refusal

    def handle(self, job: WitnessedJob) -> None:
        if job.path not in PROBES:
            self.jobs.append(job)
        self._behind.handle(job)

    def client_gone(self, job: WitnessedJob) -> None:
        if not job.outcomes:
            job.outcomes.append(LEFT)
        self._behind.client_gone(job)

    def half_closed(self, job: WitnessedJob) -> None:
        answered_before = bool(job.outcomes)
        self._behind.half_closed(job)
        if job.outcomes and not answered_before:
            job.outcomes[:] = [LEFT]

    def miscounted(self, problem: Callable[[str], None]) -> None:
        """Report where the front's counters, or what became of requests, do not add up in the end."""
        counters = self._front.counters
        if counters.requests != len(self.jobs) + self.refused:
            problem(f"{counters.requests} requests are counted, of {len(self.jobs)} and {self.refused} refused")
        failed = self.refused + sum(job.has_failed for job in self.jobs)
        unclear = sum(job.may_have_failed for job in self.jobs)
        if not failed <= counters.failures <= failed + unclear:
            problem(f"{counters.failures} failures are counted, of {failed}")
        for job in self.jobs:
            if len(job.outcomes) != 1:
                problem(f"{job.target.decode('latin-1')} is {' and '.join(job.outcomes) or 'nothing in the end'}")
