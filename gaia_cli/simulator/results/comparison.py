"""What replays come to: the figures of one, policies side by side on a trace, and what many traces say together.

A violation is a latency over the SLO; it is avoidable if the faster backend's service time meets the SLO. The
objective is the cost, plus `VIOLATION_GPU_S` of GPU for every avoidable violation beyond the share `LATE_ALLOWED`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import ceil
from statistics import geometric_mean

from gaia_cli.simulator.policies.oracle import optimum
from gaia_cli.simulator.policies.registry import POLICIES, RUNTIME
from gaia_cli.simulator.traces.trace import Trace
from gaia_cli.simulator.world.backends import Change
from gaia_cli.simulator.world.node import Supply
from gaia_cli.simulator.world.scenario import Scenario
from gaia_cli.simulator.world.world import Replay, replay
from runtime_images.policy.model import Backend

ORACLE = "oracle"
POLICY_NAMES = (*POLICIES, ORACLE)

HELD_MORE = {"start": 1, "active": 0, "release": -1, "cancel": -1, "widen": 1, "narrow": -1}
"""By how many workers, or pods, more are held after an event of the timeline."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """The figures of one policy on one trace."""

    requests: int
    violations: int
    avoidable_violations: int
    p50_ms: float
    p95_ms: float
    cpu_seconds: float
    gpu_seconds: float
    cost: float
    energy_j: float
    switches: int
    objective: float
    timeline: tuple[Change, ...]


def judge(trace: Trace, scenario: Scenario, replay: Replay) -> Outcome:
    """Return the figures of `replay`, which replayed `trace` under `scenario`."""
    latencies = [finished - arrived for arrived, finished in zip(replay.arrived, replay.finished, strict=True)]
    slo_s = scenario.slo_p95_s
    late = [row for row, latency_s in enumerate(latencies) if latency_s > slo_s]
    avoidable = sum(min(trace.cpu_s[row], trace.gpu_s[row]) <= slo_s for row in late)
    ordered = sorted(latencies)
    held = replay.held_s
    served_by = [change.backend for change in replay.timeline if change.event == "active"]
    supply = Supply(trace, scenario)
    cost = total(replay.timeline, supply.spent)
    return Outcome(
        requests=len(trace),
        violations=len(late),
        avoidable_violations=avoidable,
        p50_ms=_quantile_ms(ordered, 0.5),
        p95_ms=_quantile_ms(ordered, 0.95),
        cpu_seconds=held[Backend.CPU],
        gpu_seconds=held[Backend.GPU],
        cost=cost,
        energy_j=total(replay.timeline, supply.joules),
        switches=sum(before is not after for before, after in pairwise(served_by)),
        objective=scenario.objective(cost, len(trace), avoidable),
        timeline=replay.timeline,
    )


def total(timeline: Sequence[Change], by: Callable[[Backend, float], float]) -> float:
    """Sum up all that was held; `by` says what a backend would have come to by a moment, held all the time."""
    return sum(HELD_MORE[change.event] * -by(change.backend, change.t) for change in timeline)


def _quantile_ms(ordered: list[float], q: float) -> float:
    """Return the nearest-rank quantile of sorted seconds, in milliseconds."""
    return 1000 * ordered[ceil(q * len(ordered)) - 1]


@dataclass(frozen=True, slots=True)
class Comparison:
    """One trace under several policies: figures and replays by policy, and the objective of the offline optimum."""

    trace: Trace
    scenario: Scenario
    outcomes: dict[str, Outcome]
    replays: dict[str, Replay]
    optimal_objective: float

    def versus_oracle(self, policy: str) -> float | None:
        """Return a policy's objective over the optimum's; None where the optimum costs nothing."""
        if self.optimal_objective <= 0.0:
            return None
        return self.outcomes[policy].objective / self.optimal_objective


@dataclass(frozen=True, slots=True)
class Standing:
    """How far one policy is from the optimum over many traces; `worst_trace` is where it is farthest."""

    policy: str
    geometric_mean: float
    worst: float
    worst_trace: str


def compare(trace: Trace, scenario: Scenario, policies: Sequence[str] = POLICY_NAMES) -> Comparison:
    """Replay `trace` under each of `policies`, and under the oracle in any case.

    Only the runtime's own policy meets the starts of a recorded run one by one: it makes those again.
    """
    usual = scenario.usual
    best = optimum(trace, usual.widest).replay
    under = {name: scenario if name == RUNTIME else usual for name in policies}
    replays = {
        name: best if name == ORACLE else replay(trace, under[name], POLICIES[name](under[name])) for name in policies
    }
    outcomes = {name: judge(trace, scenario, one) for name, one in replays.items()}
    return Comparison(trace, scenario, outcomes, replays, judge(trace, scenario, best).objective)


def standings(comparisons: Sequence[Comparison], policies: Sequence[str]) -> list[Standing]:
    """Return the geometric mean and the worst of each policy's distance from the optimum."""
    found = []
    for policy in policies:
        ratios = [(ratio, one.trace.name) for one in comparisons if (ratio := one.versus_oracle(policy)) is not None]
        if ratios:
            found.append(Standing(policy, geometric_mean(ratio for ratio, _ in ratios), *max(ratios)))
    return found
