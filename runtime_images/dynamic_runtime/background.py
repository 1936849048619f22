"""Tasks that nobody waits for: kept until they are done, since the event loop itself keeps only weak references.

Standard library only: the worker, which runs in the function's environment, uses it too.
"""

import asyncio
import contextlib
import traceback
from collections.abc import Coroutine, Iterator
from typing import Any, TypeVar

_T = TypeVar("_T")


@contextlib.contextmanager
def surviving() -> Iterator[None]:
    """Report what a turn of an endless loop raises, and let the loop go on: nobody would start it again."""
    try:
        yield
    except Exception:  # noqa: BLE001 -- whatever it is, the next turn may be well
        traceback.print_exc()


class Background:
    """The tasks under way."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()

    def spawn(self, work: Coroutine[Any, Any, _T]) -> asyncio.Task[_T]:
        """Start a task in the running event loop."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    @property
    def tasks(self) -> set[asyncio.Task[Any]]:
        """Those that are not done."""
        return set(self._tasks)

    async def cancel(self) -> None:
        """Cancel all of them and wait until they have ended."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
