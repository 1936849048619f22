"""Reports how serving goes, as events: what happens now and then, and the numbers at each window."""

import math
import os
from dataclasses import dataclass

from runtime_images.dynamic_runtime.clock import Clock
from runtime_images.dynamic_runtime.settings import Settings
from runtime_images.dynamic_runtime.telemetry.backend_stats import milliseconds
from runtime_images.dynamic_runtime.telemetry.devices import Devices
from runtime_images.dynamic_runtime.telemetry.event_log import EventLog
from runtime_images.dynamic_runtime.telemetry.observer import Sources
from runtime_images.dynamic_runtime.telemetry.recorder import Recorder
from runtime_images.dynamic_runtime.telemetry.spending import Spending
from runtime_images.events.lifecycle import Started, Stopped
from runtime_images.events.traffic import BackendStatus, Requests, SloState, Totals, Window
from runtime_images.policy.model import Accelerator, Backend, Slo
from runtime_images.policy.sampling import LATE_ALLOWED


@dataclass(frozen=True, slots=True, eq=False)
class Reporter:
    """Emits the events about the whole function, and sums up what it did and cost."""

    settings: Settings
    clock: Clock
    events: EventLog
    recorder: Recorder
    sources: Sources
    devices: Devices
    spending: Spending

    def started(self) -> None:
        """Report that the runtime is up, and its settings."""
        settings = self.settings
        self.events.emit(
            Started(
                pid=os.getpid(), function=settings.function_name, mode=settings.mode, pinned=settings.pinned,
                accelerator=settings.accelerator, backend=settings.mode.initial_backend, slo=settings.slo,
                prices=settings.prices,
            )
        )  # fmt: skip

    def window(self, reason: str) -> None:
        """Report the numbers of this moment; `reason` is the last decision's."""
        self.recorder.count()
        self.events.emit(self._window(reason, self.clock.monotonic()))
        if rows := self.recorder.take_rows():
            self.events.emit(Requests(rows))

    def stopped(self, reason: str) -> None:
        """Report the end and the totals."""
        totals = self.totals()
        self.events.emit(
            Stopped(
                reason=reason, requests=totals.requests, failures=totals.failures, cpu_seconds=totals.cpu_seconds,
                gpu_seconds=totals.gpu_seconds, cost=totals.cost, currency=totals.currency,
                switches=self.recorder.switches, duration_s=self.clock.monotonic() - self.recorder.started_s,
            )
        )  # fmt: skip

    def totals(self) -> Totals:
        """Return counts, held seconds and cost since the start."""
        counts = self.sources.requests.counters
        return Totals(
            requests=counts.requests, failures=counts.failures, retried=counts.retried,
            cpu_seconds=self.held_s(Backend.CPU), gpu_seconds=self.held_s(Backend.GPU), cost=self.cost(),
            currency=self.settings.prices.currency,
        )  # fmt: skip

    def held_s(self, backend: Backend) -> float:
        """Return for how many seconds a backend has been held."""
        return self.sources.backends.view(backend, self.clock.monotonic()).held_s

    def cost(self) -> float:
        """Return the cost so far, in the currency of the prices."""
        return self.spending.by({backend: self.held_s(backend) for backend in Backend})

    def _window(self, reason: str, now_s: float) -> Window:
        backends, stats = self.sources.backends, self.recorder.stats
        queue_ages_s = self.sources.requests.queue_ages_s(now_s)
        slo_state, slo_reason = self._slo(queue_ages_s, now_s)
        return Window(
            mode=self.settings.mode.on(backends.target),
            active=backends.target,
            switching_to=backends.switching_to,
            slo_state=slo_state,
            queue=len(queue_ages_s),
            reason=reason,
            lanes={backend: self._status(backend, now_s) for backend in Backend},
            last_second={backend: stats[backend].take_last_second() for backend in Backend},
            gpu=self.devices.gpu_use(),
            totals=self.totals(),
            slo_reason=slo_reason,
        )

    def _status(self, backend: Backend, now_s: float) -> BackendStatus:
        view, stats = self.sources.backends.view(backend, now_s), self.recorder.stats[backend]
        p50, p95, p99 = stats.latencies.quantiles(now_s)
        is_real_gpu = backend is Backend.GPU and self.settings.accelerator is Accelerator.NVIDIA
        return BackendStatus(
            state=view.state,
            rate=stats.last_second.count / self.settings.window_s,
            p50_ms=milliseconds(p50),
            p95_ms=milliseconds(p95),
            p99_ms=milliseconds(p99),
            in_flight=len(view.in_flight_ages_s),
            cpu_share=None if is_real_gpu else stats.cpu_share,
            requests=stats.requests,
            errors=stats.errors,
            pid=view.pid,
            start_s=self.sources.start_up_s(backend),
        )

    def _slo(self, queue_ages_s: tuple[float, ...], now_s: float) -> tuple[SloState, str]:
        """Return whether the SLO is met within its window, unknown without requests; and why it is missed."""
        slo, stats = self.settings.slo, self.recorder.stats[self.sources.backends.target]
        if slo.latency_p95_ms is None and slo.error_rate is None:
            return SloState.UNKNOWN, ""
        error_rate, answered = stats.error_share(now_s)
        missed = _why_missed(slo, stats.p95_s(now_s) or 0.0, max(queue_ages_s, default=0.0), error_rate)
        if missed:
            return SloState.MISSED, missed
        return SloState.MET if answered else SloState.UNKNOWN, ""


def _why_missed(slo: Slo, p95_s: float, longest_wait_s: float, error_rate: float) -> str:
    """Return which parts of the SLO are missed, each with what it is and what is allowed; empty where none is."""
    most_ms = math.inf if slo.latency_p95_ms is None else slo.latency_p95_ms
    allowed = LATE_ALLOWED if slo.error_rate is None else slo.error_rate
    missed = [f"{100 * error_rate:.3g} % errors, {100 * allowed:.3g} % allowed"] if error_rate > allowed else []
    if 1000 * p95_s > most_ms:
        missed.append(f"p95 {_above(1000 * p95_s, most_ms)} ms, {most_ms:,.6g} ms allowed")
    elif 1000 * longest_wait_s > most_ms:
        missed.append(f"a request waits for {_above(1000 * longest_wait_s, most_ms)} ms, {most_ms:,.6g} ms allowed")
    return "; ".join(missed)


def _above(value: float, most: float) -> str:
    """Return a value that is above `most` with as many digits as show that."""
    return f"{value:,.0f}" if round(value) > most else f"{value:,.3f}"
