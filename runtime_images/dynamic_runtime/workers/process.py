"""One worker as an operating system process: start it, keep what it prints, end it."""

import asyncio
import contextlib
import os
import signal
import socket
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from runtime_images.dynamic_runtime.front.link import LinkOwner, WorkerLink
from runtime_images.dynamic_runtime.settings import Settings
from runtime_images.dynamic_runtime.telemetry.cpu_share import CpuMeter
from runtime_images.dynamic_runtime.wire import arenas, in_flight
from runtime_images.dynamic_runtime.wire.in_flight import BegunMarks
from runtime_images.dynamic_runtime.workers.output_pipe import OutputPipe, open_output
from runtime_images.dynamic_runtime.workers.recovery import Service
from runtime_images.dynamic_runtime.workers.zygote_process import ChildProcess
from runtime_images.events.lifecycle import WorkerState
from runtime_images.policy.model import Accelerator, Backend

_LAST_WORDS_S = 2.0
_KEPT_LOG_LINES = 30

LineSink = Callable[[Backend, int, str, str, int | None], None]
"""Told backend, pid, stream, line and the number of the request, if known, for every line that a function prints."""

Launch = Callable[[Sequence[int], int, int], Awaitable[ChildProcess]]
"""Starts a worker's process, given its descriptors, its output and its error output."""


@dataclass(eq=False, slots=True)
class WorkerProcess:
    """A worker and everything that ends with it.

    `outcome` is resolved by READY, FAILED or the exit, whatever is first. `answers_before` is what its backend had
    answered when it became ready. The `pulse_` fields are of the question whether its event loop turns (liveness.py).
    """

    backend: Backend
    process: ChildProcess
    link: WorkerLink
    marks: BegunMarks
    ordered_s: float
    channel: socket.socket
    meter: CpuMeter = field(init=False)
    outcome: asyncio.Future[dict[str, Any]] = field(init=False)
    state: WorkerState = WorkerState.STARTING
    ready_s: float = 0.0
    answers_before: int = 0
    stopped_since_s: float | None = None
    pulse_asked_s: float | None = None
    pulse_seen_s: float = 0.0
    ended_for: str = ""
    facts: dict[str, Any] = field(default_factory=dict)
    log: deque[str] = field(default_factory=lambda: deque(maxlen=_KEPT_LOG_LINES))
    readers: list[asyncio.Task[None]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.meter = CpuMeter(self.pid)
        self.outcome = asyncio.get_running_loop().create_future()

    @property
    def pid(self) -> int:
        """The process's id."""
        return self.process.pid

    async def connect(self) -> None:
        """Begin to read what it sends: only now, because a forked worker may be ready before anybody knows it."""
        await asyncio.get_running_loop().create_unix_connection(lambda: self.link, sock=self.channel)

    def kill(self) -> None:
        """End the process and everything it has started, at once."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)
        with contextlib.suppress(ProcessLookupError):
            self.process.kill()  # one that was forked only just now leads no group yet

    def service(self, now_s: float, answers: int) -> Service:
        """What it has done until now; `answers` is what its backend has answered."""
        return Service(now_s - self.ready_s, answers - self.answers_before) if self.ready_s else Service()

    def end(self, why: str) -> None:
        """End it at once, and keep the reason for whoever tells of it."""
        self.ended_for = f": {why}"
        self.kill()

    async def wait(self) -> int:
        """The exit code, once the process is gone and all that it printed was read."""
        code = await self.process.wait()
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)  # children of the function that outlived it
        await self.printed()
        return code

    async def printed(self) -> None:
        """Until all that it printed was read; it has ended, so this takes long only if somebody else holds a pipe."""
        if self.readers:
            await asyncio.wait(self.readers, timeout=_LAST_WORDS_S)

    def release(self) -> None:
        """Free the descriptors and the memory."""
        self.link.close()
        self.link.free_orphans()
        for reader in self.readers:
            reader.cancel()
        self.marks.close()


def worker_environment(environ: Mapping[str, str], settings: Settings, backend: Backend) -> dict[str, str]:
    """The environment of a worker: the user's own, the settings, and devices hidden from whom they are not for."""
    environment = {name: value for name, value in environ.items() if name not in _PRIVATE}
    environment |= settings.to_environ()
    environment.pop("GAIA_ADMIN_TOKEN", None)
    environment |= {"GAIA_BACKEND": backend.value, "PYTHONUNBUFFERED": "1"}
    on_gpu = backend is Backend.GPU and settings.accelerator is Accelerator.NVIDIA
    environment["GAIA_ACCELERATOR"] = settings.accelerator.value if backend is Backend.GPU else Accelerator.NONE.value
    if not on_gpu:  # an emulated lane sees no real device either: nothing pretends to be NVIDIA
        environment |= {"CUDA_VISIBLE_DEVICES": "", "NVIDIA_VISIBLE_DEVICES": "void"}
    return environment


_PRIVATE = frozenset(("GAIA_ADMIN_TOKEN", "PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV"))


async def start_worker(
    launch: Launch,
    settings: Settings,
    backend: Backend,
    owner: LinkOwner,
    requests: arenas.Requests | None,
    printed: LineSink,
    now_s: float,
) -> WorkerProcess:
    """Start a worker by `launch`; it is not ready yet.

    Raises:
        OSError: it cannot be started.
    """
    ours, theirs = socket.socketpair()
    memory = in_flight.create_memory()
    answers = arenas.create("gaia-answers", arenas.ARENA_BYTES) if requests is not None else None
    outputs: list[OutputPipe] = []
    try:
        outputs += [await open_output(), await open_output()]
        marks = BegunMarks(memory)
        descriptors = [theirs.fileno(), memory]
        if requests is not None and answers is not None:
            link = WorkerLink(backend, marks, settings.concurrency, owner, requests, arenas.reader(answers))
            descriptors += [requests.fd, answers]
        else:
            link = WorkerLink(backend, marks, settings.concurrency, owner)
        process = await launch(descriptors, outputs[0].inner, outputs[1].inner)
    except BaseException:
        ours.close()
        for output in outputs:
            output.close()
        raise
    finally:
        theirs.close()
        os.close(memory)
        if answers is not None:
            os.close(answers)
        for output in outputs:
            output.hand_over()
    ours.setblocking(False)
    return _watched(WorkerProcess(backend, process, link, marks, now_s, ours), outputs, printed)


def _watched(worker: WorkerProcess, outputs: list[OutputPipe], printed: LineSink) -> WorkerProcess:
    """The worker, with what it prints being read."""

    def take(stream: str, line: str, request: int | None) -> None:
        worker.log.append(line)
        printed(worker.backend, worker.pid, stream, line, request)

    for name, output in zip(("stdout", "stderr"), outputs, strict=True):
        worker.readers.append(asyncio.create_task(output.read_lines(name, take)))
    return worker
