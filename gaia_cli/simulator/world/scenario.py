"""The conditions of a simulation: what is asked for, what backends cost and how long they take to start."""

from dataclasses import dataclass, replace
from math import isfinite

from gaia_cli.simulator import defaults
from runtime_images.policy.model import Backend, ExecutionMode, Slo
from runtime_images.policy.sampling import LATE_ALLOWED, TICK_S, VIOLATION_GPU_S

DEFAULT_MODE = ExecutionMode.CPU_PREFERRED
"""Where `gaia` begins unless something says otherwise."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """What every policy meets alike. Prices are in the currency a second; `slots` requests are served at once.

    `slo_p95_s` may be inf: then no latency is asked for. `window_s` is the span over which the runtime keeps latencies
    (`[slo] window_s`). With `pods_max` over 1 it is a cluster: a backend has as many pods as its load needs, no fewer
    than `pods_min`, each of which serves `slots` requests at once. `cpu_starts_s` and `gpu_starts_s` are what the first
    starts of a backend took in a run that is replayed, `cpu_expected_s` and `gpu_expected_s` what the next one was
    expected to take after so many. `gaia` decides at moments that are whole ticks from `first_decision_s`.
    """

    slo_p95_s: float = defaults.SLO_P95_S
    start_cpu_s: float = defaults.START_CPU_S
    start_gpu_s: float = defaults.START_GPU_S
    slots: int = defaults.SLOTS
    cpu_price: float = defaults.CPU_PRICE
    gpu_price: float = defaults.GPU_PRICE
    mode: ExecutionMode = DEFAULT_MODE
    window_s: float = Slo().window_s
    pods_min: int = defaults.PODS_MIN
    pods_max: int = defaults.PODS_MAX
    cpu_starts_s: tuple[float, ...] = ()
    gpu_starts_s: tuple[float, ...] = ()
    cpu_expected_s: tuple[float | None, ...] = ()
    gpu_expected_s: tuple[float | None, ...] = ()
    first_decision_s: float = TICK_S

    def start_s(self, backend: Backend) -> float:
        """Return how long a backend takes to start."""
        return self.start_cpu_s if backend is Backend.CPU else self.start_gpu_s

    def nth_start_s(self, backend: Backend, before: int) -> float:
        """Return how long a backend takes to start that has started so often before."""
        measured = self.cpu_starts_s if backend is Backend.CPU else self.gpu_starts_s
        return measured[before] if before < len(measured) else self.start_s(backend)

    def expected_start_s(self, backend: Backend, before: int, last_s: float | None) -> float | None:
        """Return what a policy takes for the time of the next start; `last_s` is what the last one took."""
        expected = self.cpu_expected_s if backend is Backend.CPU else self.gpu_expected_s
        return expected[before] if before < len(expected) else last_s

    @property
    def usual(self) -> "Scenario":
        """The same with starts that all take as long, for who would not have made those of the run at the same time."""
        return replace(self, cpu_starts_s=(), gpu_starts_s=(), cpu_expected_s=(), gpu_expected_s=())

    def price(self, backend: Backend) -> float:
        """Return the price of a second of a held backend."""
        return self.cpu_price if backend is Backend.CPU else self.gpu_price

    @property
    def widest(self) -> "Scenario":
        """What bounds a cluster from below: one pod that serves as many requests as all, for the price of one."""
        return replace(self, slots=self.slots * self.pods_max, pods_min=1, pods_max=1)

    @property
    def slo(self) -> Slo:
        """The SLO in the policy's words."""
        latency_ms = 1000 * self.slo_p95_s if isfinite(self.slo_p95_s) else None
        return Slo(latency_p95_ms=latency_ms, window_s=self.window_s)

    @property
    def violation_price(self) -> float:
        """What an avoidable violation beyond the allowed ones costs."""
        return VIOLATION_GPU_S * self.gpu_price

    def objective(self, cost: float, requests: int, avoidable: float) -> float:
        """Return what a policy is judged by: its cost, and its avoidable violations beyond those that a p95 allows."""
        return cost + self.violation_price * max(0.0, avoidable - LATE_ALLOWED * requests)
