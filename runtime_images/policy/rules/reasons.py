"""The sentence of every rule, and the numbers behind a decision; made only when somebody reads them.

A reason is one sentence for a person: what was seen, held against what was asked for, and what follows.
"""

from collections.abc import Callable
from typing import NamedTuple

from runtime_images.policy.context import Context
from runtime_images.policy.learning.estimators import predict_gpu_s
from runtime_images.policy.learning.learn import HOUR_S, level_since
from runtime_images.policy.model import CPU, GPU
from runtime_images.policy.planning import plans
from runtime_images.policy.rules.demotion import misses_too, unmeasured_s
from runtime_images.policy.rules.faults import pause_left_s
from runtime_images.policy.rules.promotion import backlog_s, is_late, is_overloaded
from runtime_images.policy.rules.sentences import NAMES, requests, span, target

LONG_S = 1e9


class Grounds(NamedTuple):
    """What a decision rests on, to be told when asked."""

    context: Context

    def reason(self, rule: str) -> str:
        """Why `rule` decided as it did, in one sentence for a person."""
        return REASONS[rule](self.context)

    def inputs(self) -> dict[str, float | str | None]:
        """The numbers behind the decision."""
        return inputs(self.context)


def inputs(context: Context) -> dict[str, float | str | None]:
    """The numbers behind the decision, for the record."""
    cpu, gpu = context.level(CPU), context.level(GPU)
    seen, state = context.seen, context.state
    on_gpu = seen.active is GPU
    patience_s = context.patience_s if on_gpu else None
    return {
        "slo_ms": _ms(context.slo_s),
        "p95_ms": _ms(seen.lanes[seen.active].p95_s),
        "cpu_service_p95_ms": _ms(cpu.p95_s if cpu else None),
        "gpu_service_p95_ms": _ms(gpu.p95_s if gpu else None),
        "predicted_cpu_p95_ms": _ms(context.outlook.p95_s(context.certainty) if on_gpu else None),
        "certainty": round(context.certainty, 3) if on_gpu else None,
        "alarm": round(context.alarm, 3),
        "alarm_threshold": round(context.threshold, 3),
        "overdue": float(len(context.overdue_s)),
        "queue": float(len(seen.queue_ages_s)),
        "arrival_rate": round(seen.arrival_rate, 3),
        "utilization": round(context.utilization, 3),
        "cpu_share": context.state.cpu_share,
        "idle_s": round(seen.idle_s, 3),
        "dwell_s": state.dwell_s,
        "patience_s": round(patience_s, 3) if patience_s is not None and patience_s < LONG_S else None,
        "break_even_s": round(context.break_even_s, 3) if context.break_even_s < LONG_S else None,
    }


def _ms(seconds: float | None) -> float | None:
    return None if seconds is None or seconds > LONG_S else round(1000 * seconds, 3)


# on the CPU


def _trouble(context: Context) -> str:
    """What is wrong, as the first half of a sentence."""
    slo_s, level = context.slo_s, context.level(CPU)
    if slo_s is not None and is_late(context):
        return _lateness(context, slo_s)
    if level is not None and is_overloaded(context):
        return (
            f"{context.seen.arrival_rate:.1f} requests a second of {span(level.mean_s)} each are more than the CPU can "
            f"serve ({requests(len(context.seen.queue_ages_s))} in the queue)"
        )
    return "a GPU is wanted before anything is late"


def _lateness(context: Context, slo_s: float) -> str:
    latencies_s = context.state.cpu.latencies_s
    late = [latency_s for latency_s in latencies_s if latency_s > slo_s]
    slowest_s, waiting = max((*late, *context.overdue_s), default=slo_s), len(context.overdue_s)
    wait = "waits" if waiting == 1 else "wait"
    if not late:
        text = f"{requests(waiting)} {wait} longer than {target(slo_s)} for an answer"
    else:
        text = f"{len(late)} of {len(latencies_s)} recent requests took longer than {target(slo_s)}"
        text += f", and {waiting} more {wait} longer than that for an answer" if waiting else ""
    return f"{text} (the slowest {span(slowest_s)})"


def _promotion(context: Context) -> str:
    level = context.level(GPU)
    known = "the GPU has not been tried yet" if level is None else f"the GPU answered in {span(level.p95_s)} last time"
    return f"{_trouble(context)}; {known}"


def _early(context: Context) -> str:
    (began, first_s), (ended, last_s) = context.state.trend[0], context.state.trend[-1]
    return (
        f"the service time rose from {span(first_s)} to {span(last_s)} in {span(ended - began)} and will be over "
        f"{target(context.slo_s or 0.0)} by the time a GPU is ready, in {span(context.start_up_s(GPU))}"
    )


def _interval(context: Context) -> str:
    onsets = context.state.rhythm.onsets
    return span(onsets[-1] - onsets[-2])


def _waits(context: Context) -> str:
    share = context.state.cpu_share or 0.0
    return (
        f"{_trouble(context)}, but the function computes only {share:.0%} of its time and waits the rest: a GPU would "
        "not help"
    )


def _failing(context: Context) -> str:
    return (
        f"{_trouble(context)}, but the GPU failed when it was last used: it is tried again in "
        f"{span(pause_left_s(context))}"
    )


def _no_use(context: Context) -> str:
    level = context.level(CPU)
    gpu_s = predict_gpu_s(context.state.points, level.p50_s) if level is not None else None
    return f"{_trouble(context)}, but the GPU would take {span(gpu_s or 0.0)} and miss it, too"


def _passing(context: Context) -> str:
    level, backlog = context.level(CPU), backlog_s(context)
    service = f"a request takes the CPU {span(level.p95_s if level else 0.0)}"
    if not backlog:
        return f"{_trouble(context)}, but that has passed: {service}, and none waits any more"
    return (
        f"{_trouble(context)}, but {service} and the queue will be served in {span(backlog)}, before a GPU would be "
        f"ready ({span(context.start_up_s(GPU))})"
    )


def _futile(context: Context) -> str:
    tried_s = context.now - context.state.futile_at
    return f"{_trouble(context)}, but the GPU was no faster when this load was tried on it {span(tried_s)} ago"


def _unmeasured(context: Context) -> str:
    served = requests(context.state.cpu.served)
    return f"{_trouble(context)}, but after {served} it is not known yet whether the function computes or waits"


def _sparse(context: Context) -> str:
    ledger = context.state.ledger
    missed = ledger.plans[plans.NEVER].missed if ledger.plans else 0.0
    return (
        f"of about {ledger.requests:.0f} requests lately only {missed:.0f} needed a GPU: holding one for them would "
        "cost more than they are worth"
    )


def _well(context: Context) -> str:
    slo_s, cpu = context.slo_s, context.state.cpu
    if slo_s is None:
        return "no latency SLO is set: the function stays on the CPU, the cheaper backend"
    here = [latency_s for at, latency_s in zip(cpu.ats, cpu.latencies_s, strict=True) if at >= context.state.moved_at]
    if not here:
        return f"no request has been measured on the CPU against {target(slo_s)} yet"
    slowest_s = max(here)
    if slowest_s > slo_s:
        return (
            f"the slowest of the last requests took {span(slowest_s)}, too little to say that {target(slo_s)} is missed"
        )
    return f"the slowest of the last requests took the CPU {span(slowest_s)}, within {target(slo_s)}"


# on the GPU


def _errors(context: Context) -> str:
    return f"{context.gpu.error_rate:.0%} of the last {context.gpu.answered} answers of the GPU are errors"


def _no_gain(context: Context) -> str:
    here, before = level_since(context.state.gpu, context.state.moved_at), context.level(CPU)
    assert here is not None
    assert before is not None
    return f"the GPU takes {span(here.p50_s)} for what took the CPU {span(before.p50_s)}: the promotion gained nothing"


def _calm(context: Context) -> str:
    predicted_s, slo_s = context.outlook.p95_s(context.certainty), context.slo_s
    if slo_s is not None and misses_too(context):
        return f"the GPU misses {target(slo_s)}, too, and the CPU is cheaper"
    against = "enough for the requests that arrive" if slo_s is None else f"within {target(slo_s)}"
    calm_s = context.now - max(context.quiet_since, context.state.calm_since or 0.0)
    return (
        f"for {span(calm_s)} the CPU would have answered in {span(predicted_s or 0.0)} (p95), {against}, "
        f"at {_relative_price(context)} of the GPU's price"
    )


def _relative_price(context: Context) -> str:
    """What the present requests cost on the CPU, as a share of what they cost on the GPU."""
    return f"{1 - context.terms.extra:.0%}"


def _trial(context: Context) -> str:
    level = context.level(GPU)
    return (
        f"the GPU answers in {span(level.p95_s if level else 0.0)} and the CPU has not been measured for "
        f"{span(unmeasured_s(context))}: it is tried again, since keeping the GPU has cost more than a failed trial "
        "would"
    )


def _patience(context: Context) -> str:
    patience_s = context.patience_s
    if patience_s > LONG_S:
        return "the CPU would do by now, but this load comes and goes too fast for a switch to pay"
    quiet_s = context.now - context.quiet_since
    so_far = f" ({span(quiet_s)} so far)" if quiet_s >= 1 else ""
    return f"the CPU would do by now; it is taken when that has lasted {span(patience_s)}{so_far}"


def _needed(context: Context) -> str:
    predicted_s, typical_s, slo_s = context.outlook.p95_s(1.0), context.outlook.typical_s, context.slo_s or 0.0
    if predicted_s is not None and predicted_s > LONG_S and typical_s is not None:
        rate = context.outlook.rate
        return f"{rate:.1f} requests a second, of {span(typical_s[0])} each there, are too many for the CPU"
    against = "too close to" if predicted_s is not None and predicted_s <= slo_s else "over"
    return f"{_gpu(context)}; the CPU would take {span(predicted_s or 0.0)} (p95), {against} {target(slo_s)}"


def _gpu(context: Context) -> str:
    level = context.level(GPU)
    return "the GPU has not answered yet" if level is None else f"the GPU answers in {span(level.p95_s)}"


def _settling(context: Context) -> str:
    served = sum([at >= context.state.moved_at for at in context.state.gpu.ats])
    return f"{requests(served)} answered by the GPU since the switch: too few to judge"


def _leaving(context: Context) -> str:
    away = f"the GPU will be gone in {span(context.gpu.available_for_s or 0.0)}"
    if context.seen.active is GPU:
        return f"{away}, and the CPU takes {span(context.start_up_s(CPU))} to start"
    return f"{_trouble(context)}, but {away}: too soon to be worth its start ({span(context.start_up_s(GPU))})"


def _enough(context: Context) -> str:
    lately = sum([at > context.now - HOUR_S for at in context.state.demotions])
    return f"the GPU has been left {lately} times within an hour already: it is kept"


def _none(context: Context) -> str:
    active = context.seen.active
    return f"neither {NAMES[active]} nor {NAMES[active.other]} is available"


REASONS: dict[str, Callable[[Context], str]] = {
    "fixed": lambda c: f"the mode {c.settings.mode} is fixed: the function never leaves {NAMES[c.seen.active]}",
    "none": _none,
    "lost": lambda c: f"{NAMES[c.seen.active]} is not available any more",
    "power": lambda c: (
        f"{NAMES[c.seen.active]} draws more than the {c.seen.power_budget_w:.0f} W that the node can give"
    ),
    "target_lost": lambda c: f"{NAMES[c.seen.active.other]} is not available any more: the switch is given up",
    "under_way": lambda c: f"{NAMES[c.seen.active.other]} is being started",
    "trouble": _promotion,
    "early": _early,
    "returned": lambda _: "requests come again, and those before the pause needed the GPU",
    "rhythm": lambda c: f"the load is expected to come again about now, as it has done every {_interval(c)}",
    "as_cheap": lambda _: "the GPU costs no more than the CPU: nothing is saved by staying",
    "waits": _waits,
    "unmeasured": _unmeasured,
    "failing_gpu": _failing,
    "futile": _futile,
    "no_use": _no_use,
    "passing": _passing,
    "no_gpu": lambda c: f"{_trouble(c)}, but no GPU is available: the function stays on the CPU",
    "leaving": _leaving,
    "sparse": _sparse,
    "preferred": lambda _: (
        "the function prefers the GPU, which is available, and no latency SLO is set to judge the CPU by"
    ),
    "well": _well,
    "errors": _errors,
    "no_cpu": lambda _: "there is no CPU backend to go to: the function stays on the GPU",
    "enough": _enough,
    "no_gain": _no_gain,
    "idle": lambda c: (
        f"no request for {span(c.seen.idle_s)}: holding the GPU has cost as much as starting it again would"
    ),
    "calm": _calm,
    "trial": _trial,
    "unjudged": lambda _: "no latency SLO is set to judge the CPU by: the function stays on the GPU",
    "patience": _patience,
    "dear_cpu": lambda c: f"the CPU would do, but saves too little: it costs {_relative_price(c)} of the GPU's price",
    "unknown_cpu": lambda c: f"{_gpu(c)}; what the CPU would take for these requests is not known yet",
    "settling": _settling,
    "needed": _needed,
}
"""How each rule explains itself."""
