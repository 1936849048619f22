"""The numbers of one pod at one moment, whatever they were read from, and what lies between two such moments.

Counters and histograms count since the pod's runtime started. What a source does not tell is None: it is no zero.
"""

from dataclasses import dataclass

from runtime_images.controller.measuring.histogram import EMPTY, Histogram


@dataclass(frozen=True, slots=True)
class PodNumbers:
    """What one pod says of the backend that it serves.

    `latency` and `service` are those of good answers, `failed` counts the others. `arrived` counts every request.
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
