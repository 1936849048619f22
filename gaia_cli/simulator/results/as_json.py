"""The result of `gaia simulate` as plain values; docs/schemas/simulation.json is generated from their types. Pure."""

from collections.abc import Sequence
from math import isfinite
from typing import Annotated, TypedDict

from analyzers.formats.schema_version import SchemaVersion
from gaia_cli.simulator.results.comparison import Comparison, Standing

SIMULATION_SCHEMA = 1


class ChangeOutput(TypedDict):
    """One change of what is held, or of who serves."""

    t: Annotated[float, "seconds since the first arrival"]
    event: Annotated[str, "`start`, `active`, `release` or `cancel`"]
    backend: Annotated[str, "`cpu` or `gpu`"]


class PolicyOutput(TypedDict):
    """What one policy came to."""

    policy: Annotated[str, "its name"]
    requests: Annotated[int, "requests of the trace"]
    violations: Annotated[int, "how many took longer than the SLO"]
    avoidable_violations: Annotated[int, "those that the faster backend would have served in time, had it been free"]
    p50_ms: Annotated[float, "the median latency"]
    p95_ms: Annotated[float, "95 % of the requests took no longer"]
    cpu_seconds: Annotated[float, "how long the CPU backend was held"]
    gpu_seconds: Annotated[float, "how long the GPU backend was held"]
    cost: Annotated[float, "what that cost"]
    energy_j: Annotated[float, "what that drew, in joules"]
    switches: Annotated[int, "switches that moved traffic"]
    objective: Annotated[float, "cost, plus what the avoidable violations beyond 5 % count for"]
    objective_vs_oracle: Annotated[float | None, "over that of the best choice possible"]
    timeline: Annotated[list[ChangeOutput], "in the order of time"]


class TraceOutput(TypedDict):
    """One trace with its policies."""

    trace: Annotated[str, "its file or its generator"]
    clients: Annotated[int, "clients that wait for their answers; 0 where each request has a time of its own"]
    mode: Annotated[str, "the execution mode that `gaia` starts in"]
    slo_p95_ms: Annotated[float | None, "the latency that the SLO asks for, null where it asks for none"]
    policies: Annotated[list[PolicyOutput], "what each policy came to"]


class OneTraceOutput(TraceOutput):
    """The result of one trace."""

    schema_version: SchemaVersion


class StandingOutput(TypedDict):
    """One policy over all traces."""

    policy: Annotated[str, "its name"]
    geometric_mean: Annotated[float, "of its objective over that of the best choice possible"]
    worst: Annotated[float, "the largest of these ratios"]
    worst_trace: Annotated[str, "the trace of the largest"]


class TracesOutput(TypedDict):
    """The result of several traces."""

    schema_version: SchemaVersion
    traces: Annotated[list[TraceOutput], "each trace"]
    summary: Annotated[list[StandingOutput], "each policy over all of them"]


def as_object(comparisons: Sequence[Comparison], summary: Sequence[Standing]) -> OneTraceOutput | TracesOutput:
    """Return one trace with its policies, or several traces with a summary."""
    if len(comparisons) == 1:
        return {"schema_version": SIMULATION_SCHEMA, **_trace(comparisons[0])}
    standings: list[StandingOutput] = [
        {
            "policy": one.policy,
            "geometric_mean": round(one.geometric_mean, 3),
            "worst": round(one.worst, 3),
            "worst_trace": one.worst_trace,
        }
        for one in summary
    ]
    return {"schema_version": SIMULATION_SCHEMA, "traces": [_trace(one) for one in comparisons], "summary": standings}


def _trace(comparison: Comparison) -> TraceOutput:
    trace = comparison.trace
    policies = [_policy(comparison, name) for name in comparison.outcomes]
    slo_ms = 1000 * comparison.scenario.slo_p95_s
    return {
        "trace": trace.source or trace.name,
        "clients": len(trace.waiting),
        "mode": comparison.scenario.mode,
        "slo_p95_ms": round(slo_ms, 1) if isfinite(slo_ms) else None,
        "policies": policies,
    }


def _policy(comparison: Comparison, name: str) -> PolicyOutput:
    outcome, ratio = comparison.outcomes[name], comparison.versus_oracle(name)
    return {
        "policy": name,
        "requests": outcome.requests,
        "violations": outcome.violations,
        "avoidable_violations": outcome.avoidable_violations,
        "p50_ms": round(outcome.p50_ms, 1),
        "p95_ms": round(outcome.p95_ms, 1),
        "cpu_seconds": round(outcome.cpu_seconds, 3),
        "gpu_seconds": round(outcome.gpu_seconds, 3),
        "cost": round(outcome.cost, 9),
        "energy_j": round(outcome.energy_j, 3),
        "switches": outcome.switches,
        "objective": round(outcome.objective, 9),
        "objective_vs_oracle": None if ratio is None else round(ratio, 3),
        "timeline": [
            {"t": round(change.t, 3), "event": change.event, "backend": change.backend} for change in outcome.timeline
        ],
    }
