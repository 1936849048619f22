"""The supervisor: the lives of the workers, and the switch between two backends.

A switch starts the new worker in the background, waits until it is ready, moves the front's pointer in one
assignment, and lets the old worker drain. Until the pointer moves nothing has changed for any request, so a start
that fails costs nothing. A worker that dies is replaced with growing pauses; one that keeps dying gives its backend
up for a while, and the other backend takes over where the mode allows.
"""

import asyncio
import contextlib
import json
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from runtime_images.dynamic_runtime import frames, recovery
from runtime_images.dynamic_runtime.clock import Clock
from runtime_images.dynamic_runtime.events import EventLog
from runtime_images.dynamic_runtime.frames import Frame, FrameError, Kind
from runtime_images.dynamic_runtime.front import Front
from runtime_images.dynamic_runtime.health import HealthQuestions
from runtime_images.dynamic_runtime.link import WorkerLink
from runtime_images.dynamic_runtime.liveness import PULSE, pulse_felt, why_hung
from runtime_images.dynamic_runtime.processes import is_stopped
from runtime_images.dynamic_runtime.recovery import Service, Trouble
from runtime_images.dynamic_runtime.settings import Settings
from runtime_images.dynamic_runtime.start_error import StartError, start_failure
from runtime_images.dynamic_runtime.starting import Starter
from runtime_images.dynamic_runtime.switch import Switch
from runtime_images.dynamic_runtime.worker_process import WorkerProcess, WorkerState
from runtime_images.dynamic_runtime.zygote_process import ending
from runtime_images.pauses import restart_pause_s
from runtime_images.policy.model import Backend

START_TIMEOUT_S = 600.0
STOP_TIMEOUT_S = 5.0
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
        self.answers_received = front.answers_received  # every answer passes here: no call of ours between
        self._starter = starter
        self._problem = problem
        self._answers = answers
        self._moved = moved
        self._tasks: set[asyncio.Task[None]] = set()
        self._switching = asyncio.Lock()
        self._starts: dict[Backend, asyncio.Future[WorkerProcess]] = {}
        self._switch_count = 0
        self.health = HealthQuestions()
        self.workers: list[WorkerProcess] = []
        self.target = settings.mode.initial_backend
        self.switching_to: Backend | None = None
        self.trouble = {backend: Trouble() for backend in Backend}
        self.held_s = dict.fromkeys(Backend, 0.0)
        self.stopping = False

    # what others ask

    def worker(self, backend: Backend) -> WorkerProcess | None:
        """The worker that serves, or will serve, on a backend; drained ones are on their way out and don't count."""
        live = (WorkerState.STARTING, WorkerState.WARMING, WorkerState.READY)
        return next((w for w in self.workers if w.backend is backend and w.state in live), None)

    def lane_state(self, backend: Backend) -> str:
        """The state of a lane in the window event."""
        worker = self.worker(backend)
        if worker is not None:
            return worker.state.value
        if backend in self._starts:  # a zygote may have to import the function's libraries first
            return WorkerState.STARTING.value
        return "draining" if any(w.backend is backend for w in self.workers) else "off"

    def links(self) -> list[WorkerLink]:
        """The open links of all workers."""
        return [worker.link for worker in self.workers if worker.link.open]

    def held(self, backend: Backend) -> float:
        """Seconds for which a backend has been held: from each start ordered to its release."""
        now_s = self._clock.monotonic()
        return self.held_s[backend] + sum(now_s - w.ordered_s for w in self.workers if w.backend is backend)

    def usable(self, backend: Backend) -> bool:
        """Whether a start on this backend is worth a try now."""
        return self.trouble[backend].usable(self._clock.monotonic()) and not self._problem(backend)

    # starting and switching

    async def _start(self, backend: Backend) -> None:
        """Start a worker where none serves and give it the traffic, unless a switch has moved that meanwhile.

        Raises:
            StartError: it did not become ready.
        """
        worker = await self._ready_worker(backend)
        if self.target is backend:
            self._serve_on(worker)
        else:
            self._spawn(self._drain(worker, None))

    def _serve_on(self, worker: WorkerProcess) -> None:
        """Give a worker the traffic: from here on every request goes to it, those that wait first."""
        self.target = worker.backend
        self._front.active = worker.link
        self._front.unavailable = ""
        self._front.pump()

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
        self._phase(switch, "ordered")
        old = self._front.active
        try:
            worker = await self._ready_worker(switch.to)
        except StartError as error:
            self._phase(switch, "failed", error=str(error))
            return False
        switch.phases["ready"] = self._clock.time()
        self._serve_on(worker)
        self._moved(switch)
        self._phase(switch, "moved")
        for other in [w for w in self.workers if w.backend is switch.origin]:
            self._spawn(self._drain(other, switch if other.link is old else None))
        return True

    def _phase(self, switch: Switch, phase: str, error: str = "") -> None:
        if phase != "failed":
            switch.phases[phase] = self._clock.time()
        mode = self._settings.mode.on(self.target)
        self._events.emit("switch", phase=phase, mode=mode, **switch.describe(error))

    async def _ready_worker(self, backend: Backend) -> WorkerProcess:
        """The ready worker of a backend, started if there is none.

        Raises:
            StartError: it did not become ready; the backend is left alone for a while.
        """
        worker = self.worker(backend)
        if worker is not None and worker.state is WorkerState.READY:
            return worker
        start = self._starts.get(backend)
        if start is None:  # one start at a time: whoever else wants this backend waits for the same worker
            start = self._starts[backend] = asyncio.ensure_future(self._start_worker(backend))
            start.add_done_callback(lambda done: self._start_ended(backend, done))
        worker = await asyncio.shield(start)
        if worker.state is not WorkerState.READY:  # it has died since
            raise StartError(start_failure(backend, "exit", "the worker ended just when it was ready", worker.log))
        return worker

    def _start_ended(self, backend: Backend, start: "asyncio.Future[WorkerProcess]") -> None:
        del self._starts[backend]
        if not start.cancelled():
            start.exception()  # nobody may be waiting any more

    async def _start_worker(self, backend: Backend) -> WorkerProcess:
        try:
            worker = await self._spawn_worker(backend)
        except OSError as error:
            failure = StartError(start_failure(backend, "exit", f"the worker cannot be started: {error}", ()))
            self._note_failure(backend, failure)
            raise failure from None
        try:
            async with asyncio.timeout(START_TIMEOUT_S):
                facts = await asyncio.shield(worker.outcome)
        except TimeoutError:
            facts = {"kind": "timeout", "message": f"the function was not ready within {START_TIMEOUT_S:.0f} s"}
        if "kind" in facts:
            failure = StartError({**start_failure(backend, "", "", worker.log), **facts})
            worker.kill()
            self._note_failure(backend, failure)
            raise failure
        return worker

    async def _spawn_worker(self, backend: Backend) -> WorkerProcess:
        """A worker on its way.

        Raises:
            OSError: it cannot be started.
        """
        worker = await self._starter.start(backend, self, self._clock.monotonic())
        self.workers.append(worker)
        self._tell_state(worker)
        self._spawn(self._watch(worker))
        await worker.connect()
        return worker

    def _note_failure(self, backend: Backend, error: StartError) -> None:
        fields = error.fields
        self.trouble[backend] = recovery.start_failed(
            self.trouble[backend], fields["kind"], str(error), tuple(fields["log"]), self._clock.monotonic(),
            in_demand=backend is self.target,
        )  # fmt: skip
        self._events.emit("setup_failed", **error.fields)

    # LinkOwner: what workers send

    def frame_received(self, link: WorkerLink, frame: Frame) -> None:
        """READY, FAILED and health answers."""
        worker = next((w for w in self.workers if w.link is link), None)
        if worker is None:
            return
        try:
            facts = json.loads(frame.body)
        except ValueError:
            raise FrameError("a frame whose body is no JSON") from None
        if not isinstance(facts, dict):
            raise FrameError("a frame whose body is no object")
        if frame.kind == Kind.HEALTH_ANSWER:
            if frame.request_id == PULSE:
                pulse_felt(worker)
            self.health.answered(frame.request_id, facts)
        elif frame.kind == Kind.WARMING and worker.state is WorkerState.STARTING:
            worker.state = WorkerState.WARMING
            self._tell_state(worker)
        elif frame.kind in (Kind.READY, Kind.FAILED) and not worker.outcome.done():
            self._settle_start(worker, frame.kind, facts)

    def _settle_start(self, worker: WorkerProcess, kind: int, facts: dict[str, Any]) -> None:
        if kind == Kind.READY and worker.state is not WorkerState.DRAINING:
            worker.state = WorkerState.READY
            worker.ready_s = self._clock.monotonic()
            worker.facts = facts
            worker.answers_before = self._answers(worker.backend)
            self.trouble[worker.backend] = recovery.became_ready(self.trouble[worker.backend])
            worker.link.start(blocking=bool(facts.get("blocking", True)))
            worker.meter.reset()
            self._tell_state(worker)
        worker.outcome.set_result(facts)

    def link_lost(self, link: WorkerLink) -> None:
        """A worker's socket has closed: its process is gone, or must go."""
        worker = next((w for w in self.workers if w.link is link), None)
        if worker is not None and (worker.state is not WorkerState.DRAINING or link.jobs):
            if link.fault:
                worker.end(f"it broke the protocol of its socket: {link.fault}")
            else:
                worker.kill()

    # the end of workers

    async def _watch(self, worker: WorkerProcess) -> None:
        """Wait for the end of a worker and deal with it: asked for, at the start, or in the middle of its work."""
        code = await worker.wait()
        asked = worker.state is WorkerState.DRAINING
        served = worker.state is WorkerState.READY
        worker.state = WorkerState.EXITED
        self.workers.remove(worker)
        self.held_s[worker.backend] += self._clock.monotonic() - worker.ordered_s
        if not worker.outcome.done():
            worker.outcome.set_result(
                {"kind": "exit", "message": f"the worker ended with {ending(code)} while it started"}
            )
        retried, failed = self._front.worker_lost(worker.link)
        worker.link.close()
        if asked or not served:
            self._tell_state(worker, code, "released" if asked else "failed to start")
        else:
            self._crashed(worker, code, retried, failed)
        worker.release()

    def _crashed(self, worker: WorkerProcess, code: int, retried: int, failed: int) -> None:
        replace = not self.stopping and worker.backend is self.target
        message = f"the worker ended with {ending(code)}{worker.ended_for}"
        pause_s = 0.0
        if not self._problem(worker.backend):  # else it is the device's failure, and counted already
            service = worker.service(self._clock.monotonic(), self._answers(worker.backend))
            self.trouble[worker.backend], pause_s = recovery.crashed(
                self.trouble[worker.backend], message, tuple(worker.log), service
            )
        self._tell_state(worker, code, message)
        ended = {"exit_code": code, "signal": None} if code >= 0 else {"exit_code": None, "signal": -code}
        whose = {"backend": worker.backend, "pid": worker.pid, "retried": retried, "failed": failed}
        self._events.emit("worker_exit", **whose, **ended, restart_in_s=pause_s if replace else None)
        if replace:
            self._spawn(self.bring_up(worker.backend, pause_s))

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

    async def _give_up(self, backend: Backend) -> None:
        message = f"the function keeps failing on {backend}: {self.trouble[backend].message}"
        self.trouble[backend] = recovery.given_up(self.trouble[backend], self._clock.monotonic())
        hopeless = self._settings.mode.is_fixed or self.trouble[backend].hopeless  # the code is the same there
        other_usable = not hopeless and self.usable(backend.other)
        if other_usable and await self.switch(backend.other, message):
            self._events.emit("fallback", wanted=backend, got=backend.other, reason=message)
            return
        self._front.refuse_queue(self.trouble[backend].sentence)

    async def _drain(self, worker: WorkerProcess, switch: Switch | None) -> None:
        """Let a worker finish what it has, then release it."""
        worker.state = WorkerState.DRAINING
        self._tell_state(worker)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._settings.request_timeout_s):
                await worker.link.wait_settled()
        if switch is not None:
            self._phase(switch, "drained")
        await self._end(worker)

    async def _end(self, worker: WorkerProcess) -> None:
        worker.state = WorkerState.DRAINING
        worker.link.send(frames.encode(Kind.STOP))
        if is_stopped(worker.pid):
            worker.kill()
        try:
            async with asyncio.timeout(STOP_TIMEOUT_S):
                await worker.process.wait()
        except TimeoutError:
            worker.kill()

    def end_hung(self, links: Iterable[WorkerLink], now_s: float) -> None:
        """End the workers that hang (liveness.py); `links` are those that hold on to a request beyond its deadline."""
        overdue = set(links)
        for worker in self.workers:
            if why := why_hung(worker, overdue, now_s, self._settings.request_timeout_s):
                worker.end(why)

    def lose_device(self, backend: Backend, problem: str) -> None:
        """A backend's device is lost: end its worker at once, and do not try it again too soon."""
        now_s = self._clock.monotonic()
        worker = self.worker(backend)
        service = worker.service(now_s, self._answers(backend)) if worker is not None else Service()
        self.trouble[backend] = recovery.device_lost(self.trouble[backend], problem, service, now_s)
        for worker in self.workers:
            if worker.backend is backend:
                worker.end(problem)

    async def stop(self) -> None:
        """Release every worker and end everything that is under way."""
        self.stopping = True
        await asyncio.gather(*(self._end(worker) for worker in list(self.workers)))
        for _ in range(100):
            if not self.workers:
                break
            await asyncio.sleep(0.02)
        await self._starter.close()
        tasks: list[asyncio.Future[Any]] = [*self._tasks, *self._starts.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    # small things

    def _tell_state(self, worker: WorkerProcess, code: int | None = None, reason: str = "") -> None:
        fields: dict[str, Any] = {"backend": worker.backend, "pid": worker.pid, "state": worker.state}
        if worker.state is WorkerState.EXITED:
            fields |= {"exit_code": code, "reason": reason}
        self._events.emit("worker", **fields)

    def _spawn(self, work: Awaitable[None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
