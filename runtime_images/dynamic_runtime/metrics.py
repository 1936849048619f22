"""Prometheus metrics of the runtime, over prometheus-client; names and labels as in docs/admin.md."""

from collections.abc import Callable, Iterator

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.core import CounterMetricFamily
from prometheus_client.exposition import generate_latest
from prometheus_client.registry import Collector

from runtime_images.dynamic_runtime.lane import Answer
from runtime_images.policy.model import Backend, ExecutionMode

BUCKETS = (
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0
)  # fmt: skip
CONTENT_TYPE = b"text/plain; version=0.0.4; charset=utf-8"


class _Totals(Collector):
    """Counters that are kept elsewhere and read at the scrape."""

    def __init__(self, held_s: Callable[[Backend], float], cost: Callable[[], float]) -> None:
        self._held_s = held_s
        self._cost = cost

    def collect(self) -> Iterator[CounterMetricFamily]:
        held = CounterMetricFamily("gaia_backend_seconds", "Seconds for which a backend was held.", labels=["backend"])
        for backend in Backend:
            held.add_metric([backend.value], self._held_s(backend))
        yield held
        yield CounterMetricFamily("gaia_cost", "Cost so far, in the configured currency.", value=self._cost())


class Metrics:
    """The runtime's own registry; gauges that are read at the scrape are given as functions."""

    def __init__(
        self,
        queue_depth: Callable[[], float],
        held_s: Callable[[Backend], float],
        cost: Callable[[], float],
    ) -> None:
        self.registry = CollectorRegistry()
        self._requests = Histogram(
            "gaia_request_duration_seconds",
            "Time from the whole request received to the whole answer sent.",
            ["backend", "code"],
            buckets=BUCKETS,
            registry=self.registry,
        )
        self._by_answer: dict[tuple[Backend, int], Histogram] = {}
        self._mode = Gauge(
            "gaia_mode_info", "1 for the mode that the function is in.", ["mode"], registry=self.registry
        )
        self.switches = Counter(
            "gaia_switches", "Switches of the backend.", ["from", "to", "reason"], registry=self.registry
        )
        self.fallbacks = Counter("gaia_fallback", "Times the wanted backend was not to be had.", registry=self.registry)
        self._start = Gauge(
            "gaia_backend_start_seconds",
            "How long the last start took.",
            ["backend", "phase"],
            registry=self.registry,
        )
        Gauge("gaia_queue_depth", "Requests that wait in the front.", registry=self.registry).set_function(queue_depth)
        self.registry.register(_Totals(held_s, cost))

    def answered(self, answer: Answer) -> None:
        """Count a finished request."""
        key = (answer.backend, answer.status)
        child = self._by_answer.get(key)
        if child is None:  # the look-up by labels is dear, and there are few of them
            child = self._by_answer[key] = self._requests.labels(answer.backend.value, str(answer.status))
        child.observe(answer.latency_s)

    def mode(self, current: ExecutionMode) -> None:
        """Show the mode."""
        for mode in ExecutionMode:
            self._mode.labels(mode.value).set(mode is current)

    def started(self, backend: Backend, seconds: float) -> None:
        """Show how long a backend took to become ready."""
        self._start.labels(backend.value, "ready").set(seconds)

    def render(self) -> bytes:
        """The text that Prometheus scrapes."""
        return generate_latest(self.registry)
