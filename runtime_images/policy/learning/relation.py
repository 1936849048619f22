"""The relation between the service times of CPU and GPU: points of a curve, one for each scale of load.

A point is learned around a switch, while the load is still the same on both sides; a newer one replaces what was known
at its scale.
"""

from bisect import bisect_left
from collections.abc import Sequence
from math import isnan, log

from runtime_images.policy.learning.estimators import level_of
from runtime_images.policy.model import GPU
from runtime_images.policy.state import BackendMemory, Level, Point, PolicyState

SAME_SCALE = 1.15
POINTS_MOST = 12
GPU_S, CPU_S = 0, 1
"""Where a point has its service times."""

PAIR_LEAST = 2
PAIR_MOST = 10
PAIR_WITHIN_S = 3.0
SAME_LOAD_S = 10.0
TAIL_LEAST = 3
TAIL_FRESH_S = 1200.0


def learn_point(points: tuple[Point, ...], new: Point) -> tuple[Point, ...]:
    """Add `new`, which replaces what was known at its scale; sorted by GPU time, the oldest beyond 12 dropped."""
    kept = [point for point in points if not same_scale(point.gpu_s, new.gpu_s)]
    newest = sorted([*kept, new], key=lambda point: -point.at)[:POINTS_MOST]
    return tuple(sorted(newest, key=lambda point: point.gpu_s))


def same_scale(one: float, other: float) -> bool:
    """Return whether two service times are too close to distinguish."""
    return one < other * SAME_SCALE and other < one * SAME_SCALE


def predict_cpu_s(points: Sequence[Point], gpu_s: float) -> float | None:
    """Return the CPU's service time where the GPU takes `gpu_s`, on the pessimistic side.

    Between two learned points it interpolates the logarithms. Below the lowest it keeps that point's ratio: a GPU has
    a fixed overhead, so the true ratio falls with the size and this is an upper bound.
    """
    return _follow(points, gpu_s, GPU_S, CPU_S)


def _follow(points: Sequence[Point], seconds: float, known: int, asked: int) -> float | None:
    """Relate one field of `points` to another: read both ways at every decision, so no point is copied."""
    if not points or seconds <= 0:
        return None
    index = 0
    while index < len(points) and points[index][known] < seconds:
        index += 1
    if index in (0, len(points)):
        nearest = points[min(index, len(points) - 1)]
        return nearest[asked] * seconds / nearest[known]
    low, high = points[index - 1], points[index]
    share = log(seconds / low[known]) / log(high[known] / low[known])
    return low[asked] * float((high[asked] / low[asked]) ** share)


def predict_gpu_s(points: Sequence[Point], cpu_s: float) -> float | None:
    """Return the GPU's service time where the CPU takes `cpu_s`: the same relation, read the other way."""
    return _follow(points, cpu_s, CPU_S, GPU_S)


def expect_cpu_s(
    points: Sequence[Point], gpu_s: float, gpu_floor_s: float | None, cpu_floor_s: float | None
) -> tuple[float, float] | None:
    """Return the CPU's service time, seen pessimistically, as `predict_cpu_s` does, and hopefully.

    The hopeful one takes the shortest times seen on each backend for the same smallest load. That makes the relation a
    line through the floors, which is what a fixed overhead gives. It is only a guess, and made only where the GPU has
    become clearly faster than at the lowest point learned.
    """
    sure_s = _follow(points, gpu_s, GPU_S, CPU_S)
    if sure_s is None or isnan(sure_s):  # a ratio to next to nothing is no number
        return None
    lowest = points[0]
    if gpu_s >= lowest.gpu_s or gpu_floor_s is None or cpu_floor_s is None:
        return sure_s, sure_s
    if lowest.gpu_s < 1.1 * gpu_floor_s or cpu_floor_s >= lowest.cpu_s:
        return sure_s, sure_s
    share = max(gpu_s - gpu_floor_s, 0.0) / (lowest.gpu_s - gpu_floor_s)
    return sure_s, min(cpu_floor_s + (lowest.cpu_s - cpu_floor_s) * share, sure_s)


def level_since(lane: BackendMemory, since: float) -> Level | None:
    """Return the level of the requests that were seen on a backend since a moment; None without any."""
    return level_of(lane.services_s[bisect_left(lane.ats, since) :])


def pair_levels(state: PolicyState, now: float) -> None:
    """Pair the service times on both sides of the last switch, while the load is still the same."""
    assert state.active is not None
    new = state.lane(state.active)
    if new.served > PAIR_MOST and now - state.moved_at > PAIR_WITHIN_S:
        return
    old = state.lane(state.active.other)
    before, after = old.level, level_since(new, state.moved_at)
    if before is None or after is None or after.size < PAIR_LEAST or not old.ats:
        return
    usual_gap_s = (old.ats[-1] - old.ats[0]) / len(old.ats)
    if now - old.ats[-1] > max(SAME_LOAD_S, 3 * (before.p95_s + after.p95_s), 3 * usual_gap_s):
        plausible = state.active is GPU and after.p50_s < before.p50_s and after.p95_s < before.p95_s
        if state.points or not plausible:
            return  # the load may have changed; where nothing is known and the GPU is faster, it is the best guess
    for was_s, is_s in ((before.p50_s, after.p50_s), (before.p95_s, after.p95_s)):
        gpu_s, cpu_s = (is_s, was_s) if state.active is GPU else (was_s, is_s)
        if gpu_s > 0 and cpu_s > 0:
            state.points = learn_point(state.points, Point(gpu_s, cpu_s, now))


def pair_tails(state: PolicyState, now: float) -> None:
    """Pair the times of slow requests, where both backends served some lately and nothing better is known."""
    cpu, gpu = state.cpu, state.gpu
    if max(cpu.tail_at, gpu.tail_at) < now or min(cpu.tail_size, gpu.tail_size) < TAIL_LEAST:
        return
    at = min(cpu.tail_at, gpu.tail_at)
    if now - at > TAIL_FRESH_S or any(same_scale(point.gpu_s, gpu.tail_s) for point in state.points):
        return
    state.points = learn_point(state.points, Point(gpu.tail_s, cpu.tail_s, at))
