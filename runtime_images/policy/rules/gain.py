"""Did the promotion gain anything? The first requests on the GPU are held against the last ones on the CPU.

A GPU that is no faster must go back within seconds, but a few requests of different sizes say little: so the ratio of
the service times is given the benefit of its standard error. And a GPU that is only a little faster may be all that
the SLO lacks: then more requests are waited for, and it is kept if they show that.
"""

from bisect import bisect_left
from collections.abc import Sequence
from math import exp, log, sqrt

from runtime_images.policy.context import Context
from runtime_images.policy.learning.estimators import level_of, queue_wait_s
from runtime_images.policy.model import CPU

AHEAD = ("rhythm", "early", "returned")
GAIN_LEAST = 3
GAIN_MOST = 12
ERRORS = 1.5
"""How many standard errors of the ratio the GPU is given the benefit of."""

CLEARLY = 0.95
"""The share of the CPU's time under which a GPU may still be what the SLO lacks."""

SAVED_LEAST = 0.25


def gained_nothing(context: Context) -> bool:
    """Return whether the first requests after the promotion were no faster than the last ones before it."""
    state, slo_s = context.state, context.slo_s
    if state.gpu.served > GAIN_MOST + context.seen.slots or state.promoted_by in AHEAD:
        return False  # where it came ahead of time, the load that needs it has not come yet
    cpu_s, gpu_s = state.cpu.services_s, state.gpu.services_s[bisect_left(state.gpu.ats, state.moved_at) :]
    if len(gpu_s) < GAIN_LEAST or not cpu_s or min(*gpu_s, *cpu_s) <= 0:
        return False
    ratio, error = _ratio(gpu_s, cpu_s)
    if ratio * exp(-ERRORS * error) < context.settings.gain:
        return False
    if ratio > CLEARLY or slo_s is None or min(gpu_s) > slo_s / CLEARLY:
        return True
    return len(gpu_s) >= GAIN_MOST and not _is_what_lacks(context, slo_s, gpu_s)


def _ratio(these: Sequence[float], those: Sequence[float]) -> tuple[float, float]:
    """Return how many times as long these take as those, typically, and the standard error of its logarithm."""
    logs, others = [log(one) for one in these], [log(one) for one in those]
    error = sqrt(_variance(logs) / len(logs) + _variance(others) / len(others))
    return exp(sum(logs) / len(logs) - sum(others) / len(others)), error


def _variance(values: Sequence[float]) -> float:
    mean = sum(values) / len(values)
    return sum([(value - mean) ** 2 for value in values]) / max(len(values) - 1, 1)


def _is_what_lacks(context: Context, slo_s: float, gpu_s: Sequence[float]) -> bool:
    """Return whether the GPU brings many requests within the SLO, by their own time or by the queue."""
    cpu_s, rate, slots = context.state.cpu.services_s, context.state.rate, context.seen.slots
    if _share_over(slo_s, cpu_s) - _share_over(slo_s, gpu_s) > SAVED_LEAST:
        return True
    before, here = context.level(CPU), level_of(gpu_s)
    if before is None or here is None:
        return False
    on_cpu_s, on_gpu_s = [level.p95_s + queue_wait_s(rate, level.mean_s, slots) for level in (before, here)]
    return on_gpu_s <= slo_s < on_cpu_s


def _share_over(limit_s: float, values_s: Sequence[float]) -> float:
    return sum([value > limit_s for value in values_s]) / len(values_s)
