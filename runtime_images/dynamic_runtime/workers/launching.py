"""How workers are started: forked by the zygote where that is safe, spawned otherwise.

The zygote's imports are the first worker's own start, done once for all workers that follow. A zygote that must not
fork becomes that first worker itself, so that nothing was imported in vain, and the later ones are spawned.
"""

import asyncio
import contextlib
import os
import socket
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Protocol

from runtime_images.dynamic_runtime.clock import Clock
from runtime_images.dynamic_runtime.front.link import LinkOwner, LongBodies, WorkerLink
from runtime_images.dynamic_runtime.settings import Settings
from runtime_images.dynamic_runtime.telemetry.event_log import EventLog
from runtime_images.dynamic_runtime.wire import arenas, frames, in_flight, lifeline
from runtime_images.dynamic_runtime.wire.frames import Kind
from runtime_images.dynamic_runtime.wire.in_flight import InFlightJournal
from runtime_images.dynamic_runtime.workers.child_process import ChildProcess, open_outputs, spawn
from runtime_images.dynamic_runtime.workers.own_files import OwnFiles
from runtime_images.dynamic_runtime.workers.process import WorkerProcess
from runtime_images.dynamic_runtime.workers.zygote_client import ZygoteClient, ZygoteProcess
from runtime_images.events.traffic import LogLine
from runtime_images.policy.model import Accelerator, Backend

Launch = Callable[[Sequence[int], Sequence[int]], Awaitable[ChildProcess]]
"""Starts a worker's process, given the descriptors of its two outputs and all others."""

FORK_TIMEOUT_S = 5.0
"""The longest that a fork may take; a zygote that takes longer is stopped or hangs."""

NVML_CHECK = {"PYTORCH_NVML_BASED_CUDA_CHECK": "1"}
"""Has `torch.cuda.is_available()` ask NVML, which leaves CUDA uninitialised; for the zygote only."""


class Starter(Protocol):
    """Starts workers for the supervisor, which need not know how."""

    async def start(self, backend: Backend, owner: LinkOwner, now_s: float) -> WorkerProcess:
        """Start a worker; it is not ready yet.

        Raises:
            OSError: it cannot be started.
        """

    async def close(self) -> None:
        """End everything that is left besides workers."""


@dataclass(eq=False)
class WorkerStarter:
    """Starts workers through a zygote, and reports what they print.

    With `requests`, the arena of long bodies, workers get an arena for their answers, too.
    """

    settings: Settings
    clock: Clock
    events: EventLog
    requests: arenas.Requests | None

    def __post_init__(self) -> None:
        self._lifeline, self._held_end = lifeline.create()
        self._files = OwnFiles(self.settings.function_dir)
        self._client = ZygoteClient(
            self.settings, self.clock, self.events, self._environ_of(Backend.CPU) | NVML_CHECK, self._lifeline,
            lambda pid: partial(self._log, self.settings.mode.initial_backend, pid),
        )  # fmt: skip

    async def start(self, backend: Backend, owner: LinkOwner, now_s: float) -> WorkerProcess:
        """Start a worker, forked by the zygote if there is one; else, or if that fails, spawned."""
        zygote = await self._client.prepared()
        begun_s = now_s if zygote is not None and zygote.unfit else self.clock.monotonic()
        if zygote is not None:
            with contextlib.suppress(OSError):
                # No memory for a fork, or no zygote any more. A process that it forked without a report has the dead
                # end of a socket, and ends: the worker that is spawned gets descriptors of its own.
                return await self._start(partial(self._launch_by, zygote, backend), backend, owner, now_s, begun_s)
        return await self._start(partial(self._spawn, backend), backend, owner, now_s, begun_s)

    @property
    def zygote_pid(self) -> int | None:
        """The zygote's id, if there is one."""
        return self._client.zygote.pid if self._client.zygote is not None else None

    async def close(self) -> None:
        """End the zygote, and through the lifeline whatever else is left."""
        await self._client.close()
        for end in (self._held_end, self._lifeline):
            os.close(end)
        self._files.close()

    async def _start(
        self, launch: Launch, backend: Backend, owner: LinkOwner, now_s: float, begun_s: float
    ) -> WorkerProcess:
        """Make what a worker shares with this process, and launch it with its ends of that."""
        ours, theirs = socket.socketpair()
        with contextlib.ExitStack() as handed_over, contextlib.ExitStack() as if_it_fails:
            handed_over.callback(theirs.close)
            if_it_fails.callback(ours.close)
            ours.sendall(frames.encode(Kind.SETTINGS, body=self.settings.for_workers()))
            journal, bodies, memory = self._share_memory(handed_over)
            link = WorkerLink(backend, journal, self.settings.concurrency, owner, bodies)
            outputs = await open_outputs(handed_over, if_it_fails)
            files = self._files.descriptor()
            inner = [output.inner for output in outputs]
            process = await launch(inner, [self._lifeline, theirs.fileno(), files, *memory])
            if_it_fails.pop_all()
        ours.setblocking(False)
        worker = WorkerProcess(backend, process, link, journal, now_s, ours, begun_s)
        worker.outcome.add_done_callback(lambda outcome: self._files.outcome_known(outcome.result()))
        worker.read_output(outputs, partial(self._log, backend, worker.pid))
        return worker

    def _log(self, backend: Backend, pid: int, stream: str, line: str, request: int | None) -> None:
        self.events.emit(LogLine(backend, pid, stream, line, request))

    def _share_memory(self, handed_over: contextlib.ExitStack) -> tuple[InFlightJournal, LongBodies, list[int]]:
        """Make the memory that a worker shares with this process, and descriptors of it for the worker."""
        memory = in_flight.create_memory()
        handed_over.callback(os.close, memory)
        journal = InFlightJournal(memory)
        answers = arenas.create("gaia-answers", arenas.ARENA_BYTES) if self.requests is not None else None
        if self.requests is None or answers is None:
            return journal, LongBodies(), [memory]
        handed_over.callback(os.close, answers)
        return journal, LongBodies(self.requests, arenas.Reader(answers)), [memory, self.requests.fd, answers]

    async def _spawn(self, backend: Backend, outputs: Sequence[int], descriptors: Sequence[int]) -> ChildProcess:
        return await spawn(self.settings, "main", self._environ_of(backend), outputs, descriptors)

    async def _launch_by(
        self, zygote: ZygoteProcess, backend: Backend, outputs: Sequence[int], descriptors: Sequence[int]
    ) -> ChildProcess:
        """Have the zygote fork a worker, or become it where it must not fork."""
        changes = _changes(self._client.environ, self._environ_of(backend))
        if zygote.unfit:
            self._client.hand_over(zygote)
            zygote.command(changes, (*outputs, *descriptors))
            return zygote.process
        try:
            async with asyncio.timeout(FORK_TIMEOUT_S):
                return await zygote.fork(changes, (*outputs, *descriptors))
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                zygote.process.kill()  # its client starts another one
            raise

    def _environ_of(self, backend: Backend) -> dict[str, str]:
        """Return a worker's environment (docs/functions.md).

        It is the user's own, where the function is served, and no GPU but for a worker on a real one.
        """
        accelerator = self.settings.accelerator if backend is Backend.GPU else Accelerator.NONE
        environment = {name: value for name, value in os.environ.items() if _is_the_functions(name)}
        environment |= {"GAIA_BACKEND": backend.value, "GAIA_ACCELERATOR": accelerator.value, "PYTHONUNBUFFERED": "1"}
        environment |= {"LISTEN_ADDRESS": self.settings.listen_address, "PORT": str(self.settings.port)}
        if self.settings.function_python:
            environment["PATH"] = _with_programs(self.settings.function_python, environment.get("PATH", os.defpath))
        if accelerator is not Accelerator.NVIDIA:  # an emulated GPU sees no real device: nothing pretends to be NVIDIA
            environment |= {"CUDA_VISIBLE_DEVICES": "", "NVIDIA_VISIBLE_DEVICES": "void"}
        return environment


def _is_the_functions(name: str) -> bool:
    """Return whether a variable of the runtime's environment is the user's own, and not for Gaia or its interpreter."""
    return not name.startswith("GAIA_") and name not in ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV")


def _with_programs(python: str, path: str) -> str:
    """Return a search path that begins with what the function's environment brings, as where one is activated.

    So the programs of its requirements are found, and `python` in a subprocess has its libraries.
    """
    return os.pathsep.join([str(Path(python).parent), path])


def _changes(have: Mapping[str, str], want: Mapping[str, str]) -> dict[str, str | None]:
    """Return what turns one environment into the other; None takes a variable out."""
    changes: dict[str, str | None] = dict.fromkeys(name for name in have if name not in want)
    return changes | {name: value for name, value in want.items() if have.get(name) != value}
