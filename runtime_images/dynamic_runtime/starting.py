"""How workers are started: forked by the zygote where that is safe, spawned otherwise.

The zygote's imports are the first worker's own start, done once for all workers that follow. A zygote that must not
fork becomes that first worker itself, so that nothing was imported in vain, and the later ones are spawned.
"""

import os
from collections.abc import Mapping, Sequence
from typing import Protocol

from runtime_images.dynamic_runtime import lifeline
from runtime_images.dynamic_runtime.arenas import Requests
from runtime_images.dynamic_runtime.clock import Clock
from runtime_images.dynamic_runtime.link import LinkOwner
from runtime_images.dynamic_runtime.output_pipe import PrintedLine
from runtime_images.dynamic_runtime.settings import Settings
from runtime_images.dynamic_runtime.worker_process import LineSink, WorkerProcess, start_worker, worker_environment
from runtime_images.dynamic_runtime.zygote_keeper import ZygoteKeeper, ZygoteSink
from runtime_images.dynamic_runtime.zygote_process import ChildProcess, spawn
from runtime_images.policy.model import Backend

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
    """Starts workers by way of a zygote. `printed` gets what they print, `told` hears of the zygote.

    With `requests`, the arena of long bodies, workers get an arena for their answers, too.
    """

    def __init__(
        self, settings: Settings, clock: Clock, requests: Requests | None, printed: LineSink, told: ZygoteSink
    ) -> None:
        self._settings = settings
        self._requests = requests
        self._printed = printed
        self._lifeline, self._held_end = lifeline.create()
        self._zygotes_environ = self._environ_of(Backend.CPU) | NVML_CHECK
        self._keeper = ZygoteKeeper(
            settings, clock, self._zygotes_environ, self._lifeline, told, self._printed_by_zygote
        )  # fmt: skip

    async def start(self, backend: Backend, owner: LinkOwner, now_s: float) -> WorkerProcess:
        """Start a worker; it is not ready yet.

        Raises:
            OSError: it cannot be started.
        """

        async def launch(descriptors: Sequence[int], output: int, errors: int) -> ChildProcess:
            return await self._launch(backend, (self._lifeline, *descriptors), output, errors)

        return await start_worker(launch, self._settings, backend, owner, self._requests, self._printed, now_s)

    @property
    def zygote_pid(self) -> int | None:
        """The zygote's id, if there is one."""
        return self._keeper.zygote.pid if self._keeper.zygote is not None else None

    async def close(self) -> None:
        """End the zygote, and by the lifeline whatever else may be left."""
        await self._keeper.close()
        for end in (self._held_end, self._lifeline):
            os.close(end)

    async def _launch(self, backend: Backend, descriptors: Sequence[int], output: int, errors: int) -> ChildProcess:
        zygote = await self._keeper.prepared()
        environ = self._environ_of(backend)
        if zygote is not None:
            try:
                changes = _changes(self._zygotes_environ, environ)
                if not zygote.unfit:
                    return await zygote.fork(changes, (output, errors, *descriptors))
                self._keeper.hand_over()
                zygote.order(changes, (output, errors, *descriptors))
                return zygote.process
            except OSError:
                pass  # too little memory for a fork, or it has just died: this worker is started the other way
        return await spawn(self._settings, "worker", environ, descriptors, output, errors)

    def _environ_of(self, backend: Backend) -> dict[str, str]:
        return worker_environment(os.environ, self._settings, backend)

    def _printed_by_zygote(self, pid: int) -> PrintedLine:
        backend = self._settings.mode.initial_backend

        def printed(stream: str, line: str, request: int | None) -> None:
            self._printed(backend, pid, stream, line, request)

        return printed


def _changes(have: Mapping[str, str], want: Mapping[str, str]) -> dict[str, str | None]:
    """What turns one environment into the other; None takes a variable out."""
    changes: dict[str, str | None] = dict.fromkeys(name for name in have if name not in want)
    return changes | {name: value for name, value in want.items() if have.get(name) != value}
