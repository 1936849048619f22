"""What has been measured on each backend: the simulator's counterpart of the runtime's lanes and meters."""

from bisect import bisect_left, insort
from dataclasses import dataclass, field
from math import ceil
from typing import TYPE_CHECKING

from gaia_cli.simulator.traces.trace import column
from runtime_images.policy.model import Backend

if TYPE_CHECKING:
    from array import array

RECENT_MOST = 512
"""How many answers the runtime keeps for the policy."""

LEAST_BUSY_S = 0.05
"""Less busy time than this in a second says nothing about the CPU share; as in the runtime's meter."""


@dataclass(slots=True, eq=False)
class Worker:
    """A process that serves on one backend, from the moment its start is ordered."""

    backend: Backend
    ordered_at: float
    ready_at: float
    ready: bool = False
    in_flight: int = 0
    busy_since: float = 0.0
    draining: bool = False


@dataclass(slots=True)
class Lane:
    """The answers of one backend, oldest first, and what follows from them.

    `since` is when its present worker became ready, `held_s` the seconds of workers already released, `shown` how many
    answers the policy has been shown.
    """

    backend: Backend
    window_s: float
    finished_at: "array[float]" = field(default_factory=column)
    latencies: "array[float]" = field(default_factory=column)
    services: "array[float]" = field(default_factory=column)
    since: float = 0.0
    start_up_s: float | None = None
    cpu_share: float | None = None
    busy_s: float = 0.0
    cpu_s: float = 0.0
    held_s: float = 0.0
    shown: int = 0
    _told: tuple[float, float] = (0.0, 0.0)
    _ordered: list[float] = field(default_factory=list)
    _ordered_from: int = 0
    _ordered_to: int = 0

    def add(self, finished_at: float, latency_s: float, service_s: float) -> None:
        """Count an answer."""
        self.finished_at.append(finished_at)
        self.latencies.append(latency_s)
        self.services.append(service_s)

    def first_within(self, now: float) -> int:
        """The index of the oldest answer that the runtime would still show at `now`."""
        total = len(self.finished_at)
        return bisect_left(self.finished_at, now - self.window_s, max(0, total - RECENT_MOST), total)

    def p95(self, first: int) -> float | None:
        """The 95th percentile of the latencies from index `first` on; `first` must not go back between calls."""
        for latency in self.latencies[self._ordered_to :]:
            insort(self._ordered, latency)
        self._ordered_to = len(self.latencies)
        for latency in self.latencies[self._ordered_from : first]:
            del self._ordered[bisect_left(self._ordered, latency)]
        self._ordered_from = first
        count = len(self._ordered)
        return self._ordered[ceil(0.95 * count) - 1] if count else None

    def became_ready(self, worker: Worker) -> None:
        """A worker is ready: its start-up time is known, and what was measured of the one before is not its own."""
        self.start_up_s = worker.ready_at - worker.ordered_at
        self.since = worker.ready_at
        self.cpu_share = None
        self._told = (self.busy_s, self.cpu_s)

    def measure_share(self, busy_s: float, cpu_s: float) -> None:
        """Tell the CPU share since the last call from the totals of busy and CPU seconds, where they say anything."""
        busy, used = busy_s - self._told[0], cpu_s - self._told[1]
        if busy >= LEAST_BUSY_S:
            self.cpu_share = round(min(1.0, used / busy), 4)
            self._told = (busy_s, cpu_s)
