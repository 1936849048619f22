"""What a replay came to: the figures that DESIGN fixes for `gaia simulate`.

A violation is a latency over the SLO; it is avoidable if the faster backend's service time meets the SLO. The
objective is the cost, plus `VIOLATION_GPU_S` of GPU for every avoidable violation beyond the share `LATE_ALLOWED`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import ceil

from gaia_cli.simulator.traces.trace import Trace
from gaia_cli.simulator.world.backends import Change
from gaia_cli.simulator.world.node import Supply
from gaia_cli.simulator.world.scenario import Scenario
from gaia_cli.simulator.world.world import Replay
from runtime_images.policy.model import Backend

HELD_MORE = {"start": 1, "active": 0, "release": -1, "cancel": -1}
"""By how many workers more are held after an event of the timeline."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """The figures of one policy on one trace."""

    policy: str
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


def judge(policy: str, trace: Trace, scenario: Scenario, replay: Replay) -> Outcome:
    """The figures of `replay`, which replayed `trace` under `policy`."""
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
        policy=policy,
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
    """What all that was held comes to; `by` says what a backend would have come to by a moment, held all the time."""
    return sum(HELD_MORE[change.event] * -by(change.backend, change.t) for change in timeline)


def _quantile_ms(ordered: list[float], q: float) -> float:
    """The nearest-rank quantile of sorted seconds, in milliseconds."""
    return 1000 * ordered[ceil(q * len(ordered)) - 1]
