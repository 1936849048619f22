"""The statistics of each backend while it serves: the numbers behind the window event, the metrics and the policy.

A finished request only leaves a row; the rows are counted in bulk, a few times a second, by whoever reads the numbers.
"""

from bisect import bisect_left
from collections import deque
from dataclasses import dataclass
from itertools import islice
from operator import attrgetter
from typing import NamedTuple

from runtime_images.dynamic_runtime.telemetry.histogram import LogLinearHistogram, SlidingWindow
from runtime_images.events.traffic import LastSecond
from runtime_images.policy.model import Slo
from runtime_images.policy.sampling import ANSWERS_KEPT, NO_ANSWERS

_UNCOUNTED_MOST = 4096

AnswerRow = tuple[int, float, float, int, int, int]
"""One finished request: status, arrived and finished in seconds of the monotonic clock, service and CPU time in ns, and
the number of its client's connection."""


class Counters(NamedTuple):
    """Requests since the start: that came in, that failed, that another worker got because theirs had died."""

    requests: int
    failures: int
    retried: int


@dataclass(slots=True, frozen=True)
class Answer:
    """One finished request, as the policy sees it. Times in seconds, `finished_s` on the monotonic clock.

    `latency_s` is from the whole request received to the whole answer handed to the client's connection; `failed` says
    that the client got an error of ours or of the function's.
    """

    finished_s: float
    latency_s: float
    service_s: float
    failed: bool


_FINISHED = attrgetter("finished_s")


class BackendStats:
    """The running statistics of one backend.

    `start_up_s` is how long its next start takes as far as the last one tells, `cpu_share` that of its present worker,
    both None until known.
    `last_second` counts the latencies since the last window event.
    """

    def __init__(self, slo: Slo) -> None:
        self.requests = 0
        self.errors = 0
        self._unanswered = 0
        self.start_up_s: float | None = None
        self.cpu_share: float | None = None
        self.latencies = SlidingWindow(slo.window_s)
        self.recent: deque[Answer] = deque(maxlen=ANSWERS_KEPT)
        self.last_second = LogLinearHistogram()
        self._window_s = slo.window_s
        self._uncounted: list[AnswerRow] = []
        self._ready_s = 0.0

    def add(self, rows: list[AnswerRow]) -> bool:
        """Take finished requests; return whether there are so many now that they should be counted."""
        self._uncounted += rows
        return len(self._uncounted) >= _UNCOUNTED_MOST

    def count(self) -> list[AnswerRow]:
        """Count what was added since the last time, and return it."""
        rows, self._uncounted = self._uncounted, []
        if rows:
            answers = [row for row in rows if row[0] not in NO_ANSWERS]
            self.requests += len(rows)
            self.errors += len([row for row in rows if row[0] >= 500])
            self._unanswered += len(rows) - len(answers)
            self.latencies.add_all(rows[-1][2], [row[2] - row[1] for row in answers], self.last_second)
            self.recent += [
                Answer(finished_s, finished_s - arrived_s, service_ns / 1e9, status >= 500)
                for status, arrived_s, finished_s, service_ns, _, _ in answers[-ANSWERS_KEPT:]
            ]
        return rows

    def worker_ready(self, start_up_s: float, ready_s: float) -> None:
        """Note that traffic has come to a worker that became ready at `ready_s`."""
        self.start_up_s, self._ready_s, self.cpu_share = start_up_s, ready_s, None

    @property
    def good_answers(self) -> int:
        """Requests answered without an error since the start, those not yet counted included."""
        return self.requests - self.errors + sum(1 for row in self._uncounted if row[0] < 500)

    @property
    def finished(self) -> int:
        """Requests counted since the start that were answered without an error: what the policy learns from."""
        return self.requests - self.errors - self._unanswered

    def p95_s(self, now_s: float) -> float | None:
        """Return the 95th percentile of the latencies within the SLO's window."""
        return self.latencies.quantiles(now_s, (0.95,))[0]

    def newest(self, count: int, now_s: float) -> list[Answer]:
        """Return the last `count` answers that are no errors, oldest first; fewer if the SLO's window has no more."""
        since_s, found = now_s - self._window_s, list[Answer]()
        for answer in reversed(self.recent):
            if len(found) >= count or answer.finished_s < since_s:
                break
            if not answer.failed:
                found.append(answer)
        found.reverse()
        return found

    def error_share(self, now_s: float) -> tuple[float, int]:
        """Return the share of errors among the present worker's answers in the SLO's window, and their number."""
        first = bisect_left(self.recent, max(now_s - self._window_s, self._ready_s), key=_FINISHED)
        answered = len(self.recent) - first
        if not answered or not self.errors:
            return 0.0, answered
        return sum([answer.failed for answer in islice(self.recent, first, None)]) / answered, answered

    def take_last_second(self) -> LastSecond:
        """Return the quantiles of the answers since the last call."""
        p50, p95 = self.last_second.quantiles((0.5, 0.95))
        self.last_second.clear()
        return LastSecond(milliseconds(p50), milliseconds(p95))


def milliseconds(seconds: float | None) -> float | None:
    """Convert seconds, if there are any."""
    return None if seconds is None else 1000 * seconds
