"""The sentence of every rule: what was seen, held against the SLO, and what follows. People read it, code does not."""

from collections.abc import Callable
from typing import NamedTuple

from runtime_images.policy.context import Context
from runtime_images.policy.learning.learn import HOUR_S
from runtime_images.policy.learning.relation import level_since, predict_gpu_s
from runtime_images.policy.model import CPU, GPU
from runtime_images.policy.planning import plans
from runtime_images.policy.rules.demotion import misses_too, unmeasured_s
from runtime_images.policy.rules.promotion import backlog_s, is_late, is_overloaded, pause_left_s

LONG_S = 1e9
"""Beyond this many seconds a forecast says never."""

NAMES = {CPU: "the CPU", GPU: "the GPU"}


def span(seconds: float) -> str:
    """Write a time as a person does: "31 ms", "2.4 s", "90 s", "20 min", "3.4 h"."""
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms" if seconds >= 0.0095 else f"{seconds * 1000:.1f} ms"
    if seconds < 120:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def _slo(context: Context) -> str:
    return f"the SLO of {span(context.slo_s or 0.0)}"


def _requests(count: int) -> str:
    return f"{count} request" if count == 1 else f"{count} requests"


def _active(context: Context) -> str:
    return NAMES[context.seen.active]


def _other(context: Context) -> str:
    return NAMES[context.seen.active.other]


def _cannot_keep_up(rate: float, service_s: float) -> str:
    return f"the CPU cannot keep up: {rate:.1f} req/s at {span(service_s)} each"


# on the CPU


def _breach(context: Context) -> str:
    """Say what is wrong, as the first half of a sentence."""
    level = context.level(CPU)
    if context.slo_s is not None and is_late(context):
        return _lateness(context, context.slo_s)
    if level is not None and is_overloaded(context):
        return f"{_cannot_keep_up(context.seen.arrival_rate, level.mean_s)} ({len(context.seen.queue_ages_s)} queued)"
    return "no request is late yet"


def _lateness(context: Context, slo_s: float) -> str:
    latencies_s = context.state.cpu.latencies_s
    late = [latency_s for latency_s in latencies_s if latency_s > slo_s]
    slowest_s, waiting = max((*late, *context.overdue_s), default=slo_s), len(context.overdue_s)
    waits = f"{waiting} more {'is' if waiting == 1 else 'are'} overdue"
    if not late:
        return f"{_requests(waiting)} waiting longer than {_slo(context)} (slowest {span(slowest_s)})"
    missed = f"{len(late)} of {len(latencies_s)} recent requests missed {_slo(context)}"
    return f"{missed}{f' and {waits}' if waiting else ''} (slowest {span(slowest_s)})"


def _promotion(context: Context) -> str:
    level = context.level(GPU)
    known = "the GPU has not been tried yet" if level is None else f"the GPU took {span(level.p95_s)} last time"
    return f"{_breach(context)}; {known}"


def _early(context: Context) -> str:
    (began, first_s), (ended, last_s) = context.state.trend[0], context.state.trend[-1]
    rose = f"the service time rose from {span(first_s)} to {span(last_s)} in {span(ended - began)}"
    if context.slo_s is not None and last_s > context.slo_s:
        return f"{rose} and has passed {_slo(context)}; a GPU takes {span(context.start_up_s(GPU))} to start"
    return f"{rose} and will pass {_slo(context)} before a GPU is ready ({span(context.start_up_s(GPU))})"


def _rhythm(context: Context) -> str:
    onsets = context.state.rhythm.onsets
    return f"the load returns every {span(onsets[-1] - onsets[-2])} and is expected now"


def _waits(context: Context) -> str:
    share = context.state.cpu_share or 0.0
    return (
        f"{_breach(context)}, but no GPU would help: the function computes {share:.0%} of its time and waits the rest"
    )


def _no_use(context: Context) -> str:
    level = context.level(CPU)
    gpu_s = predict_gpu_s(context.state.points, level.p50_s) if level is not None else None
    return f"{_breach(context)}, but the GPU would miss it too, at {span(gpu_s or 0.0)}"


def _passing(context: Context) -> str:
    level, backlog = context.level(CPU), backlog_s(context)
    service = f"a request takes the CPU {span(level.p95_s if level else 0.0)}"
    if not backlog:
        return f"{_breach(context)}, but that has passed: the queue is empty and {service}"
    ready = f"before a GPU is ready ({span(context.start_up_s(GPU))})"
    return f"{_breach(context)}, but {service} and the queue is served in {span(backlog)}, {ready}"


def _sparse(context: Context) -> str:
    account = context.state.account
    missed = account.plans[plans.NEVER].missed if account.plans else 0.0
    return (
        f"only {missed:.0f} of about {account.requests:.0f} recent requests needed a GPU: "
        "holding one would cost more than they are worth"
    )


def _well(context: Context) -> str:
    slo_s, cpu = context.slo_s, context.state.cpu
    if slo_s is None:
        return "no latency SLO is set: staying on the CPU, the cheaper backend"
    here = [latency_s for at, latency_s in zip(cpu.ats, cpu.latencies_s, strict=True) if at >= context.state.moved_at]
    if not here:
        return f"no request has been measured on the CPU since it took over, against {_slo(context)}"
    slowest = f"the slowest recent request took {span(max(here))} on the CPU"
    if max(here) > slo_s:
        return f"{slowest}: too little evidence that {_slo(context)} is missed"
    return f"{slowest}, within {_slo(context)}"


# on the GPU


def _no_gain(context: Context) -> str:
    here, before = level_since(context.state.gpu, context.state.moved_at), context.level(CPU)
    assert here is not None
    assert before is not None
    return f"the GPU is no faster: {span(here.p50_s)}, the CPU took {span(before.p50_s)}"


def _calm(context: Context) -> str:
    if context.slo_s is not None and misses_too(context):
        return f"the GPU misses {_slo(context)} too, and the CPU is cheaper"
    kept = "kept up" if context.slo_s is None else f"kept {_slo(context)}"
    predicted_s = context.forecast.p95_s(context.certainty) or 0.0
    calm_s = context.now - max(context.quiet_since, context.state.calm_since or 0.0)
    return (
        f"the CPU would have {kept} for {span(calm_s)} (p95 {span(predicted_s)}) "
        f"at {_relative_price(context)} of the GPU's price"
    )


def _relative_price(context: Context) -> str:
    """Return the cost of the present requests on the CPU, as a share of that on the GPU."""
    return f"{1 - context.terms.extra:.0%}"


def _trial(context: Context) -> str:
    return (
        f"{_gpu(context)}; trying the CPU, last measured {span(unmeasured_s(context))} ago: "
        "keeping the GPU has cost more than a failed trial"
    )


def _patience(context: Context) -> str:
    now = "the GPU misses the SLO too" if misses_too(context) else "the CPU would keep the SLO now"
    if context.patience_s > LONG_S:
        return f"{now}, but this load comes and goes too fast for a switch to pay"
    quiet_s = context.now - context.quiet_since
    so_far = f" ({span(quiet_s)} so far)" if quiet_s >= 1 else ""
    return f"{now}; switching back if that holds for {span(context.patience_s)}{so_far}"


def _needed(context: Context) -> str:
    predicted_s, typical_s, slo_s = context.forecast.p95_s(1.0), context.forecast.typical_s, context.slo_s or 0.0
    if predicted_s is not None and predicted_s > LONG_S and typical_s is not None:
        return _cannot_keep_up(context.forecast.rate, typical_s[0])
    against = "too close to" if predicted_s is not None and predicted_s <= slo_s else "over"
    return f"{_gpu(context)}; the CPU would take {span(predicted_s or 0.0)} (p95), {against} {_slo(context)}"


def _gpu(context: Context) -> str:
    level = context.level(GPU)
    return "the GPU has not answered yet" if level is None else f"the GPU answers in {span(level.p95_s)}"


def _settling(context: Context) -> str:
    served = sum([at >= context.state.moved_at for at in context.state.gpu.ats])
    return f"{_requests(served)} answered by the GPU since the switch: too few to judge"


def _leaving(context: Context) -> str:
    gone = f"the GPU will be gone in {span(context.gpu.available_for_s or 0.0)}"
    if context.seen.active is GPU:
        return f"{gone}, and the CPU takes {span(context.start_up_s(CPU))} to start"
    return f"{_breach(context)}, but {gone}: too soon to repay its start ({span(context.start_up_s(GPU))})"


def _enough(context: Context) -> str:
    lately = sum([at > context.now - HOUR_S for at in context.state.demotions])
    return f"the GPU has been left {lately} times in the last hour: keeping it"


REASONS: dict[str, Callable[[Context], str]] = {
    "fixed": lambda c: f"the mode {c.settings.mode} is fixed: staying on {_active(c)}",
    "none": lambda c: f"neither {_active(c)} nor {_other(c)} is available",
    "lost": lambda c: f"{_active(c)} is no longer available",
    "power": lambda c: f"{_active(c)} draws more than the {c.seen.power_budget_w:.0f} W that the node can give",
    "target_lost": lambda c: f"{_other(c)} is no longer available: the switch is cancelled",
    "under_way": lambda c: f"{_other(c)} is starting",
    "slo_breach": _promotion,
    "early": _early,
    "returned": lambda _: "requests are back after a pause, and those before it needed the GPU",
    "rhythm": _rhythm,
    "as_cheap": lambda _: "the GPU costs no more than the CPU",
    "waits": _waits,
    "unmeasured": lambda c: (
        f"{_breach(c)}, but {_requests(c.state.cpu.served)} say too little on whether the function computes or waits"
    ),
    "failing_gpu": lambda c: f"{_breach(c)}, but the GPU failed last time: the next try is in {span(pause_left_s(c))}",
    "futile": lambda c: f"{_breach(c)}, but the GPU was no faster at this load {span(c.now - c.state.futile_at)} ago",
    "no_use": _no_use,
    "passing": _passing,
    "no_gpu": lambda c: f"{_breach(c)}, but no GPU is available",
    "leaving": _leaving,
    "sparse": _sparse,
    "preferred": lambda _: "the function prefers the GPU, one is available, and no latency SLO is set",
    "well": _well,
    "errors": lambda c: f"{c.gpu.error_rate:.0%} of the last {c.gpu.answered} answers of the GPU are errors",
    "no_cpu": lambda _: "no CPU backend is available: staying on the GPU",
    "enough": _enough,
    "no_gain": _no_gain,
    "idle": lambda c: f"no request for {span(c.seen.idle_s)}: holding the GPU has cost as much as starting it again",
    "calm": _calm,
    "trial": _trial,
    "unjudged": lambda _: "no latency SLO is set to judge the CPU by: staying on the GPU",
    "patience": _patience,
    "dear_cpu": lambda c: f"a switch to the CPU saves too little: it costs {_relative_price(c)} of the GPU's price",
    "unknown_cpu": lambda c: f"{_gpu(c)}; the CPU's time for these requests is not known yet",
    "settling": _settling,
    "needed": _needed,
}
"""How each rule explains itself."""


class Rationale(NamedTuple):
    """The moment of a decision, put into words and numbers on demand."""

    context: Context

    def reason(self, rule: str) -> str:
        """Say in one sentence why `rule` decided as it did."""
        return REASONS[rule](self.context)

    def inputs(self) -> dict[str, float | str | None]:
        """Return the numbers behind the decision."""
        context = self.context
        cpu, gpu = context.level(CPU), context.level(GPU)
        seen, on_gpu = context.seen, context.seen.active is GPU
        return {
            "slo_ms": _ms(context.slo_s),
            "p95_ms": _ms(seen.lanes[seen.active].p95_s),
            "cpu_service_p95_ms": _ms(cpu.p95_s if cpu else None),
            "gpu_service_p95_ms": _ms(gpu.p95_s if gpu else None),
            "predicted_cpu_p95_ms": _ms(context.forecast.p95_s(context.certainty) if on_gpu else None),
            "certainty": round(context.certainty, 3) if on_gpu else None,
            "alarm": round(context.alarm, 3),
            "alarm_threshold": round(context.threshold, 3),
            "overdue": float(len(context.overdue_s)),
            "queue": float(len(seen.queue_ages_s)),
            "arrival_rate": round(seen.arrival_rate, 3),
            "utilization": round(context.utilization, 3),
            "cpu_share": context.state.cpu_share,
            "idle_s": round(seen.idle_s, 3),
            "dwell_s": context.state.dwell_s,
            "patience_s": _finite(context.patience_s) if on_gpu else None,
            "break_even_s": _finite(context.break_even_s),
        }


def _finite(seconds: float) -> float | None:
    return round(seconds, 3) if seconds < LONG_S else None


def _ms(seconds: float | None) -> float | None:
    return None if seconds is None or seconds > LONG_S else round(1000 * seconds, 3)
