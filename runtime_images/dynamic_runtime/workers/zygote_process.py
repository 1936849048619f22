"""The zygote as the front sees it: a process that is told to fork workers and tells how they ended."""

import asyncio
import json
import os
import signal
import socket
import sys
from collections import deque
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from runtime_images.dynamic_runtime.background import Background
from runtime_images.dynamic_runtime.settings import Settings
from runtime_images.dynamic_runtime.wire.frames import MAX_PACKET_BYTES
from runtime_images.dynamic_runtime.workers.orphans import collect

BOOT = Path(__file__).parents[1] / "worker" / "boot.py"
_COLLECT_TRIES = 100
_COLLECT_PAUSE_S = 0.01


class ChildProcess(Protocol):
    """A process that can be waited for: spawned by this one, or forked by a zygote."""

    @property
    def pid(self) -> int:
        """The process's id."""

    async def wait(self) -> int:
        """The exit code once it has ended; minus the signal's number where a signal ended it."""

    def kill(self) -> None:
        """End it at once.

        Raises:
            ProcessLookupError: it has ended.
        """


async def spawn(
    settings: Settings, role: str, environ: Mapping[str, str], descriptors: Sequence[int], output: int, errors: int
) -> asyncio.subprocess.Process:
    """Start boot.py in the function's own environment, in a session of its own; the descriptors stay the caller's.

    Raises:
        OSError: the interpreter cannot be started.
    """
    return await asyncio.create_subprocess_exec(
        settings.function_python or sys.executable,
        "-P",
        str(BOOT),
        role,
        *map(str, descriptors),
        pass_fds=descriptors,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=output,
        stderr=errors,
        env=environ,
        cwd=settings.function_dir,
        start_new_session=True,
    )


class ForkedProcess:
    """A process that a zygote has forked; `watch` is its pidfd."""

    def __init__(self, pid: int, watch: int) -> None:
        self.pid = pid
        self._watch = watch
        self._code: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    async def wait(self) -> int:
        """The exit code; minus the signal's number where a signal ended it."""
        return await asyncio.shield(self._code)

    def kill(self) -> None:
        """End it at once."""
        if not self._code.done():
            signal.pidfd_send_signal(self._watch, signal.SIGKILL)

    def ended(self, code: int) -> None:
        """Its zygote has told."""
        if not self._code.done():
            self._code.set_result(code)
            os.close(self._watch)

    async def outlive_zygote(self) -> None:
        """Its zygote is gone, so the process is ours (orphans.py): wait for it here."""
        loop = asyncio.get_running_loop()
        gone = asyncio.Event()
        loop.add_reader(self._watch, gone.set)
        try:
            await gone.wait()
        finally:
            loop.remove_reader(self._watch)
        for _ in range(_COLLECT_TRIES):  # the kernel hands the orphan over a moment after the zygote's socket closes
            if (code := collect(os.P_PIDFD, self._watch)) is not None:
                self.ended(code)
                return
            await asyncio.sleep(_COLLECT_PAUSE_S)
        self.ended(1)  # another process has taken it over: it failed, and how it did is not known


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
        self._orphans = Background()
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
        self.order(environ, descriptors)
        self._forking.append(answer)
        return await answer

    def order(self, environ: Mapping[str, str | None], descriptors: Sequence[int]) -> None:
        """Send an order; a zygote that must not fork becomes the worker itself.

        Raises:
            OSError: it is gone, or does not read its orders.
        """
        if not self.alive:
            raise BrokenPipeError("the zygote is gone")
        socket.send_fds(self._control, [json.dumps({"environ": environ}).encode()], list(descriptors))

    def close(self) -> None:
        """Let it go: it ends when its socket closes. Its workers stay."""
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
                if (waiting := self._forking.popleft()).done():  # whoever has asked does not want it any more
                    child.kill()
                else:
                    waiting.set_result(child)
            case "failed":
                if not (waiting := self._forking.popleft()).done():
                    waiting.set_exception(OSError(message["message"]))
            case "exited":
                self._children.pop(message["pid"]).ended(message["code"])
            case _:
                pass

    def _lose(self, error: EOFError) -> None:
        if not self.prepared.done():
            self.prepared.set_exception(error)
            self.prepared.exception()  # nobody may be waiting
        while self._forking:
            if not (waiting := self._forking.popleft()).done():
                waiting.set_exception(BrokenPipeError(str(error)))
        for child in self._children.values():
            self._orphans.spawn(child.outlive_zygote())
        self._children.clear()


async def start_zygote(
    settings: Settings, environ: Mapping[str, str], lifeline: int, output: int, errors: int
) -> ZygoteProcess:
    """Start a zygote; it is not prepared yet.

    Raises:
        OSError: the interpreter cannot be started.
    """
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    try:
        process = await spawn(settings, "zygote", environ, (theirs.fileno(), lifeline), output, errors)
    except BaseException:
        ours.close()
        raise
    finally:
        theirs.close()
    return ZygoteProcess(process, ours)


def ending(code: int) -> str:
    """An exit code in words."""
    return f"signal {-code}" if code < 0 else f"exit code {code}"
