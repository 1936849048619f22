"""What a run came to, computed from its history and, where a load was played, from what the client saw. Pure.

p95 before and after a switch: with a played load, of the requests that were due in the AROUND_S seconds
before traffic moved and in those after; without one, the last window of the old backend before the move and
the last one of the new backend within AROUND_S after it. Neither reaches across a neighbouring switch. The
costs of CPU only and GPU only are what holding that one backend over the same time would have cost; whether
it would have met the SLO is another question.
"""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from gaia_cli.errors import ExitCode
from gaia_cli.running.history import Event, RunHistory, Switch
from gaia_cli.running.plan import RunPlan
from gaia_cli.running.player import PlayedReply
from runtime_images.policy.model import Backend

if TYPE_CHECKING:
    from gaia_cli.running.what_if import WhatIf

AROUND_S = 10.0
"""Seconds on each side of a switch over which its effect is told."""


@dataclass(frozen=True, slots=True)
class SwitchSummary:
    """One switch: when traffic moved (seconds after the start), how long it took, what it did to p95."""

    kind: str
    at_s: float
    took_s: float
    reason: str
    p95_before_ms: float | None
    p95_after_ms: float | None


@dataclass(frozen=True, slots=True)
class RunSummary:
    """The numbers a run ends with; costs are in `currency`, `p95_ms` is that of a played load."""

    function: str
    engine: str
    accelerator: str
    mode: str
    duration_s: float
    requests: int
    failures: int
    retried: int
    p95_ms: float | None
    slo_p95_ms: float | None
    slo_state: str
    slo_met_share: float | None
    switches: tuple[SwitchSummary, ...]
    mode_seconds: dict[str, float]
    cpu_seconds: float
    gpu_seconds: float
    cost: float
    cost_cpu_only: float
    cost_gpu_only: float
    currency: str
    exit_code: ExitCode
    what_if: "WhatIf | None" = None

    def count(self, kind: str) -> int:
        """How many switches of `kind` (`promote`, `demote`) moved traffic."""
        return sum(switch.kind == kind for switch in self.switches)

    def as_event(self, t: float) -> Event:
        """The summary as the last event of the stream."""
        return {"v": 1, "t": t, "event": "summary"} | asdict(self) | {"exit_code": int(self.exit_code)}


def summarize(
    plan: RunPlan, history: RunHistory, replies: Sequence[PlayedReply] = (), ended_by: ExitCode = ExitCode.OK
) -> RunSummary:
    """The summary of the run that `history` tells; `ended_by` is the exit code of a signal that ended it.

    What the client saw counts: a request that never reached the runtime is a failure too.
    """
    failures = max(history.totals.failures, sum(reply.failed for reply in replies))
    return RunSummary(
        function=history.function or plan.function,
        engine=plan.engine.name,
        accelerator=plan.accelerator.name,
        mode=history.mode,
        duration_s=round(_duration(history), 3),
        requests=max(history.totals.requests, len(replies)),
        failures=failures,
        retried=history.totals.retried,
        p95_ms=p95([reply.latency_ms for reply in replies]),
        slo_p95_ms=history.slo.latency_p95_ms,
        slo_state=history.slo_state,
        slo_met_share=_slo_met_share(history),
        switches=tuple(_switches(history, replies)),
        mode_seconds=_mode_seconds(history),
        cpu_seconds=history.totals.cpu_seconds,
        gpu_seconds=history.totals.gpu_seconds,
        cost=history.totals.cost,
        cost_cpu_only=_duration(history) * history.prices.per_second(Backend.CPU),
        cost_gpu_only=_duration(history) * history.prices.per_second(Backend.GPU),
        currency=history.prices.currency,
        exit_code=ended_by or (ExitCode.FINDINGS if failures or history.slo_state == "missed" else ExitCode.OK),
    )


def p95(values: Sequence[float]) -> float | None:
    """The smallest value that at least 95 % of `values` do not exceed; None of nothing."""
    return sorted(values)[math.ceil(0.95 * len(values)) - 1] if values else None


def _duration(history: RunHistory) -> float:
    told = (history.stopped or {}).get("duration_s")
    return float(told) if told is not None else history.uptime_s


def _slo_met_share(history: RunHistory) -> float | None:
    met, missed = history.slo_seconds["met"], history.slo_seconds["missed"]
    return round(met / (met + missed), 4) if met + missed else None


def _moves(history: RunHistory) -> list[tuple[float, Switch]]:
    return [(switch.moved, switch) for switch in history.switches if switch.moved is not None]


def _switches(history: RunHistory, replies: Sequence[PlayedReply]) -> list[SwitchSummary]:
    moves = _moves(history)
    moments = [-math.inf, *(moved for moved, _ in moves), math.inf]
    summaries = []
    for index, (moved, switch) in enumerate(moves, start=1):
        begin, end = max(moments[index - 1], moved - AROUND_S), min(moments[index + 1], moved + AROUND_S)
        if replies:
            before = p95([reply.latency_ms for reply in replies if begin <= reply.due < moved])
            after = p95([reply.latency_ms for reply in replies if moved <= reply.due < end])
        else:
            before = _last_window(history, switch.source, begin, moved)
            after = _last_window(history, switch.target, moved, end)
        took = moved - switch.ordered
        summaries.append(SwitchSummary(switch.kind, history.at(moved), took, switch.reason, before, after))
    return summaries


def _last_window(history: RunHistory, backend: Backend, begin: float, end: float) -> float | None:
    told = [second.window_p95_ms[backend] for second in history.seconds if begin <= second.t <= end]
    return next((value for value in reversed(told) if value is not None), None)


def _mode_seconds(history: RunHistory) -> dict[str, float]:
    """Seconds spent in each mode, from ready to the end; a dynamic mode flips when traffic moves."""
    if history.ready is None:
        return {}
    moves = _moves(history)
    mode = history.mode.on(moves[0][1].source) if moves else history.mode
    seconds: dict[str, float] = {}
    since = history.ready
    for moved, switch in moves:
        seconds[mode] = seconds.get(mode, 0.0) + moved - since
        mode, since = mode.on(switch.target), moved
    seconds[mode] = seconds.get(mode, 0.0) + max(0.0, history.now - since)
    return {str(name): round(value, 3) for name, value in seconds.items()}
