"""How workers are started: forked by the zygote where that is safe, spawned otherwise.

The zygote's imports are the first worker's own start, done once for all workers that follow. A zygote that must not
fork becomes that first worker itself, so that nothing was imported in vain, and the later ones are spawned.
"""

import asyncio
import contextlib
import os
import socket
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import Protocol

from runtime_images.dynamic_runtime.clock import Clock
from runtime_images.dynamic_runtime.front.link import LinkOwner, LongBodies, WorkerLink
from runtime_images.dynamic_runtime.settings import Settings
from runtime_images.dynamic_runtime.wire import arenas, in_flight, lifeline
from runtime_images.dynamic_runtime.wire.in_flight import InFlightJournal
from runtime_images.dynamic_runtime.workers.child_process import ChildProcess, spawn
from runtime_images.dynamic_runtime.workers.output_pipe import LineSink, OutputPipe, open_output
from runtime_images.dynamic_runtime.workers.process import WorkerProcess
from runtime_images.dynamic_runtime.workers.zygote_client import ZygoteClient, ZygoteProcess, ZygoteSink
from runtime_images.policy.model import Accelerator, Backend

Launch = Callable[[Sequence[int], Sequence[int]], Awaitable[ChildProcess]]
"""Starts a worker's process, given the descriptors of its two outputs and all others."""

WorkerLineSink = Callable[[Backend, int, str, str, int | None], None]
"""Takes backend, pid, stream, line and the number of the request, if known, for every line that a function prints."""

FORK_TIMEOUT_S = 5.0
"""How long a zygote may take over a fork; one that takes longer is stopped, or lost in a system that is."""

NVML_CHECK = {"PYTORCH_NVML_BASED_CUDA_CHECK": "1"}
"""Has `torch.cuda.is_available()` ask NVML, which leaves CUDA uninitialised; for the zygote only."""


class Starter(Protocol):
    """Starts workers for the supervisor, which knows no more about how."""

    async def start(self, backend: Backend, owner: LinkOwner, now_s: float) -> WorkerProcess:
        """Start a worker; it is not ready yet.

        Raises:
            OSError: it cannot be started.
        """

    async def close(self) -> None:
        """End what is there besides workers."""


class WorkerStarter:
    """Starts workers by way of a zygote. `log` takes what they print, `report` what becomes of the zygote.

    With `requests`, the arena of long bodies, workers get an arena for their answers, too.
    """

    def __init__(
        self,
        settings: Settings,
        clock: Clock,
        requests: arenas.Requests | None,
        log: WorkerLineSink,
        report: ZygoteSink,
    ) -> None:
        self._settings = settings
        self._requests = requests
        self._log = log
        self._lifeline, self._held_end = lifeline.create()
        self._zygotes_environ = self._environ_of(Backend.CPU) | NVML_CHECK
        self._client = ZygoteClient(
            settings, clock, self._zygotes_environ, self._lifeline, report, self._log_of_zygote
        )  # fmt: skip

    async def start(self, backend: Backend, owner: LinkOwner, now_s: float) -> WorkerProcess:
        """Start a worker; it is not ready yet.

        Raises:
            OSError: it cannot be started.
        """
        zygote = await self._client.prepared()
        if zygote is not None:
            with contextlib.suppress(OSError):
                # No memory for a fork, or no zygote any more. What it may have forked all the same, unreported, is
                # left with the dead end of a socket and leaves: the worker that is spawned gets descriptors of its own.
                return await self._start(partial(self._launch_by, zygote, backend), backend, owner, now_s)
        return await self._start(partial(self._spawn, backend), backend, owner, now_s)

    @property
    def zygote_pid(self) -> int | None:
        """The zygote's id, if there is one."""
        return self._client.zygote.pid if self._client.zygote is not None else None

    async def close(self) -> None:
        """End the zygote, and by the lifeline whatever else may be left."""
        await self._client.close()
        for end in (self._held_end, self._lifeline):
            os.close(end)

    async def _start(self, launch: Launch, backend: Backend, owner: LinkOwner, now_s: float) -> WorkerProcess:
        """Make what a worker shares with this process, and launch it with its ends of that."""
        ours, theirs = socket.socketpair()
        outputs: list[OutputPipe] = []
        with contextlib.ExitStack() as handed_over, contextlib.ExitStack() as if_it_fails:
            handed_over.callback(theirs.close)
            if_it_fails.callback(ours.close)
            journal, bodies, memory = self._share_memory(handed_over)
            link = WorkerLink(backend, journal, self._settings.concurrency, owner, bodies)
            for stream in ("stdout", "stderr"):
                outputs.append(await open_output(stream))
                handed_over.callback(outputs[-1].hand_over)
                if_it_fails.callback(outputs[-1].close)
            process = await launch([output.inner for output in outputs], [self._lifeline, theirs.fileno(), *memory])
            if_it_fails.pop_all()
        ours.setblocking(False)
        worker = WorkerProcess(backend, process, link, journal, now_s, ours)
        worker.read_output(outputs, partial(self._log, backend, worker.pid))
        return worker

    def _share_memory(self, handed_over: contextlib.ExitStack) -> tuple[InFlightJournal, LongBodies, list[int]]:
        """Make the memory that a worker shares with this process, and descriptors of it for the worker."""
        memory = in_flight.create_memory()
        handed_over.callback(os.close, memory)
        journal = InFlightJournal(memory)
        answers = arenas.create("gaia-answers", arenas.ARENA_BYTES) if self._requests is not None else None
        if self._requests is None or answers is None:
            return journal, LongBodies(), [memory]
        handed_over.callback(os.close, answers)
        return journal, LongBodies(self._requests, arenas.Reader(answers)), [memory, self._requests.fd, answers]

    async def _spawn(self, backend: Backend, outputs: Sequence[int], descriptors: Sequence[int]) -> ChildProcess:
        return await spawn(self._settings, "main", self._environ_of(backend), outputs, descriptors)

    async def _launch_by(
        self, zygote: ZygoteProcess, backend: Backend, outputs: Sequence[int], descriptors: Sequence[int]
    ) -> ChildProcess:
        """Have the zygote fork a worker, or become it where it must not fork."""
        changes = _changes(self._zygotes_environ, worker_environment(os.environ, self._settings, backend))
        if zygote.unfit:
            self._client.hand_over(zygote)
            zygote.command(changes, (*outputs, *descriptors))
            return zygote.process
        return await _forked(zygote, changes, (*outputs, *descriptors))

    def _environ_of(self, backend: Backend) -> dict[str, str]:
        return worker_environment(os.environ, self._settings, backend)

    def _log_of_zygote(self, pid: int) -> LineSink:
        return partial(self._log, self._settings.mode.initial_backend, pid)


def worker_environment(environ: Mapping[str, str], settings: Settings, backend: Backend) -> dict[str, str]:
    """Return a worker's environment: the user's own, the settings, and devices hidden from whom they are not for."""
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


async def _forked(zygote: ZygoteProcess, changes: Mapping[str, str | None], descriptors: Sequence[int]) -> ChildProcess:
    """Have the zygote fork a worker; one that does not fork is ended, so that its client starts another.

    Raises:
        OSError: there is no worker.
    """
    try:
        async with asyncio.timeout(FORK_TIMEOUT_S):
            return await zygote.fork(changes, descriptors)
    except TimeoutError:
        with contextlib.suppress(ProcessLookupError):
            zygote.process.kill()
        raise


def _changes(have: Mapping[str, str], want: Mapping[str, str]) -> dict[str, str | None]:
    """Return what turns one environment into the other; None takes a variable out."""
    changes: dict[str, str | None] = dict.fromkeys(name for name in have if name not in want)
    return changes | {name: value for name, value in want.items() if have.get(name) != value}
