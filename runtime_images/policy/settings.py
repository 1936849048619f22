"""The settings of the policy: mode, SLO, prices and a few thresholds, fixed while a function serves."""

from dataclasses import dataclass

from runtime_images.policy.model import ExecutionMode, Prices, Slo
from runtime_images.policy.sampling import VIOLATION_GPU_S


@dataclass(frozen=True, slots=True)
class PolicySettings:
    """What the policy is given once. The defaults are meant to be left alone.

    `margin` is the share of the SLO that a predicted p95 may use before the function is moved to the CPU;
    `waiting_share` the CPU share below which a function waits instead of computing; `gain` the share of the CPU's
    time below which the GPU counts as faster; `violation_cost_s` the cost of one request over the SLO, in seconds of
    GPU; `start_up_s` a backend's start-up time until it is known. An overload counts after `overload_s`, a pause after
    `idle_s`. `dwell_s` and `dwell_max_s` bound the patience before a demotion, `trial_s` is the least time before a
    trial, `forget_s` the age at which old knowledge is given up. `demotions_per_hour` is a bound that always holds.
    """

    mode: ExecutionMode
    slo: Slo = Slo()
    prices: Prices = Prices()
    margin: float = 0.8
    waiting_share: float = 0.2
    gain: float = 0.8
    violation_cost_s: float = VIOLATION_GPU_S
    start_up_s: float = 3.0
    overload_s: float = 2.0
    dwell_s: float = 4.0
    dwell_max_s: float = 1800.0
    idle_s: float = 5.0
    trial_s: float = 60.0
    forget_s: float = 1800.0
    demotions_per_hour: int = 6

    @property
    def latency_slo_s(self) -> float | None:
        """The p95 latency of the SLO, in seconds."""
        target = self.slo.latency_p95_ms
        return None if target is None else target / 1000.0
