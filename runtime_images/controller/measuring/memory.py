"""What is remembered of a function between two measurements, and what a new look at its pods makes of it.

Pure: pods and their numbers in, a measurement out. Numbers of the pods of a backend are added up. Where some pods have
not answered, those that have speak for all, as long as they are at least half; fewer make the function unknown.

Numbers may be older than the look at them: nothing is known of the time since, so it counts neither as time without a
request nor as time in which some should have come.
"""

from collections import deque
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from operator import add

from runtime_images.controller.measuring.answers import ages
from runtime_images.controller.measuring.lane import LaneMemory, Look
from runtime_images.controller.measuring.numbers import NOTHING, Delta, PodNumbers, between
from runtime_images.controller.measuring.pods import Pod, PodId
from runtime_images.controller.observing import Asked, Measurement
from runtime_images.policy.model import Backend
from runtime_images.policy.sampling import RATE_SPAN_S


@dataclass(slots=True)
class FunctionMemory:
    """A function since it was first measured, at `began`; arrivals are counted over `rate_span_s`."""

    began: float
    rate_span_s: float = RATE_SPAN_S
    pods: dict[PodId, PodNumbers] = field(default_factory=dict)
    seen_at: dict[PodId, float] = field(default_factory=dict)
    lanes: dict[Backend, LaneMemory] = field(default_factory=lambda: {backend: LaneMemory() for backend in Backend})
    arrived: int = 0
    arrivals: deque[tuple[float, int]] = field(default_factory=deque)
    busy_at: float = 0.0
    as_of: float = 0.0

    def measure(
        self,
        asked: Asked,
        pods: Sequence[Pod],
        crowded: Collection[Backend],
        numbers: Mapping[PodId, PodNumbers],
        now: float,
    ) -> Measurement | None:
        """Return what these pods show, None where too few of them have answered.

        `crowded` backends have a pod that finds no place in the cluster.
        """
        self._note_pods(pods, now)
        looks = {backend: self._look(backend, pods, numbers, crowded=backend in crowded) for backend in Backend}
        if any(look.is_unknown for look in looks.values()):
            return None
        self.pods |= numbers
        self.as_of = max(now - min([one.age_s for one in numbers.values()], default=0.0), self.as_of)
        rate = self._rate(sum(look.scaled(look.delta.arrived) for look in looks.values()))
        for backend, look in looks.items():
            self.lanes[backend].take(look, asked.settings, now)
        return Measurement(
            at=now,
            lanes={
                backend: self.lanes[backend].observation(look, asked.settings, backend, rate)
                for backend, look in looks.items()
            },
            queue_ages_s=self._queue_ages_s(looks),
            arrival_rate=rate,
            idle_s=self._idle_s(looks),
            slots=max(self.lanes[backend].slots(look) for backend, look in looks.items()),
            pods={backend: len(look.numbers) for backend, look in looks.items()},
            lost=_lost(looks),
        )

    def _note_pods(self, pods: Sequence[Pod], now: float) -> None:
        there = {pod.id for pod in pods}
        self.pods = {one: numbers for one, numbers in self.pods.items() if one in there}
        self.seen_at = {one: self.seen_at.get(one, now) for one in there}

    def _look(self, backend: Backend, pods: Sequence[Pod], numbers: Mapping[PodId, PodNumbers], crowded: bool) -> Look:
        those = [pod for pod in pods if pod.backend is backend]
        told = {pod.id: numbers[pod.id] for pod in those if pod.id in numbers}
        delta = reduce(add, [self._delta(one, told[one]) for one in told], NOTHING)
        answered = sum(pod.ready for pod in those if pod.id in told)
        return Look(those, tuple(told.values()), delta, answered, crowded)

    def _delta(self, one: PodId, numbers: PodNumbers) -> Delta:
        """Return what a pod has done since the last look, or since it was made, if that was seen."""
        before = self.pods.get(one)
        if before is None:
            return between(PodNumbers(), numbers) if self.seen_at[one] > self.began else NOTHING
        return between(before, numbers)

    def _rate(self, arrived: int) -> float:
        """Return requests a second over the span, or since the look before, if that is longer ago."""
        self.arrived += arrived
        self.arrivals.append((self.as_of, self.arrived))
        while len(self.arrivals) > 2 and self.arrivals[1][0] <= self.as_of - self.rate_span_s:
            self.arrivals.popleft()
        at, total = self.arrivals[0]
        return (self.arrived - total) / (self.as_of - at) if self.as_of > at else 0.0

    def _idle_s(self, looks: Mapping[Backend, Look]) -> float:
        """Return the time since any pod had a request; what no pod tells follows from what has arrived."""
        told = [one.idle_s for look in looks.values() for one in look.numbers if one.idle_s is not None]
        if any(look.delta.arrived or look.at_once for look in looks.values()):
            self.busy_at = self.as_of
        if told:
            self.busy_at = max(self.busy_at, self.as_of - min(told))
        return max(self.as_of - max(self.busy_at, self.began), 0.0)

    def _queue_ages_s(self, looks: Mapping[Backend, Look]) -> tuple[float, ...]:
        waiting = [
            age
            for backend, look in looks.items()
            if not self.lanes[backend].waits_for_pods
            for one in look.numbers
            for age in ages(one.waiting, one.waiting_oldest_s)
        ]
        return tuple(sorted(waiting, reverse=True))


def _lost(looks: Mapping[Backend, Look]) -> dict[Backend, str]:
    """Return which backend has lost its device: no pod of it that answers has it any more."""
    gpus = [one.has_gpu for one in looks[Backend.GPU].numbers]
    if not gpus or any(has is not False for has in gpus):
        return {}
    return {Backend.GPU: f"the runtime reports that its GPU cannot be used, in {len(gpus)} of {len(gpus)} pods"}
