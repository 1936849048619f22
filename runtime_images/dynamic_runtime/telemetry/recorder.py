"""Records what was served: the one writer of the backends' statistics, of the metrics and of the rows of requests."""

from runtime_images.dynamic_runtime.telemetry.backend_stats import AnswerRow, BackendStats
from runtime_images.dynamic_runtime.telemetry.metrics import Metrics
from runtime_images.events.traffic import RequestRow
from runtime_images.policy.model import Backend, ExecutionMode, Slo


class Recorder:
    """What was served since `started_s`. With `keep_rows` every request is kept for the next `requests` event."""

    def __init__(self, slo: Slo, metrics: Metrics, started_s: float, *, keep_rows: bool) -> None:
        self.stats = {backend: BackendStats(slo) for backend in Backend}
        self.metrics = metrics
        self.started_s = started_s
        self.switches = 0
        self._keep_rows = keep_rows
        self._rows: list[RequestRow] = []

    def answered(self, backend: Backend, rows: list[AnswerRow]) -> None:
        """Take finished requests, all that came at once."""
        if self.stats[backend].add(rows):
            self.count()

    def count(self) -> None:
        """Count the requests that have finished since the last time."""
        for backend, stats in self.stats.items():
            rows = stats.count()
            self.metrics.answered(backend, rows)
            if self._keep_rows:
                self._rows += [self._described(backend, row) for row in rows]

    def _described(self, backend: Backend, row: AnswerRow) -> RequestRow:
        status, arrived_s, finished_s, service_ns, cpu_ns, client = row
        times_ms = (service_ns / 1e6, 1000 * (finished_s - arrived_s), min(cpu_ns, service_ns) / 1e6)
        return RequestRow(arrived_s - self.started_s, backend, *times_ms, int(status), client)

    def take_rows(self) -> tuple[RequestRow, ...]:
        """Return the rows of the requests counted since the last call."""
        rows, self._rows = self._rows, []
        return tuple(rows)

    def metrics_text(self) -> bytes:
        """Return what Prometheus scrapes, every finished request counted."""
        self.count()
        return self.metrics.render()

    def serving(
        self, backend: Backend, mode: ExecutionMode, took_s: float, next_start_s: float, ready_s: float
    ) -> None:
        """Note that traffic has come to a worker: how long its start took and the next will, when it was ready."""
        self.stats[backend].worker_ready(next_start_s, ready_s)
        self.metrics.serving(backend, mode, took_s)

    def switched(self, origin: Backend, to: Backend, kind: str) -> None:
        """Count a switch of the traffic."""
        self.switches += 1
        self.metrics.switched(origin, to, kind)
