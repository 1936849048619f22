"""The runtime: its parts and their life, which is `run`: listen, start a worker, serve, drain, report the totals."""

import asyncio
import contextlib
import os
import signal
from pathlib import Path

from runtime_images.dynamic_runtime.admin import Admin
from runtime_images.dynamic_runtime.background import surviving
from runtime_images.dynamic_runtime.clock import Clock
from runtime_images.dynamic_runtime.edge.exchange import Exchange
from runtime_images.dynamic_runtime.edge.memory import memory_limit, own_heap, share_out
from runtime_images.dynamic_runtime.edge.server import HttpServer
from runtime_images.dynamic_runtime.metrics_port import metrics_server
from runtime_images.dynamic_runtime.parts import Parts
from runtime_images.dynamic_runtime.settings import Settings
from runtime_images.dynamic_runtime.telemetry.devices import Devices
from runtime_images.dynamic_runtime.telemetry.event_log import EventLog
from runtime_images.dynamic_runtime.telemetry.readings import Readings
from runtime_images.dynamic_runtime.telemetry.reporting import Reporter
from runtime_images.dynamic_runtime.telemetry.spending import Spending
from runtime_images.dynamic_runtime.wire.arenas import create_requests
from runtime_images.dynamic_runtime.workers.launching import WorkerStarter
from runtime_images.dynamic_runtime.workers.orphans import adopt_orphans, keep_to_itself, kill_children, reap_adopted
from runtime_images.events.lifecycle import Ready, SetupFailed
from runtime_images.events.traffic import CostSource
from runtime_images.node.watch import NodeWatch

_KILL_EVERY_S = 0.02
_ADMIN_BODY_BYTES = 64 * 1024
_ADMIN_BYTES = 32 * 1024 * 1024  # of which the operator's clients get shares, whatever the public does
_UNIX = "unix://"


class Runtime:
    """One function being served."""

    def __init__(self, settings: Settings, clock: Clock, events: EventLog) -> None:
        self._settings = settings
        self._clock = clock
        self._events = events
        self._devices = Devices(settings.accelerator, clock)
        self._node = NodeWatch(settings.cost_source, settings.function_dir)
        requests = create_requests()
        self._starter = WorkerStarter(settings, clock, events, requests)
        shares = share_out(settings.memory_bytes or memory_limit())
        self._parts = parts = Parts(
            settings, clock, events, self._starter, self._devices.problem, requests, shares, self._node.now
        )
        self._supervisor, self._decisions, self._server = parts.supervisor, parts.decisions, parts.server
        spending = Spending(settings.prices, self._node.now)
        self._reporter = Reporter(settings, clock, events, parts.recorder, parts.sources, self._devices, spending)
        parts.metrics.watch(Readings(self._reporter))
        admin = Admin(
            settings, events, self._supervisor, self._decisions, self._reporter, parts.health,
            lambda: self._starter.zygote_pid, self.stop,
        )  # fmt: skip
        self._admin = HttpServer(
            admin, Exchange, clock, _ADMIN_BODY_BYTES, shares=share_out(_ADMIN_BYTES), refusal=admin.refusal
        )
        self._metrics = metrics_server(parts.recorder, clock)
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
        await self._parts.drain()
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
        loop.add_signal_handler(signal.SIGTERM, self.stop, signal.SIGTERM.name)
        loop.add_signal_handler(signal.SIGINT, self._interrupt)
        loop.add_signal_handler(signal.SIGQUIT, self._end_at_once)
        if self._settings.lifeline:
            self._lifeline = loop.create_task(self._watch_lifeline())  # the loop itself keeps only a weak reference

    def _interrupt(self) -> None:
        """Stop for Ctrl-C, and at once for a second one; a second SIGTERM, which programs send, changes nothing."""
        if self._stopping.is_set():
            self._end_at_once()
        self.stop(signal.SIGINT.name)

    def _end_at_once(self) -> None:
        """Stop without waiting for what is under way: it ends, whatever it is and whoever has started it."""
        self.stop(signal.SIGQUIT.name)
        self._supervisor.give_up()
        self._ending = asyncio.get_running_loop().create_task(self._kill_all())

    async def _kill_all(self) -> None:
        while True:
            kill_children()
            await self._clock.sleep(_KILL_EVERY_S)

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
        worker = await self._supervisor.start_first(await self._parts.first_backend())
        if worker is not None:
            entry, form = worker.facts.get("entry", ""), worker.facts.get("form", "")
            mode = self._settings.mode.on(worker.backend)
            self._events.emit(Ready(url, admin_url, worker.backend, mode, entry, form, worker.start_up_s))

    # while it serves

    async def _run_windows(self) -> None:
        """Once in a window tick the servers, reap orphans and report the numbers."""
        while True:
            await self._clock.sleep(self._settings.window_s)
            servers = [server.tick for server in (self._server, self._admin, self._metrics)]
            for turn in (*servers, self._trim, self._reap_orphans, self._report_node, self._report_window):
                with surviving():
                    turn()

    def _reap_orphans(self) -> None:
        reap_adopted([self._starter.zygote_pid, *(worker.pid for worker in self._supervisor.workers)])

    def _trim(self) -> None:
        self._heap.tick(self._server.held_bytes)

    def _report_node(self) -> None:
        if (news := self._node.news()) is not None:
            self._events.emit(CostSource(*news))

    def _report_window(self) -> None:
        for backend, stats in self._parts.recorder.stats.items():
            if (worker := self._supervisor.workers.ready_on(backend)) is not None:
                stats.cpu_share = worker.measure_cpu(self._clock.monotonic())
        decision = self._decisions.decision
        self._reporter.window(decision.reason if decision is not None else "")

    # the end

    async def _end(self) -> None:
        """End the workers and report the totals."""
        await self._parts.end()
        self._report_window()
        self._reporter.stopped(self._stop_reason)
        await self._clock.sleep(0.05)  # let the last answers and events leave
        for server in (self._admin, self._metrics):
            server.stop_listening()
            server.close_connections()
        _remove_socket(self._settings.admin)
        self._devices.stop()
        self._node.stop()


def _remove_socket(address: str) -> None:
    if address.startswith(_UNIX):
        Path(address.removeprefix(_UNIX)).unlink(missing_ok=True)
