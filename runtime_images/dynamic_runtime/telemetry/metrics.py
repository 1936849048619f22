"""Prometheus metrics of the runtime, over prometheus-client; names and labels as in docs/admin.md."""

from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import accumulate, pairwise

from prometheus_client import CollectorRegistry, Counter, Gauge
from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily
from prometheus_client.exposition import generate_latest
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

from runtime_images.dynamic_runtime.telemetry.backend_stats import AnswerRow
from runtime_images.policy.model import Backend, ExecutionMode

BUCKETS = (
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0
)  # fmt: skip
CONTENT_TYPE = b"text/plain; version=0.0.4; charset=utf-8"


class _Durations(Collector):
    """The histogram of request durations; counted here because the client library's own costs each request dearly."""

    def __init__(self) -> None:
        self._counts: dict[tuple[Backend, int], list[int]] = {}
        self._sums: dict[tuple[Backend, int], float] = {}

    def add(self, backend: Backend, status: int, durations_s: list[float]) -> None:
        """Count many at once: sorted, they are counted bucket by bucket instead of one by one."""
        counts = self._counts.setdefault((backend, status), [0] * (len(BUCKETS) + 1))
        durations_s.sort()
        ends = [bisect_right(durations_s, bound) for bound in BUCKETS]
        for bucket, (start, end) in enumerate(pairwise([0, *ends, len(durations_s)])):
            counts[bucket] += end - start
        self._sums[backend, status] = self._sums.get((backend, status), 0.0) + sum(durations_s)

    def collect(self) -> Iterator[HistogramMetricFamily]:
        family = HistogramMetricFamily(
            "gaia_request_duration_seconds",
            "Time from the whole request received to the whole answer sent.",
            labels=["backend", "code"],
        )
        for (backend, status), counts in self._counts.items():
            bounds = [*map(floatToGoString, BUCKETS), "+Inf"]
            buckets = list(zip(bounds, map(float, accumulate(counts)), strict=True))
            family.add_metric([backend.value, str(status)], buckets, self._sums[backend, status])
        yield family


@dataclass(eq=False)
class _Totals(Collector):
    """Counters that are kept elsewhere and read at the scrape."""

    held_s: Callable[[Backend], float]
    cost: Callable[[], float]

    def collect(self) -> Iterator[CounterMetricFamily]:
        held = CounterMetricFamily("gaia_backend_seconds", "Seconds for which a backend was held.", labels=["backend"])
        for backend in Backend:
            held.add_metric([backend.value], self.held_s(backend))
        yield held
        yield CounterMetricFamily("gaia_cost", "Cost so far, in the configured currency.", value=self.cost())


class Metrics:
    """The runtime's own registry."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._durations = _Durations()
        self._registry.register(self._durations)
        gauge, counter = partial(Gauge, registry=self._registry), partial(Counter, registry=self._registry)
        self._mode = gauge("gaia_mode_info", "1 for the mode that the function is in.", ["mode"])
        self._start = gauge("gaia_backend_start_seconds", "How long the last start took.", ["backend", "phase"])
        self._switches = counter("gaia_switches", "Switches of the backend.", ["from", "to", "reason"])
        self._fallbacks = counter("gaia_fallback", "Times the wanted backend was unavailable.")

    def watch(
        self, queue_depth: Callable[[], float], held_s: Callable[[Backend], float], cost: Callable[[], float]
    ) -> None:
        """Read these at each scrape."""
        depth = Gauge("gaia_queue_depth", "Requests that wait in the front.", registry=self._registry)
        depth.set_function(queue_depth)
        self._registry.register(_Totals(held_s, cost))

    def answered(self, backend: Backend, rows: list[AnswerRow]) -> None:
        """Count finished requests."""
        for status in {row[0] for row in rows}:
            self._durations.add(backend, int(status), [row[2] - row[1] for row in rows if row[0] == status])

    def switched(self, origin: Backend, to: Backend, kind: str) -> None:
        """Count a switch."""
        self._switches.labels(origin.value, to.value, kind).inc()

    def fell_back(self) -> None:
        """Count a fallback."""
        self._fallbacks.inc()

    def serving(self, backend: Backend, current: ExecutionMode, start_up_s: float) -> None:
        """Show the mode that the function is in now, and how long its backend took to become ready."""
        for mode in ExecutionMode:
            self._mode.labels(mode.value).set(mode is current)
        self._start.labels(backend.value, "ready").set(start_up_s)

    def render(self) -> bytes:
        """Return the text that Prometheus scrapes."""
        return generate_latest(self._registry)
