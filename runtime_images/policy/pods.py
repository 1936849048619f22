"""How many pods a backend will have, where a cluster gives it as many as its load needs.

Knative aims at a number of requests at once in each pod, and at seven tenths of it where the pod takes no more than
that (its defaults, config-autoscaler). By Little's law a load keeps rate times service time requests in service. So
what waits on a backend that can still widen waits for a pod, which no other backend would bring sooner; and what a
backend costs is the price of as many pods as it will have. Pure.
"""

from math import ceil
from typing import NamedTuple

TARGET_SHARE = 0.7
PANIC_WINDOW_S = 6.0
"""The span over which Knative takes the mean of the requests at once before it adds pods in a hurry."""
UNLIMITED_TARGET = 100
"""What Knative takes a pod for that says nothing of how many requests it takes at once."""


class PodLimits(NamedTuple):
    """Between how many pods a backend may have; a pod takes `concurrency` requests at once, 0 for any number.

    `most` 0 means any number of pods, `free` how many more there is room for, None where that is unknown.
    """

    least: int = 0
    most: int = 0
    concurrency: int = 0
    free: int | None = None

    @property
    def target(self) -> float:
        """The requests at once in a pod that Knative aims at."""
        return TARGET_SHARE * (self.concurrency or UNLIMITED_TARGET)

    def reachable(self, pods: int) -> int | None:
        """Return how many pods there can be, where there are `pods` now; None for any number."""
        bounds = [self.most] * bool(self.most) + ([] if self.free is None else [pods + self.free])
        return min(bounds, default=None)


def wanted_pods(at_once: float, limits: PodLimits, pods: int = 0) -> int:
    """Return how many pods Knative will have for so many requests at once, where there are `pods` now."""
    wanted = max(ceil(at_once / limits.target), limits.least)
    reachable = limits.reachable(pods)
    return wanted if reachable is None else min(wanted, reachable)


def predicted_pods(rate: float, service_s: float, limits: PodLimits, pods: int = 0) -> int:
    """Return how many pods a load needs that takes so long in service; one at least, for it must be served."""
    return max(wanted_pods(rate * service_s, limits, pods), 1)


def widens(at_once: float, limits: PodLimits, pods: int) -> bool:
    """Return whether Knative will add pods to these for so many requests at once, those that wait among them."""
    return wanted_pods(at_once, limits, pods) > pods
