"""Quantiles of the last few seconds, cheap enough to be recorded for every request.

A log-linear histogram keeps 32 buckets for each power of two, so a value is off by at most half a bucket
(1.6 %), an insertion is one shift and one increment, and 8 KB hold every latency from a microsecond to 19
hours. A ring of them, one for each slice of time, forgets what is older than the window; a running total over
the ring makes a query one pass. The layout is that of HdrHistogram (Gil Tene): exact below 64 µs, then 32
sub-buckets per doubling.

Nothing here reads a clock: the time is passed in.
"""

from array import array
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate
from math import ceil, inf
from operator import sub

SUB_BUCKET_BITS = 5
EXACT_BELOW = 2 << SUB_BUCKET_BITS
BUCKETS = 1024
MAX_US = (EXACT_BELOW << ((BUCKETS >> SUB_BUCKET_BITS) - 2)) - 1
"""The largest value with a bucket of its own, about 19 hours; larger ones are counted as this one."""


class LogLinearHistogram:
    """Counts of integer microseconds, from which any quantile can be read within 1.6 %."""

    __slots__ = ("buckets",)

    def __init__(self) -> None:
        self.buckets = array("Q", bytes(8 * BUCKETS))

    @property
    def count(self) -> int:
        """How many values were counted."""
        return sum(self.buckets)

    def add_buckets(self, counts: Mapping[int, int]) -> None:
        """Count values by their bucket."""
        for bucket, count in counts.items():
            self.buckets[bucket] += count

    def quantiles(self, qs: Sequence[float]) -> tuple[float | None, ...]:
        """Return the values, in seconds, at rank ceil(q * count) for each q, in one pass; None without values."""
        ranked = list(accumulate(self.buckets))
        if not ranked[-1]:
            return (None,) * len(qs)
        ranks = (min(max(ceil(q * ranked[-1]), 1), ranked[-1]) for q in qs)
        return tuple(_middle_s(bisect_left(ranked, rank)) for rank in ranks)

    def remove(self, other: "LogLinearHistogram") -> None:
        """Take back what was counted here and in `other`."""
        self.buckets[:] = array("Q", map(sub, self.buckets, other.buckets))

    def clear(self) -> None:
        """Forget everything."""
        self.buckets[:] = array("Q", bytes(8 * BUCKETS))


class SlidingWindow:
    """The values of the last `span_s` seconds, in `slots` slices of time.

    A value is forgotten with its slice: one younger than `span_s * (1 - 1/slots)` always counts, one older
    than `span_s` never does. Time that runs backwards counts as standing still.
    """

    __slots__ = ("_epoch", "_next_s", "_ring", "_total", "_width_s")

    def __init__(self, span_s: float, slots: int = 12) -> None:
        if not (span_s > 0 and slots >= 1):
            raise ValueError(f"a window needs a positive span and a slot: {span_s=}, {slots=}")
        self._width_s = span_s / slots
        self._ring = [LogLinearHistogram() for _ in range(slots)]
        self._total = LogLinearHistogram()
        self._epoch = -1
        self._next_s = -inf

    def add_all(self, now: float, values: Iterable[float], also: LogLinearHistogram) -> None:
        """Count values of seconds, rounded to microseconds, at the time `now`, here and in another histogram.

        All in one go, because that costs each of them a fraction of what counting it alone would.
        """
        if now >= self._next_s:
            self._advance(now)
        counts: Counter[int] = Counter()
        for us, count in Counter([int(seconds * 1e6 + 0.5) for seconds in values]).items():
            counts[_bucket(us)] += count
        for histogram in (self._ring[self._epoch % len(self._ring)], self._total, also):
            histogram.add_buckets(counts)

    def quantiles(self, now: float, qs: Sequence[float] = (0.5, 0.95, 0.99)) -> tuple[float | None, ...]:
        """Return quantiles in seconds of the values still in the window, each None without values."""
        self._advance(now)
        return self._total.quantiles(qs)

    def _advance(self, now: float) -> None:
        """Make the slice of `now` the current one and empty the slices that have run out since."""
        epoch = int(now // self._width_s)
        if epoch <= self._epoch:
            return
        for index in range(max(self._epoch + 1, epoch - len(self._ring) + 1), epoch + 1):
            expired = self._ring[index % len(self._ring)]
            self._total.remove(expired)
            expired.clear()
        self._epoch = epoch
        self._next_s = (epoch + 1) * self._width_s


def _bucket(us: int) -> int:
    if not EXACT_BELOW <= us <= MAX_US:
        return max(us, 0) if us < EXACT_BELOW else BUCKETS - 1
    shift = us.bit_length() - SUB_BUCKET_BITS - 1
    return (shift << SUB_BUCKET_BITS) + (us >> shift)


def _middle_s(index: int) -> float:
    shift = max((index >> SUB_BUCKET_BITS) - 1, 0)
    low = (index - (shift << SUB_BUCKET_BITS)) << shift
    return (low + ((1 << shift) - 1) / 2) / 1e6
