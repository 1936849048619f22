"""Histograms of durations for Prometheus, as fine as a decision about a p95 needs, whichever machine reads them.

The bounds are round numbers a tenth apart: a quantile is off by 5 % at the most, an SLO that is a round number is
itself a bound, and histograms of many pods add up bucket by bucket. Counted and written here, because the client
library's own histogram costs each request dearly, and each scrape milliseconds in which the front serves nobody.
"""

from bisect import bisect_left, bisect_right
from itertools import accumulate, pairwise
from operator import itemgetter

from runtime_images.dynamic_runtime.telemetry.backend_stats import AnswerRow
from runtime_images.policy.model import Backend
from runtime_images.policy.sampling import NO_ANSWERS

_DECADE = (
    1.0, 1.1, 1.2, 1.3, 1.4, 1.5, 1.6, 1.75, 1.9, 2.0, 2.2, 2.4, 2.5, 2.75, 3.0, 3.25, 3.5, 3.8, 4.1, 4.5, 5.0, 5.4,
    5.8, 6.3, 6.8, 7.4, 8.0, 8.7, 9.4,
)  # fmt: skip
BUCKETS = (
    *[float(f"{step}e{exponent}") for exponent in range(-3, 2) for step in _DECADE],
    *[100.0, 120.0, 150.0, 200.0, 250.0, 300.0, 400.0, 500.0, 600.0],
)
_BOUNDS = [*map(str, BUCKETS), "+Inf"]

_CODES_MOST = 16
"""Statuses of a backend that get a series of their own; a function may answer with any, and a series has many lines."""

Seconds = list[float]


class Durations:
    """Two histograms: of the time that a client waits, and of the part of it in which the function works."""

    def __init__(self) -> None:
        self._of_requests: dict[tuple[str, str], _Histogram] = {}
        self._of_service: dict[tuple[str, str], _Histogram] = {}

    def add(self, backend: Backend, rows: list[AnswerRow]) -> None:
        """Count finished requests, of which there are often many: by status, and bucket by bucket."""
        statuses = set(map(itemgetter(0), rows))
        for status in statuses:
            those = rows if len(statuses) == 1 else [row for row in rows if row[0] == status]
            key = (backend.value, self._code(backend, int(status)))
            self._of_requests.setdefault(key, _Histogram()).add([row[2] - row[1] for row in those])
            self._of_service.setdefault(key, _Histogram()).add([row[3] / 1e9 for row in those])

    def _code(self, backend: Backend, status: int) -> str:
        """Return the label of a status: beyond the first few its class, such as 4xx."""
        known = [code for of, code in self._of_requests if of == backend.value]
        has_own = str(status) in known or len(known) < _CODES_MOST or status in NO_ANSWERS
        return str(status) if has_own else f"{status // 100}xx"

    def render(self) -> bytes:
        """Return both in Prometheus' text format."""
        latency = "Time from the whole request received to the whole answer sent."
        service = "Time that the function took, without the wait in the queue."
        lines = _lines("gaia_request_duration_seconds", latency, self._of_requests)
        return "".join(lines + _lines("gaia_service_duration_seconds", service, self._of_service)).encode()


class _Histogram:
    __slots__ = ("counts", "sum_s")

    def __init__(self) -> None:
        self.counts = [0] * len(_BOUNDS)
        self.sum_s = 0.0

    def add(self, durations_s: Seconds) -> None:
        """Count many at once: sorted, they are counted bucket by bucket, from that of the shortest to the longest's."""
        durations_s.sort()
        first, last = bisect_left(BUCKETS, durations_s[0]), bisect_left(BUCKETS, durations_s[-1])
        ends = [bisect_right(durations_s, bound) for bound in BUCKETS[first:last]]
        for bucket, (start, end) in enumerate(pairwise([0, *ends, len(durations_s)]), first):
            self.counts[bucket] += end - start
        self.sum_s += sum(durations_s)


def _lines(name: str, text: str, histograms: dict[tuple[str, str], _Histogram]) -> list[str]:
    lines = [f"# HELP {name} {text}\n# TYPE {name} histogram\n"]
    for (backend, code), histogram in histograms.items():
        labels = f'backend="{backend}",code="{code}"'
        counts = list(accumulate(histogram.counts))
        begin = f'{name}_bucket{{{labels},le="'
        lines += [f'{begin}{bound}"}} {count}\n' for bound, count in zip(_BOUNDS, counts, strict=True)]
        lines.append(f"{name}_count{{{labels}}} {counts[-1]}\n{name}_sum{{{labels}}} {histogram.sum_s}\n")
    return lines
