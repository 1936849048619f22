"""The workers' lives: each is started, becomes ready or fails, serves, is drained, and ends.

The supervisor decides what follows from that; nothing here knows which backend gets the traffic, what a failure counts
for, or that there are switches.
"""

import asyncio
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

from runtime_images.dynamic_runtime.background import Background
from runtime_images.dynamic_runtime.clock import Clock
from runtime_images.dynamic_runtime.front.health_questions import HealthQuestions
from runtime_images.dynamic_runtime.front.link import WorkerLink
from runtime_images.dynamic_runtime.front.router import Front
from runtime_images.dynamic_runtime.telemetry.event_log import EventLog
from runtime_images.dynamic_runtime.wire import frames
from runtime_images.dynamic_runtime.wire.frames import Frame, Kind
from runtime_images.dynamic_runtime.wire.lifeline import is_stopped
from runtime_images.dynamic_runtime.workers.child_process import ending
from runtime_images.dynamic_runtime.workers.launching import Starter
from runtime_images.dynamic_runtime.workers.process import PULSE, WorkerProcess
from runtime_images.dynamic_runtime.workers.reports import StartError, facts_of
from runtime_images.dynamic_runtime.workers.starts import Starts
from runtime_images.events.lifecycle import CutOff, WorkerChanged, WorkerState
from runtime_images.events.traffic import LaneState
from runtime_images.policy.model import Backend

START_TIMEOUT_S = 600.0
LEAST_STOP_S = 3.0
"""What workers have for their end when requests have taken all of the drain time."""

_LIVE = frozenset((WorkerState.STARTING, WorkerState.WARMING, WorkerState.READY))


class WorkerListener(Protocol):
    """Decides what follows from the events in a worker's life."""

    def became_ready(self, worker: WorkerProcess) -> None:
        """Note that a worker can serve."""

    def failed_to_start(self, backend: Backend, error: StartError) -> None:
        """Note that a worker will not serve, or was not even started."""

    def died(self, worker: WorkerProcess, code: int, retried: int, failed: int) -> None:
        """Note that a worker has ended in the middle of its work, and what became of its requests."""


@dataclass(eq=False)
class Workers:
    """The present workers; iterate over it to see them. `request_timeout_s` is the longest that a request may take.

    `drain_timeout_s` is what a released worker has for what it still does after its last answer.
    """

    clock: Clock
    events: EventLog
    front: Front
    starter: Starter
    listener: WorkerListener
    request_timeout_s: float
    drain_timeout_s: float

    def __post_init__(self) -> None:
        self.answers_received = self.front.answers_received  # every answer passes here: no call of ours between
        self._present: list[WorkerProcess] = []
        self._held_s = dict.fromkeys(Backend, 0.0)
        self._background = Background()
        self.starts = Starts(self._start, self._background)
        self._health = HealthQuestions(self.request_timeout_s)

    # what others ask

    def __iter__(self) -> Iterator[WorkerProcess]:
        return iter(list(self._present))

    def on(self, backend: Backend) -> WorkerProcess | None:
        """Return the worker that serves, or will serve, on a backend; those that drain do not count."""
        for worker in self._present:  # a loop, since decisions ask often
            if worker.backend is backend and worker.state in _LIVE:
                return worker
        return None

    def ready_on(self, backend: Backend) -> WorkerProcess | None:
        """Return the worker that can serve on a backend."""
        worker = self.on(backend)
        return worker if worker is not None and worker.state is WorkerState.READY else None

    def state_without_worker(self, backend: Backend) -> LaneState:
        """Return the state of a backend on which no worker serves or will serve."""
        if backend in self.starts:  # a zygote may have to import the function's libraries first
            return LaneState.STARTING
        return LaneState.DRAINING if any(w.backend is backend for w in self._present) else LaneState.OFF

    def links(self) -> list[WorkerLink]:
        """Return the open links of all workers."""
        return [worker.link for worker in self._present if worker.link.open]

    @property
    def busy(self) -> bool:
        """Whether any of them has a request."""
        return any(link.jobs for link in self.links())

    def held(self, backend: Backend) -> float:
        """Return the seconds for which a backend has been held: from each request for a start to the worker's end."""
        now_s = self.clock.monotonic()
        return self._held_s[backend] + sum(now_s - w.requested_s for w in self._present if w.backend is backend)

    # the beginning

    async def ready(self, backend: Backend) -> WorkerProcess:
        """Return the ready worker of a backend, started if there is none.

        Raises:
            StartError: it did not become ready, which the listener knows, or was given up.
        """
        if (present := self.ready_on(backend)) is not None:
            return present
        worker = await self.starts.worker(backend)
        if worker.state is not WorkerState.READY:  # it has died since
            raise StartError(backend, worker.log, kind="exit", message="the worker ended as soon as it was ready")
        return worker

    def give_up(self, backend: Backend) -> None:
        """End the start under way on a backend, and the worker that it has begun or just brought."""
        if (worker := self.on(backend)) is not None:
            self.release(worker)
        self.starts.give_up(backend)

    async def _start(self, backend: Backend) -> WorkerProcess:
        worker: WorkerProcess | None = None
        try:
            async with asyncio.timeout(START_TIMEOUT_S):
                worker = await self._launch(backend)
                facts = await asyncio.shield(worker.outcome)
        except TimeoutError:
            facts = {"kind": "timeout", "message": f"the function was not ready within {START_TIMEOUT_S:.0f} s"}
        except Exception as error:  # noqa: BLE001 -- whatever it is, it is counted, and the next try may be well
            facts = {"kind": "exit", "message": f"the worker cannot be started: {error}"}
        if worker is not None and "kind" not in facts:
            return worker
        if worker is not None:
            worker.kill()
            await worker.printed()  # the reason came through a socket, the lines that explain it come through a pipe
        failure = StartError(backend, worker.log if worker is not None else (), **facts)
        if worker is None or worker.end_asked_s is None:  # else it was not wanted any more, which is no failure
            self.listener.failed_to_start(backend, failure)
        raise failure

    async def _launch(self, backend: Backend) -> WorkerProcess:
        worker = await self.starter.start(backend, self, self.clock.monotonic())
        self._present.append(worker)
        self.report(worker)
        self._background.spawn(self._watch(worker))
        try:
            await worker.connect()
        except BaseException:
            worker.kill()  # nobody else knows of it yet
            raise
        return worker

    async def ask_health(self, backend: Backend, hook: str) -> dict[str, Any] | None:
        """Return the answer of the `alive` or `ready` hook of a backend's worker; None without one, or in time."""
        worker = self.ready_on(backend)
        if worker is None or hook not in worker.facts.get("hooks", ()):
            return None
        return await self._health.ask(worker.link, hook)

    # LinkOwner: what workers send

    def frame_received(self, link: WorkerLink, frame: Frame) -> None:
        """Take READY, FAILED, health answers, and what keeps a worker that is to end."""
        worker = self._of(link)
        if worker is None:
            return
        facts = facts_of(frame)
        if frame.kind == Kind.HEALTH_ANSWER:
            if frame.request_id == PULSE:
                worker.pulse_felt()
            self._health.answered(frame.request_id, facts)
        elif frame.kind == Kind.ENDING:
            if after_s := worker.note_ending(facts, self.clock.monotonic()):
                self.events.emit(CutOff(worker.backend, worker.pid, worker.ending, after_s))
        elif frame.kind == Kind.WARMING and worker.state is WorkerState.STARTING:
            worker.state = WorkerState.WARMING
            self.report(worker)
        elif frame.kind in (Kind.READY, Kind.FAILED) and not worker.outcome.done():
            self._settle_start(worker, frame.kind, facts)

    def _settle_start(self, worker: WorkerProcess, kind: int, facts: dict[str, Any]) -> None:
        if kind == Kind.READY and worker.state is not WorkerState.DRAINING:
            worker.state = WorkerState.READY
            worker.ready_s = self.clock.monotonic()
            worker.facts = facts
            self.listener.became_ready(worker)
            worker.link.start(blocking=bool(facts.get("blocking", True)), threads=facts.get("threads", 1))
            worker.meter.reset()
            self.report(worker)
        worker.outcome.set_result(facts)

    def link_lost(self, link: WorkerLink) -> None:
        """End a worker whose socket has closed: its process is gone, or must go."""
        worker = self._of(link)
        if worker is not None and (worker.state is not WorkerState.DRAINING or link.has_work):
            if link.fault:
                worker.end(f"it broke the protocol of its socket: {link.fault}")
            else:
                worker.kill()

    def _of(self, link: WorkerLink) -> WorkerProcess | None:
        return next((worker for worker in self._present if worker.link is link), None)

    # the end

    async def _watch(self, worker: WorkerProcess) -> None:
        code = await worker.wait()
        before, worker.state = worker.state, WorkerState.EXITED
        self._present.remove(worker)
        self._held_s[worker.backend] += self.clock.monotonic() - worker.requested_s
        if not worker.outcome.done():
            message = f"the worker ended with {ending(code)} while it started"
            worker.outcome.set_result({"kind": "exit", "message": message})
        retried, failed = self.front.worker_lost(worker.link)
        worker.link.close()
        if before is WorkerState.READY:
            self.listener.died(worker, code, retried, failed)
        else:
            self.report(worker, code, "released" if before is WorkerState.DRAINING else "failed to start")
        try:
            await worker.printed()
        finally:
            worker.release()

    def release(self, worker: WorkerProcess, drained: Callable[[], object] | None = None) -> None:
        """Give it to nobody from here on. Let it finish its requests, call `drained`, end it; all in the background."""
        if worker.state in _LIVE:
            before, worker.state = worker.state, WorkerState.DRAINING
            self.report(worker)
            if before is WorkerState.READY:
                self._background.spawn(self._drain(worker, drained))
            else:  # it has nothing to finish
                worker.drop(self.clock.monotonic())

    async def _drain(self, worker: WorkerProcess, drained: Callable[[], object] | None) -> None:
        await worker.link.wait_settled(self.drain_timeout_s)
        self.cut_sockets_off(worker, self.drain_timeout_s)
        await worker.link.wait_settled(max(self.request_timeout_s - self.drain_timeout_s, LEAST_STOP_S))
        if drained is not None:
            drained()
        await self._end(worker, self.drain_timeout_s)

    def cut_sockets_off(self, worker: WorkerProcess, after_s: float) -> None:
        """Close the WebSockets that are still open; their clients may connect again, to whatever serves then."""
        if count := self.front.answers.sockets.cut_off(worker.link):
            self.events.emit(CutOff(worker.backend, worker.pid, f"open WebSockets: {count}", after_s))

    async def _end(self, worker: WorkerProcess, timeout_s: float) -> None:
        """Ask it to end, and end it if it has not after a while; one that is not ready yet has nothing to finish."""
        before, worker.state = worker.state, WorkerState.DRAINING
        worker.end_asked_s = self.clock.monotonic()
        worker.link.send(frames.encode(Kind.STOP, body=b"%.3f" % timeout_s))
        if before not in (WorkerState.READY, WorkerState.DRAINING) or is_stopped(worker.pid):
            worker.kill()
        try:
            async with asyncio.timeout(timeout_s):
                await worker.process.wait()
        except TimeoutError:
            self.events.emit(CutOff(worker.backend, worker.pid, worker.ending, timeout_s))
            worker.kill()

    def end_hung(self, links: Iterable[WorkerLink], now_s: float) -> None:
        """End the workers that hang; `links` are those that keep a request beyond its deadline."""
        overdue = set(links)
        for worker in self._present:
            if why := worker.why_hung(now_s, self.request_timeout_s, is_overdue=worker.link in overdue):
                worker.end(why)

    async def stop(self, timeout_s: float) -> None:
        """End every worker, which has so long for it, and everything that is under way."""
        timeout_s = max(timeout_s, LEAST_STOP_S)
        self.starts.close()
        await asyncio.gather(*(self._end(worker, timeout_s) for worker in self))
        for _ in range(100):
            if not self._present:
                break
            await self.clock.sleep(0.02)
        await self.starter.close()
        await self._background.cancel()

    def report(self, worker: WorkerProcess, code: int | None = None, reason: str = "") -> None:
        """Report the state of a worker; of one that has ended, how and why."""
        end = (code, reason) if worker.state is WorkerState.EXITED else (None, None)
        self.events.emit(WorkerChanged(worker.backend, worker.pid, worker.state, *end))
