"""The forecast of the CPU's latency for the requests that the GPU serves.

The service time is predicted from what both took for the same load, and the wait in the queue is added.

The pessimistic prediction keeps the learned ratio for smaller requests; the hopeful one knows that a GPU has a fixed
overhead, so that a CPU gains on it there. How far the one gives way to the other is the caller's choice (`certainty`).
"""

from typing import NamedTuple

from runtime_images.policy.learning.answers import Fresh
from runtime_images.policy.learning.estimators import late_in_queue, queue_wait_s
from runtime_images.policy.learning.relation import expect_cpu_s, predict_gpu_s
from runtime_images.policy.model import CPU, Observation
from runtime_images.policy.planning import plans
from runtime_images.policy.sampling import LATE_ALLOWED
from runtime_images.policy.state import CostAccount, PolicyState


class Forecast(NamedTuple):
    """Service times of the CPU, at the median and at p95, each pessimistic and hopeful; None while nothing is known.

    `sure_p95_s` is the p95 latency, seen pessimistically. `critical_gpu_s` is the GPU time of a request that would just
    meet the SLO on the CPU. `stretch` is how many times as long a closed loop would take on the CPU.
    """

    typical_s: tuple[float, float] | None = None
    slow_s: tuple[float, float] | None = None
    sure_p95_s: float | None = None
    critical_gpu_s: float | None = None
    rate: float = 0.0
    slots: int = 1
    clients: int | None = None
    stretch: float = 1.0
    allowed: float = LATE_ALLOWED

    def p95_s(self, certainty: float) -> float | None:
        """Return the p95 latency; `certainty` blends the pessimistic prediction (1) with the hopeful one (0)."""
        if self.typical_s is None or self.slow_s is None or certainty == 1.0:
            return self.sure_p95_s
        typical_s, slow_s = _blend(self.typical_s, certainty), _blend(self.slow_s, certainty)
        return _p95_s(typical_s, slow_s, self.rate, self.slots, self.clients, self.allowed)

    def late(self, fresh: Fresh, slo_s: float, account: CostAccount) -> int:
        """Return how many of these requests of the GPU the CPU would answer late, though the GPU did not.

        Every one that is slow itself makes others late that have to wait for it, as `account` says.
        """
        critical_s = self.critical_gpu_s
        if critical_s is None or self.typical_s is None:
            return 0
        services_s, count, slow = fresh.services_s, len(fresh.services_s), 0
        if critical_s < fresh.slowest_s:
            if fresh.slowest_s <= slo_s and critical_s < min(services_s):
                return count
            slow = sum([critical_s < service_s <= slo_s for service_s in services_s])
        open_stream = self.clients is None
        waiting = late_in_queue(self.rate, self.typical_s[1], self.slots, slo_s) if open_stream else 0.0
        return min(count, max(round(slow * plans.blocked(account)), int(count * waiting)))


UNKNOWN = Forecast()


def forecast(state: PolicyState, seen: Observation, slo_s: float | None, clients: int | None) -> Forecast:
    """Return the forecast for the requests that the GPU served lately."""
    level = state.gpu.level
    if level is None or not state.points:
        return UNKNOWN
    floors_s = state.gpu.floor_s, state.cpu.floor_s
    typical_s = expect_cpu_s(state.points, level.p50_s, *floors_s)
    slow_s = expect_cpu_s(state.points, level.p95_s, *floors_s)
    if typical_s is None or slow_s is None:
        return UNKNOWN
    rate, slots, allowed = state.rate, seen.lanes[CPU].slots or seen.slots, state.allowed
    p95_s = _p95_s(typical_s[0], slow_s[0], rate, slots, clients, allowed)
    critical_s = None if slo_s is None else _critical_gpu_s(state, slo_s)
    stretch = _stretch(state.gpu.latency_s, typical_s[0], rate, clients) if clients else 1.0
    return Forecast(typical_s, slow_s, p95_s, critical_s, rate, slots, clients, stretch, allowed)


def _p95_s(typical_s: float, slow_s: float, rate: float, slots: int, clients: int | None, allowed: float) -> float:
    """Return the p95 latency of a closed loop of `clients`, or of an open stream, at these service times."""
    if clients is not None:
        return slow_s * max(1.0, clients / slots)
    return slow_s + queue_wait_s(rate, typical_s, slots, allowed)


def _blend(pair: tuple[float, float], certainty: float) -> float:
    sure, hoped = pair
    return hoped if sure == hoped else float(sure**certainty * hoped ** (1 - certainty))


def _critical_gpu_s(state: PolicyState, slo_s: float) -> float | None:
    """Return the GPU time at which the CPU's time, seen hopefully, passes the SLO."""
    critical_s = predict_gpu_s(state.points, slo_s)
    lowest, gpu_floor_s, cpu_floor_s = state.points[0], state.gpu.floor_s, state.cpu.floor_s
    if critical_s is None or gpu_floor_s is None or cpu_floor_s is None:
        return critical_s
    if slo_s >= lowest.cpu_s or lowest.gpu_s < 1.1 * gpu_floor_s or not cpu_floor_s < slo_s:
        return critical_s
    share = (slo_s - cpu_floor_s) / (lowest.cpu_s - cpu_floor_s)
    return max(critical_s, gpu_floor_s + share * (lowest.gpu_s - gpu_floor_s))


def _stretch(gpu_latency_s: float, cpu_s: float, rate: float, clients: int) -> float:
    """Return how much longer a round of asking, waiting and thinking takes on the CPU."""
    round_s = max(clients / rate if rate > 1.0 else 0.0, gpu_latency_s)
    return (round_s - gpu_latency_s + max(cpu_s * clients, gpu_latency_s)) / round_s if round_s > 0 else 1.0
