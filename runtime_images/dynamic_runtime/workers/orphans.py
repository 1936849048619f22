"""Processes that lose their parent: they come to this one, and are reaped here.

A worker that was forked by a zygote outlives it, and the children of a function may outlive their worker. As a child
subreaper (prctl(2)) the runtime becomes their parent, as it is anyway where it is a container's first process; what is
nobody's else would stay a zombie for ever.

Functions run as the same user, and are not trusted: the runtime's own memory and environment, the admin token in it,
are kept from them here. What the same user may do besides, such as send signals, only a container can deny.
"""

import contextlib
import ctypes
import os
import signal
import time
from collections.abc import Container
from pathlib import Path

_PR_SET_DUMPABLE = 4
_PR_SET_CHILD_SUBREAPER = 36
_END_S = 2.0
_END_STEP_S = 0.005


def adopt_orphans() -> None:
    """Become the parent of every descendant that loses its own."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def keep_to_itself() -> None:
    """Let no process of the same user read this one's memory, environment and descriptors, or attach to it (prctl(2)).

    A program that is started from here is as open as ever.
    """
    _prctl(_PR_SET_DUMPABLE, 0)


def _prctl(option: int, value: int) -> None:
    with contextlib.suppress(AttributeError, OSError):
        ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


def reap_adopted(others: Container[int | None]) -> None:
    """Collect the children that have ended, except `others`, whom somebody waits for."""
    for pid in _children():
        if pid not in others:
            collect(os.P_PID, pid)


def end_adopted() -> None:
    """Kill and collect every child that is left, and theirs, which come here then: nothing outlives the runtime."""
    deadline = time.monotonic() + _END_S
    while (pids := _children()) and time.monotonic() < deadline:
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            collect(os.P_PID, pid)
        time.sleep(_END_STEP_S)


def collect(kind: int, process: int) -> int | None:
    """Return the exit code of a child that has ended, minus the signal's number where one ended it; else None."""
    try:
        ended = os.waitid(kind, process, os.WEXITED | os.WNOHANG)
    except ChildProcessError:
        return None
    if ended is None:
        return None
    return ended.si_status if ended.si_code == os.CLD_EXITED else -ended.si_status


def _children() -> list[int]:
    pids: list[int] = []
    for task in Path("/proc/self/task").iterdir():
        with contextlib.suppress(OSError):  # a thread that has just ended, a kernel without these files
            pids += map(int, (task / "children").read_text("ascii").split())
    return pids
