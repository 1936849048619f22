"""A trace under several policies, side by side, and what many traces say together."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from math import exp, log

from gaia_cli.simulator.policies.oracle import optimum
from gaia_cli.simulator.policies.registry import POLICIES
from gaia_cli.simulator.results.outcome import Outcome, judge
from gaia_cli.simulator.traces.trace import Trace
from gaia_cli.simulator.world.scenario import Scenario
from gaia_cli.simulator.world.world import Replay, replay

ORACLE = "oracle"
POLICY_NAMES = (*POLICIES, ORACLE)


@dataclass(frozen=True, slots=True)
class Comparison:
    """One trace under several policies: figures and replays by policy, and the objective of the offline optimum."""

    trace: Trace
    scenario: Scenario
    outcomes: dict[str, Outcome]
    replays: dict[str, Replay]
    optimal_objective: float

    def versus_oracle(self, policy: str) -> float | None:
        """A policy's objective over the optimum's; None where the optimum costs nothing."""
        if self.optimal_objective <= 0.0:
            return None
        return self.outcomes[policy].objective / self.optimal_objective

    def without_replays(self) -> "Comparison":
        """The figures alone, which are small."""
        return replace(self, replays={})


@dataclass(frozen=True, slots=True)
class Standing:
    """How far one policy is from the optimum over many traces; `worst_trace` is where it is farthest."""

    policy: str
    geometric_mean: float
    worst: float
    worst_trace: str


def compare(trace: Trace, scenario: Scenario, policies: Sequence[str] = POLICY_NAMES) -> Comparison:
    """Replay `trace` under each of `policies`, and under the oracle in any case."""
    best = optimum(trace, scenario).replay
    optimal = judge(ORACLE, trace, scenario, best)
    replays = {name: best if name == ORACLE else replay(trace, scenario, POLICIES[name](scenario)) for name in policies}
    outcomes = {name: optimal if name == ORACLE else judge(name, trace, scenario, one) for name, one in replays.items()}
    return Comparison(trace, scenario, outcomes, replays, optimal.objective)


def standings(comparisons: Iterable[Comparison], policies: Sequence[str]) -> list[Standing]:
    """The geometric mean and the worst of each policy's distance from the optimum."""
    found = []
    known = list(comparisons)
    for policy in policies:
        ratios = [(ratio, one.trace.name) for one in known if (ratio := one.versus_oracle(policy)) is not None]
        if ratios:
            mean = exp(sum(log(ratio) for ratio, _ in ratios) / len(ratios))
            worst, name = max(ratios)
            found.append(Standing(policy, mean, worst, name))
    return found
