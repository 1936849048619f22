"""The pods of a backend: a cluster gives it as many as its load needs, each after a start-up, and each is paid for.

As Knative's autoscaler does it: it looks at the requests at once each second, adds pods at once, and takes one away
when it was not needed for a minute. A backend of one pod, which is what a laptop has, never gets here.
"""

from bisect import bisect_left
from collections import deque
from math import ceil

from gaia_cli.simulator.world.meter import Instance, Meter, Pod
from gaia_cli.simulator.world.scenario import Scenario
from runtime_images.policy.pods import PANIC_WINDOW_S, PodLimits, wanted_pods, widens

LOOK_EVERY_S = 1.0
NARROWS_AFTER_S = 60.0


def at_once(instance: Instance, meter: Meter, waiting: int, now: float) -> float:
    """Return how many requests are served and wait: the former on average lately, where any was answered lately."""
    first = bisect_left(meter.finished_at, now - PANIC_WINDOW_S)
    served_s = sum(meter.services[first:])
    return waiting + (served_s / PANIC_WINDOW_S if served_s else instance.in_flight)


class Autoscaler:
    """Widens and narrows the instance that has the traffic; one that takes it over begins with its own first pod."""

    def __init__(self, scenario: Scenario) -> None:
        self.limits = PodLimits(scenario.pods_min, scenario.pods_max, scenario.slots)
        self._scenario = scenario
        self._wanted: deque[int] = deque(maxlen=int(NARROWS_AFTER_S / LOOK_EVERY_S))
        self._of: Instance | None = None

    def widens(self, instance: Instance, at_once: float) -> bool:
        """Return whether more pods come, or are about to, for so many requests at once."""
        return widens(at_once, self.limits, instance.pods)

    def look(self, instance: Instance, at_once: float, now: float) -> tuple[int, int]:
        """Change the number of pods; return how many were ordered, and how many released."""
        if self._of is not instance:
            self._of = instance
            self._wanted.clear()
        instance.pods = 1 + sum(pod.ready_at <= now for pod in instance.more)
        wanted = max(wanted_pods(at_once, self.limits, instance.pods), 1)
        self._wanted.append(wanted)
        held = 1 + len(instance.more)
        if wanted > held:
            ready_at = now + self._scenario.start_s(instance.backend)
            instance.more += [Pod(now, ready_at) for _ in range(wanted - held)]
            return wanted - held, 0
        if len(self._wanted) < NARROWS_AFTER_S / LOOK_EVERY_S:
            return 0, 0
        busy = ceil(instance.in_flight / self._scenario.slots)
        spare = held - max(*self._wanted, busy, 1)
        return 0, self._narrow(instance, spare, now) if spare > 0 else 0

    def _narrow(self, instance: Instance, spare: int, now: float) -> int:
        """Release the pods that came last."""
        for pod in instance.more[-spare:]:
            instance.released_s += now - pod.ordered_at
        del instance.more[-spare:]
        instance.pods = 1 + sum(pod.ready_at <= now for pod in instance.more)
        return spare
