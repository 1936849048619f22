"""The small models that the policy learns, as pure functions over frozen values.

- `Level`: the service time of a backend over the last few requests, robust against one outlier.
- The alarm: Page's one-sided CUSUM (Page, "Continuous Inspection Schemes", 1954) on "over the SLO or not": each bad
  request raises it by log(0.20/0.05), each good one lowers it by log(0.95/0.80). A p95 SLO allows 5 % to be late
  (more, where so few requests come that late ones cost less than a GPU), so that is the null hypothesis; a few bad
  requests in a row suffice, a lone one among hundreds does not.
- The relation between CPU and GPU service times, learned point by point, one scale at a time.
- The wait in a queue at a given arrival rate (the M/M/c tail, with c servers taken as one fast one).
"""

from bisect import bisect_left
from collections.abc import Sequence
from math import ceil, exp, inf, log

from runtime_images.policy.state import Level, Point

BAD_STEP = log(4.0)
P95_ALLOWED = 0.05
"""The share of late requests that an SLO on the p95 allows."""

BAD_IS = 4.0
"""How many times the allowed share of late requests is trouble."""

ALARM_MAX = 10.0
LEVEL_SPAN_S = 2.0
LEVEL_LEAST = 5
LEVEL_MOST = 40
SAME_SCALE = 1.15
POINTS_MOST = 12
SATURATED = 0.95
CLIENTS_LEAST = 8
CLOSED_SHARE = 0.7
GPU_S, CPU_S = 0, 1
"""Where a point has its service times."""


def robust_p95(ordered: Sequence[float]) -> float:
    """The 95th percentile of sorted values; from five values on never the largest alone."""
    count = len(ordered)
    return ordered[min(ceil(0.95 * count), count - 1) - 1] if count >= LEVEL_LEAST else ordered[-1]


def level_of(services_s: Sequence[float]) -> Level | None:
    """The level of requests with these service times, or None without any."""
    count = len(services_s)
    if not count:
        return None
    ordered = sorted(services_s)
    p50_s, p95_s = ordered[(count - 1) // 2], robust_p95(ordered)
    if count >= LEVEL_LEAST:
        ordered.pop()
    return Level(p50_s, p95_s, sum(ordered) / len(ordered), count)


def recent_from(ats: Sequence[float]) -> int:
    """Where the present begins in ascending times: the last two seconds of them, at least 5 and at most 40."""
    count = len(ats)
    if count <= LEVEL_LEAST:
        return 0
    earliest = max(count - LEVEL_MOST, 0)
    return min(bisect_left(ats, ats[-1] - LEVEL_SPAN_S, earliest), count - LEVEL_LEAST)


def good_step(allowed: float) -> float:
    """What a request within the SLO adds to the alarm: it takes away from it."""
    return log((1 - BAD_IS * allowed) / (1 - allowed))


def alarm_step(latency_s: float, slo_s: float, allowed: float = P95_ALLOWED) -> float:
    """What one request adds to the alarm: a gross violation, twice the SLO, counts as two."""
    if latency_s <= slo_s:
        return good_step(allowed)
    return BAD_STEP * (2 if latency_s > 2 * slo_s else 1)


def alarm_after(alarm: float, latencies_s: Sequence[float], slo_s: float, allowed: float) -> float:
    """The alarm after some requests, none of which can lower it under 0."""
    for latency_s in latencies_s:
        alarm = min(max(alarm + alarm_step(latency_s, slo_s, allowed), 0.0), ALARM_MAX)
    return alarm


def alarm_threshold(arrival_rate: float) -> float:
    """The alarm at which there is trouble.

    A CUSUM with threshold h raises less than one false alarm in exp(h) requests; aiming at one in ten minutes makes
    the threshold grow with the rate, from 3 bad requests in a row (2 gross ones) to 6.
    """
    return min(max(log(max(600.0 * arrival_rate, 1.0)), 4.0), 8.0)


def learn_point(points: tuple[Point, ...], new: Point) -> tuple[Point, ...]:
    """Add `new`, which replaces what was known at its scale; sorted by GPU time, the oldest beyond 12 dropped."""
    kept = [point for point in points if not same_scale(point.gpu_s, new.gpu_s)]
    newest = sorted([*kept, new], key=lambda point: -point.at)[:POINTS_MOST]
    return tuple(sorted(newest, key=lambda point: point.gpu_s))


def same_scale(one: float, other: float) -> bool:
    """Whether two service times are too near each other to be told apart."""
    return one < other * SAME_SCALE and other < one * SAME_SCALE


def predict_cpu_s(points: Sequence[Point], gpu_s: float) -> float | None:
    """The CPU's service time where the GPU takes `gpu_s`, on the pessimistic side.

    Between two learned points it interpolates the logarithms. Below the lowest it keeps that point's ratio: a GPU has
    a fixed overhead, so the true ratio falls with the size and this is an upper bound.
    """
    return _follow(points, gpu_s, GPU_S, CPU_S)


def _follow(points: Sequence[Point], seconds: float, known: int, asked: int) -> float | None:
    """The relation of one field of `points` to another: read both ways at every decision, so no point is copied."""
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
    """The GPU's service time where the CPU takes `cpu_s`: the same relation, read the other way."""
    return _follow(points, cpu_s, CPU_S, GPU_S)


def expect_cpu_s(
    points: Sequence[Point], gpu_s: float, gpu_floor_s: float | None, cpu_floor_s: float | None
) -> tuple[float, float] | None:
    """The CPU's service time, seen pessimistically, as `predict_cpu_s` does, and hopefully.

    The hopeful one takes the shortest times seen on each backend for the same smallest load. That makes the relation a
    line through the floors, which is what a fixed overhead gives. It is only a guess, and made only where the GPU has
    become clearly faster than at the lowest point learned.
    """
    sure_s = _follow(points, gpu_s, GPU_S, CPU_S)
    if sure_s is None:
        return None
    lowest = points[0]
    if gpu_s >= lowest.gpu_s or gpu_floor_s is None or cpu_floor_s is None:
        return sure_s, sure_s
    if lowest.gpu_s < 1.1 * gpu_floor_s or cpu_floor_s >= lowest.cpu_s:
        return sure_s, sure_s
    share = max(gpu_s - gpu_floor_s, 0.0) / (lowest.gpu_s - gpu_floor_s)
    return sure_s, min(cpu_floor_s + (lowest.cpu_s - cpu_floor_s) * share, sure_s)


def queue_wait_s(arrival_rate: float, service_s: float, slots: int, allowed: float = P95_ALLOWED) -> float:
    """The wait that a share `allowed` of Poisson arrivals exceeds: P(W > t) = u exp(-t (1 - u) / s), u the utilization.

    From 95 % on it is taken for endless: the rate is not known well enough to say more.
    """
    utilization = arrival_rate * service_s / slots
    if utilization >= SATURATED:
        return inf
    if utilization <= allowed:
        return 0.0
    return service_s / slots / (1 - utilization) * log(utilization / allowed)


def late_in_queue(arrival_rate: float, service_s: float, slots: int, slo_s: float) -> float:
    """The share of requests that wait longer than their service leaves of the SLO, by the same law."""
    utilization = arrival_rate * service_s / slots
    if utilization >= SATURATED:
        return 1.0
    if service_s <= 0 or service_s >= slo_s:
        return 0.0
    return utilization * exp(-(slo_s - service_s) * (1 - utilization) * slots / service_s)


def closed_loop_clients(clients: tuple[int, ...], arrival_rate: float, latency_s: float) -> int | None:
    """How many clients wait for their answers before they ask again, or None for an open stream of requests.

    A closed loop without pauses always has the same number of requests unanswered, which by Little's law is the
    arrival rate times the latency; that second test keeps out a steady open stream seen in step with its arrivals.
    """
    if len(clients) < CLIENTS_LEAST:
        return None
    fewest, most = min(clients), max(clients)
    if fewest < 1 or most - fewest > max(1, most // 4):
        return None
    return most if arrival_rate * latency_s >= CLOSED_SHARE * fewest else None
