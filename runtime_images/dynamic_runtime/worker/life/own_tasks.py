"""Tasks that a function has begun by itself and left running (`asyncio.create_task`): work that may be waited for.

Work and loops without end look alike from outside. What ran when the worker became ready, and what has run for longer
than the drain time, would hardly end within it: both count as loops, and are cancelled at the end, as by `asyncio.run`.
"""

import asyncio
import contextlib
import weakref
from collections.abc import Callable, Iterable, Sequence
from typing import Any

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

    def left(self, others: Iterable[Task | None]) -> set[Task]:
        """Return those that are work under way, but for these other tasks."""
        return {task for task in asyncio.all_tasks() - {*others} if task not in self._loops}


class LastWork:
    """What a worker still does when it is to end: requests after their answers, then the function's own tasks.

    `requests` and `others` are tasks of the runtime's that run now. Without `own_tasks` there are none: the loop is not
    the worker's alone.
    """

    def __init__(self, requests: Callable[[], Iterable[Task]], others: Callable[[], Iterable[Task]]) -> None:
        self.own_tasks: OwnTasks | None = None
        self._requests, self._others = requests, others

    async def finish(self, until_s: float, note: Callable[[str], object]) -> None:
        """Wait for it, and for what it begins, until then at most; `note` is told of it."""
        clock = asyncio.get_running_loop().time
        for left, described in ((self._requests, _requests_described), (self._own, _own_described)):
            while (tasks := [*left()]) and (rest_s := until_s - clock()) > 0:
                note(described(tasks))
                with contextlib.suppress(asyncio.CancelledError):  # a function may cancel every task that it finds
                    await asyncio.wait(tasks, timeout=rest_s)

    def left(self) -> list[str]:
        """Return what to call that which has not ended."""
        requests, own = [*self._requests()], [*self._own()]
        return [*([_requests_described(requests)] if requests else []), *([_own_described(own)] if own else [])]

    def _own(self) -> set[Task]:
        if self.own_tasks is None:
            return set()
        return self.own_tasks.left([*self._requests(), *self._others(), asyncio.current_task()])


def _requests_described(tasks: Sequence[Task]) -> str:
    return f"the work of {len(tasks)} requests after their answers"


def _own_described(tasks: Sequence[Task]) -> str:
    names = sorted(getattr(task.get_coro(), "__qualname__", "a coroutine") for task in tasks)
    return f"{len(tasks)} tasks of its own: {names[0]}"
