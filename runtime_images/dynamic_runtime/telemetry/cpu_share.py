"""CPU share of a worker; tells I/O-bound from CPU-bound functions.

The share is CPU time over busy wall time with the wait for a CPU taken out, else a starved function that computes
would look like one that sleeps. Both clocks belong to the worker's process and are read from outside, so the worker
pays nothing. Sources: clock_getcpuclockid(3) for another process's CPU clock, the kernel's
Documentation/scheduler/sched-stats.rst for schedstat.
"""

import contextlib
import time
from dataclasses import dataclass
from pathlib import Path

from runtime_images.policy.sampling import LEAST_BUSY_S

_CPUCLOCK_SCHED = 2


def process_cpu_s(pid: int) -> float:
    """Return the CPU seconds that all threads of another process have used.

    Raises:
        OSError: there is no such process.
    """
    return time.clock_gettime_ns((~pid << 3) | _CPUCLOCK_SCHED) / 1e9


def process_wait_s(pid: int) -> float:
    """Return the seconds for which another process's main thread waited for a CPU; 0 where unknown."""
    try:
        return int(Path(f"/proc/{pid}/schedstat").read_text("ascii").split()[1]) / 1e9
    except (OSError, IndexError, ValueError):
        return 0.0


@dataclass(slots=True)
class CpuMeter:
    """The CPU share of one worker, window by window; `share` keeps the last one that was known."""

    pid: int
    share: float | None = None
    _cpu_s: float = 0.0
    _wait_s: float = 0.0
    _busy_s: float = 0.0

    def update(self, busy_s: float) -> float | None:
        """Read the clocks and return the share; `busy_s` is the worker's busy time since its start, in seconds."""
        busy = busy_s - self._busy_s
        if busy >= LEAST_BUSY_S:
            with contextlib.suppress(OSError):  # the process has ended
                cpu_s, wait_s = process_cpu_s(self.pid), process_wait_s(self.pid)
                self.share = cpu_share(cpu_s - self._cpu_s, busy, wait_s - self._wait_s)
                self._cpu_s, self._wait_s, self._busy_s = cpu_s, wait_s, busy_s
        return self.share

    def reset(self) -> None:
        """Leave what was used so far, such as the import of a framework, out of the first window."""
        with contextlib.suppress(OSError):  # the process has ended
            self._cpu_s, self._wait_s = process_cpu_s(self.pid), process_wait_s(self.pid)


def cpu_share(cpu_s: float, busy_s: float, wait_s: float) -> float:
    """Return CPU time over the busy time in which the process could have run, between 0 and 1."""
    could_run_s = max(busy_s - max(wait_s, 0.0), cpu_s, 1e-9)
    return round(min(1.0, max(0.0, cpu_s) / could_run_s), 4)
