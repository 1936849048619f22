"""What has been measured on each backend: the simulator's counterpart of the runtime's telemetry."""

from bisect import bisect_left
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gaia_cli.simulator.traces.trace import column
from runtime_images.policy.model import Backend
from runtime_images.policy.sampling import ANSWERS_KEPT, LEAST_BUSY_S

if TYPE_CHECKING:
    from array import array


@dataclass(slots=True)
class Pod:
    """One more pod of an instance."""

    ordered_at: float
    ready_at: float


@dataclass(slots=True, eq=False)
class Instance:
    """A process that serves on one backend, from the moment its start is ordered.

    In a cluster it may have `more` pods beside the first: `pods` are those that are ready, and `released_s` is for how
    long those were held that are no more.
    """

    backend: Backend
    ordered_at: float
    ready_at: float
    ready: bool = False
    in_flight: int = 0
    busy_since: float = 0.0
    draining: bool = False
    pods: int = 1
    more: list[Pod] = field(default_factory=list)
    released_s: float = 0.0

    def held_s(self, now: float) -> float:
        """Return for how many seconds its pods have been held in all."""
        return now - self.ordered_at + self.released_s + sum([now - pod.ordered_at for pod in self.more])


@dataclass(slots=True)
class Meter:
    """The answers of one backend, oldest first, and what follows from them.

    `since` is when its present instance became ready, `held_s` the seconds of instances already released, `shown` how
    many answers the policy has been shown.
    """

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
    _measured: tuple[float, float] = (0.0, 0.0)

    def add(self, finished_at: float, latency_s: float, service_s: float) -> None:
        """Count an answer."""
        self.finished_at.append(finished_at)
        self.latencies.append(latency_s)
        self.services.append(service_s)

    def first_within(self, now: float) -> int:
        """Return the index of the oldest answer that the runtime would still show at `now`."""
        total = len(self.finished_at)
        return bisect_left(self.finished_at, now - self.window_s, max(0, total - ANSWERS_KEPT), total)

    def became_ready(self, instance: Instance) -> None:
        """Note that an instance is ready: its start-up time is known; its CPU share is not that of the one before."""
        self.start_up_s = instance.ready_at - instance.ordered_at
        self.since = instance.ready_at
        self.cpu_share = None
        self._measured = (self.busy_s, self.cpu_s)

    def measure_share(self, busy_s: float, cpu_s: float) -> None:
        """Find the CPU share since the last call from the totals of busy and CPU seconds, where they say anything."""
        busy, used = busy_s - self._measured[0], cpu_s - self._measured[1]
        if busy >= LEAST_BUSY_S:
            self.cpu_share = round(min(1.0, used / busy), 4)
            self._measured = (busy_s, cpu_s)
