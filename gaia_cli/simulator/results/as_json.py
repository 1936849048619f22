"""The result of `gaia simulate` as plain values, for programs (docs/simulate.md). Pure."""

from collections.abc import Sequence
from typing import Any

from gaia_cli.simulator.results.comparison import Comparison, Standing

SCHEMA_VERSION = 1


def as_object(comparisons: Sequence[Comparison], summary: Sequence[Standing]) -> dict[str, Any]:
    """One trace with its policies; of several, all of them and what they say together."""
    if len(comparisons) == 1:
        return {"schema_version": SCHEMA_VERSION, **_trace(comparisons[0])}
    standings = [
        {
            "policy": one.policy,
            "geometric_mean": round(one.geometric_mean, 6),
            "worst": round(one.worst, 6),
            "worst_trace": one.worst_trace,
        }
        for one in summary
    ]
    return {"schema_version": SCHEMA_VERSION, "traces": [_trace(one) for one in comparisons], "summary": standings}


def _trace(comparison: Comparison) -> dict[str, Any]:
    trace = comparison.trace
    policies = [_policy(comparison, name) for name in comparison.outcomes]
    slo_ms = 1000 * comparison.scenario.slo_p95_s
    return {"trace": trace.source or trace.name, "slo_p95_ms": round(slo_ms, 6), "policies": policies}


def _policy(comparison: Comparison, name: str) -> dict[str, Any]:
    outcome, ratio = comparison.outcomes[name], comparison.versus_oracle(name)
    return {
        "policy": name,
        "requests": outcome.requests,
        "violations": outcome.violations,
        "avoidable_violations": outcome.avoidable_violations,
        "p50_ms": round(outcome.p50_ms, 3),
        "p95_ms": round(outcome.p95_ms, 3),
        "cpu_seconds": round(outcome.cpu_seconds, 6),
        "gpu_seconds": round(outcome.gpu_seconds, 6),
        "cost": round(outcome.cost, 9),
        "energy_j": round(outcome.energy_j, 3),
        "switches": outcome.switches,
        "objective": round(outcome.objective, 9),
        "objective_vs_oracle": None if ratio is None else round(ratio, 6),
        "timeline": [
            {"t": round(change.t, 6), "event": change.event, "backend": change.backend} for change in outcome.timeline
        ],
    }
