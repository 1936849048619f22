"""On the CPU: is there trouble, and would a GPU end it?

Trouble is evidence that the SLO is missed, or more work than the CPU can do. Then the reasons against a promotion are
asked one after the other, each with its own sentence: the function waits instead of computing, the GPU has
already proved useless for this load, the queue will be gone before a GPU is ready, there is no GPU.
"""

from runtime_images.policy.context import Context
from runtime_images.policy.faults import gpu_is_failing
from runtime_images.policy.model import Backend, Decision, ExecutionMode
from runtime_images.policy.sentences import requests, span, target

UNMEASURED_LEAST = 5
LOAD_CHANGED = 1.5
BUSY = 0.9
LASTING_S = 5.0
NEAR_SLO = 0.8


def on_cpu(context: Context) -> Decision:
    """The decision while the CPU serves."""
    trouble = _trouble(context)
    if trouble is None:
        return _return_to_preferred(context) or context.stay("well", _well(context))
    return (
        _waits(context, trouble)
        or _unmeasured(context, trouble)
        or _failing(context, trouble)
        or _futile(context, trouble)
        or _passing(context, trouble)
        or _no_gpu(context, trouble)
        or context.move("trouble", f"{trouble}; {_expectation(context)}")
    )


def _trouble(context: Context) -> str | None:
    """What is wrong, as the first half of a sentence; None if nothing is."""
    return _late(context) or _overloaded(context)


def _late(context: Context) -> str | None:
    slo_s = context.slo_s
    if slo_s is None or context.alarm < context.threshold:
        return None
    samples = context.state.cpu.samples
    late = [sample.latency_s for sample in samples if sample.latency_s > slo_s]
    slowest = max((*late, *context.overdue_s), default=slo_s)
    waiting = len(context.overdue_s)
    if not late:
        text = f"{requests(waiting)} waiting longer than {target(slo_s)} for an answer"
    else:
        text = f"{len(late)} of {len(samples)} recent requests took longer than {target(slo_s)}"
        text += f", and {waiting} more wait longer than that for an answer" if waiting else ""
    return f"{text} (the slowest {span(slowest)})"


def _overloaded(context: Context) -> str | None:
    since = context.state.overload_since
    asked = context.slo_s is not None or context.settings.slo.throughput_rps is not None
    if not asked or since is None or context.now - since < context.settings.overload_s:
        return None
    level = context.levels[Backend.CPU]
    assert level is not None
    return (
        f"{context.seen.arrival_rate:.1f} requests a second of {span(level.mean_s)} each are more than the CPU can "
        f"serve ({requests(len(context.seen.queue_ages_s))} in the queue)"
    )


def _waits(context: Context, trouble: str) -> Decision | None:
    share = context.cpu.cpu_share
    if share is None or share >= context.settings.waiting_share:
        return None
    reason = (
        f"{trouble}, but the function computes only {share:.0%} of its time and waits the rest: a GPU would not help"
    )
    return context.stay("waits", reason)


def _unmeasured(context: Context, trouble: str) -> Decision | None:
    if context.cpu.cpu_share is not None or context.state.cpu.served >= UNMEASURED_LEAST:
        return None
    return context.stay("unmeasured", f"{trouble}, but it is not known yet whether the function computes or waits")


def _failing(context: Context, trouble: str) -> Decision | None:
    failing = gpu_is_failing(context)
    return None if failing is None else context.stay("failing_gpu", f"{trouble}, but {failing}")


def _futile(context: Context, trouble: str) -> Decision | None:
    """Whether the GPU has been tried for this load and was no faster."""
    futile_s, level = context.state.futile_s, context.levels[Backend.CPU]
    if futile_s is None or context.now - context.state.futile_at > context.settings.forget_s:
        return None
    if level is not None and not futile_s / LOAD_CHANGED < level.p95_s < futile_s * LOAD_CHANGED:
        return None  # the load has changed
    return context.stay("futile", f"{trouble}, but the GPU was no faster when this load was last tried on it")


def _passing(context: Context, trouble: str) -> Decision | None:
    """Whether only a burst waits, which the CPU will have served before a GPU is ready."""
    level, queue = context.levels[Backend.CPU], len(context.seen.queue_ages_s)
    if level is None or context.slo_s is None:
        return None
    slow = level.p95_s > NEAR_SLO * context.slo_s or (queue == 0 and context.overdue_s)
    if slow or context.utilization >= BUSY:
        return None
    start_up_s = context.settings.start_up_of(context.gpu)
    backlog_s = queue * level.mean_s / context.seen.slots
    lasted_s = context.state.bad_at - (context.state.bad_since or 0.0)
    if backlog_s > start_up_s or max(lasted_s, context.serving_s) >= max(LASTING_S, start_up_s):
        return None
    reason = (
        f"{trouble}, but a request takes the CPU {span(level.p95_s)} and the queue will be served in "
        f"{span(backlog_s)}, before a GPU would be ready ({span(start_up_s)})"
    )
    return context.stay("passing", reason)


def _no_gpu(context: Context, trouble: str) -> Decision | None:
    if context.gpu.available:
        return None
    return context.stay("no_gpu", f"{trouble}, but no GPU is available: the function stays on the CPU")


def _expectation(context: Context) -> str:
    level = context.levels[Backend.GPU]
    if level is None:
        return "the GPU has not been tried yet"
    return f"the GPU answered in {span(level.p95_s)} last time"


def _return_to_preferred(context: Context) -> Decision | None:
    """Without a latency to judge by, a function that prefers the GPU goes back to it when there is work for it."""
    if context.settings.mode is not ExecutionMode.GPU_PREFERRED or context.slo_s is not None:
        return None
    share, working = context.cpu.cpu_share, context.seen.arrival_rate > 0
    if not (working and context.gpu.available) or context.state.futile_s is not None or gpu_is_failing(context):
        return None
    if share is None or share < context.settings.waiting_share:
        return None
    reason = "the function prefers the GPU, which is available, and no latency SLO is set to judge the CPU by"
    return context.move("preferred", reason)


def _well(context: Context) -> str:
    level, slo_s = context.levels[Backend.CPU], context.slo_s
    if slo_s is None:
        return "no latency SLO is set: the function stays on the CPU, the cheaper backend"
    here = [sample.latency_s for sample in context.state.cpu.samples if sample.at >= context.state.moved_at]
    if level is None or not here:
        return f"no request has been measured on the CPU against {target(slo_s)} yet"
    slowest_s = max(here)
    if slowest_s > slo_s:
        return (
            f"the slowest of the last requests took {span(slowest_s)}, too little to say that {target(slo_s)} is missed"
        )
    return f"the slowest of the last requests took the CPU {span(slowest_s)}, within {target(slo_s)}"
