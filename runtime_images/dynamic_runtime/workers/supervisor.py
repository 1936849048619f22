"""The supervisor: which worker gets the traffic, and what follows from failures.

A switch starts the new worker in the background, waits until it is ready, moves the front's pointer in one
assignment, and lets the old worker drain. Until the pointer moves nothing changes for any request, so a start that
fails, or is given up because nobody needs it any more, costs nothing. A worker that dies is replaced. What cannot be
started is tried again for ever, after pauses that grow and are bounded (recovery.py); meanwhile the other backend takes
over where the mode allows, else requests are refused.
"""

import asyncio
import math
from collections.abc import Callable, Coroutine
from dataclasses import InitVar, dataclass, replace
from functools import partial
from typing import Any

from runtime_images.dynamic_runtime.background import Background
from runtime_images.dynamic_runtime.clock import Clock
from runtime_images.dynamic_runtime.front.health import Failure
from runtime_images.dynamic_runtime.front.router import Front
from runtime_images.dynamic_runtime.settings import Settings
from runtime_images.dynamic_runtime.telemetry.event_log import EventLog
from runtime_images.dynamic_runtime.telemetry.observer import BackendView
from runtime_images.dynamic_runtime.telemetry.recorder import Recorder
from runtime_images.dynamic_runtime.workers import recovery
from runtime_images.dynamic_runtime.workers.child_process import ending
from runtime_images.dynamic_runtime.workers.launching import Starter
from runtime_images.dynamic_runtime.workers.lifecycle import Workers
from runtime_images.dynamic_runtime.workers.process import WorkerProcess
from runtime_images.dynamic_runtime.workers.recovery import FailureRecord
from runtime_images.dynamic_runtime.workers.reports import StartError
from runtime_images.events.decisions import Fallback, SwitchKind, SwitchMoments, SwitchPhase, SwitchStep
from runtime_images.events.lifecycle import WorkerExit, WorkerState
from runtime_images.events.traffic import LaneState
from runtime_images.policy.model import Backend

DEVICE_PAUSE_S = 0.5
SHUTTING_DOWN = "the runtime is shutting down"
_LANE_STATES: dict[WorkerState, LaneState] = {s: LaneState(s) for s in WorkerState if s is not WorkerState.EXITED}


@dataclass(eq=False)
class Supervisor:
    """Starts, replaces and releases workers.

    `problem` says what keeps a backend's device from being used, empty if nothing does. `target` is the backend that
    has the traffic or gets it as soon as it can serve, `switching_to` the one that a switch under way goes to.
    `_outage` is the time since nothing has served, None while something does.
    """

    settings: Settings
    clock: Clock
    events: EventLog
    front: Front
    starter: InitVar[Starter]
    problem: Callable[[Backend], str]
    recorder: Recorder

    def __post_init__(self, starter: Starter) -> None:
        timeouts_s = self.settings.request_timeout_s, self.settings.drain_timeout_s
        self.workers = Workers(self.clock, self.events, self.front, starter, self, *timeouts_s)
        self._restarts = Background()
        self._switching = asyncio.Lock()
        self._switch_count = 0
        self._given_up = ""
        self.target = self.settings.mode.initial_backend
        self.switching_to: Backend | None = None
        self._outage: object | None = None
        self.failures = {backend: FailureRecord() for backend in Backend}
        self.stopping = False

    # what an observer asks

    def usable(self, backend: Backend) -> bool:
        """Return whether a start on this backend is worth a try now."""
        return self.failures[backend].usable(self.clock.monotonic()) and not self.problem(backend)

    @property
    def busy(self) -> bool:
        """Whether any worker has a request."""
        return self.workers.busy

    def view(self, backend: Backend, now_s: float) -> BackendView:
        """Return how a backend is now."""
        workers, usable = self.workers, self.usable(backend)
        sockets = sum([len(one.link.sockets) for one in workers if one.backend is backend])
        totals = workers.held(backend), sockets
        if (worker := workers.on(backend)) is None:
            return BackendView(usable, workers.state_without_worker(backend), None, (), *totals)
        return BackendView(usable, _LANE_STATES[worker.state], worker.pid, worker.in_flight_ages_s(now_s), *totals)

    # what health asks

    @property
    def failure(self) -> Failure:
        """The last failure of the backend that is to serve."""
        record = self.failures[self.target]
        return Failure(record.message or self.problem(self.target), record.log)

    @property
    def device_problem(self) -> str:
        """What keeps the device of the backend that is to serve from being used; empty if nothing does."""
        return self.problem(self.target)

    async def ask_health(self, hook: str) -> dict[str, Any] | None:
        """Return the answer of the serving worker's `alive` or `ready` hook; None without one, or in time."""
        return await self.workers.ask_health(self.target, hook)

    # traffic

    async def start_first(self, backend: Backend) -> WorkerProcess | None:
        """Start on `backend`, or on the other one if that keeps failing; return what serves, None at the end."""
        self.target = backend
        worker: WorkerProcess | None = None
        while worker is None and not self.stopping:
            await self.bring_up(self.target)
            worker = self.workers.ready_on(self.target)  # it may have died since
        return worker

    async def switch(self, to: Backend, reason: str) -> bool:
        """Move traffic to `to`; return whether it has moved, False if that backend could not be started.

        Where `to` serves already, a switch under way to the other backend is given up.

        Raises:
            RuntimeError: the runtime is shutting down.
        """
        if to is self.target:
            self.give_up_switch(reason)
        async with self._switching:
            if self.stopping:
                raise RuntimeError(SHUTTING_DOWN)
            if self.target is to and self.front.active is not None:
                return True
            self._switch_count += 1
            self.switching_to, self._given_up = to, ""
            try:
                return await self._switch(to, reason)
            finally:
                self.switching_to = None

    async def _switch(self, to: Backend, reason: str) -> bool:
        step = SwitchStep(
            id=self._switch_count, phase=SwitchPhase.ORDERED, origin=to.other, to=to, kind=SwitchKind.towards(to),
            reason=reason, mode=self.settings.mode.on(self.target), phases=SwitchMoments(ordered=self.clock.time()),
        )  # fmt: skip
        self.events.emit(step)
        old = self.front.active
        try:
            worker = await self.workers.ready(to)
        except StartError as error:
            phase = SwitchPhase.GIVEN_UP if self._given_up else SwitchPhase.FAILED
            mode = self.settings.mode.on(self.target)
            self.events.emit(replace(step, phase=phase, reason=self._given_up or str(error), mode=mode))
            return False
        step = replace(step, phases=replace(step.phases, ready=self.clock.time()))
        self._serve_on(worker)
        self.recorder.switched(step.origin, to, step.kind)
        self.front.mark_fallback(active=self.front.answers.fallback and to is Backend.CPU)
        step = self._report_next(step, SwitchPhase.MOVED)
        for other in self.workers:
            if other.backend is step.origin:
                drained = partial(self._report_next, step, SwitchPhase.DRAINED) if other.link is old else None
                self.workers.release(other, drained)
        return True

    def give_up_switch(self, reason: str) -> None:
        """End the start that the switch under way waits for; not where the traffic has moved, or nothing serves."""
        if self.switching_to is self.target.other and self.workers.ready_on(self.target) is not None:
            self._given_up = reason
            self.workers.give_up(self.switching_to)

    def _report_next(self, step: SwitchStep, phase: SwitchPhase) -> SwitchStep:
        """Report the next step of a switch, and return it."""
        phases = replace(step.phases, **{phase: self.clock.time()})
        step = replace(step, phase=phase, mode=self.settings.mode.on(self.target), phases=phases)
        self.events.emit(step)
        return step

    def fall_back(self, wanted: Backend, reason: str) -> None:
        """Note that the other backend serves, or will, because the wanted one is unavailable."""
        self.front.mark_fallback(active=wanted is Backend.GPU)
        self.recorder.metrics.fell_back()
        self.events.emit(Fallback(wanted=wanted, got=wanted.other, reason=reason))

    def _serve_on(self, worker: WorkerProcess) -> None:
        self.target = worker.backend
        self._outage = None
        self.front.route_to(worker.link)
        mode = self.settings.mode.on(worker.backend)
        self.recorder.serving(worker.backend, mode, worker.start_up_s, worker.next_start_s, worker.ready_s)

    # WorkerListener: what happens to workers

    def became_ready(self, worker: WorkerProcess) -> None:
        """Note that the code can be served; whether the worker is healthy is still open."""
        self.failures[worker.backend] = replace(self.failures[worker.backend], hopeless=False)

    def failed_to_start(self, backend: Backend, error: StartError) -> None:
        """Leave the backend alone for a while; at the end of all that a start was only broken off."""
        if self.stopping:
            return
        failure = error.failure
        self.failures[backend] = recovery.start_failed(
            self.failures[backend], failure.kind, failure.message, failure.log, self.clock.monotonic(),
            self._good_answers(backend), in_demand=backend is self.target,
        )  # fmt: skip
        self.events.emit(failure)

    def died(self, worker: WorkerProcess, code: int, retried: int, failed: int) -> None:
        """Replace it, at once if it was at work."""
        is_replaced = not self.stopping and worker.backend is self.target
        message = f"the worker ended with {ending(code)}{worker.ended_for}"
        if not self.problem(worker.backend):  # else the device failed, and is counted already
            self.failures[worker.backend] = recovery.died(
                self.failures[worker.backend], message, tuple(worker.log), self._good_answers(worker.backend),
                worker.lived_s(self.clock.monotonic()), at_work=worker.link.was_at_work,
            )  # fmt: skip
        self.workers.report(worker, code, message)
        exit_code, signal = (code, None) if code >= 0 else (None, -code)
        self.events.emit(
            WorkerExit(
                backend=worker.backend, pid=worker.pid, exit_code=exit_code, signal=signal, retried=retried,
                failed=failed, restart_in_s=self.failures[worker.backend].pause_s if is_replaced else None,
            )
        )  # fmt: skip
        if is_replaced and self._outage is None:
            self._restarts.spawn(self.bring_up(worker.backend))

    def _good_answers(self, backend: Backend) -> int:
        return self.recorder.stats[backend].good_answers

    # what is done about it

    def bring_up(self, backend: Backend) -> Coroutine[Any, Any, None]:
        """Start the target, again and again after growing pauses, until something serves.

        It is an outage from the call on: when the coroutine begins to run, a switch may have ended it already.
        """
        outage = self._outage = object()  # who brings up from here on; whoever did so before leaves it to this one
        return self._bring_up(backend, outage)

    async def _bring_up(self, backend: Backend, outage: object) -> None:
        while self._outage is outage and not self.stopping:
            if await self._leave(backend):
                return
            record = self.failures[backend]
            if record.is_failing:
                self.front.refuse_queue(recovery.UNAVAILABLE, math.ceil(record.pause_s))
            await self.clock.sleep(DEVICE_PAUSE_S if self.problem(backend) else record.pause_s)
            if self._outage is outage and not self.problem(backend):
                await self._try_to_serve(backend, outage)

    async def _try_to_serve(self, backend: Backend, outage: object) -> None:
        try:
            worker = await self.workers.ready(backend)
        except StartError:
            return
        if self._outage is outage:
            self._serve_on(worker)
        elif self.target is not backend:  # a switch has moved the traffic meanwhile
            self.workers.release(worker)

    async def _leave(self, backend: Backend) -> bool:
        """Move to the other backend if this one keeps failing or its device is lost; return whether that was done."""
        record, problem = self.failures[backend], self.problem(backend)
        if not problem and not record.may_leave(backend):
            return False
        if self.settings.mode.is_fixed or self._switching.locked() or not self.usable(backend.other):
            return False
        if not problem:  # else this was counted when it came
            self.failures[backend] = recovery.left(record, self.clock.monotonic())
        reason = problem or f"the function keeps failing on {backend}: {record.message}"
        if not await self.switch(backend.other, reason):
            return False
        self.fall_back(backend, reason)
        return True

    def lose_device(self, backend: Backend, problem: str) -> None:
        """End the workers of a backend whose device is lost, and pause before the next try."""
        worker, now_s = self.workers.on(backend), self.clock.monotonic()
        self.failures[backend] = recovery.device_lost(
            self.failures[backend], problem, now_s, self._good_answers(backend),
            0.0 if worker is None else worker.lived_s(now_s),
        )  # fmt: skip
        for worker in self.workers:
            if worker.backend is backend:
                worker.end(problem)

    def give_up(self) -> None:
        """Start nothing any more, and let requests that wait go: all that is left is about to be ended."""
        self.stopping = True
        self.front.refuse_queue(SHUTTING_DOWN)

    async def stop(self, timeout_s: float) -> None:
        """End every worker, which has so long for it, and everything that is under way."""
        self.stopping = True
        await self.workers.stop(timeout_s)
        await self._restarts.cancel()
