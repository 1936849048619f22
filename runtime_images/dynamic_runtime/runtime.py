"""The runtime: its parts and their life, which is `run`: listen, start a worker, serve, drain, report the totals."""

import asyncio
import contextlib
import os
import signal
from pathlib import Path

from runtime_images.dynamic_runtime.admin import Admin
from runtime_images.dynamic_runtime.background import surviving
from runtime_images.dynamic_runtime.clock import Clock
from runtime_images.dynamic_runtime.decision_loop import DecisionLoop
from runtime_images.dynamic_runtime.edge.exchange import Exchange
from runtime_images.dynamic_runtime.edge.memory import memory_limit, own_heap, share_out
from runtime_images.dynamic_runtime.edge.server import HttpServer
from runtime_images.dynamic_runtime.front.health import Health
from runtime_images.dynamic_runtime.front.job import Job
from runtime_images.dynamic_runtime.front.link import WorkerLink
from runtime_images.dynamic_runtime.front.router import Front
from runtime_images.dynamic_runtime.metrics_port import metrics_server
from runtime_images.dynamic_runtime.settings import Settings
from runtime_images.dynamic_runtime.telemetry.devices import Devices
from runtime_images.dynamic_runtime.telemetry.event_log import EventLog
from runtime_images.dynamic_runtime.telemetry.metrics import Metrics
from runtime_images.dynamic_runtime.telemetry.observer import ArrivalRate, Sources
from runtime_images.dynamic_runtime.telemetry.readings import Readings
from runtime_images.dynamic_runtime.telemetry.recorder import Recorder
from runtime_images.dynamic_runtime.telemetry.reporting import Reporter
from runtime_images.dynamic_runtime.wire.arenas import create_requests
from runtime_images.dynamic_runtime.workers.launching import WorkerStarter
from runtime_images.dynamic_runtime.workers.orphans import adopt_orphans, keep_to_itself, reap_adopted
from runtime_images.dynamic_runtime.workers.supervisor import Supervisor
from runtime_images.events.lifecycle import Ready, SetupFailed
from runtime_images.events.traffic import BadAnswer
from runtime_images.policy.model import Backend
from runtime_images.policy.pauses import LONGEST_PAUSE_S
from runtime_images.policy.sampling import TICK_S

QUIET_BEFORE_CLOSE_S = 0.2
LISTEN_WHILE_DRAINING_S = 2.0
_ADMIN_BODY_BYTES = 64 * 1024
_ADMIN_BYTES = 32 * 1024 * 1024  # of which the operator's clients get shares, whatever the public does
_UNIX = "unix://"


class Runtime:
    """One function being served."""

    def __init__(self, settings: Settings, clock: Clock, events: EventLog) -> None:
        self._settings = settings
        self._clock = clock
        self._events = events
        metrics = Metrics()
        self._devices = Devices(settings.accelerator, clock)
        self._recorder = Recorder(settings.slo, metrics, clock.monotonic(), keep_rows=settings.record_requests)
        self._front = Front(settings, clock, self._recorder.answered, self._report_bad_answer)
        requests = create_requests()
        self._starter = WorkerStarter(settings, clock, events, requests)
        self._supervisor = Supervisor(
            settings, clock, events, self._front, self._starter, self._devices.problem, self._recorder
        )
        arrivals = ArrivalRate(self._recorder.started_s)
        sources = Sources(self._front, self._supervisor, self._recorder.stats, arrivals)
        self._reporter = Reporter(settings, clock, events, self._recorder, sources, self._devices)
        metrics.watch(Readings(self._reporter))
        self._decisions = DecisionLoop(settings, clock, events, self._front, self._supervisor, self._recorder, sources)
        self._health = Health(self._front, self._supervisor, settings.listen_address)
        shares = share_out(settings.memory_bytes or memory_limit())
        self._server = HttpServer(
            self._health, Job, clock, settings.max_body_bytes, requests, shares, self._health.refusal
        )
        admin = Admin(
            settings, events, self._supervisor, self._decisions, self._reporter, self._health,
            lambda: self._starter.zygote_pid, self.stop,
        )  # fmt: skip
        self._admin = HttpServer(
            admin, Exchange, clock, _ADMIN_BODY_BYTES, shares=share_out(_ADMIN_BYTES), refusal=admin.refusal
        )
        self._metrics = metrics_server(self._recorder, clock)
        self._heap = own_heap()
        self._stop_reason = ""
        self._stopping = asyncio.Event()

    async def run(self) -> int:
        """Serve until asked to stop; return the exit code."""
        adopt_orphans()
        keep_to_itself()
        self._listen_to_signals()
        self._reporter.started()
        try:
            url, admin_url = await self._listen(), await self._listen_admin()
            if self._settings.metrics_port:
                await self._metrics.listen(self._settings.listen_address, self._settings.metrics_port)
        except OSError as error:
            self._events.emit(SetupFailed(None, "port", str(error)))
            return 2
        loops = [asyncio.create_task(loop) for loop in (self._decisions.run(), self._run_windows())]
        first = asyncio.create_task(self._start_first(url, admin_url))
        await self._stopping.wait()
        await self._drain()
        first.cancel()  # only now: requests may wait for it
        await asyncio.gather(first, return_exceptions=True)
        for loop in loops:
            loop.cancel()
        await self._decisions.stop()
        await self._end()
        return 0

    def stop(self, reason: str) -> None:
        """Ask `run` to stop; only the first reason counts."""
        self._stop_reason = self._stop_reason or reason
        self._stopping.set()

    # the beginning

    def _listen_to_signals(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.stop, signal.Signals(number).name)
        if self._settings.lifeline:
            self._lifeline = loop.create_task(self._watch_lifeline())  # the loop itself keeps only a weak reference

    async def _watch_lifeline(self) -> None:
        """Stop when standard input closes, since then the starter is gone."""
        reader = asyncio.StreamReader()
        loop = asyncio.get_running_loop()
        with contextlib.suppress(OSError, ValueError):
            await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(0, "rb"))
            await reader.read()
        self.stop("the starter is gone")

    async def _listen(self) -> str:
        host = self._settings.listen_address
        port = await self._server.listen(host, self._settings.port)
        return f"http://{f'[{host}]' if ':' in host else host}:{port}"

    async def _listen_admin(self) -> str:
        address = self._settings.admin
        if not address:
            return ""
        if address.startswith(_UNIX):
            old_mask = os.umask(0o177)  # the socket is born with mode 0600
            try:
                await self._admin.listen_unix(address.removeprefix(_UNIX))
            finally:
                os.umask(old_mask)
            return address
        host, _, port = address.rpartition(":")
        return f"http://{host}:{await self._admin.listen(host.strip('[]'), int(port))}"

    async def _start_first(self, url: str, admin_url: str) -> None:
        """Start a worker and report that it is ready."""
        await self._devices.first_answer()
        worker = await self._supervisor.start_first(await self._first_backend())
        if worker is not None:
            entry, form = worker.facts.get("entry", ""), worker.facts.get("form", "")
            mode = self._settings.mode.on(worker.backend)
            self._events.emit(Ready(url, admin_url, worker.backend, mode, entry, form, worker.start_up_s))

    async def _first_backend(self) -> Backend:
        """Return the backend that the mode asks for; without a GPU the CPU if the mode allows it, else wait for one."""
        wanted = self._settings.mode.initial_backend
        problem = self._devices.problem(wanted)
        if problem and not self._settings.mode.is_fixed:
            self._supervisor.fall_back(wanted, problem)
            return wanted.other
        if problem:
            message = "the function's mode is gpu, but there is no GPU"
            self._events.emit(SetupFailed(wanted, "no_gpu", f"{message}: {problem}"))
            self._front.refuse_queue(message, round(LONGEST_PAUSE_S))
        while self._devices.problem(wanted):
            await self._clock.sleep(TICK_S)  # NVML's own thread has the answer: there is no event to wait for
        self._front.hold_queue()
        return wanted

    # while it serves

    async def _run_windows(self) -> None:
        """Once in a window tick the servers, reap orphans and report the numbers."""
        while True:
            await self._clock.sleep(self._settings.window_s)
            servers = [server.tick for server in (self._server, self._admin, self._metrics)]
            for turn in (*servers, self._trim, self._reap_orphans, self._report_window):
                with surviving():
                    turn()

    def _reap_orphans(self) -> None:
        reap_adopted([self._starter.zygote_pid, *(worker.pid for worker in self._supervisor.workers)])

    def _trim(self) -> None:
        self._heap.tick(self._server.held_bytes)

    def _report_window(self) -> None:
        for backend, stats in self._recorder.stats.items():
            if (worker := self._supervisor.workers.ready_on(backend)) is not None:
                stats.cpu_share = worker.measure_cpu(self._clock.monotonic())
        decision = self._decisions.decision
        self._reporter.window(decision.reason if decision is not None else "")

    def _report_bad_answer(self, link: WorkerLink, request: int, reason: str) -> None:
        pid = next((worker.pid for worker in self._supervisor.workers if worker.link is link), None)
        self._events.emit(BadAnswer(link.backend, pid, request, reason))

    # the end

    async def _drain(self) -> None:
        """Answer all requests that are here, and ask clients to leave."""
        self._server.begin_draining()
        self._health.begin_draining()
        begun_s = quiet_since_s = self._clock.monotonic()
        while (now_s := self._clock.monotonic()) - begun_s < self._settings.drain_timeout_s:
            if now_s - begun_s > LISTEN_WHILE_DRAINING_S:
                self._server.stop_listening()
            if self._front.queue or self._supervisor.busy:
                quiet_since_s = now_s
            elif now_s - quiet_since_s >= QUIET_BEFORE_CLOSE_S:
                break
            await self._clock.sleep(0.02)
        self._server.stop_listening()
        self._front.refuse_queue("the runtime is shutting down")

    async def _end(self) -> None:
        """End the workers and report the totals."""
        await self._supervisor.stop()
        self._server.close_connections()
        self._report_window()
        self._reporter.stopped(self._stop_reason)
        await self._clock.sleep(0.05)  # let the last answers and events leave
        for server in (self._admin, self._metrics):
            server.stop_listening()
            server.close_connections()
        _remove_socket(self._settings.admin)
        self._devices.stop()


def _remove_socket(address: str) -> None:
    if address.startswith(_UNIX):
        Path(address.removeprefix(_UNIX)).unlink(missing_ok=True)
