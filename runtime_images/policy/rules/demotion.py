"""On the GPU: does it still earn its price?

The ways back to the CPU: the GPU answers with errors; it turned out no faster; nobody asks; the CPU is predicted to
meet the SLO, with margin, and the saving pays for the switch; nothing can be gained by it; or, where knowledge of the
CPU has grown old, a trial. Each is slower than the way up. How long a GPU is held that is not needed is decided by the
plans (plans.py) and the dwell time, which grows with every demotion that had to be undone.

A broken CUDA installation, a device out of memory or a model that only fails there looks healthy to NVML and quick to
a clock. So a GPU backend whose answers are mostly errors is left for the CPU, and tried again with growing pauses.
Errors on the CPU are no reason to promote: a bug is as wrong on a GPU, and dearer.
"""

from math import inf

from runtime_images.policy.context import Choice, Context, move, stay
from runtime_images.policy.learning import rhythm
from runtime_images.policy.learning.relation import SAME_SCALE
from runtime_images.policy.model import CPU, GPU
from runtime_images.policy.planning import plans
from runtime_images.policy.rules.gain import gained_nothing

LEAST = 5
SLOW_LEAST = 2
SPARSE_AFTER_S = 60.0
FAMILIAR = 1.5
ANSWERS_LEAST = 5
ERRORS_MOST = 0.5
"""The share of errors at which a GPU counts as failing where the SLO names none."""

SOUND_AFTER = 20
"""Answers without many errors after which a GPU's failures are forgiven."""


def on_gpu(context: Context) -> Choice:
    """Decide while the GPU serves; the context's state learns since when the CPU would keep the SLO."""
    _note_soundness(context)
    _note_calm(context)
    if _answers_are_errors(context):
        context.state.gpu_failures += 1
        context.state.gpu_failed_at = context.now
        return move("errors")
    if not context.usable(CPU):
        return stay("no_cpu")
    if context.has_switched_enough:
        return stay("enough")
    if gained_nothing(context):
        level = context.level(CPU)
        context.state.futile_s, context.state.futile_at = level.p95_s if level else None, context.now
        return move("no_gain")
    return _leave(context) or _stay(context)


def _answers_are_errors(context: Context) -> bool:
    gpu, asked = context.gpu, context.settings.slo.error_rate
    limit = ERRORS_MOST if asked is None else max(asked, 1 / ANSWERS_LEAST)
    return gpu.error_rate >= limit and gpu.answered >= ANSWERS_LEAST and context.usable(CPU)


def _note_soundness(context: Context) -> None:
    """Forgive a GPU that serves well again."""
    state, gpu = context.state, context.gpu
    if state.gpu_failures and gpu.answered >= SOUND_AFTER and gpu.error_rate < ERRORS_MOST:
        state.gpu_failures = 0


def _leave(context: Context) -> Choice | None:
    if context.gpu.available_for_s is not None and context.gpu.available_for_s <= context.start_up_s(CPU):
        return move("leaving")
    quiet_s = context.now - context.quiet_since
    if len(context.state.rhythm.onsets) > 1 and rhythm.is_near(context.state.rhythm, context.now, context.break_even_s):
        return None
    if context.seen.idle_s >= context.settings.idle_s and min(quiet_s, context.seen.idle_s) >= context.patience_s:
        return move("idle")
    if context.state.calm_since is not None:
        settled = quiet_s >= context.patience_s and context.cpu_is_cheaper
        return move("calm") if settled and would_do(context, context.certainty) else None
    if _is_sparse(context):
        return move("sparse")
    return move("trial") if _trial_has_come(context) else None


def _note_calm(context: Context) -> None:
    """Note since when the CPU, seen hopefully, would keep the SLO, and whether the load needs the GPU."""
    state = context.state
    if not _known(context):
        return
    calm = would_do(context, 0.0)
    if calm is not (state.calm_since is not None) or calm is state.needed:
        since = (context.now if state.calm_since is None else state.calm_since) if calm else None
        state.calm_since, state.needed = since, not calm


def _known(context: Context) -> bool:
    """Return whether enough requests have been served on the GPU since the switch to speak of a level."""
    ats, moved_at = context.state.gpu.ats, context.state.moved_at
    if len(ats) >= LEAST and ats[-LEAST] >= moved_at:
        return True
    return len(ats) >= SLOW_LEAST and ats[-SLOW_LEAST] >= moved_at and context.now - moved_at >= plans.DETECTION_S


def would_do(context: Context, certainty: float) -> bool:
    """Return whether the CPU is predicted to meet the SLO with margin, or to miss it no more than the GPU does."""
    slo_s, predicted_s = context.slo_s, context.forecast.p95_s(certainty)
    if predicted_s is None:
        return False
    if slo_s is None:
        return context.settings.slo.throughput_rps is not None and predicted_s < inf
    return predicted_s <= context.settings.margin * slo_s or (predicted_s < inf and misses_too(context))


def misses_too(context: Context) -> bool:
    """Return whether the GPU misses the SLO for all latest requests too, and the CPU is known for such ones."""
    services_s, points = context.state.gpu.services_s, context.state.points
    if context.slo_s is None or not services_s or not points or services_s[-1] <= context.slo_s:
        return False
    return context.slo_s < min(services_s) < FAMILIAR * points[-1].gpu_s


def needs(context: Context) -> bool:
    """Return whether the present requests need the GPU, as far as is known."""
    return bool(context.fresh.services_s or context.gpu.in_flight_ages_s) and context.state.calm_since is None


def _is_sparse(context: Context) -> bool:
    """Return whether the GPU costs more than its requests are worth, by all that was seen lately."""
    held_s = context.now - context.state.moved_at
    if context.slo_s is None or not context.state.points or held_s < SPARSE_AFTER_S:
        return False
    if plans.would_rather_hold(context.state.account, context.settings.violation_cost_s):
        return False
    return held_s >= context.break_even_s and context.cpu_is_cheaper and context.plan == plans.NEVER


def _trial_has_come(context: Context) -> bool:
    """Return whether a trial has been due for a while, so that a change of the load is not mistaken for one."""
    state, due = context.state, _trial_is_due(context)
    if due is not (state.trial_due_since is not None):
        state.trial_due_since = context.now if due else None
    since = state.trial_due_since
    return since is not None and context.now - since >= context.settings.dwell_s


def _trial_is_due(context: Context) -> bool:
    """Return whether the GPU has cost more since the last knowledge of the CPU than a failed trial would."""
    state, slo_s = context.state, context.slo_s
    missing_s = unmeasured_s(context)
    if slo_s is None or missing_s < state.trial_s or not _known(context) or context.overdue_s:
        return False
    if would_do(context, 1.0) or max(state.gpu.latencies_s, default=inf) > context.settings.margin * slo_s:
        return False  # what is known is not tried
    return missing_s >= _trial_wait_s(context) and missing_s >= _trial_cost_s(context)


def unmeasured_s(context: Context) -> float:
    """Return how long ago the CPU was last measured."""
    return context.now - max((context.state.moved_at, *(point.at for point in context.state.points)))


def _trial_wait_s(context: Context) -> float:
    """Return how long the last knowledge of the CPU is believed: the longer, the farther from the SLO it was.

    Requests of a size that the CPU has been measured with need no trial, until it may have changed.
    """
    predicted_s, slo_s = context.forecast.p95_s(1.0), context.slo_s
    if predicted_s is None or slo_s is None:
        return context.state.trial_s
    level, points = context.level(GPU), context.state.points
    if level is not None and points and level.p50_s * SAME_SCALE > points[0].gpu_s:
        return context.settings.forget_s
    distance = max(1.0, predicted_s / (context.settings.margin * slo_s))
    return min(context.state.trial_s * distance**2, context.settings.dwell_max_s)


def _trial_cost_s(context: Context) -> float:
    """Return the cost of a failed trial, in seconds of the GPU's extra price: two starts, and the late requests.

    Where the CPU is known these are charged in full: what may be late is better spared for what cannot be helped.
    """
    predicted_s, rate, clients = context.forecast.p95_s(1.0), context.state.rate, context.closed_clients
    if clients is not None and predicted_s:
        rate = min(rate, clients / predicted_s)
    missed = rate * (context.start_up_s(GPU) + plans.DETECTION_S)
    if predicted_s is None:
        missed = max(missed - plans.spare(context.state.account), 0.0)
    return context.break_even_s + missed * context.settings.violation_cost_s


def _stay(context: Context) -> Choice:
    if context.slo_s is None:
        return stay("unjudged")
    if context.state.calm_since is not None:
        return stay("patience" if context.cpu_is_cheaper else "dear_cpu")
    predicted_s = context.forecast.p95_s(1.0)
    if predicted_s is None:
        return stay("unknown_cpu")
    if predicted_s <= context.settings.margin * context.slo_s:
        return stay("settling")
    return stay("needed")
