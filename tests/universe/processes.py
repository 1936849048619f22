"""Workers without processes: the real worker of `async` functions, in the same event loop as the front.

Its socket, its start and its end are simulated; it runs no function but ours, and can be ended at any moment, or held.
"""

import asyncio
import json
import os
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any, cast

from runtime_images.dynamic_runtime.front.job import Job
from runtime_images.dynamic_runtime.front.link import LinkOwner, LongBodies, WorkerLink
from runtime_images.dynamic_runtime.settings import Settings
from runtime_images.dynamic_runtime.wire import arenas, frames, in_flight, log_lines
from runtime_images.dynamic_runtime.wire.frames import Kind
from runtime_images.dynamic_runtime.wire.in_flight import InFlightJournal
from runtime_images.dynamic_runtime.worker.answers import Bodies
from runtime_images.dynamic_runtime.worker.contract import LoadedFunction
from runtime_images.dynamic_runtime.worker.event_loop import EventLoopWorker
from runtime_images.dynamic_runtime.workers.process import WorkerProcess
from runtime_images.policy.model import Backend
from tests.support.simulated_workers import FAILED, NO_SUCH_PID
from tests.universe.functions import SWALLOW, Function
from tests.universe.network import Universe, Wire

TAKES_S = {"standby": 0.0, "fork": 0.01, "spawn": 2.0}
BAD_STARTS = ("refused", "never", "silent", "fails", "hopeless", "stillborn", "dies-ready", "wrong", "exits")
_HOPELESS = frames.encode(Kind.FAILED, body=json.dumps({"kind": "signature", "message": "no"}).encode())
_WARMING = frames.encode(Kind.WARMING, body=b"{}")
_MOST_DELAY_S = 0.003
"""How long after a process's end it is noticed at most: before, or after, its socket's."""

Begun = Callable[["Process", int, str, bytes], None]


class _Worker(EventLoopWorker):
    """Dies of a request that asks for that before it begins; ignores being asked to stop if its process is stubborn."""

    process: "Process"

    def data_received(self, data: bytes) -> None:
        if b"/%b/" % SWALLOW.encode() in data:
            self.process.die(-9)
        else:
            super().data_received(data)

    def _take_other(self, frame: frames.Frame) -> None:
        if frame.kind != Kind.STOP or not self.process.stubborn:
            super()._take_other(frame)


class _Link(WorkerLink):
    """Notes which requests go to its worker, by the numbers in their paths."""

    given: set[int]

    def dispatch(self, job: Job, now_s: float) -> None:
        number = job.path.split(b"/")[1]
        if number.isdigit():
            self.given.add(int(number))
        super().dispatch(job, now_s)


class Process:
    """The process of one worker. `start` says how it starts, `given` which requests it got; all of it ends at once."""

    def __init__(self, number: int, backend: Backend, start: str, starter: "SimulatedStarter") -> None:
        self.number, self.backend, self.start = number, backend, start
        self.pid = NO_SUCH_PID + number
        self.stubborn = self.silent = False
        self.given: set[int] = set()
        self.died_s: float | None = None
        self._starter, self._loop = starter, starter.loop
        self._code: asyncio.Future[int] = self._loop.create_future()
        self.link: WorkerLink | None = None
        self.bodies = Bodies()
        self.ours, self.theirs = self._loop.pair(starter.wire, Random(f"{starter.seed} worker {number}"))
        self._journal: InFlightJournal | None = None
        self._worker: _Worker | None = None
        self._main: asyncio.Task[None] | None = None

    @property
    def has_ended(self) -> bool:
        return self.died_s is not None

    async def wait(self) -> int:
        return await asyncio.shield(self._code)

    def kill(self) -> None:
        self.die(-9)

    def send_raw(self, data: bytes) -> None:
        """Write to the socket past the worker, as function code can."""
        if not self.has_ended:
            self.theirs.write(data)

    def die(self, code: int) -> None:
        """End at once, with all that it is doing."""
        if self.has_ended:
            return
        self.died_s = self._loop.time()
        self._starter.note(f"worker {self.number}", f"ends with {code}")
        self.theirs.hold(held=False)
        self.theirs.sever()
        tasks = [call.task for call in self._worker._calls.values()] if self._worker is not None else []
        for task in [*tasks, self._main]:
            if task is not None:
                task.cancel()
        delay_s = self._starter.random.random() * _MOST_DELAY_S
        self._loop.call_later(delay_s, self._be_gone, code)

    def _be_gone(self, code: int) -> None:
        if not self._code.done():
            self._code.set_result(code)
        if self._journal is not None:
            self._journal.close()
            self._journal = None

    def freeze(self, seconds: float) -> None:
        """Do nothing for a while."""
        self.theirs.hold(held=True)
        self._loop.call_later(seconds, lambda: self.theirs.hold(held=False))

    def launch(self, memory: int, arena: list[int], settings: Settings) -> None:
        """Begin to run."""
        self._journal = InFlightJournal(memory)
        self.bodies = Bodies(arena)
        self._main = self._loop.create_task(self._run(settings))

    async def _run(self, settings: Settings) -> None:
        if not await self._load():
            return
        function = Function(
            self, log_lines.REQUEST.get, lambda *facts: self._starter.begun(self, *facts)
        )  # fmt: skip
        loaded = LoadedFunction(
            cast("Any", None), blocking=False, asgi=function, web_sockets=True, ready=self._is_ready
        )  # fmt: skip
        assert self._journal is not None
        worker = self._worker = _Worker(self._journal, self.bodies, loaded, settings, lambda: self.die(1))
        worker.process = self
        await worker.start()
        facts = {"blocking": bool(settings.concurrency), "hooks": ["ready"]}
        ready = frames.encode(Kind.READY, body=json.dumps(facts).encode())
        if self.start == "dies-ready":
            self._loop.call_later(_MOST_DELAY_S, self.die, -11)
        await worker.serve(cast("Any", self.theirs), ready)
        self.die(0)

    async def _load(self) -> bool:
        """Become ready, or not; return whether it is."""
        if self.start == "silent":
            self.send_raw(_WARMING)
            await self._starter.healed.wait()
        said = {"fails": FAILED, "hopeless": _HOPELESS, "wrong": b"\xff" * 64}
        if self.start in said:
            self.send_raw(said[self.start])
        if self.start in (*said, "exits", "stillborn"):
            await asyncio.sleep(0.0 if self.start == "stillborn" else 0.01)
            self.die(1)
        return not self.has_ended

    async def _is_ready(self) -> None:
        """Be well: a frozen one cannot say so, and a silent one does not before all is well."""
        if self.silent:
            await self._starter.healed.wait()


class SimulatedStarter:
    """Starts workers. `kind` is how, until it is `heal`ed; each of them speaks over `wire`."""

    def __init__(
        self, loop: Universe, seed: int, wire: Wire, arena_bytes: int,
        note: Callable[[str, str], None], begun: Begun,
    ) -> None:  # fmt: skip
        self.loop, self.seed, self.wire = loop, seed, wire
        self.note, self.begun = note, begun
        self.random = Random(f"{seed} starter")
        self.processes: list[Process] = []
        self.kind = "fork"
        self.healed = asyncio.Event()
        self.settings = Settings(Path())
        self._arena_bytes = arena_bytes
        fd = arenas.create("universe", arena_bytes)
        self.requests = arenas.Requests(fd) if fd is not None else None

    def heal(self) -> None:
        """Start well from here on."""
        self.kind = "fork"
        self.healed.set()

    async def start(self, backend: Backend, owner: LinkOwner, now_s: float) -> WorkerProcess:
        kind = self.kind
        await asyncio.sleep(TAKES_S.get(kind, 0.01))
        if kind == "never":
            await self.healed.wait()
        if kind == "refused":
            raise OSError("no processes left")
        process = Process(len(self.processes), backend, kind, self)
        self.processes.append(process)
        self.note(f"worker {process.number}", f"starts on {backend}: {kind}")
        return self._launched(process, owner, now_s)

    def _launched(self, process: Process, owner: LinkOwner, now_s: float) -> WorkerProcess:
        memory, answers = in_flight.create_memory(), arenas.create("answers", self._arena_bytes)
        journal, shared, bodies = InFlightJournal(memory), [], LongBodies()
        if self.requests is not None and answers is not None:
            shared, bodies = [self.requests.fd, answers], LongBodies(self.requests, arenas.Reader(answers))
        link = process.link = _Link(process.backend, journal, self.settings.concurrency, owner, bodies)
        link.given = process.given
        process.launch(memory, shared, self.settings)
        for descriptor in (memory, *([] if answers is None else [answers])):
            os.close(descriptor)
        return WorkerProcess(process.backend, process, link, journal, now_s, cast("Any", process.ours))

    async def close(self) -> None:
        """Leave nothing behind."""

    def release(self) -> None:
        """Give the memory back."""
        if self.requests is not None:
            os.close(self.requests.fd)

    def alive(self) -> list[Process]:
        """Return the processes that have not ended."""
        return [process for process in self.processes if not process.has_ended]
