"""The supervisor: which worker gets the traffic, and what is done about failures.

A switch starts the new worker in the background, waits until it is ready, moves the front's pointer in one
assignment, and lets the old worker drain. Until the pointer moves nothing has changed for any request, so a start
that fails costs nothing. A worker that dies is replaced with growing pauses; one that keeps dying gives its backend
up for a while, and the other backend takes over where the mode allows.
"""

import asyncio
from collections.abc import Callable
from dataclasses import replace
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
from runtime_images.dynamic_runtime.workers.recovery import FailureRecord, Service
from runtime_images.dynamic_runtime.workers.reports import StartError
from runtime_images.events.decisions import Fallback, SwitchKind, SwitchMoments, SwitchPhase, SwitchStep
from runtime_images.events.lifecycle import WorkerExit, WorkerState
from runtime_images.events.traffic import LaneState
from runtime_images.policy.model import Backend
from runtime_images.policy.pauses import restart_pause_s

DEVICE_PAUSE_S = 0.5
_LANE_STATES: dict[WorkerState, LaneState] = {
    state: LaneState(state) for state in WorkerState if state is not WorkerState.EXITED
}


class Supervisor:
    """Starts, replaces and releases workers.

    `problem` says what keeps a backend's device from being used, empty if nothing does. `target` is the backend that
    has the traffic or gets it as soon as it can serve, `switching_to` where a switch under way leads to.
    """

    def __init__(
        self,
        settings: Settings,
        clock: Clock,
        events: EventLog,
        front: Front,
        starter: Starter,
        problem: Callable[[Backend], str],
        recorder: Recorder,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._events = events
        self._front = front
        self.problem = problem
        self._recorder = recorder
        self._restarts = Background()
        self._switching = asyncio.Lock()
        self._switch_count = 0
        self.workers = Workers(clock, events, front, starter, self, settings.request_timeout_s)
        self.target = settings.mode.initial_backend
        self.switching_to: Backend | None = None
        self.failures = {backend: FailureRecord() for backend in Backend}
        self.stopping = False

    # what an observer asks

    def usable(self, backend: Backend) -> bool:
        """Return whether a start on this backend is worth a try now."""
        return self.failures[backend].usable(self._clock.monotonic()) and not self.problem(backend)

    @property
    def busy(self) -> bool:
        """Whether any worker has a request."""
        return self.workers.busy

    def view(self, backend: Backend, now_s: float) -> BackendView:
        """Return how a backend is now."""
        workers, usable = self.workers, self.usable(backend)
        if (worker := workers.on(backend)) is None:
            return BackendView(usable, workers.state_without_worker(backend), None, (), workers.held(backend))
        ages_s = worker.in_flight_ages_s(now_s)
        return BackendView(usable, _LANE_STATES[worker.state], worker.pid, ages_s, workers.held(backend))

    # what health asks

    @property
    def failure(self) -> Failure:
        """The last failure of the backend that is to serve."""
        record = self.failures[self.target]
        return Failure(record.status, record.message, record.log)

    async def ask_health(self, hook: str) -> dict[str, Any] | None:
        """Return the answer of the serving worker's `alive` or `ready` hook; None without one, or in time."""
        return await self.workers.ask_health(self.target, hook)

    # traffic

    async def start_first(self, backend: Backend) -> WorkerProcess | None:
        """Start on `backend`, or on the other one if that keeps failing; return what serves, None if nothing does."""
        self.target = backend
        await self.bring_up(backend)
        worker = self.workers.ready_on(self.target)  # what failed to start may not have ended yet
        if worker is not None:
            self._record_serving(worker)
        return worker

    async def switch(self, to: Backend, reason: str) -> bool:
        """Move traffic to `to`; return whether it has moved, False if that backend could not be started.

        Raises:
            RuntimeError: the runtime is shutting down.
        """
        async with self._switching:
            if self.stopping:
                raise RuntimeError("the runtime is shutting down")
            if self.target is to and self._front.active is not None:
                return True
            self._switch_count += 1
            self.switching_to = to
            try:
                return await self._switch(to, reason)
            finally:
                self.switching_to = None

    async def _switch(self, to: Backend, reason: str) -> bool:
        step = SwitchStep(
            id=self._switch_count, phase=SwitchPhase.ORDERED, origin=to.other, to=to, kind=SwitchKind.towards(to),
            reason=reason, mode=self._settings.mode.on(self.target), phases=SwitchMoments(ordered=self._clock.time()),
        )  # fmt: skip
        self._events.emit(step)
        old = self._front.active
        try:
            worker = await self.workers.ready(to)
        except StartError as error:
            mode = self._settings.mode.on(self.target)
            self._events.emit(replace(step, phase=SwitchPhase.FAILED, reason=str(error), mode=mode))
            return False
        step = replace(step, phases=replace(step.phases, ready=self._clock.time()))
        self._serve_on(worker)
        self._record_serving(worker)
        self._recorder.switched(step.origin, to, step.kind)
        self._front.answers.fallback &= to is Backend.CPU
        step = self._report_next(step, SwitchPhase.MOVED)
        for other in self.workers:
            if other.backend is step.origin:
                drained = partial(self._report_next, step, SwitchPhase.DRAINED) if other.link is old else None
                self.workers.release(other, drained)
        return True

    def _report_next(self, step: SwitchStep, phase: SwitchPhase) -> SwitchStep:
        """Report that a switch has come from one step to the next; return that one."""
        phases = replace(step.phases, **{phase: self._clock.time()})
        step = replace(step, phase=phase, mode=self._settings.mode.on(self.target), phases=phases)
        self._events.emit(step)
        return step

    def fall_back(self, wanted: Backend, reason: str) -> None:
        """Note that the other backend serves, or will, because the one that is wanted is unavailable."""
        self._front.answers.fallback = wanted is Backend.GPU
        self._recorder.fell_back()
        self._events.emit(Fallback(wanted=wanted, got=wanted.other, reason=reason))

    def _serve_on(self, worker: WorkerProcess) -> None:
        self.target = worker.backend
        self._front.route_to(worker.link)

    def _record_serving(self, worker: WorkerProcess) -> None:
        mode = self._settings.mode.on(worker.backend)
        self._recorder.serving(worker.backend, mode, worker.start_up_s, worker.ready_s)

    # WorkerListener: what happens to workers

    def became_ready(self, worker: WorkerProcess) -> None:
        """Note that it has served; whether it is healthy is still to be seen."""
        worker.answers_before = self._recorder.good_answers(worker.backend)
        self.failures[worker.backend] = recovery.became_ready(self.failures[worker.backend])

    def failed_to_start(self, backend: Backend, error: StartError) -> None:
        """Leave the backend alone for a while."""
        failure = error.failure
        self.failures[backend] = recovery.start_failed(
            self.failures[backend], failure.kind, failure.message, failure.log, self._clock.monotonic(),
            in_demand=backend is self.target,
        )  # fmt: skip
        self._events.emit(failure)

    def died(self, worker: WorkerProcess, code: int, retried: int, failed: int) -> None:
        """Replace one that served, at once if it was healthy."""
        is_replaced = not self.stopping and worker.backend is self.target
        message = f"the worker ended with {ending(code)}{worker.ended_for}"
        pause_s = 0.0
        if not self.problem(worker.backend):  # else it is the device's failure, and counted already
            self.failures[worker.backend], pause_s = recovery.crashed(
                self.failures[worker.backend], message, tuple(worker.log), self._service(worker)
            )
        self.workers.report(worker, code, message)
        exit_code, signal = (code, None) if code >= 0 else (None, -code)
        self._events.emit(
            WorkerExit(
                backend=worker.backend, pid=worker.pid, exit_code=exit_code, signal=signal, retried=retried,
                failed=failed, restart_in_s=pause_s if is_replaced else None,
            )
        )  # fmt: skip
        if is_replaced:
            self._restarts.spawn(self.bring_up(worker.backend, pause_s))

    def _service(self, worker: WorkerProcess) -> Service:
        return worker.service(self._clock.monotonic(), self._recorder.good_answers(worker.backend))

    # what is done about it

    async def bring_up(self, backend: Backend, pause_s: float = 0.0) -> None:
        """Start the target, again after growing pauses, or give it up after too many failures.

        It ends when something serves, also on the other backend, or when nothing will.
        """
        while not self.stopping and self.target is backend and self._front.active is None:
            if self.failures[backend].is_broken:
                await self._give_up(backend)
                return
            await self._clock.sleep(pause_s)
            if self.problem(backend):
                pause_s = DEVICE_PAUSE_S
                continue
            try:
                await self._start(backend)
            except StartError:
                pause_s = restart_pause_s(self.failures[backend].failures)

    async def _start(self, backend: Backend) -> None:
        """Start a worker where none serves and give it the traffic, unless a switch has moved that meanwhile.

        Raises:
            StartError: it did not become ready.
        """
        worker = await self.workers.ready(backend)
        if self.target is backend:
            self._serve_on(worker)
        else:
            self.workers.release(worker)

    async def _give_up(self, backend: Backend) -> None:
        message = f"the function keeps failing on {backend}: {self.failures[backend].message}"
        self.failures[backend] = recovery.given_up(self.failures[backend], self._clock.monotonic())
        hopeless = self._settings.mode.is_fixed or self.failures[backend].hopeless  # the code is the same there
        other_usable = not hopeless and self.usable(backend.other)
        if other_usable and await self.switch(backend.other, message):
            self.fall_back(backend, message)
            return
        self._front.refuse_queue(self.failures[backend].sentence)

    def lose_device(self, backend: Backend, problem: str) -> None:
        """End the workers of a backend whose device is lost, and do not try it again too soon."""
        worker = self.workers.on(backend)
        service = self._service(worker) if worker is not None else Service()
        self.failures[backend] = recovery.device_lost(
            self.failures[backend], problem, service, self._clock.monotonic()
        )  # fmt: skip
        for worker in self.workers:
            if worker.backend is backend:
                worker.end(problem)

    async def stop(self) -> None:
        """Release every worker and end everything that is under way."""
        self.stopping = True
        await self.workers.stop()
        await self._restarts.cancel()
