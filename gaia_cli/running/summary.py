"""The results of a run, computed from its history and, where a load was played, from what the client saw. Pure.

p95 before and after a switch: with a played load, of the requests due in the AROUND_S seconds before traffic moved and
in those after; without one, the last window of the old backend before the move and the last of the new backend within
AROUND_S after it. Neither reaches across a neighbouring switch. CPU only and GPU only cost what holding that backend
over the same time would have cost, whether or not it would have met the SLO.
"""

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar

from gaia_cli.errors import ExitCode
from gaia_cli.running.history import RunHistory
from gaia_cli.running.plan import RunPlan
from gaia_cli.running.playing.player import PlayedReply
from runtime_images.events.decisions import SwitchKind, SwitchStep
from runtime_images.events.model import Event, Milliseconds, Money, Ratio, Seconds, Share
from runtime_images.events.traffic import SloState
from runtime_images.policy.model import Backend

AROUND_S = 10.0
"""Seconds on each side of a switch over which its effect is measured."""


@dataclass(frozen=True, slots=True)
class SwitchSummary:
    """One switch that moved traffic."""

    kind: Annotated[SwitchKind, "`promote` to the GPU, `demote` to the CPU"]
    at_s: Annotated[Seconds, "when traffic moved, after the start"]
    took_s: Annotated[Seconds, "from the decision until traffic moved"]
    reason: Annotated[str, "why"]
    p95_before_ms: Annotated[Milliseconds | None, "p95 before traffic moved, null without answers"]
    p95_after_ms: Annotated[Milliseconds | None, "p95 after traffic moved, null without answers"]


@dataclass(frozen=True, slots=True)
class Alternative:
    """What one policy would have come to on the same requests."""

    policy: Annotated[str, "the policy's name"]
    cost: Annotated[Money, "what it would have cost"]
    late: Annotated[int, "requests that would have missed the SLO"]
    switches: Annotated[int, "switches that it would have made"]
    versus_optimum: Annotated[Ratio | None, "its objective over that of the best choice possible"]


@dataclass(frozen=True, slots=True)
class WhatIf:
    """What other policies would have come to on the same requests."""

    alternatives: Annotated[tuple[Alternative, ...], "one for each policy"] = ()
    note: Annotated[str, "why there is none; else empty"] = ""


@dataclass(frozen=True, slots=True)
class RunSummary(Event):
    """What a run came to; `gaia run` adds it as the last event. Costs are in `currency`."""

    NAME: ClassVar[str] = "summary"

    function: Annotated[str, "the function's name"]
    engine: Annotated[str, "where it ran: `process` or `docker`"]
    accelerator: Annotated[str, "what the GPU backend used"]
    mode: Annotated[str, "the mode at the end"]
    duration_s: Annotated[Seconds, "from the start to the end"]
    requests: Annotated[int, "requests, those included that only the client saw"]
    failures: Annotated[int, "failed ones among them"]
    retried: Annotated[int, "requests that a second worker got after the first one died"]
    p95_ms: Annotated[Milliseconds | None, "p95 of a played load as the client saw it"]
    slo_p95_ms: Annotated[Milliseconds | None, "the latency that the SLO asks for"]
    slo_state: Annotated[SloState, "whether the SLO was kept at the end"]
    slo_reason: Annotated[str, "why it was missed at the end; else empty"]
    slo_met_share: Annotated[Share | None, "seconds that kept the SLO among those with traffic"]
    switches: Annotated[tuple[SwitchSummary, ...], "the switches that moved traffic"]
    mode_seconds: Annotated[dict[str, Seconds], "how long each mode lasted"]
    cpu_seconds: Annotated[Seconds, "how long the CPU backend was held"]
    gpu_seconds: Annotated[Seconds, "how long the GPU backend was held"]
    cost: Annotated[Money, "what that cost"]
    cost_cpu_only: Annotated[Money, "what holding only the CPU over the same time would have cost"]
    cost_gpu_only: Annotated[Money, "what holding only the GPU over the same time would have cost"]
    currency: Annotated[str, "the currency of the costs"]
    exit_code: Annotated[ExitCode, "the exit code of `gaia run`"]
    what_if: Annotated[WhatIf | None, "the other policies on the recorded requests"] = None

    def count(self, kind: str) -> int:
        """Count the switches of `kind` (`promote`, `demote`) that moved traffic."""
        return sum(switch.kind == kind for switch in self.switches)


def summarize(
    plan: RunPlan, history: RunHistory, replies: Sequence[PlayedReply] = (), ended_by: ExitCode = ExitCode.OK
) -> RunSummary:
    """Return the summary of the run of `history`; `ended_by` is the exit code of a signal that ended it.

    What the client saw counts: a request that never reached the runtime is a failure too.
    """
    totals, prices = history.totals, history.prices
    failures = max(totals.failures, sum(reply.failed for reply in replies))
    duration_s = history.stopped.duration_s if history.stopped is not None else history.uptime_s
    met, missed = history.slo_seconds[SloState.MET], history.slo_seconds[SloState.MISSED]
    return RunSummary(
        function=history.function or plan.function,
        engine=plan.engine.name,
        accelerator=plan.accelerator.name,
        mode=history.mode,
        duration_s=duration_s,
        requests=max(totals.requests, len(replies)),
        failures=failures,
        retried=totals.retried,
        p95_ms=p95([reply.latency_ms for reply in replies]),
        slo_p95_ms=history.slo.latency_p95_ms,
        slo_state=history.slo_state,
        slo_reason=history.slo_reason,
        slo_met_share=met / (met + missed) if met + missed else None,
        switches=tuple(_switches(history, replies)),
        mode_seconds=_mode_seconds(history),
        cpu_seconds=totals.cpu_seconds,
        gpu_seconds=totals.gpu_seconds,
        cost=totals.cost,
        cost_cpu_only=duration_s * prices.per_second(Backend.CPU),
        cost_gpu_only=duration_s * prices.per_second(Backend.GPU),
        currency=prices.currency,
        exit_code=ended_by or (ExitCode.FINDINGS if failures or history.slo_state is SloState.MISSED else ExitCode.OK),
    )


def p95(values: Sequence[float]) -> float | None:
    """Return the smallest value that at least 95 % of `values` do not exceed; None of nothing."""
    return sorted(values)[math.ceil(0.95 * len(values)) - 1] if values else None


def _moves(history: RunHistory) -> list[tuple[float, SwitchStep]]:
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
            before = _last_window(history, switch.origin, begin, moved)
            after = _last_window(history, switch.to, moved, end)
        at_s, took_s = history.at(moved), moved - switch.ordered
        summaries.append(SwitchSummary(switch.kind, at_s, took_s, switch.reason, before, after))
    return summaries


def _last_window(history: RunHistory, backend: Backend, begin: float, end: float) -> float | None:
    measured = [second.window_p95_ms[backend] for second in history.seconds if begin <= second.t <= end]
    return next((value for value in reversed(measured) if value is not None), None)


def _mode_seconds(history: RunHistory) -> dict[str, float]:
    """Return the seconds in each mode, from ready to the end; a dynamic mode flips when traffic moves."""
    if history.ready is None:
        return {}
    moves = _moves(history)
    mode = history.mode.on(moves[0][1].origin) if moves else history.mode
    seconds: defaultdict[str, float] = defaultdict(float)
    since = history.ready
    for moved, switch in moves:
        seconds[mode] += moved - since
        mode, since = mode.on(switch.to), moved
    seconds[mode] += max(0.0, history.now - since)
    return dict(seconds)
