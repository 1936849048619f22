"""The paper's prototype, as a peer to measure against: thresholds on a clock.

Every 30 s it looks at the p95 of the last 10 min. On the CPU it promotes above the SLO, unless it remembers that the
GPU was less than 0.2 s faster. On the GPU it demotes when fewer than 0.01 requests a second came over 30 min, or when
the GPU is less than 0.2 s faster than the CPU was, but not within 2 min of a switch. What it remembers of the other
backend never grows old. It knows nothing of outages: when its GPU is lost it waits for it. Requests that had to wait
for a start are left out of its p95, which is kinder than the original. Source: "Gaia: Hybrid Hardware Acceleration
for Serverless AI in the 3D Compute Continuum" (BDCAT '25) and the evaluator of its prototype
(github.com/polaris-slo-cloud/gaia).
"""

from bisect import bisect_left
from math import ceil

from gaia_cli.simulator.world.backends import Backends
from gaia_cli.simulator.world.scenario import Scenario
from runtime_images.policy.model import Backend

CHECK_EVERY_S = 30.0
WINDOW_S = 600.0
IDLE_SPAN_S = 1800.0
RATE_LEAST = 0.01
GAIN_LEAST_S = 0.2
COOL_DOWN_S = 120.0


class Reference:
    """See the module."""

    initial = Backend.CPU
    falls_back = False

    def __init__(self, scenario: Scenario) -> None:
        self._slo_s = scenario.slo_p95_s
        self._remembered: dict[Backend, float] = {}

    def next_tick(self, now: float) -> float:
        """Return the time of the next check."""
        return now + CHECK_EVERY_S

    def choose(self, backends: Backends, now: float) -> Backend:
        """Return the backend to serve from now on."""
        active = backends.target
        p95_s = self._p95_s(backends, active, now)
        if p95_s is not None:
            self._remembered[active] = p95_s
        if active is Backend.CPU:
            late = p95_s is not None and p95_s > self._slo_s
            return Backend.GPU if late and backends.gpu_is_there and not self._gains_little() else active
        if now - backends.moved_at < COOL_DOWN_S:
            return active
        return Backend.CPU if self._is_rare(backends, now) or self._gains_little() else active

    def _p95_s(self, backends: Backends, backend: Backend, now: float) -> float | None:
        meter = backends.meters[backend]
        first = bisect_left(meter.finished_at, now - WINDOW_S)
        finished = zip(meter.finished_at[first:], meter.latencies[first:], strict=True)
        latencies = sorted(latency for at, latency in finished if at - latency >= meter.since)
        return latencies[ceil(0.95 * len(latencies)) - 1] if latencies else None

    def _is_rare(self, backends: Backends, now: float) -> bool:
        arrivals = backends.flow.arrivals
        return (len(arrivals) - bisect_left(arrivals, now - IDLE_SPAN_S)) / IDLE_SPAN_S < RATE_LEAST

    def _gains_little(self) -> bool:
        there = self._remembered.get(Backend.CPU)
        here = self._remembered.get(Backend.GPU)
        return there is not None and here is not None and there - here < GAIN_LEAST_S
