"""The pods of a backend: a cluster gives it as many as its load needs, each after a start-up, and each is paid for.

As Knative's autoscaler does it: it looks at the requests at once each second, adds pods at once, and takes one away
when it was not needed for a minute. A backend of one pod, which is what a laptop has, never gets here.
"""

from collections import deque
from math import ceil

from gaia_cli.simulator.world.meter import Instance, Pod
from gaia_cli.simulator.world.scenario import Scenario
from runtime_images.policy.pods import PodLimits, wanted_pods, widens

LOOK_EVERY_S = 1.0
NARROWS_AFTER_S = 60.0


class Autoscaler:
    """Widens and narrows the instance that has the traffic; one that takes it over begins with its own first pod."""

    def __init__(self, scenario: Scenario) -> None:
        self.limits = PodLimits(scenario.pods_min, scenario.pods_max, scenario.slots)
        self._scenario = scenario
        self._wanted: deque[int] = deque(maxlen=int(NARROWS_AFTER_S / LOOK_EVERY_S))
        self._of: Instance | None = None

    def widens(self, instance: Instance, waiting: int) -> bool:
        """Return whether more pods come, or are about to, for what an instance serves and what waits."""
        return widens(instance.in_flight + waiting, self.limits, instance.pods)

    def look(self, instance: Instance, waiting: int, now: float) -> tuple[int, int]:
        """Change the number of pods; return how many were ordered, and how many released."""
        if self._of is not instance:
            self._of = instance
            self._wanted.clear()
        instance.pods = 1 + sum(pod.ready_at <= now for pod in instance.more)
        wanted = max(wanted_pods(instance.in_flight + waiting, self.limits, instance.pods), 1)
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
