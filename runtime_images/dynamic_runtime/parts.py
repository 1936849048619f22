"""The parts that serve requests, put together: all of the runtime that needs no process, socket or signal of its own.

The runtime gives it real workers and listens; tests give it simulated ones, and run the very same parts in virtual
time.
"""

from collections.abc import Callable

from runtime_images.dynamic_runtime.clock import Clock
from runtime_images.dynamic_runtime.decision_loop import DecisionLoop
from runtime_images.dynamic_runtime.edge.memory import Shares
from runtime_images.dynamic_runtime.edge.server import HttpServer
from runtime_images.dynamic_runtime.front.health import Health
from runtime_images.dynamic_runtime.front.job import Job
from runtime_images.dynamic_runtime.front.link import WorkerLink
from runtime_images.dynamic_runtime.front.router import Front
from runtime_images.dynamic_runtime.settings import Settings
from runtime_images.dynamic_runtime.telemetry.event_log import EventLog
from runtime_images.dynamic_runtime.telemetry.metrics import Metrics
from runtime_images.dynamic_runtime.telemetry.observer import NOTHING_KNOWN, ArrivalRate, Sources
from runtime_images.dynamic_runtime.telemetry.recorder import Recorder
from runtime_images.dynamic_runtime.wire.arenas import Requests
from runtime_images.dynamic_runtime.workers.launching import Starter
from runtime_images.dynamic_runtime.workers.supervisor import SHUTTING_DOWN, Supervisor
from runtime_images.events.lifecycle import SetupFailed
from runtime_images.events.traffic import BadAnswer
from runtime_images.node.watch import Now
from runtime_images.policy.model import Accelerator, Backend
from runtime_images.policy.pauses import LONGEST_PAUSE_S
from runtime_images.policy.sampling import TICK_S

QUIET_BEFORE_CLOSE_S = 0.2
LISTEN_WHILE_DRAINING_S = 2.0
_LOOK_S = 0.02


class Parts:
    """Front, workers, decisions and the public server of one function.

    `problem` says what keeps a backend's device from being used, `node` how the node is; long bodies go to `requests`;
    clients share `shares`.
    """

    def __init__(
        self,
        settings: Settings,
        clock: Clock,
        events: EventLog,
        starter: Starter,
        problem: Callable[[Backend], str],
        requests: Requests | None,
        shares: Shares,
        node: Callable[[], Now] = lambda: NOTHING_KNOWN,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._events = events
        self._problem = problem
        self.metrics = Metrics()
        self.recorder = Recorder(settings.slo, self.metrics, clock.monotonic(), keep_rows=settings.record_requests)
        self.front = Front(settings, clock, self.recorder.answered, self._report_bad_answer)
        self.supervisor = Supervisor(settings, clock, events, self.front, starter, problem, self.recorder)
        arrivals = ArrivalRate(self.recorder.started_s)
        alike = settings.accelerator is Accelerator.EMULATED  # such a worker is a process like that of the CPU
        self.sources = Sources(self.front, self.supervisor, self.recorder.stats, arrivals, alike, node)
        self.decisions = DecisionLoop(
            settings, clock, events, self.front, self.supervisor, self.recorder, self.sources
        )  # fmt: skip
        self.health = Health(self.front, self.supervisor, settings.listen_address)
        self.server = HttpServer(
            self.health, Job, clock, settings.max_body_bytes, requests, shares, self.health.refusal
        )  # fmt: skip

        self._end_by_s = 0.0

    def _report_bad_answer(self, link: WorkerLink, request: int, reason: str) -> None:
        pid = next((worker.pid for worker in self.supervisor.workers if worker.link is link), None)
        self._events.emit(BadAnswer(link.backend, pid, request, reason))

    async def first_backend(self) -> Backend:
        """Return the backend that the mode asks for; without a GPU the CPU if the mode allows it, else wait for one."""
        wanted = self._settings.mode.initial_backend
        problem = self._problem(wanted)
        if problem and not self._settings.mode.is_fixed:
            self.supervisor.fall_back(wanted, problem)
            return wanted.other
        if problem:
            message = "the function's mode is gpu, but there is no GPU"
            self._events.emit(SetupFailed(wanted, "no_gpu", f"{message}: {problem}"))
            self.front.refuse_queue(message, round(LONGEST_PAUSE_S))
        while self._problem(wanted):
            await self._clock.sleep(TICK_S)  # NVML's own thread has the answer: there is no event to wait for
        self.front.hold_queue()
        return wanted

    async def drain(self) -> None:
        """Answer all requests that are here, and ask clients to leave; what is unfinished then is cut off."""
        self.server.begin_draining()
        self.health.begin_draining()
        begun_s = quiet_since_s = self._clock.monotonic()
        self._end_by_s = begun_s + self._settings.drain_timeout_s
        while (now_s := self._clock.monotonic()) < self._end_by_s:
            if now_s - begun_s > LISTEN_WHILE_DRAINING_S:
                self.server.stop_listening()
            if self.front.queue or any(link.has_work for link in self.supervisor.workers.links()):
                quiet_since_s = now_s
            elif now_s - quiet_since_s >= QUIET_BEFORE_CLOSE_S:
                break
            await self._clock.sleep(_LOOK_S)
        self.server.stop_listening()
        self.front.refuse_queue(SHUTTING_DOWN)
        for worker in self.supervisor.workers:
            self.supervisor.workers.cut_sockets_off(worker, self._settings.drain_timeout_s)

    async def end(self) -> None:
        """End the workers, which have the rest of the drain time for it, then the connections of clients."""
        await self.supervisor.stop(self._end_by_s - self._clock.monotonic())
        self.server.close_connections()
