"""Single answers out of histograms, as the policy learns from them: each with its latency and its service time.

A histogram has forgotten which latency belongs to which service time. Nobody waits a negative time, and who is slow
mostly also waits; so both are paired by rank. The mean wait is known from the sums: where it is next to nothing, each
latency is its service time and that wait, so that the edges of buckets make no waits that never were.
"""

from math import gcd

from runtime_images.controller.measuring.histogram import Histogram, spread
from runtime_images.policy.sampling import ANSWERS_KEPT

_WAITED_SHARE, _WAITED_S = 0.02, 0.002
"""A mean wait that is no wait: this share of the service time, or this time."""
_GOLDEN = 0.618
"""By this share of all is stepped from one answer to the next, so that any run of them looks like the whole."""

Answers = tuple[tuple[float, ...], tuple[float, ...]]
"""Latencies and service times, in seconds, of the same answers."""


def answers(latency: Histogram, service: Histogram) -> Answers:
    """Return answers that would give these two histograms; at most as many as the policy keeps."""
    size = min(latency.count, service.count, ANSWERS_KEPT)
    if not size:
        return (), ()
    services_s, latencies_s = spread(service, size), spread(latency, size)
    waited_s = max(latency.sum_s / latency.count - service.sum_s / service.count, 0.0)
    if waited_s <= _WAITED_S + _WAITED_SHARE * service.sum_s / service.count:
        latencies_s = [one + waited_s for one in services_s]
    else:
        services_s = [min(pair) for pair in zip(services_s, latencies_s, strict=True)]
    order = mixed(size)
    return tuple([latencies_s[index] for index in order]), tuple([services_s[index] for index in order])


def mixed(size: int) -> list[int]:
    """Return the places of so many sorted values in an order in which any run of them looks like the whole."""
    step = max(round(size * _GOLDEN), 1)
    while gcd(step, size) != 1:
        step += 1
    return [index * step % size for index in range(size)]


def ages(count: int, oldest_s: float) -> tuple[float, ...]:
    """Return the ages of requests that have come evenly since the oldest of them, which comes first."""
    listed = min(count, ANSWERS_KEPT)
    return tuple([oldest_s * (listed - index) / listed for index in range(listed)])
