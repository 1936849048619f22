"""Requests made of what a Prometheus has kept of a running function: an approximation, one scrape interval at a time.

A scrape knows how many requests have come, and how long the answers since the last one took, not which one came when.
So the requests of an interval come evenly over it, and take times that would give its histogram, short and long ones
mixed. What is lost: bursts within an interval, an order of sizes within it, who waited for whom. The processor time is
the worker's CPU share then. Pure.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from runtime_images.controller.measuring.answers import mixed
from runtime_images.controller.measuring.histogram import EMPTY, Histogram, spread
from runtime_images.events.traffic import RequestRow
from runtime_images.policy.model import Backend

GOOD_STATUS = 200


@dataclass(frozen=True, slots=True)
class Scrape:
    """What one scrape of one runtime showed, counted since that had started: good answers, by backend their times."""

    at_s: float
    arrived: float
    services: Mapping[Backend, Histogram] = field(default_factory=dict)
    shares: Mapping[Backend, float] = field(default_factory=dict)


def requests_of(runtimes: Sequence[Sequence[Scrape]]) -> list[RequestRow]:
    """Return the requests of all runtimes, each with its scrapes in their order; times count from the first of all."""
    begun_s = min([scrapes[0].at_s for scrapes in runtimes if scrapes], default=0.0)
    rows = [row for scrapes in runtimes for row in _of_one(scrapes, begun_s)]
    return sorted(rows, key=lambda row: row.arrival_s)


def _of_one(scrapes: Sequence[Scrape], begun_s: float) -> Iterator[RequestRow]:
    """Yield the requests of one runtime: the first to come is the first to be answered."""
    arrivals_s = [at - begun_s for before, after in pairwise(scrapes) for at in _arrivals(before, after)]
    served = [one for before, after in pairwise(scrapes) for one in _served(before, after)]
    for arrival_s, (backend, service_s, share) in zip(arrivals_s, served, strict=False):
        service_ms = 1000.0 * service_s
        yield RequestRow(arrival_s, backend, service_ms, service_ms, service_ms * share, GOOD_STATUS)


def _arrivals(before: Scrape, after: Scrape) -> Iterator[float]:
    """Yield when requests came between two scrapes; a runtime that started anew has counted from 0 again."""
    count = round(after.arrived - before.arrived if after.arrived >= before.arrived else after.arrived)
    span_s = after.at_s - before.at_s
    yield from (before.at_s + span_s * (number + 0.5) / count for number in range(count))


def _served(before: Scrape, after: Scrape) -> Iterator[tuple[Backend, float, float]]:
    """Yield the answers between two scrapes; where both backends gave some, those of the one that went on come last."""
    new = {backend: one.since(before.services.get(backend, EMPTY)) for backend, one in after.services.items()}
    for backend in sorted(new, key=lambda one: new[one].count):
        times_s, share = spread(new[backend], new[backend].count), after.shares.get(backend, 1.0)
        yield from ((backend, times_s[place], share) for place in mixed(len(times_s)))


Labels = tuple[tuple[str, str], ...]


class Buckets:
    """Collects the samples of a histogram's series, and puts them together by runtime, moment and backend."""

    def __init__(self) -> None:
        self._counts: dict[tuple[Labels, float, Backend, str], list[tuple[float, float]]] = defaultdict(list)
        self._sums: dict[tuple[Labels, float, Backend, str], float] = {}

    def add(self, runtime: Labels, at_s: float, backend: Backend, code: str, bound: float, count: float) -> None:
        """Take the sample of a bucket."""
        self._counts[runtime, at_s, backend, code].append((bound, count))

    def add_sum(self, runtime: Labels, at_s: float, backend: Backend, code: str, seconds: float) -> None:
        """Take the sample of a sum."""
        self._sums[runtime, at_s, backend, code] = seconds

    def histograms(self) -> dict[tuple[Labels, float], dict[Backend, Histogram]]:
        """Return what each runtime's answers took so far, whatever their status.

        Raises:
            ValueError: these are no buckets.
        """
        found: dict[tuple[Labels, float], dict[Backend, Histogram]] = defaultdict(dict)
        for (runtime, at_s, backend, code), pairs in self._counts.items():
            one = Histogram.of(pairs, self._sums.get((runtime, at_s, backend, code), 0.0))
            found[runtime, at_s][backend] = found[runtime, at_s].get(backend, EMPTY) + one
        return found
