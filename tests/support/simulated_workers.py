"""Workers simulated at the border of the process, for a supervisor, a front and links that are the real ones.

They send real frames, die, hang, lie; their time is that of the event loop, which may pass at once.
"""

import asyncio
import json
import os
import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from runtime_images.dynamic_runtime.front.job import Job
from runtime_images.dynamic_runtime.front.link import LinkOwner, WorkerLink
from runtime_images.dynamic_runtime.wire import frames, in_flight
from runtime_images.dynamic_runtime.wire.frames import FINAL, Kind, RawFrame
from runtime_images.dynamic_runtime.wire.in_flight import InFlightJournal
from runtime_images.dynamic_runtime.workers.process import WorkerProcess
from runtime_images.policy.model import Backend

NO_SUCH_PID = 2**24
"""Above what the kernel gives: a signal to it reaches nobody."""
BY_STANDBY_S, BY_FORK_S, BY_SPAWN_S, NEVER_S = 0.0, 0.01, 6.0, 1e6
"""How long a worker may be on its way: a standby takes over at once, a zygote that hangs is given up after seconds."""
READY = frames.encode(Kind.READY, body=json.dumps({"blocking": False, "hooks": []}).encode())
FAILED = frames.encode(Kind.FAILED, body=json.dumps({"kind": "import", "message": "no module"}).encode())


class Wire:
    """The transport of a worker's link: what the front writes, the simulated worker reads."""

    def __init__(self, read: Callable[[bytes], None]) -> None:
        self._read = read
        self._closing = False

    def write(self, data: bytes) -> None:
        self._read(data)

    def writelines(self, parts: list[bytes]) -> None:
        self._read(b"".join(parts))

    def is_closing(self) -> bool:
        return self._closing

    def close(self) -> None:
        self._closing = True

    abort = close


@dataclass(eq=False, slots=True)
class SimulatedWorker(WorkerProcess):
    """A worker without a process. A `stubborn` one does not end when it is asked to; `act` is what it does itself."""

    parser: frames.FrameParser = field(default_factory=lambda: frames.FrameParser(2**20))
    begun_ids: list[int] = field(default_factory=list)
    stubborn: bool = False
    act: "Act | None" = None

    async def connect(self) -> None:
        self.link.connection_made(Wire(self.read))  # type: ignore[arg-type]
        self._act_on(None)

    def read(self, data: bytes) -> None:
        for frame in self.parser.feed(data):
            if frame[1] == Kind.STOP and not self.stubborn:
                self.die(0)
            else:
                self._act_on(frame)

    def send(self, data: bytes) -> None:
        if self.link.open:
            self.link.data_received(data)

    def _act_on(self, frame: RawFrame | None) -> None:
        """Act in a turn of its own, as another process would, unless it is dead by then."""

        def act() -> None:
            process = self.process
            assert isinstance(process, SimulatedProcess)
            if self.act is not None and not process.has_ended:
                self.act(self, frame)

        self.outcome.get_loop().call_soon(act)

    def die(self, code: int) -> None:
        process = self.process
        assert isinstance(process, SimulatedProcess)
        process.end(code)

    def begin(self) -> None:
        waiting = [number for number in self.link.jobs if number not in self.begun_ids]
        if waiting:
            self.journal.note(waiting[0])
            self.begun_ids.append(waiting[0])

    def answer(self) -> None:
        self.begin()
        present = [number for number in self.begun_ids if number in self.link.jobs]
        if present:
            head = b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\n"
            self.send(frames.encode(Kind.RESPONSE, present[0], head, b"ok", FINAL, (1, 1000, 0)))


Act = Callable[[SimulatedWorker, RawFrame | None], None]
"""What a worker does when it is connected (None), and at each frame."""


class SimulatedProcess:
    """A process that ends when it is told to."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.link: WorkerLink | None = None
        self._code: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    @property
    def has_ended(self) -> bool:
        return self._code.done()

    async def wait(self) -> int:
        return await asyncio.shield(self._code)

    def kill(self) -> None:
        self.end(-9)

    def end(self, code: int) -> None:
        if not self._code.done():
            self._code.set_result(code)
            if self.link is not None:
                self._code.get_loop().call_soon(self.link.connection_lost, None)


class SimulatedStarter:
    """Starts simulated workers after `takes_s`, unless it `refuses`; `stillborn` ones die as they are handed over."""

    def __init__(self) -> None:
        self.started: list[SimulatedWorker] = []
        self.takes_s = BY_FORK_S
        self.refuses = False
        self.stillborn = False
        self.act: Act | None = None

    async def start(self, backend: Backend, owner: LinkOwner, now_s: float) -> WorkerProcess:
        if self.takes_s:
            await asyncio.sleep(self.takes_s)
        if self.refuses:
            raise OSError("no processes left")
        memory = in_flight.create_memory()
        journal = InFlightJournal(memory)
        os.close(memory)
        process = SimulatedProcess(NO_SUCH_PID + len(self.started))
        process.link = WorkerLink(backend, journal, 0, owner)
        worker = SimulatedWorker(backend, process, process.link, journal, now_s, socket.socket(socket.AF_UNIX))
        worker.channel.close()
        worker.act = self.act
        self.started.append(worker)
        if self.stillborn:
            process.end(-9)
        return worker

    async def close(self) -> None: ...


class Request(Job):
    """A request that keeps what became of it."""

    def __init__(self, now_s: float, method: bytes = b"POST", path: bytes = b"/") -> None:
        payload = b"%b %b HTTP/1.1\r\nhost: t\r\n\r\n" % (method, path)
        outlet: Any = SimpleNamespace(client=(0, 0, 0), number=0, write_paused=True)  # all that the front asks of it
        super().__init__(outlet, payload, len(payload), now_s)
        self.answers: list[int] = []

    def answer(self, head: Any, own_lines: bytes, body: bytes) -> None:  # noqa: ANN401, ARG002
        self.answers.append(head.status)
        self.started = True

    def respond_json(self, status: int, value: object, headers: object = ()) -> None:  # noqa: ARG002
        self.answers.append(status)
        self.started = True

    def begin(self, head: Any, own_lines: bytes = b"") -> None:  # noqa: ANN401, ARG002
        self.started = True

    def write(self, body: bytes) -> str:  # noqa: ARG002
        return ""

    def abort(self) -> None:
        self.answers.append(-1)
