"""Prometheus metrics of the runtime, over prometheus-client; names and labels as in docs/metrics.md."""

from collections.abc import Callable
from functools import partial

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import generate_latest

from runtime_images.dynamic_runtime.lane import Answer
from runtime_images.policy.model import Backend, ExecutionMode

BUCKETS = (
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0
)  # fmt: skip
CONTENT_TYPE = b"text/plain; version=0.0.4; charset=utf-8"


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
        held = Gauge(
            "gaia_backend_seconds_total",
            "Seconds for which a backend was held.",
            ["backend"],
            registry=self.registry,
        )
        for backend in Backend:
            held.labels(backend.value).set_function(partial(held_s, backend))
        Gauge("gaia_cost_total", "Cost so far, in the configured currency.", registry=self.registry).set_function(cost)

    def answered(self, answer: Answer) -> None:
        """Count a finished request."""
        self._requests.labels(answer.backend.value, str(answer.status)).observe(answer.latency_s)

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
