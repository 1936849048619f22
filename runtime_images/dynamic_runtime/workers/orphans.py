"""Processes that lose their parent: this one adopts and reaps them.

A worker that a zygote forked outlives the zygote, and the children of a function may outlive their worker. As a child
subreaper (prctl(2)) the runtime becomes their parent, as a container's first process always is; else they would stay
zombies.

Functions run as the same user and are not trusted, so this module also hides the runtime's memory and environment, with
the admin token, from them. Only a container can deny the rest, such as signals.
"""

import contextlib
import ctypes
import os
import signal
import threading
import time
from collections.abc import Callable, Container
from pathlib import Path

_PR_SET_DUMPABLE = 4
_PR_SET_CHILD_SUBREAPER = 36
_END_S = 2.0
_END_STEP_S = 0.005


class _Adoption:
    """Who needs the orphans: several may at once, and the first that ends must not end it for the others."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._users = 0

    def change(self, by: int) -> None:
        with self._lock:
            self._users += by
            _prctl(_PR_SET_CHILD_SUBREAPER, int(self._users > 0))


_ADOPTION = _Adoption()


def adopt_orphans() -> None:
    """Become the parent of every descendant that loses its own, until everybody who has called this leaves them."""
    _ADOPTION.change(1)


def leave_orphans() -> None:
    """Leave those that lose their parent from now on to whoever is above, unless others still need them."""
    _ADOPTION.change(-1)


def keep_to_itself() -> None:
    """Deny other processes of the same user this one's memory, environment and descriptors (prctl(2)).

    Programs that it starts are as open as ever.
    """
    _prctl(_PR_SET_DUMPABLE, 0)


def _prctl(option: int, value: int) -> None:
    with contextlib.suppress(AttributeError, OSError):
        ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


def reap_adopted(others: Container[int | None]) -> None:
    """Collect the children that have ended, except `others`, whom somebody waits for."""
    for pid in children():
        if pid not in others:
            collect(os.P_PID, pid)


def kill_children(others: Container[int] = ()) -> list[int]:
    """Kill every child that is none of `others`, and return them; who loses its parent by that is a child next time."""
    pids = [pid for pid in children() if pid not in others]
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    return pids


def end_adopted(is_anothers: Callable[[int], bool] = lambda _pid: False) -> None:
    """Kill and collect every remaining child but those of others, and their children in turn: nothing is left."""
    deadline = time.monotonic() + _END_S
    while (pids := kill_children([pid for pid in children() if is_anothers(pid)])) and time.monotonic() < deadline:
        for pid in pids:
            collect(os.P_PID, pid)
        time.sleep(_END_STEP_S)


def collect(kind: int, process: int) -> int | None:
    """Return the exit code of a child that has ended, minus the signal's number where one ended it; else None."""
    with contextlib.suppress(ChildProcessError):
        if (ended := os.waitid(kind, process, os.WEXITED | os.WNOHANG)) is not None:
            return ended.si_status if ended.si_code == os.CLD_EXITED else -ended.si_status
    return None


def children() -> list[int]:
    """Return the children that there are, those that have ended included as long as nobody has collected them."""
    pids: list[int] = []
    with contextlib.suppress(OSError):  # no descriptors left: the next time there may be
        for task in Path("/proc/self/task").iterdir():
            with contextlib.suppress(OSError):  # a thread that has just ended, a kernel without these files
                pids += map(int, (task / "children").read_text("ascii").split())
    return pids
