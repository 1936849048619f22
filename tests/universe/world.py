"""One universe: the runtime's own parts, and around them what a schedule says, until a law is broken or all has ended.

Time is the event loop's and passes at once; chance comes from the schedule's seed, for each actor apart, so the same
schedule is the same run, whatever the machine does.
"""

import asyncio
import contextlib
import hashlib
import io
import traceback
import warnings
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

from runtime_images.dynamic_runtime import background
from runtime_images.dynamic_runtime.edge.memory import Shares
from runtime_images.dynamic_runtime.worker import answers, call
from runtime_images.policy.model import ExecutionMode, Slo
from tests.support.simulated_runtime import SimulatedRuntime
from tests.universe.clients import SimulatedClient
from tests.universe.functions import pattern
from tests.universe.laws import LawBrokenError, check_turn
from tests.universe.network import Universe, Wire
from tests.universe.processes import Process, SimulatedStarter
from tests.universe.schedule import Client, Schedule, Step
from tests.universe.talkers import TALK, Talker
from tests.universe.upsets import come_to_pass, heal
from tests.universe.verdict import check_clients, check_nothing_is_left
from tests.universe.witness import Witness

_MOST_TURNS = 200_000
RECOVERS_S = 90.0
"""The longest that a new client may have to ask again once all is well: the longest pause, a start, what is overdue.

With a WebSocket in the only place: 40 s until a silent client is given up, and the time of a request for the function.
"""

_CLIENTS_LEAVE_S = 600.0
"""The longest that a client may be waited for that says nothing any more: its patience, and its answer before."""

_SETTLES_S = 1.0
"""How long what has been given back may be on its way."""

_SAFE = ("GET", "HEAD")


class World:
    """A schedule that becomes real. `given` says which workers each request was sent to."""

    def __init__(self, schedule: Schedule) -> None:
        self.schedule = schedule
        self.loop = Universe()
        self.trace: list[str] = []
        self.stopped_s: float | None = None
        self.stopping: asyncio.Task[None] | None = None
        self.errors: list[str] = []
        self.begun: dict[int, list[Process]] = {}
        self.clients: list[SimulatedClient] = []
        self.lives: list[asyncio.Task[Any]] = []
        self._turns = 0
        wire = Wire(schedule.worker_late_s, schedule.worker_pieces, lazy=schedule.lazy)
        self.starter = SimulatedStarter(
            self.loop, schedule.seed, wire, schedule.arena_bytes, self.note, self._request_begins
        )  # fmt: skip
        self.runtime = self._runtime()
        self.parts = self.runtime.parts
        self.witness = Witness(self.parts)
        self.starter.settings = self.runtime.settings
        self.runtime.events.subscribe(lambda line: self.note("event", line.decode().rstrip()), replay=False)

    def _runtime(self) -> SimulatedRuntime:
        one = self.schedule
        slo = Slo(latency_p95_ms=500.0, error_rate=0.01, window_s=5.0) if one.judged else Slo()
        shares = Shares(one.memory_bytes, max(one.memory_bytes, 2**22), one.connections)
        return SimulatedRuntime(
            self.starter, self.starter.requests, shares, self.loop,
            mode=ExecutionMode(one.mode), idempotent=one.idempotent, slo=slo, concurrency=one.concurrency,
            queue_size=one.queue_size, request_timeout_s=one.request_timeout_s, drain_timeout_s=one.drain_timeout_s,
            max_body_bytes=2**20,
        )  # fmt: skip

    def note(self, who: str, what: str) -> None:
        """Add a line to the trace."""
        self.trace.append(f"{self.loop.time() - 1000.0:10.4f} {who}: {what}")

    @property
    def digest(self) -> str:
        """What tells one run from another."""
        return hashlib.sha256("\n".join(self.trace).encode()).hexdigest()

    # the function's own report

    def _request_begins(self, process: Process, number: int, method: str, body: bytes) -> None:
        self.note(f"worker {process.number}", f"begins {number}")
        before = self.begun.setdefault(number, [])
        before.append(process)
        if len(before) > (2 if self.schedule.idempotent or method in _SAFE else 1):
            self.errors.append(f"request {number} ({method}) has begun {len(before)} times")
        if body != pattern(number, len(body)):
            self.errors.append(f"request {number} has come with another body")

    # the run

    def run(self) -> None:
        """Let everything happen; raise LawBrokenError where something is wrong."""
        self.loop.set_exception_handler(self._unhandled)
        self.loop.after_turn = self._after_turn
        with self._virtual_time():
            try:
                self.loop.run_until_complete(self._live())
            finally:
                self.loop.after_turn = lambda: None
                self._close()

    @contextlib.contextmanager
    def _virtual_time(self) -> Iterator[None]:
        """Give the worker's rooms this universe's time, and hear of what an endless loop survives."""
        rooms: list[Any] = [call, answers]
        loops: Any = background
        real, real_traceback = rooms[0].time, loops.traceback
        clock: Any = SimpleNamespace(monotonic_ns=lambda: round(1e9 * self.loop.time()), process_time_ns=lambda: 0)
        for room in rooms:
            room.time = clock
        loops.traceback = SimpleNamespace(print_exc=self._survived)
        try:
            with contextlib.redirect_stderr(io.StringIO()), warnings.catch_warnings():
                warnings.simplefilter("ignore", ResourceWarning)
                yield
        finally:
            loops.traceback = real_traceback
            for room in rooms:
                room.time = real

    def _survived(self) -> None:
        self.errors.append("a loop has survived: " + traceback.format_exc())

    def _unhandled(self, _loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        self.errors.append(f"an error that nobody handles: {context['message']}: {error!r}")

    def _after_turn(self) -> None:
        self._turns += 1
        if self._turns > _MOST_TURNS:
            raise LawBrokenError("it does not come to an end: so many turns of the event loop")
        if self.errors:
            raise LawBrokenError(self.errors[0])
        check_turn(self)

    def _close(self) -> None:
        for process in self.starter.alive():
            process.die(-9)
        self.runtime.close()
        self.starter.release()

    async def _live(self) -> None:
        parts = self.parts
        await parts.server.listen("127.0.0.1", 80)
        self.runtime.do(self._serve())
        self.runtime.do(parts.decisions.run())
        ticking = self.runtime.do(self._tick())
        self.clients = [self._client(number, client) for number, client in enumerate(self.schedule.clients)]
        self.lives = [self.runtime.do(client.live()) for client in self.clients]
        await come_to_pass(self)
        heal(self)
        await self._all_recover()
        await self._all_end()
        ticking.cancel()

    def _client(self, number: int, client: Client) -> SimulatedClient:
        kind = Talker if client.steps[:1] and client.steps[0].does == TALK else SimulatedClient
        return kind(self.loop, self.schedule.seed, number, client, lazy=self.schedule.lazy)

    async def _serve(self) -> None:
        await self.parts.supervisor.start_first(await self.parts.first_backend())

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(self.runtime.settings.window_s)
            self.parts.server.tick()

    async def stop(self) -> None:
        """Stop the runtime, as SIGTERM does."""
        if self.stopped_s is None:
            self.stopped_s = self.loop.time()
            self.note("runtime", "is asked to stop")
            await self.parts.drain()
            self.runtime.tasks[0].cancel()
            self.runtime.tasks[1].cancel()
            await self.parts.decisions.stop()
            await self.parts.end()
            self.note("runtime", "has stopped")

    async def _all_recover(self) -> None:
        """A new client is served in time, now that all is well."""
        if self.stopped_s is not None:
            return
        until_s = self.loop.time() + RECOVERS_S
        while self.loop.time() < until_s and self.stopped_s is None:
            newcomer = self._client(len(self.clients), Client(0.0, (Step("ask"), Step("read"))))
            self.clients.append(newcomer)
            self.lives.append(life := self.runtime.do(newcomer.live()))
            await asyncio.wait([life], timeout=RECOVERS_S)
            if (answer := newcomer.asked[0].answer) is not None and answer.status == 200:
                return
            await asyncio.sleep(1.0)
        raise LawBrokenError(f"it has not recovered: nobody is served {RECOVERS_S:g} s after all is well")

    def _is_busy(self) -> bool:
        workers = self.parts.supervisor.workers
        return bool(self.parts.server.connections or any(link.has_work for link in workers.links()))

    async def _all_end(self) -> None:
        if self.lives:
            await asyncio.wait(self.lives, timeout=_CLIENTS_LEAVE_S)
        for client, life in zip(self.clients, self.lives, strict=True):
            if not life.done():
                raise LawBrokenError(f"client {client.number} waits for ever for {client.unanswered()}")
            life.result()
        if self.stopping is not None:
            await self.stopping
        until_s = self.loop.time() + _CLIENTS_LEAVE_S
        while self._is_busy() and self.loop.time() < until_s:  # noqa: ASYNC110 -- time passes at once
            await asyncio.sleep(0.2)
        await asyncio.sleep(_SETTLES_S)
        check_clients(self)
        check_nothing_is_left(self)
        await self.stop()
        if left := [*self.parts.supervisor.workers, *self.starter.alive()]:
            raise LawBrokenError(f"{len(left)} workers are left after the end")
