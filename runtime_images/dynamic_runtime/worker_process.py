"""One worker as an operating system process: start it, read what it prints, end it."""

import asyncio
import contextlib
import os
import signal
import socket
import sys
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from runtime_images.dynamic_runtime import begun
from runtime_images.dynamic_runtime.accounting import CpuMeter
from runtime_images.dynamic_runtime.begun import BegunMarks
from runtime_images.dynamic_runtime.link import LinkOwner, WorkerLink
from runtime_images.dynamic_runtime.settings import Settings
from runtime_images.policy.model import Accelerator, Backend

BOOT = Path(__file__).with_name("boot.py")
MAX_LINE_BYTES = 8192
_KEPT_LOG_LINES = 30

LineSink = Callable[["WorkerProcess", str, str], None]
"""Told worker, stream name and line for every line that a function prints."""


class WorkerState(StrEnum):
    """The life of a worker."""

    STARTING = "starting"
    READY = "ready"
    DRAINING = "draining"
    EXITED = "exited"


@dataclass(eq=False, slots=True)
class WorkerProcess:
    """A worker and everything that ends with it.

    `outcome` is resolved by READY, FAILED or the exit, whatever is first.
    """

    backend: Backend
    process: asyncio.subprocess.Process
    link: WorkerLink
    marks: BegunMarks
    meter: CpuMeter
    ordered_s: float
    outcome: asyncio.Future[dict[str, Any]]
    state: WorkerState = WorkerState.STARTING
    ready_s: float = 0.0
    facts: dict[str, Any] = field(default_factory=dict)
    log: deque[str] = field(default_factory=lambda: deque(maxlen=_KEPT_LOG_LINES))
    readers: list[asyncio.Task[None]] = field(default_factory=list)

    @property
    def pid(self) -> int:
        """The process's id."""
        return self.process.pid

    def kill(self) -> None:
        """End the process and everything it has started, at once."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)

    async def wait(self) -> int:
        """The exit code, once the process is gone and all that it printed was read."""
        code = await self.process.wait()
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)  # children of the function that outlived it
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(asyncio.gather(*self.readers, return_exceptions=True), 2)
        return code

    def release(self) -> None:
        """Free the descriptors and the memory."""
        self.link.close()
        for reader in self.readers:
            reader.cancel()
        self.marks.close()


def worker_environment(
    environ: Mapping[str, str], settings: Settings, backend: Backend, accelerator: Accelerator
) -> dict[str, str]:
    """The environment of a worker: the user's own, the settings, and devices hidden from whom they are not for."""
    environment = {name: value for name, value in environ.items() if name not in _PRIVATE}
    environment |= settings.to_environ()
    environment.pop("GAIA_ADMIN_TOKEN", None)
    environment |= {"GAIA_BACKEND": backend.value, "PYTHONUNBUFFERED": "1"}
    on_gpu = backend is Backend.GPU and accelerator is Accelerator.NVIDIA
    environment["GAIA_ACCELERATOR"] = accelerator.value if backend is Backend.GPU else Accelerator.NONE.value
    if not on_gpu:  # an emulated lane sees no real device either: nothing pretends to be NVIDIA
        environment |= {"CUDA_VISIBLE_DEVICES": "", "NVIDIA_VISIBLE_DEVICES": "void"}
    return environment


_PRIVATE = frozenset(("GAIA_ADMIN_TOKEN", "PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV"))


async def start_worker(
    settings: Settings, backend: Backend, owner: LinkOwner, lines: LineSink, now_s: float
) -> WorkerProcess:
    """Start a worker; it is not ready yet.

    Raises:
        OSError: the interpreter cannot be started.
    """
    loop = asyncio.get_running_loop()
    ours, theirs = socket.socketpair()
    memory = begun.create_memory()
    try:
        marks = BegunMarks(memory)
        link = WorkerLink(backend, marks, settings.concurrency, owner)
        process = await asyncio.create_subprocess_exec(
            settings.function_python or sys.executable,
            "-P",
            str(BOOT),
            str(theirs.fileno()),
            str(memory),
            pass_fds=(theirs.fileno(), memory),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=worker_environment(os.environ, settings, backend, settings.accelerator),
            cwd=settings.function_dir,
            start_new_session=True,
        )
    except BaseException:
        ours.close()
        raise
    finally:
        theirs.close()
        os.close(memory)
    ours.setblocking(False)
    await loop.create_unix_connection(lambda: link, sock=ours)
    worker = WorkerProcess(backend, process, link, marks, CpuMeter(process.pid), now_s, loop.create_future())
    for name, stream in (("stdout", process.stdout), ("stderr", process.stderr)):
        assert stream is not None
        worker.readers.append(asyncio.create_task(_read_lines(worker, name, stream, lines)))
    return worker


async def _read_lines(worker: WorkerProcess, name: str, stream: asyncio.StreamReader, lines: LineSink) -> None:
    """Cut what a function prints into lines; one that never ends is cut at a limit, so that it is bounded."""
    rest = b""
    while chunk := await stream.read(65536):
        *whole, rest = (rest + chunk).split(b"\n")
        if len(rest) > MAX_LINE_BYTES:
            whole.append(rest)
            rest = b""
        for line in whole:
            _take_line(worker, name, line, lines)
    if rest:
        _take_line(worker, name, rest, lines)


def _take_line(worker: WorkerProcess, name: str, line: bytes, lines: LineSink) -> None:
    text = line[:MAX_LINE_BYTES].rstrip(b"\r").decode("utf-8", "replace")
    worker.log.append(text)
    lines(worker, name, text)
