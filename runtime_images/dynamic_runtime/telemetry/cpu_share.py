"""CPU share of a worker; tells I/O-bound from CPU-bound functions.

The share is CPU time over the time in which the function computes or waits for something else than a processor: what
it waits for a processor is taken out, else a starved function that computes would look like one that sleeps. How long
it waited for something else is bounded from three sides, and the least of them counts:

- the thread that could run most leaves no more (a pool that computes while the main thread waits for it);
- all threads together leave no more of what requests last, on average (threads that compute one after the other);
- the time less CPU time leaves no more. CPU time that nobody has seen a thread use (it ended before anybody looked)
  waited as much as that of the threads that were seen, or as the cgroup was throttled; without schedstat, all did.

All clocks belong to the worker's process and are read from outside, so the worker pays nothing. Source:
clock_getcpuclockid(3) for another process's CPU clock.
"""

import contextlib
import time
from dataclasses import dataclass, field

from runtime_images.dynamic_runtime.telemetry.runnable import Runnable, Threads
from runtime_images.dynamic_runtime.telemetry.throttling import Throttling
from runtime_images.policy.sampling import LEAST_BUSY_S

_CPUCLOCK_SCHED = 2


def process_cpu_s(pid: int) -> float:
    """Return the CPU seconds that all threads of another process have used.

    Raises:
        OSError: there is no such process.
    """
    return time.clock_gettime_ns((~pid << 3) | _CPUCLOCK_SCHED) / 1e9


@dataclass(slots=True)
class CpuMeter:
    """The CPU share of one worker, window by window; `share` keeps the last one that was known."""

    pid: int
    share: float | None = None
    _cpu_s: float = 0.0
    _throttled_s: float = 0.0
    _busy_s: float = 0.0
    _requests_s: float = 0.0
    _threads: Threads = field(init=False)
    _throttling: Throttling = field(init=False)

    def __post_init__(self) -> None:
        self._threads, self._throttling = Threads(self.pid), Throttling(self.pid)

    def update(self, busy_s: float, requests_s: float) -> float | None:
        """Read the clocks and return the share.

        Args:
            busy_s: The time in which the worker has had a request, since its start, in seconds.
            requests_s: For how long it has had each of its requests, in all.
        """
        busy = busy_s - self._busy_s
        if busy >= LEAST_BUSY_S:
            with contextlib.suppress(OSError):  # the process has ended
                cpu_s, throttled_s = process_cpu_s(self.pid), self._throttling.so_far_s()
                at_once = max(1.0, (requests_s - self._requests_s) / busy)
                used = cpu_s - self._cpu_s
                runnable = self._threads.look(busy_s)
                self.share = cpu_share(used, waiting_s(busy, at_once, runnable, used, throttled_s - self._throttled_s))
                self._cpu_s, self._throttled_s = cpu_s, throttled_s
                self._busy_s, self._requests_s = busy_s, requests_s
        return self.share

    def reset(self) -> None:
        """Leave what was used so far, such as the import of a framework, out of the first window."""
        with contextlib.suppress(OSError):  # the process has ended
            self._cpu_s, self._throttled_s = process_cpu_s(self.pid), self._throttling.so_far_s()
            self._threads.begin(self._busy_s)


def waiting_s(busy_s: float, at_once: float, runnable: Runnable | None, cpu_s: float, throttled_s: float) -> float:
    """Return for how much of `busy_s` the function waited for something else than a processor.

    `at_once` is how many requests it had, on average; `runnable` is None where the kernel does not say.
    """
    cpu, throttled = max(cpu_s, 0.0) / busy_s, max(throttled_s, 0.0) / busy_s
    if runnable is None:
        return busy_s * max(0.0, 1.0 - cpu - throttled)
    unseen = max(0.0, 1.0 - runnable.ran / cpu) if cpu else 1.0
    starved = max(throttled, cpu * runnable.waits_per_run)
    left = min(1.0 - cpu - unseen * starved, 1.0 - runnable.most, 1.0 - runnable.total / at_once)
    return busy_s * max(0.0, left)


def cpu_share(cpu_s: float, waiting_s: float) -> float:
    """Return CPU time over itself and the time in which the function waited for something else, between 0 and 1."""
    cpu_s = max(cpu_s, 0.0)
    return round(cpu_s / max(cpu_s + waiting_s, 1e-9), 4)
