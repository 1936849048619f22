"""The supervisor: which worker gets the traffic, and what is done about failures.

A switch starts the new worker in the background, waits until it is ready, moves the front's pointer in one
assignment, and lets the old worker drain. Until the pointer moves nothing has changed for any request, so a start
that fails costs nothing. A worker that dies is replaced with growing pauses; one that keeps dying gives its backend
up for a while, and the other backend takes over where the mode allows.
"""

import asyncio
from collections.abc import Callable
from functools import partial

from runtime_images.dynamic_runtime.background import Background
from runtime_images.dynamic_runtime.clock import Clock
from runtime_images.dynamic_runtime.front.router import Front
from runtime_images.dynamic_runtime.settings import Settings
from runtime_images.dynamic_runtime.telemetry.event_log import EventLog
from runtime_images.dynamic_runtime.workers import recovery
from runtime_images.dynamic_runtime.workers.launching import Starter
from runtime_images.dynamic_runtime.workers.lifecycle import Workers
from runtime_images.dynamic_runtime.workers.process import WorkerProcess
from runtime_images.dynamic_runtime.workers.recovery import Service, Trouble
from runtime_images.dynamic_runtime.workers.start_error import StartError
from runtime_images.dynamic_runtime.workers.switch import Switch
from runtime_images.dynamic_runtime.workers.zygote_process import ending
from runtime_images.events.decisions import Fallback, SwitchPhase
from runtime_images.events.lifecycle import WorkerExit
from runtime_images.policy.model import Backend
from runtime_images.policy.pauses import restart_pause_s

DEVICE_PAUSE_S = 0.5


class Supervisor:
    """Starts, replaces and releases workers.

    `problem` says what keeps a backend's device from being used, empty if nothing does; `answers` how many requests a
    backend has answered well; `moved` is told of each switch once traffic has moved.
    """

    def __init__(
        self,
        settings: Settings,
        clock: Clock,
        events: EventLog,
        front: Front,
        starter: Starter,
        problem: Callable[[Backend], str],
        answers: Callable[[Backend], int],
        moved: Callable[[Switch], None],
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._events = events
        self._front = front
        self._problem = problem
        self._answers = answers
        self._moved = moved
        self._restarts = Background()
        self._switching = asyncio.Lock()
        self._switch_count = 0
        self.workers = Workers(clock, events, front, starter, self, settings.request_timeout_s)
        self.target = settings.mode.initial_backend
        self.switching_to: Backend | None = None
        self.trouble = {backend: Trouble() for backend in Backend}
        self.stopping = False

    def usable(self, backend: Backend) -> bool:
        """Whether a start on this backend is worth a try now."""
        return self.trouble[backend].usable(self._clock.monotonic()) and not self._problem(backend)

    # traffic

    async def switch(self, to: Backend, reason: str) -> bool:
        """Move traffic to `to`; True once it has moved, False if that backend could not be started.

        Raises:
            RuntimeError: the runtime is shutting down.
        """
        async with self._switching:
            if self.stopping:
                raise RuntimeError("the runtime is shutting down")
            if self.target is to and self._front.active is not None:
                return True
            self._switch_count += 1
            switch = Switch(self._switch_count, to.other, to, reason)
            self.switching_to = to
            try:
                return await self._switch(switch)
            finally:
                self.switching_to = None

    async def _switch(self, switch: Switch) -> bool:
        self._phase(switch, SwitchPhase.ORDERED)
        old = self._front.active
        try:
            worker = await self.workers.ready(switch.to)
        except StartError as error:
            self._phase(switch, SwitchPhase.FAILED, error=str(error))
            return False
        switch.reach("ready", self._clock.time())
        self._serve_on(worker)
        self._moved(switch)
        self._phase(switch, SwitchPhase.MOVED)
        for other in self.workers:
            if other.backend is switch.origin:
                drained = partial(self._phase, switch, SwitchPhase.DRAINED) if other.link is old else None
                self.workers.release(other, drained)
        return True

    def _serve_on(self, worker: WorkerProcess) -> None:
        """Give a worker the traffic: from here on every request goes to it, those that wait first."""
        self.target = worker.backend
        self._front.active = worker.link
        self._front.unavailable = ""
        self._front.pump()

    def _phase(self, switch: Switch, phase: SwitchPhase, error: str = "") -> None:
        if phase is not SwitchPhase.FAILED:
            switch.reach(phase, self._clock.time())
        self._events.emit(switch.step(phase, self._settings.mode.on(self.target), error))

    # Overseer: what happens to workers

    def became_ready(self, worker: WorkerProcess) -> None:
        """Whether it is healthy is still to be seen."""
        worker.answers_before = self._answers(worker.backend)
        self.trouble[worker.backend] = recovery.became_ready(self.trouble[worker.backend])

    def failed_to_start(self, backend: Backend, error: StartError) -> None:
        """The backend is left alone for a while."""
        failure = error.failure
        self.trouble[backend] = recovery.start_failed(
            self.trouble[backend], failure.kind, failure.message, failure.log, self._clock.monotonic(),
            in_demand=backend is self.target,
        )  # fmt: skip
        self._events.emit(failure)

    def died(self, worker: WorkerProcess, code: int, retried: int, failed: int) -> None:
        """One that served is replaced, at once if it was healthy."""
        replace = not self.stopping and worker.backend is self.target
        message = f"the worker ended with {ending(code)}{worker.ended_for}"
        pause_s = 0.0
        if not self._problem(worker.backend):  # else it is the device's failure, and counted already
            self.trouble[worker.backend], pause_s = recovery.crashed(
                self.trouble[worker.backend], message, tuple(worker.log), self._service(worker)
            )
        self.workers.tell(worker, code, message)
        self._events.emit(
            WorkerExit(
                backend=worker.backend,
                pid=worker.pid,
                exit_code=code if code >= 0 else None,
                signal=-code if code < 0 else None,
                retried=retried,
                failed=failed,
                restart_in_s=pause_s if replace else None,
            )
        )
        if replace:
            self._restarts.spawn(self.bring_up(worker.backend, pause_s))

    def _service(self, worker: WorkerProcess) -> Service:
        return worker.service(self._clock.monotonic(), self._answers(worker.backend))

    # what is done about it

    async def bring_up(self, backend: Backend, pause_s: float = 0.0) -> None:
        """Start the target, again after growing pauses, or give it up after too many failures.

        It ends when something serves, also on the other backend, or when nothing will.
        """
        while not self.stopping and self.target is backend and self._front.active is None:
            if self.trouble[backend].is_broken:
                await self._give_up(backend)
                return
            await asyncio.sleep(pause_s)
            if self._problem(backend):
                pause_s = DEVICE_PAUSE_S
                continue
            try:
                await self._start(backend)
            except StartError:
                pause_s = restart_pause_s(self.trouble[backend].failures)

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
        message = f"the function keeps failing on {backend}: {self.trouble[backend].message}"
        self.trouble[backend] = recovery.given_up(self.trouble[backend], self._clock.monotonic())
        hopeless = self._settings.mode.is_fixed or self.trouble[backend].hopeless  # the code is the same there
        other_usable = not hopeless and self.usable(backend.other)
        if other_usable and await self.switch(backend.other, message):
            self._events.emit(Fallback(wanted=backend, got=backend.other, reason=message))
            return
        self._front.refuse_queue(self.trouble[backend].sentence)

    def lose_device(self, backend: Backend, problem: str) -> None:
        """A backend's device is lost: end its worker at once, and do not try it again too soon."""
        worker = self.workers.on(backend)
        service = self._service(worker) if worker is not None else Service()
        self.trouble[backend] = recovery.device_lost(self.trouble[backend], problem, service, self._clock.monotonic())
        for worker in self.workers:
            if worker.backend is backend:
                worker.end(problem)

    async def stop(self) -> None:
        """Release every worker and end everything that is under way."""
        self.stopping = True
        await self.workers.stop()
        await self._restarts.cancel()
