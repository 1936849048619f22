"""What is known about each backend while it serves: the numbers behind the window event, the metrics and the policy.

A finished request only leaves a row behind; the rows are counted in bulk, a few times a second, when somebody looks.
"""

from bisect import bisect_left
from collections import deque
from dataclasses import dataclass, field
from itertools import islice
from operator import attrgetter

from runtime_images.dynamic_runtime.telemetry.histogram import LogLinearHistogram, SlidingWindow
from runtime_images.policy.model import Backend, Slo
from runtime_images.policy.sampling import ANSWERS_KEPT

_ROWS_MOST = 4096

AnswerRow = tuple[int, float, float, int, int]
"""One finished request: status, arrived and finished in seconds of the monotonic clock, service and CPU time in ns."""


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


@dataclass(slots=True)
class Lane:
    """The running record of one backend; `since_s` is when its present worker became ready.

    `last_second` counts the latencies since the last window event.
    """

    backend: Backend
    slo: Slo
    requests: int = 0
    errors: int = 0
    since_s: float = 0.0
    start_up_s: float | None = None
    cpu_share: float | None = None
    latencies: SlidingWindow = field(init=False)
    recent: deque[Answer] = field(default_factory=lambda: deque(maxlen=ANSWERS_KEPT))
    last_second: LogLinearHistogram = field(default_factory=LogLinearHistogram)
    rows: list[AnswerRow] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.latencies = SlidingWindow(self.slo.window_s)

    def add(self, rows: list[AnswerRow]) -> bool:
        """Take finished requests; whether there are so many now that they should be counted."""
        self.rows += rows
        return len(self.rows) >= _ROWS_MOST

    @property
    def good_answers(self) -> int:
        """Requests answered without an error since the start, those not yet counted included."""
        return self.requests - self.errors + sum(1 for row in self.rows if row[0] < 500)

    def count(self) -> list[AnswerRow]:
        """Count what was added since the last time, and return it."""
        rows, self.rows = self.rows, []
        if rows:
            self.requests += len(rows)
            self.errors += len([row for row in rows if row[0] >= 500])
            self.latencies.add_all(rows[-1][2], [row[2] - row[1] for row in rows], self.last_second)
            self.recent += [
                Answer(finished_s, finished_s - arrived_s, service_ns / 1e9, status >= 500)
                for status, arrived_s, finished_s, service_ns, _ in rows[-ANSWERS_KEPT:]
            ]
        return rows

    def newest(self, count: int, now_s: float) -> list[Answer]:
        """The last `count` answers that are no errors, oldest first; fewer if the SLO's window has no more."""
        since_s, found = now_s - self.slo.window_s, list[Answer]()
        for answer in reversed(self.recent):
            if len(found) >= count or answer.finished_s < since_s:
                break
            if not answer.failed:
                found.append(answer)
        found.reverse()
        return found

    def error_share(self, now_s: float) -> tuple[float, int]:
        """The share of errors among the answers of the present worker within the window, and how many those are."""
        first = bisect_left(self.recent, max(now_s - self.slo.window_s, self.since_s), key=_FINISHED)
        answered = len(self.recent) - first
        if not answered or not self.errors:
            return 0.0, answered
        return sum([answer.failed for answer in islice(self.recent, first, None)]) / answered, answered

    def take_last_second(self) -> dict[str, float | None]:
        """Quantiles of the answers since the last call, in milliseconds."""
        p50, p95 = self.last_second.quantiles((0.5, 0.95))
        self.last_second.clear()
        return {"p50_ms": milliseconds(p50), "p95_ms": milliseconds(p95)}


def milliseconds(seconds: float | None) -> float | None:
    """Seconds as the events show them."""
    return None if seconds is None else round(1000 * seconds, 3)
