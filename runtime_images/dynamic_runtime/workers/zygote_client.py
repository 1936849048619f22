"""The zygote as the runtime sees it: one process that forks workers on command.

It is started when the first worker is, and replaced in the background when it dies. After it has died too often, or
during its imports, there is none for a while, and workers are spawned.
"""

import asyncio
import contextlib
import json
import socket
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from runtime_images.dynamic_runtime.background import Background
from runtime_images.dynamic_runtime.clock import Clock
from runtime_images.dynamic_runtime.settings import Settings
from runtime_images.dynamic_runtime.telemetry.event_log import EventLog
from runtime_images.dynamic_runtime.wire.frames import MAX_PACKET_BYTES
from runtime_images.dynamic_runtime.workers.child_process import ForkedProcess, LineSink, ending, open_outputs, spawn
from runtime_images.events.lifecycle import ZygoteChanged, ZygoteState
from runtime_images.policy.pauses import LONGEST_SWITCH_PAUSE_S, doubling_s

_ROLE = "forking.zygote"  # the module that boot.py runs
MAX_LOST = 5
"""The zygotes that may die in a row before there is a pause."""
STEADY_AFTER_S = 60.0
"""A zygote that has lived this long was healthy."""
FIRST_REST_S = 60.0
"""The first of the doubling pauses: no hurry, since workers can be spawned meanwhile."""
PREPARE_TIMEOUT_S = 300.0
"""The longest that a zygote's imports may take: half of what a worker has for its start."""


class ZygoteProcess:
    """A running zygote. `prepared` resolves to why it must not fork (empty if it may), or raises EOFError.

    `unfit` keeps that answer.
    """

    def __init__(self, process: asyncio.subprocess.Process, control: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        self.process = process
        self.alive = True
        self.unfit = ""
        self.prepared: asyncio.Future[str] = loop.create_future()
        self._loop = loop
        self._control = control
        self._forking: deque[asyncio.Future[ForkedProcess]] = deque()
        self._children: dict[int, ForkedProcess] = {}
        self._watches = Background()
        control.setblocking(False)
        loop.add_reader(control.fileno(), self._readable)

    @property
    def pid(self) -> int:
        """The process's id."""
        return self.process.pid

    async def fork(self, environ: Mapping[str, str | None], descriptors: Sequence[int]) -> ForkedProcess:
        """Have it fork a worker; the descriptors stay the caller's.

        Raises:
            OSError: it cannot fork, or is gone.
        """
        answer: asyncio.Future[ForkedProcess] = self._loop.create_future()
        self.command(environ, descriptors)
        self._forking.append(answer)
        return await answer

    def command(self, environ: Mapping[str, str | None], descriptors: Sequence[int]) -> None:
        """Command a fork; a zygote that must not fork becomes the worker itself.

        Raises:
            OSError: it is gone, or does not read its commands.
        """
        if not self.alive:
            raise BrokenPipeError("the zygote is gone")
        socket.send_fds(self._control, [json.dumps({"environ": environ}).encode()], list(descriptors))

    def close(self) -> None:
        """Close its socket, so that it ends. Its workers stay."""
        if self.alive:
            self.alive = False
            self._loop.remove_reader(self._control.fileno())
            self._control.close()
            self._lose(EOFError("the zygote was let go"))

    def _readable(self) -> None:
        try:
            packet, descriptors, _, _ = socket.recv_fds(self._control, MAX_PACKET_BYTES, 1)
        except BlockingIOError:
            return
        except OSError:
            packet, descriptors = b"", []
        if packet:
            self._take(json.loads(packet), descriptors)
        else:
            self.close()

    def _take(self, message: dict[str, Any], descriptors: list[int]) -> None:
        match message["event"]:
            case "prepared":
                self.prepared.set_result(message["unfit"])
            case "forked":
                child = self._children[message["pid"]] = ForkedProcess(message["pid"], descriptors[0])
                self._watches.spawn(self._expect_report(child))
                if (waiting := self._forking.popleft()).done():  # nobody waits for it any longer
                    child.kill()
                else:
                    waiting.set_result(child)
            case "failed":
                if not (waiting := self._forking.popleft()).done():
                    waiting.set_exception(OSError(message["message"]))
            case "exited":
                self._children.pop(message["pid"]).ended(message["code"])

    async def _expect_report(self, child: ForkedProcess) -> None:
        """End this zygote if it does not report a worker's end: the worker then becomes the runtime's own child."""
        if await child.is_missed():
            with contextlib.suppress(ProcessLookupError):
                self.process.kill()

    def _lose(self, error: EOFError) -> None:
        if not self.prepared.done():
            self.prepared.set_exception(error)
            self.prepared.exception()  # nobody may be waiting
        while self._forking:
            if not (waiting := self._forking.popleft()).done():
                waiting.set_exception(BrokenPipeError(str(error)))
        for child in self._children.values():
            self._watches.spawn(child.outlive_zygote())
        self._children.clear()


@dataclass(eq=False)
class ZygoteClient:
    """Keeps one zygote. `log` takes its pid, and returns what takes the lines that its imports print."""

    settings: Settings
    clock: Clock
    events: EventLog
    environ: Mapping[str, str]
    lifeline: int
    log: Callable[[int], LineSink]

    def __post_init__(self) -> None:
        self._preparing: asyncio.Task[ZygoteProcess | None] | None = None
        self._background = Background()
        self._lost = 0
        self._rests = 0
        self._resting = False
        self._given_up = False
        self.zygote: ZygoteProcess | None = None

    async def prepared(self) -> ZygoteProcess | None:
        """Return the zygote once its imports are done; None where there is none now."""
        if self._given_up or self._resting:
            return None
        if self._preparing is None:
            self._preparing = self._background.spawn(self._prepare())
        return await asyncio.shield(self._preparing)

    def hand_over(self, zygote: ZygoteProcess) -> None:
        """Let the zygote become a worker; no other zygote follows.

        Raises:
            BrokenPipeError: it has become one already.
        """
        if self.zygote is not zygote:
            raise BrokenPipeError("the zygote has become a worker")
        self.zygote = None
        self._given_up = True
        self._preparing = None

    async def close(self) -> None:
        """End the zygote."""
        self._given_up = True
        if self.zygote is not None:
            zygote, self.zygote = self.zygote, None
            zygote.close()
            with contextlib.suppress(ProcessLookupError):
                zygote.process.kill()  # it may be in the middle of an import
            await zygote.process.wait()
        await self._background.cancel()

    async def _prepare(self) -> ZygoteProcess | None:
        begun_s = self.clock.monotonic()
        try:
            zygote = self.zygote = await self._start()
        except OSError:
            self._preparing = None  # a worker cannot be started either, and says why: the next one tries both again
            return None
        self._background.spawn(self._watch(zygote, begun_s))
        try:
            async with asyncio.timeout(PREPARE_TIMEOUT_S):
                zygote.unfit = await asyncio.shield(zygote.prepared)
        except (EOFError, TimeoutError):
            with contextlib.suppress(ProcessLookupError):
                zygote.process.kill()
            return None
        if zygote.unfit:
            self.events.emit(ZygoteChanged(zygote.pid, ZygoteState.UNFIT, zygote.unfit))
        return zygote

    async def _start(self) -> ZygoteProcess:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with contextlib.ExitStack() as handed_over, contextlib.ExitStack() as if_it_fails:
            handed_over.callback(theirs.close)
            if_it_fails.callback(ours.close)
            outputs = await open_outputs(handed_over, if_it_fails)
            inner = [output.inner for output in outputs]
            ours.send(replace(self.settings, warmup=None).for_workers())  # that is a worker's, and may be long
            process = await spawn(self.settings, _ROLE, self.environ, inner, (theirs.fileno(), self.lifeline))
            if_it_fails.pop_all()
        for output in outputs:
            self._background.spawn(output.read_lines(self.log(process.pid)))
        return ZygoteProcess(process, ours)

    async def _watch(self, zygote: ZygoteProcess, begun_s: float) -> None:
        """Wait for the end of a zygote, and replace it if it was unexpected."""
        code = await zygote.process.wait()
        zygote.close()
        if self.zygote is not zygote or self._given_up:
            return
        self.zygote = self._preparing = None
        imported = zygote.prepared.done() and zygote.prepared.exception() is None
        rest_s = self._lose(imported=imported, steady=self.clock.monotonic() - begun_s > STEADY_AFTER_S)
        reason = f"it ended with {ending(code)}" + ("" if imported else " during its imports")
        self.events.emit(ZygoteChanged(zygote.pid, ZygoteState.EXITED, reason))
        if rest_s:
            self._resting = True
            await self.clock.sleep(rest_s)
            self._resting = False
        if self._preparing is None:
            self._preparing = self._background.spawn(self._prepare())

    def _lose(self, *, imported: bool, steady: bool) -> float:
        """Count a zygote that was lost; return the pause before the next one, in seconds."""
        if imported and steady:
            self._lost = self._rests = 0
        self._lost += 1
        if imported and self._lost < MAX_LOST:
            return 0.0
        self._lost = 0
        self._rests += 1
        return doubling_s(FIRST_REST_S, LONGEST_SWITCH_PAUSE_S, self._rests)
