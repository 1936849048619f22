"""What is read at each scrape, and counted nowhere: how the backends stand at that moment, and the totals.

With the histograms it is all that the policy observes, so that a controller that only scrapes can decide as a runtime
does. What is not known is left out: it is no zero.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from runtime_images.dynamic_runtime.telemetry.reporting import Reporter
from runtime_images.policy.model import Accelerator, Backend

Family = CounterMetricFamily | GaugeMetricFamily


@dataclass(eq=False)
class Readings(Collector):
    """Reads what the reporter's parts know."""

    reporter: Reporter

    def collect(self) -> Iterator[Family]:
        """Yield what is known now."""
        now_s = self.reporter.clock.monotonic()
        yield from self._waiting(now_s)
        yield from self._backends(now_s)
        yield from self._totals()
        if self.reporter.settings.accelerator is not Accelerator.NONE:
            yield self._gpu()

    def _waiting(self, now_s: float) -> Iterator[Family]:
        sources = self.reporter.sources
        ages_s, busy = sources.requests.queue_ages_s(now_s), sources.backends.busy
        idle_s = 0.0 if ages_s or busy else now_s - sources.requests.last_activity_s
        yield _gauge("gaia_queue_depth", "Requests that wait in the front.", len(ages_s))
        yield _gauge("gaia_queue_oldest_seconds", "Age of the oldest request that waits.", max(ages_s, default=0.0))
        yield _gauge(
            "gaia_idle_seconds", "Time since the last request came or was answered, 0 while any is here.", idle_s
        )
        yield _gauge("gaia_slots", "Requests that are served at once.", sources.requests.slots)

    def _backends(self, now_s: float) -> Iterator[Family]:
        served = GaugeMetricFamily("gaia_requests_in_flight", "Requests that are being served.", labels=["backend"])
        oldest = GaugeMetricFamily(
            "gaia_in_flight_oldest_seconds", "Age of the oldest request that is being served.", labels=["backend"]
        )
        share = GaugeMetricFamily("gaia_cpu_share", "CPU time over busy time of the function.", labels=["backend"])
        sockets = GaugeMetricFamily("gaia_websockets_open", "WebSockets, which are none of these.", labels=["backend"])
        for backend in Backend:
            view = self.reporter.sources.backends.view(backend, now_s)
            ages_s = view.in_flight_ages_s
            sockets.add_metric([backend.value], view.sockets)
            served.add_metric([backend.value], len(ages_s))
            oldest.add_metric([backend.value], max(ages_s, default=0.0))
            known = self.reporter.sources.stats[backend].cpu_share
            if known is not None:
                share.add_metric([backend.value], known)
        yield from (served, oldest, sockets, share)

    def _totals(self) -> Iterator[Family]:
        totals = self.reporter.totals()
        held = CounterMetricFamily("gaia_backend_seconds", "Seconds for which a backend was held.", labels=["backend"])
        held.add_metric([Backend.CPU.value], totals.cpu_seconds)
        held.add_metric([Backend.GPU.value], totals.gpu_seconds)
        yield held
        yield CounterMetricFamily("gaia_cost", "Cost so far, in the configured currency.", value=totals.cost)
        yield CounterMetricFamily("gaia_requests", "Requests that came, those that were refused too.", totals.requests)
        yield CounterMetricFamily("gaia_failures", "Requests that failed or were refused.", totals.failures)

    def _gpu(self) -> Family:
        text = "1 while the GPU can be used; an emulated one always can."
        available = GaugeMetricFamily("gaia_gpu_available", text, labels=["accelerator"])
        works = not self.reporter.devices.problem(Backend.GPU)
        available.add_metric([self.reporter.settings.accelerator.value], float(works))
        return available


def _gauge(name: str, text: str, value: float) -> Family:
    return GaugeMetricFamily(name, text, value=value)
