"""The runtime: the parts put together, and the two beats that drive them: the policy's and the window event's.

Its life reads as `run`: listen, start the first worker, serve until asked to stop, drain, tell how it went.
"""

import asyncio
import contextlib
import os
import signal
from pathlib import Path
from typing import Any

from runtime_images.dynamic_runtime.background import Background
from runtime_images.dynamic_runtime.clock import Clock
from runtime_images.dynamic_runtime.edge.server import HttpServer
from runtime_images.dynamic_runtime.front.health import Health
from runtime_images.dynamic_runtime.front.link import WorkerLink
from runtime_images.dynamic_runtime.front.router import Front
from runtime_images.dynamic_runtime.settings import Settings
from runtime_images.dynamic_runtime.telemetry.admin import Admin, Controls
from runtime_images.dynamic_runtime.telemetry.devices import GpuMonitor
from runtime_images.dynamic_runtime.telemetry.event_log import EventLog
from runtime_images.dynamic_runtime.telemetry.lane import AnswerRow, Lane
from runtime_images.dynamic_runtime.telemetry.metrics import Metrics
from runtime_images.dynamic_runtime.telemetry.observer import ArrivalRate, observe, window_fields
from runtime_images.dynamic_runtime.wire.arenas import create_requests
from runtime_images.dynamic_runtime.workers.launching import WorkerStarter
from runtime_images.dynamic_runtime.workers.orphans import adopt_orphans, keep_to_itself, reap_adopted
from runtime_images.dynamic_runtime.workers.process import WorkerState
from runtime_images.dynamic_runtime.workers.supervisor import Supervisor
from runtime_images.dynamic_runtime.workers.switch import Switch
from runtime_images.policy.decide import PolicySettings, decide, initial_state
from runtime_images.policy.model import Accelerator, Backend, Decision
from runtime_images.policy.sampling import TICK_S

FIRST_GPU_ANSWER_S = 5.0
QUIET_BEFORE_CLOSE_S = 0.2
LISTEN_WHILE_DRAINING_S = 2.0


class Runtime:
    """One function being served."""

    def __init__(self, settings: Settings, clock: Clock, events: EventLog) -> None:
        self.settings = settings
        self.clock = clock
        self.events = events
        self.lanes = {backend: Lane(backend, settings.slo) for backend in Backend}
        self.front = Front(settings, clock, self._answered, self._tell_bad_answer)
        self.requests = create_requests()
        self.starter = WorkerStarter(settings, clock, self.requests, self._tell_line, self._tell_zygote)
        self.supervisor = Supervisor(
            settings, clock, events, self.front, self.starter, self._problem_of, self._good_answers, self._moved
        )
        self.health = Health(self.front, self.supervisor, settings.listen_address)
        self.metrics = Metrics(lambda: len(self.front.queue), self.supervisor.workers.held, self.cost)
        self.policy = PolicySettings(mode=settings.mode, slo=settings.slo, prices=settings.prices)
        self.policy_state = initial_state(self.policy)
        self.decision: Decision | None = None
        self.pinned = settings.pinned
        self.gpu_lost = ""
        self.monitor = GpuMonitor(clock) if settings.accelerator is Accelerator.NVIDIA else None
        self._started_s = clock.monotonic()
        self.arrivals = ArrivalRate(self._started_s)
        self._recorded: list[list[Any]] = []
        self._switches = 0
        self._stop_reason = ""
        self._stopping = asyncio.Event()
        self._beats: list[asyncio.Task[None]] = []
        self._orders = Background()

    # life

    async def run(self) -> int:
        """Serve until asked to stop; the exit code."""
        adopt_orphans()
        keep_to_itself()
        self._listen_to_signals()
        self._tell_started()
        server = HttpServer(self.health, self.clock, self.settings.max_body_bytes, self.requests)
        admin = HttpServer(Admin(self._controls(), self.events, self.settings.admin_token), self.clock, 65536)
        try:
            url = await self._listen(server)
            admin_url = await self._listen_admin(admin)
        except OSError as error:
            self.events.emit("setup_failed", backend=None, kind="port", message=str(error), path="", line=0, log=[])
            return 2
        self._beats = [asyncio.create_task(beat) for beat in (self._policy_beat(), self._window_beat([server, admin]))]
        first = asyncio.create_task(self._start_first(url, admin_url))
        await self._stopping.wait()
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)
        await self._drain(server, admin)
        return 0

    def stop(self, reason: str) -> None:
        """Begin the end; safe to call more than once."""
        self._stop_reason = self._stop_reason or reason
        self._stopping.set()

    def _listen_to_signals(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.stop, signal.Signals(number).name)
        if self.settings.lifeline:
            self._lifeline = loop.create_task(self._watch_lifeline())  # the loop itself keeps only a weak reference

    async def _watch_lifeline(self) -> None:
        """Stop when standard input closes: whoever started us is gone."""
        reader = asyncio.StreamReader()
        loop = asyncio.get_running_loop()
        with contextlib.suppress(OSError, ValueError):
            await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(0, "rb"))
            await reader.read()
        self.stop("the starter is gone")

    async def _listen(self, server: HttpServer) -> str:
        host = self.settings.listen_address
        port = await server.listen(host, self.settings.port)
        return f"http://{f'[{host}]' if ':' in host else host}:{port}"

    async def _listen_admin(self, server: HttpServer) -> str:
        address = self.settings.admin
        if not address:
            return ""
        if address.startswith("unix://"):
            path = address.removeprefix("unix://")
            old_mask = os.umask(0o177)  # the socket is born with mode 0600
            try:
                await server.listen_unix(path)
            finally:
                os.umask(old_mask)
            return address
        host, _, port = address.rpartition(":")
        return f"http://{host}:{await server.listen(host.strip('[]'), int(port))}"

    async def _start_first(self, url: str, admin_url: str) -> None:
        """Start on the backend the mode asks for, or say plainly on which one instead."""
        if self.monitor is not None:
            await asyncio.to_thread(self.monitor.wait, FIRST_GPU_ANSWER_S)
        backend = await self._first_backend()
        self.supervisor.target = backend
        await self.supervisor.bring_up(backend)
        backend = self.supervisor.target
        worker = self.supervisor.workers.on(backend)
        if worker is None or worker.state is not WorkerState.READY:  # what failed to start may not have ended yet
            return
        self._learn_start(backend)
        self.metrics.mode(self.settings.mode.on(backend))
        ready = {"url": url, "admin": admin_url, "backend": backend, "mode": self.settings.mode.on(backend)}
        entry = {"entry": worker.facts.get("entry", ""), "form": worker.facts.get("form", "")}
        self.events.emit("ready", **ready, **entry, start_s=round(worker.ready_s - worker.ordered_s, 3))

    async def _first_backend(self) -> Backend:
        """The backend that the mode asks for; without a GPU the CPU where the mode allows it, else wait for one."""
        wanted = self.settings.mode.initial_backend
        problem = self._problem_of(wanted)
        if problem and not self.settings.mode.is_fixed:
            self._fall_back(problem)
            return Backend.CPU
        if problem:
            message = f"the function's mode is gpu, but there is no GPU: {problem}"
            self.events.emit("setup_failed", backend=wanted, kind="no_gpu", message=message, path="", line=0, log=[])
            self.front.refuse_queue(message)
        while self._problem_of(wanted):  # noqa: ASYNC110 -- the answer lies in NVML's own thread, there is no event
            await asyncio.sleep(TICK_S)
        self.front.unavailable = ""
        return wanted

    def _fall_back(self, reason: str) -> None:
        self.front.fallback = True
        self.metrics.fallbacks.inc()
        self.events.emit("fallback", wanted=Backend.GPU, got=Backend.CPU, reason=reason)

    async def _drain(self, server: HttpServer, admin: HttpServer) -> None:
        """Answer everything that is here, tell clients to go, and release the workers."""
        server.draining = self.health.draining = True
        begun_s = self.clock.monotonic()
        quiet_since_s = begun_s
        while (now_s := self.clock.monotonic()) - begun_s < self.settings.drain_timeout_s:
            if now_s - begun_s > LISTEN_WHILE_DRAINING_S:
                server.stop_listening()
            if self.front.queue or any(link.jobs for link in self.supervisor.workers.links()):
                quiet_since_s = now_s
            elif now_s - quiet_since_s >= QUIET_BEFORE_CLOSE_S:
                break
            await asyncio.sleep(0.02)
        server.stop_listening()
        self.front.refuse_queue("the runtime is shutting down")
        for beat in self._beats:
            beat.cancel()
        await self._orders.cancel()
        await self.supervisor.stop()
        server.close_connections(only_idle=False)
        self._tell_window()
        self._tell_stopped()
        await asyncio.sleep(0.05)  # let the last answers and events leave
        admin.stop_listening()
        admin.close_connections(only_idle=False)
        if self.settings.admin.startswith("unix://"):
            _remove(Path(self.settings.admin.removeprefix("unix://")))
        if self.monitor is not None:
            self.monitor.stop()

    # beats

    async def _policy_beat(self) -> None:
        while True:
            await asyncio.sleep(TICK_S)
            now_s = self.clock.monotonic()
            self.supervisor.workers.end_hung(self.front.expire(self.supervisor.workers.links(), now_s), now_s)
            self._watch_gpu()
            if self.front.active is not None and not self.pinned:
                self._decide(now_s)

    def _decide(self, now_s: float) -> None:
        self.count_answers()
        observation = observe(self, now_s)
        self.policy_state, decision = decide(self.policy, self.policy_state, observation, now_s)
        before, self.decision = self.decision, decision
        unchanged = before is not None and (before.rule, before.chosen) == (decision.rule, decision.chosen)
        if not unchanged and decision.rule != "under_way":  # the switch events tell how a switch goes on
            fields = {"active": observation.active, "chosen": decision.chosen, "rejected": decision.rejected}
            self.events.emit("decision", **fields, rule=decision.rule, reason=decision.reason, inputs=decision.inputs)
        if decision.chosen is not observation.active and observation.switching_to is None:
            if decision.rule == "errors":
                self._fall_back(decision.reason)
            self._order(decision.chosen, decision.reason)

    def _order(self, backend: Backend, reason: str) -> None:
        self._orders.spawn(self.supervisor.switch(backend, reason))

    def _watch_gpu(self) -> None:
        """A GPU that is lost while it serves: hold the queue, end its worker, go to the CPU at once."""
        problem = self._problem_of(Backend.GPU) if self.monitor is not None else ""
        if problem and not self.gpu_lost and self.supervisor.workers.on(Backend.GPU) is not None:
            self.events.emit("gpu_lost", reason=problem)
            self.supervisor.lose_device(Backend.GPU, problem)
            if not self.settings.mode.is_fixed and self.supervisor.target is Backend.GPU:
                self._fall_back(problem)
                self._order(Backend.CPU, f"the GPU is lost: {problem}")
        if not problem and self.gpu_lost:
            self.front.fallback = False
        self.gpu_lost = problem

    async def _window_beat(self, servers: list[HttpServer]) -> None:
        while True:
            await asyncio.sleep(self.settings.window_s)
            reap_adopted([self.starter.zygote_pid, *(worker.pid for worker in self.supervisor.workers)])
            for server in servers:
                server.tick()
            self._tell_window()

    # what happens

    def _answered(self, backend: Backend, rows: list[AnswerRow]) -> None:
        if self.lanes[backend].add(rows):
            self.count_answers()

    def count_answers(self) -> None:
        """Count the requests that have finished since the last time."""
        for backend, lane in self.lanes.items():
            rows = lane.count()
            self.metrics.answered(backend, rows)
            if self.settings.record_requests:
                self._recorded += [self._recorded_row(backend, row) for row in rows]

    def _recorded_row(self, backend: Backend, row: AnswerRow) -> list[Any]:
        status, arrived_s, finished_s, service_ns, cpu_ns = row
        times_ms = (service_ns / 1e6, 1000 * (finished_s - arrived_s), min(cpu_ns, service_ns) / 1e6)
        return [round(arrived_s - self._started_s, 6), backend, *(round(ms, 3) for ms in times_ms), int(status)]

    def _good_answers(self, backend: Backend) -> int:
        return self.lanes[backend].good_answers

    def _moved(self, switch: Switch) -> None:
        self._switches += 1
        self._learn_start(switch.to)
        self.front.fallback = self.front.fallback and switch.to is Backend.CPU
        self.metrics.switches.labels(switch.origin.value, switch.to.value, switch.kind).inc()
        self.metrics.mode(self.settings.mode.on(switch.to))

    def _learn_start(self, backend: Backend) -> None:
        worker = self.supervisor.workers.on(backend)
        if worker is not None and worker.state is WorkerState.READY:
            self.lanes[backend].start_up_s = worker.ready_s - worker.ordered_s
            self.lanes[backend].since_s = worker.ready_s
            self.lanes[backend].cpu_share = None
            self.metrics.started(backend, worker.ready_s - worker.ordered_s)

    # what is told

    def cost(self) -> float:
        """The cost so far, in the currency of the prices."""
        held, prices = self.supervisor.workers.held, self.settings.prices
        return sum(held(backend) * prices.per_second(backend) for backend in Backend)

    def _problem_of(self, backend: Backend) -> str:
        """What keeps a backend's device from being used; empty if nothing does."""
        if backend is Backend.CPU or self.settings.accelerator is Accelerator.EMULATED:
            return ""
        if self.monitor is None:
            return "no accelerator is configured"
        return self.monitor.state().problem

    def _tell_started(self) -> None:
        settings = self.settings
        slo, prices = settings.slo, settings.prices
        self.events.emit(
            "started", pid=os.getpid(), function=settings.function_name, mode=settings.mode, pinned=settings.pinned,
            accelerator=settings.accelerator, backend=settings.mode.initial_backend,
            slo={name: getattr(slo, name) for name in slo.__slots__},
            prices={name: getattr(prices, name) for name in prices.__slots__},
        )  # fmt: skip

    def _tell_line(self, backend: Backend, pid: int, stream: str, line: str, request: int | None) -> None:
        self.events.emit("log", backend=backend, pid=pid, stream=stream, line=line, request=request)

    def _tell_bad_answer(self, link: WorkerLink, request: int, reason: str) -> None:
        pid = next((worker.pid for worker in self.supervisor.workers if worker.link is link), None)
        self.events.emit("bad_answer", backend=link.backend, pid=pid, request=request, reason=reason)

    def _tell_zygote(self, state: str, pid: int, reason: str) -> None:
        self.events.emit("zygote", pid=pid, state=state, reason=reason)

    def _tell_window(self) -> None:
        self.count_answers()
        for backend, lane in self.lanes.items():
            worker = self.supervisor.workers.on(backend)
            if worker is not None and worker.state is WorkerState.READY:
                lane.cpu_share = worker.meter.update(worker.link.busy_until(self.clock.monotonic()))
        self.events.emit("window", **window_fields(self, self.clock.monotonic()))
        if self._recorded:
            rows, self._recorded = self._recorded, []
            self.events.emit("requests", rows=rows)

    def totals(self) -> dict[str, Any]:
        """Counts, held seconds and cost since the start."""
        held = {f"{backend}_seconds": round(self.supervisor.workers.held(backend), 3) for backend in Backend}
        counters = self.front.counters
        counts = {"requests": counters.requests, "failures": counters.failures, "retried": counters.retried}
        return {**counts, **held, "cost": self.cost(), "currency": self.settings.prices.currency}

    def _tell_stopped(self) -> None:
        totals = self.totals()
        totals.pop("retried")
        duration_s = round(self.clock.monotonic() - self._started_s, 3)
        self.events.emit("stopped", reason=self._stop_reason, **totals, switches=self._switches, duration_s=duration_s)

    def state(self) -> dict[str, Any]:
        """What `GET /state` answers."""
        supervisor = self.supervisor
        workers = [{"backend": w.backend, "pid": w.pid, "state": w.state} for w in supervisor.workers]
        decision = self.decision
        return {
            "mode": self.settings.mode.on(supervisor.target),
            "backend": supervisor.target,
            "switching_to": supervisor.switching_to,
            "pinned": self.pinned,
            "accelerator": self.settings.accelerator,
            "workers": workers,
            "zygote": self.starter.zygote_pid,
            "slo": {name: getattr(self.settings.slo, name) for name in self.settings.slo.__slots__},
            "last_decision": None if decision is None else {"chosen": decision.chosen, "reason": decision.reason},
            "totals": self.totals(),
            "unavailable": self.health.why_unavailable,
        }

    def _render_metrics(self) -> bytes:
        self.count_answers()
        return self.metrics.render()

    def _controls(self) -> Controls:
        async def switch(backend: Backend) -> bool:
            if self.settings.mode.is_fixed:
                raise RuntimeError(f"the mode {self.settings.mode} never switches")
            if backend is Backend.GPU and (problem := self._problem_of(backend)):
                raise RuntimeError(f"there is no GPU to switch to: {problem}")
            return await self.supervisor.switch(backend, "asked for on the admin address")

        def pin(pinned: bool) -> None:
            self.pinned = pinned

        return Controls(
            self.state,
            self._render_metrics,
            switch,
            pin,
            lambda: self.stop("asked for on the admin address"),
            lambda: self.health.report("ready", in_private=True),
        )


def _remove(path: Path) -> None:
    path.unlink(missing_ok=True)
