"""The numbers of one pod at one moment, whatever they were read from, and what lies between two such moments.

Counters and histograms count since the pod's runtime started. What a source does not tell is None: it is no zero. All
of it is a pod's own word, so a number has a largest value and a histogram a largest size, wherever they came from.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isinf

from runtime_images.controller.measuring.histogram import EMPTY, Histogram
from runtime_images.policy.sampling import NO_ANSWERS

_LARGEST = 2.0**53
_BUCKETS_MOST = 500
_NO_ANSWERS = frozenset(map(str, NO_ANSWERS))
"""Three times what a runtime has; each is remembered until the next look."""


@dataclass(frozen=True, slots=True)
class PodNumbers:
    """What one pod says of the backend that it serves.

    `latency` and `service` are those of good answers, `failed` counts the others. `arrived` counts every request.
    `age_s` is how long ago the pod said so.
    """

    latency: Histogram = EMPTY
    service: Histogram = EMPTY
    failed: int = 0
    arrived: int = 0
    in_flight: int = 0
    in_flight_oldest_s: float = 0.0
    waiting: int = 0
    waiting_oldest_s: float = 0.0
    idle_s: float | None = None
    slots: int | None = None
    cpu_share: float | None = None
    start_up_s: float | None = None
    has_gpu: bool | None = None
    age_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Delta:
    """What one pod, or several, have done between two looks."""

    latency: Histogram = EMPTY
    service: Histogram = EMPTY
    failed: int = 0
    arrived: int = 0

    def __add__(self, other: "Delta") -> "Delta":
        """Add what others have done in the same time."""
        return Delta(
            self.latency + other.latency, self.service + other.service, self.failed + other.failed,
            self.arrived + other.arrived,
        )  # fmt: skip


NOTHING = Delta()


def between(before: PodNumbers, after: PodNumbers) -> Delta:
    """Return what a pod has done between two looks; one that started anew in between, what it has done since."""
    if after.arrived < before.arrived:
        before = PodNumbers()
    latency, service = after.latency.since(before.latency), after.service.since(before.service)
    return Delta(latency, service, _grown(before.failed, after.failed), _grown(before.arrived, after.arrived))


def _grown(before: int, after: int) -> int:
    return after - before if after >= before else after


def number(text: str, *, infinite: bool = False) -> float:
    """Return a number that is none below zero; infinity only where it may be one.

    Raises:
        ValueError: it is none.
    """
    value = float(text)
    if not (0.0 <= value <= _LARGEST or (infinite and isinf(value) and value > 0)):
        raise ValueError(f"{text[:80]} is no number of a pod")
    return value


def good_and_failed(
    buckets: Mapping[str, Sequence[tuple[float, float]]], sums_s: Mapping[str, float]
) -> tuple[Histogram, int]:
    """Return the histogram of the good answers, and how many were not good, of buckets and sums by their codes.

    Those whose clients have left are neither, nor are those that have become WebSockets.

    Raises:
        ValueError: they are none of a histogram.
    """
    good, failed = EMPTY, 0
    for code, pairs in buckets.items():
        if len(pairs) > _BUCKETS_MOST:
            raise ValueError(f"{len(pairs)} buckets are more than a histogram has")
        histogram = Histogram.of(pairs, sums_s.get(code, 0.0))
        if code in _NO_ANSWERS:
            continue
        if code >= "5":
            failed += histogram.count
        else:
            good += histogram
    return good, failed


def of_gauges(gauges: Mapping[str, float], latency: Histogram, service: Histogram, failed: int) -> PodNumbers:
    """Return the numbers of a pod from its histograms and what else it tells, by the runtime's names without "gaia_".

    Whoever tells no latency is taken to have no queue, and whoever counts no arrivals to have answered them all.
    """
    slots, gpu = gauges.get("slots"), gauges.get("gpu_available")
    return PodNumbers(
        latency=latency if latency.count else service,
        service=service,
        failed=failed,
        arrived=int(gauges.get("requests_total", service.count + failed)),
        in_flight=int(gauges.get("requests_in_flight", 0)),
        in_flight_oldest_s=gauges.get("in_flight_oldest_seconds", 0.0),
        waiting=int(gauges.get("queue_depth", 0)),
        waiting_oldest_s=gauges.get("queue_oldest_seconds", 0.0),
        idle_s=gauges.get("idle_seconds"),
        slots=None if slots is None else max(int(slots), 1),
        cpu_share=gauges.get("cpu_share"),
        start_up_s=gauges.get("backend_start_seconds"),
        has_gpu=None if gpu is None else gpu > 0,
    )
