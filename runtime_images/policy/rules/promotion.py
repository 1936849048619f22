"""On the CPU: is the SLO breached, and would a GPU end that?

A breach is evidence that the SLO is missed or soon will be, or more work than the CPU can do. Then the reasons against
a promotion are asked one after the other, each with its own sentence (reasons.py): the function waits instead of
computing, the GPU has already proved useless for this load, the queue will be gone before a GPU is ready, there is no
GPU, a GPU would cost more than it is worth.
"""

from runtime_images.policy.context import Choice, Context, move, stay
from runtime_images.policy.learning import rhythm
from runtime_images.policy.learning.relation import predict_cpu_s
from runtime_images.policy.learning.trend import rises_over
from runtime_images.policy.model import CPU, GPU, ExecutionMode
from runtime_images.policy.pauses import doubling_s
from runtime_images.policy.planning import plans
from runtime_images.policy.settings import PolicySettings
from runtime_images.policy.state import PolicyState

UNMEASURED_LEAST = 5
LOAD_CHANGED = 1.5
BUSY = 0.9
LASTING_S = 5.0
NEAR_SLO = 0.8
EPISODES_LEAST = 3
CHRONIC = 0.08
"""The share of late requests at which bursts are no exception any more."""

LOOK_AHEAD_S = 1.0
"""How long after a GPU's start-up a rising service time must have passed the SLO, to start one early."""

FIRST_PAUSE_S = 10.0
"""The first of the doubling pauses before a GPU that failed is tried again."""

GPU_WANTED = frozenset({"slo_breach", "early", "returned", "as_cheap", "sparse", "no_gpu", "failing_gpu"})
"""Rules that speak of a load that a GPU would serve better, whether one is available or not."""


def on_cpu(context: Context) -> Choice:
    """Decide while the CPU serves."""
    if is_late(context) or is_overloaded(context):
        rule = "slo_breach"
    elif _rises(context):
        rule = "early"
    elif _returns(context):
        rule = "returned"
    elif _is_due(context):
        rule = "rhythm"
    elif _is_as_cheap(context):
        rule = "as_cheap"
    else:
        return _preferred(context) or stay("well")
    against = _against(context, early=rule != "slo_breach")
    return stay(against) if against else move(rule)


def is_late(context: Context) -> bool:
    """Return whether the evidence says that the SLO is missed."""
    state = context.state
    if state.alarm <= 0.0 and not context.overdue_s:
        return False
    return context.slo_s is not None and context.alarm >= context.threshold


def is_overloaded(context: Context) -> bool:
    """Return whether more work has been arriving for a while than the CPU can do."""
    since, slo = context.state.overload_since, context.settings.slo
    asked = context.slo_s is not None or slo.throughput_rps is not None
    return asked and since is not None and context.now - since >= context.settings.overload_s


def _rises(context: Context) -> bool:
    """Return whether the latency will have passed the SLO by the time a GPU started now is ready."""
    slo_s, trend = context.slo_s, context.state.trend
    if slo_s is None or context.state.cpu.finished_at < context.now:
        return False
    at = context.now + context.start_up_s(GPU) + LOOK_AHEAD_S
    return rises_over(trend, slo_s, at)


def _returns(context: Context) -> bool:
    """Return whether requests are back after a pause in which the GPU, needed for those before it, was released."""
    state = context.state
    if state.demoted_by != "idle" or not state.needed or state.cpu.served:
        return False
    lane = context.cpu
    return bool(context.seen.queue_ages_s or lane.in_flight_ages_s)


def _is_due(context: Context) -> bool:
    """Return whether the load is expected again; one that comes sooner than a release pays for needs no rhythm."""
    known = context.state.rhythm
    due = rhythm.is_due(known, context.now, context.start_up_s(GPU))
    return due and rhythm.interval_s(known) > context.break_even_s


def _is_as_cheap(context: Context) -> bool:
    """Return whether nothing is saved by keeping a function that computes on the CPU."""
    state, asked = context.state, context.slo_s is not None and context.seen.arrival_rate > 0
    if not asked or state.cpu_share is None or _futile(context):
        return False
    return context.price(GPU) <= context.price(CPU)


def _against(context: Context, *, early: bool) -> str | None:
    if not early and _passing(context):
        return "passing"
    return next((name for name, speaks in _AGAINST if speaks(context)), None)


def _waits(context: Context) -> bool:
    share = context.state.cpu_share
    return share is not None and share < context.settings.waiting_share


def _unmeasured(context: Context) -> bool:
    return context.state.cpu_share is None and context.state.cpu.served < UNMEASURED_LEAST


def _failing(context: Context) -> bool:
    return pause_left_s(context) > 0


def pause_left_s(context: Context) -> float:
    """Return how long a GPU that failed must not be tried yet."""
    return gpu_pause_left_s(context.settings, context.state, context.now)


def gpu_pause_left_s(settings: PolicySettings, state: PolicyState, now: float) -> float:
    """Return how long, from `now` on, a GPU that failed must not be tried yet."""
    if not state.gpu_failures:
        return 0.0
    pause_s = doubling_s(FIRST_PAUSE_S, settings.dwell_max_s, state.gpu_failures)
    return max(state.gpu_failed_at + pause_s - now, 0.0)


def _futile(context: Context) -> bool:
    """Return whether the GPU has been tried for this load and was no faster."""
    futile_s, level = context.state.futile_s, context.level(CPU)
    if futile_s is None or context.now - context.state.futile_at > context.settings.forget_s:
        return False
    return level is None or futile_s / LOAD_CHANGED < level.p95_s < futile_s * LOAD_CHANGED


def _no_use(context: Context) -> bool:
    """Return whether a GPU would miss the SLO as well, and the CPU can at least do the work."""
    level, slo_s = context.level(CPU), context.slo_s
    if level is None or slo_s is None or is_overloaded(context):
        return False
    if context.utilization >= BUSY and context.closed_clients is None:
        return False
    hopeless_s = predict_cpu_s(context.state.points, slo_s)
    if hopeless_s is None or level.p50_s > LOAD_CHANGED * max(point.cpu_s for point in context.state.points):
        return False
    return min(context.state.cpu.services_s) > hopeless_s


def _passing(context: Context) -> bool:
    """Return whether only a burst waits, which the CPU will have served before a GPU is ready."""
    level, queue = context.level(CPU), len(context.seen.queue_ages_s)
    if level is None or context.slo_s is None:
        return False
    slow = level.p95_s > NEAR_SLO * context.slo_s or (queue == 0 and context.overdue_s)
    if slow or _is_chronic(context) or context.utilization >= BUSY:
        return False
    start_up_s = context.start_up_s(GPU)
    lasted_s = context.state.bad_at - (context.state.bad_since or 0.0)
    return backlog_s(context) <= start_up_s and max(lasted_s, context.serving_s) < max(LASTING_S, start_up_s)


def _is_chronic(context: Context) -> bool:
    """Return whether bursts make so many requests late, again and again, that they are no exception."""
    begun = [at for at in context.state.episodes if at > context.now - context.settings.forget_s]
    return len(begun) >= EPISODES_LEAST and plans.late_share(context.state.account) > CHRONIC


def backlog_s(context: Context) -> float:
    """Return how long the CPU will need for what waits."""
    level = context.level(CPU)
    return 0.0 if level is None else len(context.seen.queue_ages_s) * level.mean_s / context.seen.slots


def _no_gpu(context: Context) -> bool:
    return not context.usable(GPU)


def _leaving(context: Context) -> bool:
    """Return whether the GPU will be gone again before it would have paid for its start."""
    left_s = context.gpu.available_for_s
    return left_s is not None and left_s < context.start_up_s(GPU) + context.settings.dwell_s


def _sparse(context: Context) -> bool:
    """Return whether a GPU would have cost more lately than the late requests were worth."""
    return context.state.account.served > 0 and context.plan == plans.NEVER


_AGAINST = (
    ("waits", _waits), ("unmeasured", _unmeasured), ("failing_gpu", _failing), ("futile", _futile),
    ("no_use", _no_use), ("no_gpu", _no_gpu), ("leaving", _leaving), ("sparse", _sparse),
)  # fmt: skip
"""Who is asked whether a promotion is in vain, in this order."""


def _preferred(context: Context) -> Choice | None:
    """Without a latency to judge by, return to the GPU when there is work, if the function prefers it."""
    if context.settings.mode is not ExecutionMode.GPU_PREFERRED or context.slo_s is not None:
        return None
    share, working = context.cpu.cpu_share, context.seen.arrival_rate > 0
    if not (working and context.usable(GPU)) or _futile(context) or _failing(context):
        return None
    return move("preferred") if share is not None and share >= context.settings.waiting_share else None
