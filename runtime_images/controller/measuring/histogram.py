"""Histograms that can be added and subtracted: of many pods, and between two looks at each.

A source counts since it started. So what happened between two looks is a difference, and one that started anew in
between has counted less than before: then all that it shows has happened since. Pure.
"""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from math import inf, nextafter
from operator import add, sub
from typing import Self


@dataclass(frozen=True, slots=True)
class Histogram:
    """Counts of durations: `counts[i]` are those up to `bounds[i]` and over the bound before; the last have no bound.

    `sum_s` is the sum of all durations, in seconds.
    """

    bounds: tuple[float, ...] = ()
    counts: tuple[int, ...] = ()
    sum_s: float = 0.0

    @classmethod
    def of(cls, cumulative: Iterable[tuple[float, float]], sum_s: float) -> Self:
        """Make one of pairs as Prometheus shows them: a bound, infinity among them, and how many are not above it.

        Raises:
            ValueError: no such pairs.
        """
        pairs = sorted(cumulative)
        counts = [int(after - before) for before, after in pairwise([0.0, *[count for _, count in pairs]])]
        if not pairs or pairs[-1][0] != inf or min(counts) < 0:
            raise ValueError("not the buckets of a histogram")
        return cls(tuple([bound for bound, _ in pairs[:-1]]), tuple(counts), sum_s)

    @property
    def count(self) -> int:
        """How many durations there are."""
        return sum(self.counts)

    def since(self, before: "Histogram") -> "Histogram":
        """Return what was counted after `before`; all, if the source has started anew or counts otherwise."""
        if before.bounds != self.bounds:
            return self
        counts = tuple(map(sub, self.counts, before.counts))
        if counts and min(counts) < 0:
            return self
        return Histogram(self.bounds, counts, max(self.sum_s - before.sum_s, 0.0))

    def __add__(self, other: "Histogram") -> "Histogram":
        """Add two of the same bounds, of which either may be empty.

        Raises:
            ValueError: the bounds differ.
        """
        if not self.bounds or not other.bounds:
            return self if self.bounds else other
        if self.bounds != other.bounds:
            raise ValueError("histograms of other bounds")
        return Histogram(self.bounds, tuple(map(add, self.counts, other.counts)), self.sum_s + other.sum_s)

    def quantile(self, q: float) -> float | None:
        """Return the duration at rank `q`, placed evenly in its bucket; None without durations."""
        values = spread(self)
        return values[min(int(q * len(values)), len(values) - 1)] if values else None


EMPTY = Histogram()


def spread(histogram: Histogram, most: int = 512) -> list[float]:
    """Return durations that would give this histogram, sorted; of more than `most` that many, evenly by rank.

    Each lies in its bucket, so each is off by no more than the bucket's width; within the buckets they are moved so
    that they add up to the sum as nearly as they can. What is over the last bound takes what the others leave of it.
    """
    total = histogram.count
    if not total:
        return []
    size = min(total, most)
    ends = list(accumulate(histogram.counts))
    ranks = [(index + 0.5) * total / size for index in range(size)]
    placed = [_placed(histogram, ends, rank) for rank in ranks]
    return _fitted(placed, histogram.sum_s * size / total)


_Placed = tuple[float, float, float]
"""Where a duration is taken to be, and the least and the most that it can be."""


def _placed(histogram: Histogram, ends: Sequence[int], rank: float) -> _Placed:
    bucket = bisect_left(ends, rank)
    low = nextafter(histogram.bounds[bucket - 1], inf) if bucket else 0.0
    if bucket == len(histogram.bounds):
        return (low, low, inf)
    high = histogram.bounds[bucket]
    before = ends[bucket - 1] if bucket else 0
    return (low + (high - low) * (rank - before) / histogram.counts[bucket], low, high)


def _fitted(placed: Sequence[_Placed], sum_s: float) -> list[float]:
    """Return the durations, moved within their buckets by one share of the way, to add up to the sum."""
    unbounded = sum([high == inf for _, _, high in placed])
    missing_s = sum_s - sum([value for value, _, _ in placed])
    if unbounded:
        more_s = max(missing_s, 0.0) / unbounded
        return [value + more_s if high == inf else value for value, _, high in placed]
    way_s = sum([(high - value) if missing_s > 0 else (value - low) for value, low, high in placed])
    share = min(abs(missing_s) / way_s, 1.0) if way_s > 0 else 0.0
    if missing_s > 0:
        return [min(value + share * (high - value), high) for value, _, high in placed]
    return [max(value - share * (value - low), low) for value, low, _ in placed]
