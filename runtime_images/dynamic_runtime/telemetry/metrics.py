"""Prometheus metrics of the runtime, over prometheus-client; names and labels as in docs/admin.md."""

from functools import partial

from prometheus_client import CollectorRegistry, Counter, Gauge
from prometheus_client.exposition import generate_latest
from prometheus_client.registry import Collector

from runtime_images.dynamic_runtime.telemetry.backend_stats import AnswerRow
from runtime_images.dynamic_runtime.telemetry.durations import Durations
from runtime_images.policy.model import Backend, ExecutionMode

CONTENT_TYPE = b"text/plain; version=0.0.4; charset=utf-8"


class Metrics:
    """The runtime's own registry."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._durations = Durations()
        gauge, counter = partial(Gauge, registry=self._registry), partial(Counter, registry=self._registry)
        self._mode = gauge("gaia_mode_info", "1 for the mode that the function is in.", ["mode"])
        self._start = gauge("gaia_backend_start_seconds", "How long the last start took.", ["backend", "phase"])
        self._switches = counter("gaia_switches", "Switches of the backend.", ["from", "to", "reason"])
        self._fallbacks = counter("gaia_fallback", "Times the wanted backend was unavailable.")

    def watch(self, readings: Collector) -> None:
        """Read these at each scrape."""
        self._registry.register(readings)

    def answered(self, backend: Backend, rows: list[AnswerRow]) -> None:
        """Count finished requests."""
        self._durations.add(backend, rows)

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
        return self._durations.render() + generate_latest(self._registry)
