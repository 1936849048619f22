"""Tasks that a function has begun by itself and left running (`asyncio.create_task`): work that may be waited for.

Work and loops without end look alike from outside. What ran when the worker became ready, and what has run for longer
than the drain time, would hardly end within it: both count as loops, and are cancelled at the end, as by `asyncio.run`.
"""

import asyncio
import contextlib
import weakref
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

Task = asyncio.Task[Any]


class OwnTasks:
    """The function's own tasks, seen by looking at the event loop every `drain_s`."""

    def __init__(self, drain_s: float) -> None:
        self._drain_s = drain_s
        self._loops: weakref.WeakSet[Task] = weakref.WeakSet(asyncio.all_tasks())
        self._seen: weakref.WeakSet[Task] = weakref.WeakSet()
        self._look_later()

    def _look_later(self) -> None:
        asyncio.get_running_loop().call_later(self._drain_s, self._look)

    def _look(self) -> None:
        self._loops |= self._seen
        self._seen = weakref.WeakSet(asyncio.all_tasks())
        self._look_later()

    def left(self, others: Iterable[Task | None]) -> "Left":
        """Return those that are work under way, but for these other tasks."""
        tasks = {task for task in asyncio.all_tasks() - {*others} if task not in self._loops}
        names = sorted(getattr(task.get_coro(), "__qualname__", "a coroutine") for task in tasks)
        return Left(tasks, f"{len(tasks)} tasks of its own: {names[0]}" if names else "")


class Left(NamedTuple):
    """Tasks that still run, and what to call them."""

    tasks: set[Task]
    described: str


async def finished(left: Callable[[], Left], until_s: float, note: Callable[[str], object]) -> None:
    """Wait for tasks, and for those that follow them, until then at most; `note` is told of them."""
    clock = asyncio.get_running_loop().time
    while (one := left()).tasks and (rest_s := until_s - clock()) > 0:
        note(one.described)
        with contextlib.suppress(asyncio.CancelledError):  # a function may cancel every task that it finds
            await asyncio.wait(one.tasks, timeout=rest_s)
