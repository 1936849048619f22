"""What is known about each backend while it serves: the numbers behind the window event, the metrics and the policy."""

from collections import deque
from dataclasses import dataclass, field

from runtime_images.dynamic_runtime.window import SlidingWindow
from runtime_images.policy.model import Backend, Slo

_RECENT = 512


@dataclass(slots=True)
class Answer:
    """One finished request, as it is counted. Times in seconds; `arrived_s` and `finished_s` on the monotonic clock."""

    backend: Backend
    status: int
    arrived_s: float
    finished_s: float
    service_s: float
    cpu_s: float

    @property
    def latency_s(self) -> float:
        """From the whole request received to the whole answer handed to the client's connection."""
        return self.finished_s - self.arrived_s

    @property
    def failed(self) -> bool:
        """Whether the client got an error of ours or of the function's."""
        return self.status >= 500


@dataclass(slots=True)
class Lane:
    """The running record of one backend; `since_s` is when its present worker became ready."""

    backend: Backend
    slo: Slo
    requests: int = 0
    errors: int = 0
    since_s: float = 0.0
    start_up_s: float | None = None
    cpu_share: float | None = None
    latencies: SlidingWindow = field(init=False)
    recent: deque[Answer] = field(default_factory=lambda: deque(maxlen=_RECENT))
    last_second: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.latencies = SlidingWindow(self.slo.window_s)

    def add(self, answer: Answer) -> None:
        """Count a finished request."""
        self.requests += 1
        self.errors += answer.failed
        self.latencies.add(answer.finished_s, answer.latency_s)
        self.recent.append(answer)
        self.last_second.append(answer.latency_s)

    def within(self, now_s: float) -> list[Answer]:
        """The answers of the SLO's window that are still kept, oldest first."""
        since_s = now_s - self.slo.window_s
        return [answer for answer in self.recent if answer.finished_s >= since_s]

    def error_share(self, now_s: float) -> tuple[float, int]:
        """The share of errors among the answers of the present worker within the window, and how many those are."""
        answers = [answer.failed for answer in self.within(now_s) if answer.finished_s >= self.since_s]
        return (sum(answers) / len(answers) if answers else 0.0), len(answers)

    def take_last_second(self) -> dict[str, float | None]:
        """Quantiles of the answers since the last call, in milliseconds."""
        values, self.last_second = sorted(self.last_second), []
        return {"p50_ms": _quantile_ms(values, 0.5), "p95_ms": _quantile_ms(values, 0.95)}


def _quantile_ms(ordered: list[float], q: float) -> float | None:
    """The nearest-rank quantile of sorted seconds, in milliseconds."""
    if not ordered:
        return None
    return round(1000 * ordered[min(len(ordered) - 1, int(q * len(ordered)))], 3)
