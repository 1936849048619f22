"""For how much of the time a process's threads could run: they ran, or waited for a processor.

The kernel counts both for each thread (schedstat), what a thread waits while its cgroup is throttled included. A thread
that could run for all of the time computes, however little it ran; the main thread says nothing of a pool that computes
for it. One look reads a bounded number of threads, since each costs some five microseconds of the front; the others are
read at the next looks, and count with what they last did. Source: the kernel's Documentation/scheduler/sched-stats.rst.
"""

import contextlib
import os
from itertools import cycle, islice
from typing import NamedTuple

THREADS_A_LOOK = 64
"""Threads that are read at one look: a third of a millisecond."""


class Runnable(NamedTuple):
    """Shares of the time: in which the thread that could run most could, the sum of all, and that of those that ran."""

    most: float
    total: float
    ran: float

    @property
    def waits_per_run(self) -> float:
        """How long these threads waited for a processor for each second that they ran."""
        return (self.total - self.ran) / self.ran if self.ran else 0.0


class _Times(NamedTuple):
    """How long a thread ran, and waited for a processor, in seconds."""

    ran_s: float = 0.0
    waited_s: float = 0.0


class _Thread(NamedTuple):
    """A thread's times so far, when they were read, and its shares of the time before."""

    times: _Times
    at_s: float
    ran: float = 0.0
    could_run: float = 0.0

    def after(self, times: _Times, at_s: float) -> "_Thread":
        """Return the thread as it is now; one that has run for less is another, which has its number by now."""
        before, span_s = self.times if times.ran_s >= self.times.ran_s else _Times(), at_s - self.at_s
        ran = min(1.0, (times.ran_s - before.ran_s) / span_s)
        return _Thread(times, at_s, ran, min(1.0, ran + (times.waited_s - before.waited_s) / span_s))


class Threads:
    """The threads of another process; `at_s` is a time that only passes while it has work."""

    def __init__(self, pid: int) -> None:
        self._directory = f"/proc/{pid}/task"
        self._known: dict[int, _Thread] = {}
        self._at_s = 0.0
        self._turn = 0

    def begin(self, at_s: float) -> None:
        """Leave out what they did so far; whichever thread there is not yet is new when it is seen."""
        self._known = {
            thread: _Thread(read, at_s) for thread in self._ids() if (read := self._read(thread)) is not None
        }
        self._at_s = at_s

    def look(self, at_s: float) -> Runnable | None:
        """Return the shares of the time since the last look; None where the kernel does not say, or it has ended."""
        ids = self._ids()
        self._known = {one: self._known.get(one) or _Thread(_Times(), self._at_s) for one in ids}
        self._at_s = at_s
        noted = [self._note(one, at_s) for one in self._next(ids)]
        if not any(noted):
            return None
        shares = [thread.could_run for thread in self._known.values()]
        return Runnable(max(shares), sum(shares), sum([thread.ran for thread in self._known.values()]))

    def _next(self, ids: list[int]) -> list[int]:
        """Return the threads whose turn it is."""
        if len(ids) <= THREADS_A_LOOK:
            return ids
        begin, self._turn = self._turn % len(ids), (self._turn + THREADS_A_LOOK) % len(ids)
        return list(islice(cycle(ids), begin, begin + THREADS_A_LOOK))

    def _note(self, thread: int, at_s: float) -> bool:
        if (read := self._read(thread)) is None:
            return False
        self._known[thread] = self._known[thread].after(read, at_s)
        return True

    def _ids(self) -> list[int]:
        with contextlib.suppress(OSError):
            return [int(name) for name in os.listdir(self._directory)]  # noqa: PTH208 -- a Path each would cost more
        return []

    def _read(self, thread: int) -> _Times | None:
        """Return the times of a thread; None where they are not known."""
        try:
            descriptor = os.open(f"{self._directory}/{thread}/schedstat", os.O_RDONLY)
        except OSError:
            return None
        try:
            ran, waited, _ = os.read(descriptor, 128).split()
            return _Times(int(ran) / 1e9, int(waited) / 1e9)
        except (OSError, ValueError):
            return None
        finally:
            os.close(descriptor)
