"""The small models that the policy learns with, as pure functions over frozen values.

- `Level`: the service time of a backend over the last few requests, robust against one outlier.
- The alarm: Page's one-sided CUSUM (Page, "Continuous Inspection Schemes", 1954) on "over the SLO or not". The null
  hypothesis is the share that may be late (`LATE_ALLOWED`, or more where so few requests come that late ones cost less
  than a GPU), the alternative `BAD_IS` times as many. A few bad requests in a row suffice, a lone one among hundreds
  does not.
- The wait in a queue at a given arrival rate (the M/M/c tail, with c servers taken as one fast one).
- The number of clients in a closed loop.
"""

from bisect import bisect_left
from collections.abc import Sequence
from math import ceil, exp, inf, log

from runtime_images.policy.sampling import LATE_ALLOWED
from runtime_images.policy.state import Level

BAD_IS = 4.0
"""How many times the allowed share of late requests breaches the SLO."""

BAD_STEP = log(BAD_IS)

ALARM_MAX = 10.0
LEVEL_SPAN_S = 2.0
LEVEL_LEAST = 5
LEVEL_MOST = 40
SATURATED = 0.95
CLIENTS_LEAST = 8
CLOSED_SHARE = 0.7


def level_of(services_s: Sequence[float]) -> Level | None:
    """Return the level of requests with these service times, or None without any."""
    count = len(services_s)
    if not count:
        return None
    ordered = sorted(services_s)
    p50_s, p95_s = ordered[(count - 1) // 2], ordered[-1]
    if count >= LEVEL_LEAST:
        p95_s = ordered[min(ceil(0.95 * count), count - 1) - 1]
        ordered.pop()
    return Level(p50_s, p95_s, sum(ordered) / len(ordered), count)


def recent_from(ats: Sequence[float]) -> int:
    """Return where the present begins in ascending times: the last two seconds, at least 5 and at most 40 of them."""
    count = len(ats)
    if count <= LEVEL_LEAST:
        return 0
    earliest = max(count - LEVEL_MOST, 0)
    return min(bisect_left(ats, ats[-1] - LEVEL_SPAN_S, earliest), count - LEVEL_LEAST)


def good_step(allowed: float) -> float:
    """Return what a request within the SLO adds to the alarm: less than 0."""
    return log((1 - BAD_IS * allowed) / (1 - allowed))


def alarm_step(latency_s: float, slo_s: float, allowed: float = LATE_ALLOWED) -> float:
    """Return what one request adds to the alarm: a gross violation, twice the SLO, counts as two."""
    if latency_s <= slo_s:
        return good_step(allowed)
    return BAD_STEP * (2 if latency_s > 2 * slo_s else 1)


def alarm_after(alarm: float, latencies_s: Sequence[float], slo_s: float, allowed: float) -> float:
    """Return the alarm after some requests, none of which can lower it under 0."""
    for latency_s in latencies_s:
        alarm = min(max(alarm + alarm_step(latency_s, slo_s, allowed), 0.0), ALARM_MAX)
    return alarm


def alarm_threshold(arrival_rate: float) -> float:
    """Return the alarm at which the SLO counts as breached.

    A CUSUM with threshold h raises less than one false alarm in exp(h) requests; aiming at one in ten minutes makes
    the threshold grow with the rate, from 3 bad requests in a row (2 gross ones) to 6.
    """
    return min(max(log(max(600.0 * arrival_rate, 1.0)), 4.0), 8.0)


def queue_wait_s(arrival_rate: float, service_s: float, slots: int, allowed: float = LATE_ALLOWED) -> float:
    """Return the wait that a share `allowed` of Poisson arrivals exceeds.

    P(W > t) = u exp(-t (1 - u) / s), u the utilization. From 95 % on it is endless: the rate is not known well enough
    to say more.
    """
    utilization = arrival_rate * service_s / slots
    if utilization >= SATURATED:
        return inf
    if utilization <= allowed:
        return 0.0
    return service_s / slots / (1 - utilization) * log(utilization / allowed)


def late_in_queue(arrival_rate: float, service_s: float, slots: int, slo_s: float) -> float:
    """Return the share of requests that wait longer than their service leaves of the SLO, by the same law."""
    utilization = arrival_rate * service_s / slots
    if utilization >= SATURATED:
        return 1.0
    if service_s <= 0 or service_s >= slo_s:
        return 0.0
    return utilization * exp(-(slo_s - service_s) * (1 - utilization) * slots / service_s)


def closed_loop_clients(clients: tuple[int, ...], arrival_rate: float, latency_s: float) -> int | None:
    """Return how many clients wait for their answers before they ask again, or None for an open stream.

    A closed loop without pauses always has the same number of requests unanswered, which by Little's law is the
    arrival rate times the latency; that second test keeps out a steady open stream seen in step with its arrivals.
    """
    if len(clients) < CLIENTS_LEAST:
        return None
    fewest, most = min(clients), max(clients)
    if fewest < 1 or most - fewest > max(1, most // 4):
        return None
    return most if arrival_rate * latency_s >= CLOSED_SHARE * fewest else None
