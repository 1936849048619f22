"""Watching processes from outside, in tests."""

import contextlib
import signal
import time
from collections.abc import Callable
from pathlib import Path


def eventually(holds: Callable[[], bool], timeout_s: float = 30.0) -> bool:
    """Whether something comes to hold in time."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        if holds():
            return True
        time.sleep(0.02)
    return False


def catches(pid: int, number: signal.Signals) -> bool:
    """Whether a process has a handler of its own for a signal."""
    status = Path(f"/proc/{pid}/status").read_text()
    caught = next(line for line in status.splitlines() if line.startswith("SigCgt:"))
    return bool(int(caught.split()[1], 16) >> (number - 1) & 1)


def is_gone(pid: int) -> bool:
    """Whether a process is dead; one that waits to be reaped is."""
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # before the file is opened, or while it is read
        return "\nState:\tZ" in Path(f"/proc/{pid}/status").read_text()
    return True


def resident_bytes(pid: int) -> int:
    """How much memory a process has of its own."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("RssAnon:"):
            return 1024 * int(line.split()[1])
    raise AssertionError("no RssAnon")
