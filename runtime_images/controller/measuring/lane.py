"""One backend over all its pods: what the policy observes of it, and what it costs there.

Two things differ from a single runtime. A backend costs as much as the pods that its load needs. And what waits on a
backend that Knative will widen waits for a pod: no other backend would bring that sooner, so it is no evidence against
this one. That holds for as long as pods take to come; when none does, the wait counts as anywhere else.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from runtime_images.cluster.function import FunctionSettings
from runtime_images.controller.measuring.answers import ages, answers
from runtime_images.controller.measuring.numbers import Delta, PodNumbers
from runtime_images.controller.measuring.pods import PODS_MOST, Pod
from runtime_images.policy.model import Backend, LaneObservation
from runtime_images.policy.pods import PANIC_WINDOW_S, PodLimits, predicted_pods, wanted_pods, widens

POD_STARTS_S = 5.0
"""How long a pod is taken to start until that is known."""
PATIENCE = 3.0
"""How many start-up times a pod may take that Knative has been asked for."""


@dataclass(frozen=True, slots=True)
class Look:
    """The pods of a backend now: all of them, the numbers of those that answered, and what these have done lately.

    `answered` of those that are ready have done so. `crowded` says that one more pod finds no place.
    """

    pods: Sequence[Pod]
    numbers: Sequence[PodNumbers]
    delta: Delta
    answered: int
    crowded: bool = False

    @property
    def running(self) -> int:
        """How many pods are ready."""
        return sum(pod.ready for pod in self.pods)

    @property
    def is_unknown(self) -> bool:
        """Whether fewer than half of the ready pods have answered, of those that are asked; others only start."""
        return 2 * self.answered < min(self.running, PODS_MOST)

    def scaled(self, count: float) -> int:
        """Return a count of those that answered as that of all."""
        return round(count * max(self.running / self.answered, 1.0)) if self.answered else round(count)

    @property
    def at_once(self) -> int:
        """How many requests are served or wait."""
        return self.scaled(sum(one.in_flight + one.waiting for one in self.numbers))


@dataclass(slots=True)
class LaneMemory:
    """What is remembered of a backend. `service_s` is its mean service time when it last answered."""

    finished: int = 0
    service_s: float | None = None
    start_up_s: float | None = None
    cpu_share: float | None = None
    pods: int = 0
    pod_slots: int | None = None
    widening_since: float | None = None
    waits_for_pods: bool = False
    at_once: deque[tuple[float, int]] = field(default_factory=deque)
    answered: deque[tuple[float, int, int]] = field(default_factory=deque)

    def take(self, look: Look, settings: FunctionSettings, now: float) -> None:
        """Take in what the pods show."""
        delta = look.delta
        self.finished += delta.service.count
        if delta.service.count:
            self.service_s = delta.service.sum_s / delta.service.count
        self._note_answered(look, settings, now)
        starts = [pod.start_up_s for pod in look.pods if pod.start_up_s is not None]
        starts = starts or [one.start_up_s for one in look.numbers if one.start_up_s is not None]
        self.start_up_s = min(starts) if starts else self.start_up_s
        shares = [one.cpu_share for one in look.numbers if one.cpu_share is not None]
        self.cpu_share = sum(shares) / len(shares) if shares else self.cpu_share
        slots = [one.slots for one in look.numbers if one.slots is not None]
        self.pod_slots = round(sum(slots) / len(slots)) if slots else self.pod_slots
        self._note_widening(look, settings, now)
        self.pods = look.running

    def _note_answered(self, look: Look, settings: FunctionSettings, now: float) -> None:
        if look.running and not self.pods:
            self.answered.clear()  # what earlier pods answered is no evidence against these
        if look.delta.service.count or look.delta.failed:
            self.answered.append((now, look.delta.service.count, look.delta.failed))
        while self.answered and self.answered[0][0] < now - settings.slo.window_s:
            self.answered.popleft()

    def _note_widening(self, look: Look, settings: FunctionSettings, now: float) -> None:
        self.at_once.append((now, look.at_once))
        while self.at_once[0][0] < now - PANIC_WINDOW_S:
            self.at_once.popleft()
        limits = limits_of(settings, crowded=look.crowded)
        if not look.running or not widens(self._mean_at_once, limits, look.running):
            self.widening_since, self.waits_for_pods = None, False
            return
        if self.widening_since is None or look.running > self.pods:
            self.widening_since = now
        self.waits_for_pods = now - self.widening_since <= PATIENCE * (self.start_up_s or POD_STARTS_S)

    @property
    def _mean_at_once(self) -> float:
        return sum(count for _, count in self.at_once) / len(self.at_once) if self.at_once else 0.0

    def slots(self, look: Look) -> int:
        """Return how many requests the pods there are serve at once; one pod's where there is none."""
        return (self.pod_slots or 1) * max(look.running, 1)

    def observation(self, look: Look, settings: FunctionSettings, backend: Backend, rate: float) -> LaneObservation:
        """Return the backend as the policy sees it; `rate` is that of the whole function, wherever it is served."""
        latencies_s, services_s = answers(look.delta.latency, look.delta.service)
        waited_s = _mean_wait_s(look.delta) if self.waits_for_pods else 0.0
        good, failed = sum(one[1] for one in self.answered), sum(one[2] for one in self.answered)
        needed = self._needed_pods(look, settings, rate)
        return LaneObservation(
            available=True,
            running=look.running > 0,
            p95_s=look.delta.latency.quantile(0.95),
            recent_latencies_s=services_s if self.waits_for_pods else latencies_s,
            recent_services_s=services_s,
            in_flight_ages_s=tuple([max(age - waited_s, 0.0) for age in _ages_s(look)]),
            cpu_share=self.cpu_share,
            error_rate=failed / (good + failed) if failed else 0.0,
            answered=good + failed,
            start_up_s=self.start_up_s,
            finished=self.finished,
            price_per_s=needed * settings.prices.per_second(backend),
            slots=(self.pod_slots or settings.scale.concurrency or 1) * max(needed, look.running),
        )

    def _needed_pods(self, look: Look, settings: FunctionSettings, rate: float) -> int:
        """Return how many pods the load needs here; where its service time is unknown, as many as there are."""
        limits = limits_of(settings, crowded=look.crowded)
        if self.waits_for_pods:
            return max(wanted_pods(self._mean_at_once, limits, look.running), 1)
        if self.service_s is None:
            return max(look.running, limits.least, 1)
        return predicted_pods(rate, self.service_s, limits, look.running)


def limits_of(settings: FunctionSettings, *, crowded: bool) -> PodLimits:
    """Return between how many pods a backend may have; of a crowded one there is room for no more."""
    scale = settings.scale
    return PodLimits(scale.min, scale.max, scale.concurrency, 0 if crowded else None)


def _mean_wait_s(delta: Delta) -> float:
    if not delta.latency.count or not delta.service.count:
        return 0.0
    return max(delta.latency.sum_s / delta.latency.count - delta.service.sum_s / delta.service.count, 0.0)


def _ages_s(look: Look) -> list[float]:
    found = [age for one in look.numbers for age in ages(one.in_flight, one.in_flight_oldest_s)]
    return sorted(found, reverse=True)
