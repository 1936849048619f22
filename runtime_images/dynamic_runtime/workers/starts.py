"""The starts under way: one of a backend at a time, which can be given up.

Whoever else wants a backend that is being started waits for the same worker. A start that is given up ends for all of
them at once, however far it has come: before there is a process, while one is forked, while the function loads. What a
zygote imports meanwhile is not lost: the zygote stays, for the next start.
"""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any

from runtime_images.dynamic_runtime.background import Background
from runtime_images.dynamic_runtime.workers.process import WorkerProcess
from runtime_images.dynamic_runtime.workers.reports import StartError
from runtime_images.policy.model import Backend

_GIVEN_UP = "the start was given up"


@dataclass(eq=False)
class Starts:
    """At most one start of each backend; `start` is what one does, and raises StartError where it fails."""

    start: Callable[[Backend], Coroutine[Any, Any, WorkerProcess]]
    background: Background
    _closed: bool = False
    _under_way: dict[Backend, "asyncio.Task[WorkerProcess]"] = field(default_factory=dict)

    def __contains__(self, backend: Backend) -> bool:
        """Whether a start of this backend is under way."""
        return backend in self._under_way

    async def worker(self, backend: Backend) -> WorkerProcess:
        """Return the worker that the start under way brings, or a new start.

        Raises:
            StartError: it brings none, or was given up.
        """
        start = self._under_way.get(backend)
        if start is None:
            start = self._under_way[backend] = self.background.spawn(self.start(backend))
            start.add_done_callback(lambda done: self._ended(backend, done))
        try:
            return await asyncio.shield(start)
        except asyncio.CancelledError:
            if self._closed or not start.cancelled() or _is_cancelled():
                raise
            raise StartError(backend, (), kind="exit", message=_GIVEN_UP) from None

    def _ended(self, backend: Backend, start: "asyncio.Task[WorkerProcess]") -> None:
        if self._under_way.get(backend) is start:
            del self._under_way[backend]
        if not start.cancelled():
            start.exception()  # nobody may be waiting any more

    def give_up(self, backend: Backend) -> None:
        """End the start of a backend, if one is under way; a worker that it has begun already is the caller's."""
        if (start := self._under_way.pop(backend, None)) is not None:
            start.cancel()

    def close(self) -> None:
        """End all of them, and cancel who waits: what they would bring, nobody would end."""
        self._closed = True
        for backend in list(self._under_way):
            self.give_up(backend)


def _is_cancelled() -> bool:
    """Return whether the caller itself is to end, and not only what it waits for."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
