"""On the GPU: does it still earn its price?

Five ways back to the CPU: the GPU answers with errors; it turned out no faster; nobody asks; the CPU is predicted
to meet the SLO, with margin, for long enough to pay for the switch; or, where what is known of the CPU has grown
old, a trial. Each is slower than the way up, and the patience grows with every demotion that had to be undone.
"""

from dataclasses import replace
from math import inf

from runtime_images.policy.context import Context
from runtime_images.policy.estimators import level_of
from runtime_images.policy.faults import leave_failing_gpu
from runtime_images.policy.model import Backend, Decision
from runtime_images.policy.sentences import span, target
from runtime_images.policy.state import PolicyState

GAIN_LEAST = 3
GAIN_MOST = 12
LEAST = 5
SLOW_LEAST = 2
ALLOWED = 0.05
DETECTION_S = 3.0


def on_gpu(context: Context) -> tuple[PolicyState, Decision]:
    """The decision while the GPU serves, with the state that knows since when the CPU would do."""
    context = replace(context, state=_note_trial_due(replace(context, state=_note_calm(context))))
    state, failing = leave_failing_gpu(context)
    if failing is not None:
        return state, failing
    context = replace(context, state=state)
    gained_nothing = _no_gain(context)
    if gained_nothing is not None:
        level = context.levels[Backend.CPU]
        return replace(state, futile_s=level.p95_s if level else None, futile_at=context.now), gained_nothing
    decision = _idle(context) or _calm(context) or _trial(context) or _stay(context)
    return state, decision


def _no_gain(context: Context) -> Decision | None:
    """Whether the first requests after the promotion were no faster than the last ones before it."""
    state = context.state
    before = context.levels[Backend.CPU]
    if before is None or state.gpu.served > GAIN_MOST + context.seen.slots or not context.cpu.available:
        return None
    here = level_of([sample for sample in state.gpu.samples if sample.at >= state.moved_at])
    if here is None or here.count < GAIN_LEAST:
        return None
    gain = context.settings.gain
    if here.p50_s < gain * before.p50_s or here.p95_s < gain * before.p95_s:
        return None
    reason = (
        f"the GPU takes {span(here.p50_s)} for what took the CPU {span(before.p50_s)}: the promotion gained nothing"
    )
    return context.move("no_gain", reason)


def _idle(context: Context) -> Decision | None:
    idle_s, limit_s = context.seen.idle_s, context.idle_limit_s
    if idle_s < limit_s or not context.cpu.available:
        return None
    reason = f"no request for {span(idle_s)}: holding the GPU has cost as much as starting it again would"
    return context.move("idle", reason)


def _note_calm(context: Context) -> PolicyState:
    """Remember since when the CPU, seen hopefully, would meet the SLO with margin."""
    state = context.state
    if not _known(context) or not _would_do(context, 0.0):
        return state if state.calm_since is None else replace(state, calm_since=None)
    return state if state.calm_since is not None else replace(state, calm_since=context.now)


def _known(context: Context) -> bool:
    """Whether enough requests have been served on the GPU since the switch to speak of a level."""
    fresh = sum(sample.at >= context.state.moved_at for sample in context.state.gpu.samples)
    return fresh >= LEAST or (fresh >= SLOW_LEAST and context.now - context.state.moved_at >= DETECTION_S)


def _would_do(context: Context, certainty: float) -> bool:
    predicted_s, slo_s = context.predicted_cpu_p95_s(certainty), context.slo_s
    if slo_s is None:
        return context.settings.slo.throughput_rps is not None and predicted_s is not None and predicted_s < inf
    return predicted_s is not None and predicted_s <= context.settings.margin * slo_s


def _calm(context: Context) -> Decision | None:
    """A demotion on a prediction that has held as long as it must; certainty of old knowledge fades meanwhile."""
    since = context.state.calm_since
    if since is None or not context.cpu.available:
        return None
    calm_s, patience_s = context.now - since, max(context.state.dwell_s, context.break_even_s)
    if calm_s < patience_s or not _would_do(context, context.certainty):
        return None
    predicted_s, slo_s = context.predicted_cpu_p95_s(context.certainty), context.slo_s
    assert predicted_s is not None
    against = "enough for the requests that arrive" if slo_s is None else f"within {target(slo_s)}"
    reason = (
        f"for {span(calm_s)} the CPU would have answered in {span(predicted_s)} (p95), {against}, and it is cheaper"
    )
    return context.move("calm", reason)


def _trial(context: Context) -> Decision | None:
    """A demotion to find out, once the GPU has cost more since the last knowledge than a failed trial would."""
    due_since, level = context.state.trial_due_since, context.levels[Backend.GPU]
    if due_since is None or level is None or context.now - due_since < context.settings.dwell_s:
        return None
    reason = (
        f"the GPU answers in {span(level.p95_s)} and the CPU has not been measured for {span(_unmeasured_s(context))}: "
        "it is tried again, since keeping the GPU has cost more than a failed trial would"
    )
    return context.move("trial", reason)


def _note_trial_due(context: Context) -> PolicyState:
    """Remember since when a trial is due; it must stay due for a while, lest a change of the load be taken for one."""
    state = context.state
    if _trial_is_due(context) is (state.trial_due_since is not None):
        return state
    return replace(state, trial_due_since=context.now if state.trial_due_since is None else None)


def _trial_is_due(context: Context) -> bool:
    state, slo_s = context.state, context.slo_s
    if slo_s is None or not _known(context) or not context.cpu.available or context.overdue_s:
        return False
    if _unmeasured_s(context) < state.trial_s or _would_do(context, 1.0):
        return False  # what is known is not tried: _calm has the say
    slowest_s = max((sample.latency_s for sample in state.gpu.samples), default=inf)
    patience_s = max(_trial_wait_s(context), _trial_cost_s(context))
    return slowest_s <= context.settings.margin * slo_s and _unmeasured_s(context) >= patience_s


def _unmeasured_s(context: Context) -> float:
    return context.now - max((context.state.moved_at, *(point.at for point in context.state.points)))


def _trial_wait_s(context: Context) -> float:
    """How long the last knowledge of the CPU is believed: the longer, the farther from the SLO it was."""
    service_s, slo_s = context.cpu_service_s(1.0, "p95_s"), context.slo_s
    if service_s is None or slo_s is None:
        return context.state.trial_s
    distance = max(1.0, service_s / (context.settings.margin * slo_s))
    return min(context.state.trial_s * distance**2, context.settings.dwell_max_s)


def _trial_cost_s(context: Context) -> float:
    """What a failed trial costs, as seconds of the GPU's extra price: two starts and the requests that miss the SLO."""
    start_up_s = context.settings.start_up_of(context.gpu)
    predicted_s = context.predicted_cpu_p95_s(1.0)
    rate = context.seen.arrival_rate
    if predicted_s is not None and 0 < predicted_s < inf:
        rate = min(rate, max(context.state.clients, default=1) / predicted_s)
    state = context.state
    spare = max(ALLOWED * state.requests - state.violations, 0.0)
    missed = max(rate * (start_up_s + DETECTION_S) - spare, 0.0)
    return context.break_even_s + missed * context.settings.violation_cost_s


def _stay(context: Context) -> Decision:
    slo_s, level = context.slo_s, context.levels[Backend.GPU]
    predicted_s = context.predicted_cpu_p95_s(1.0)
    if slo_s is None:
        return context.stay("unjudged", "no latency SLO is set to judge the CPU by: the function stays on the GPU")
    if context.state.calm_since is not None:
        patience_s = max(context.state.dwell_s, context.break_even_s)
        if patience_s == inf:
            return context.stay("dear_cpu", "the CPU would do, but it is not cheaper than the GPU")
        reason = f"the CPU would do by now; it is taken when that has lasted {span(patience_s)}"
        return context.stay("patience", reason)
    if level is None or predicted_s is None:
        return context.stay("unknown_cpu", "what the CPU would take for these requests is not known yet")
    if predicted_s == inf:
        reason = f"{context.seen.arrival_rate:.1f} requests a second are too many for the CPU"
        return context.stay("needed", reason)

    if predicted_s <= context.settings.margin * slo_s:
        return context.stay("settling", "too few requests have been seen since the switch to judge")
    reason = (
        f"the GPU answers in {span(level.p95_s)}; the CPU would take {span(predicted_s)} (p95), too close to or over "
        f"{target(slo_s)}"
    )
    return context.stay("needed", reason)
