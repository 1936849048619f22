"""Loads with and without clients that wait, as a runtime would have seen them."""

from collections.abc import Callable, Iterable, Sequence
from heapq import heapify, heappop, heappush
from random import Random

from gaia_cli.running.recording.regularity import Sent

Pool = Callable[[Sequence[list[Sent]]], list[Sent]]
"""Which of its free connections a pool takes, each with its requests so far."""

Draw = Callable[[Random], float]
"""A service time or a pause, in seconds."""

NETWORK_S = 0.0003


def of(mean_s: float) -> Draw:
    return lambda random: mean_s * (1.0 + random.gauss(0.0, 0.01))


def exactly(seconds: float) -> Draw:
    return lambda _: seconds


def about(mean_s: float) -> Draw:
    return lambda random: random.expovariate(1.0 / mean_s)


def lognormal(median_s: float) -> Draw:
    return lambda random: median_s * random.lognormvariate(0.0, 0.5)


def waiting(
    clients: int, requests: int, service: Draw, pause: Draw, *, slots: int = 1, seed: int = 0
) -> list[list[Sent]]:
    """The requests of clients that begin at once and send each request a pause after their last answer."""
    random = Random(seed)  # noqa: S311 -- a load, not a secret
    coming = [(NETWORK_S * random.random(), client) for client in range(clients)]
    free = [0.0] * slots
    sent: list[list[Sent]] = [[] for _ in range(clients)]
    heapify(coming)
    for _ in range(requests):
        arrived_s, client = heappop(coming)
        answered_s = max(arrived_s, heappop(free)) + service(random)
        heappush(free, answered_s)
        sent[client].append(Sent(arrived_s, answered_s))
        heappush(coming, (answered_s + pause(random) + NETWORK_S * (0.1 + random.random()), client))
    return [requests for requests in sent if requests]


def newest(free: Sequence[list[Sent]]) -> list[Sent]:
    return max(free, key=lambda one: one[-1].answered_s)


def oldest(free: Sequence[list[Sent]]) -> list[Sent]:
    return min(free, key=lambda one: one[-1].answered_s)


def first(free: Sequence[list[Sent]]) -> list[Sent]:
    return free[0]


def stream(arrivals: Iterable[float], service: Draw, pool: Pool, *, slots: int = 1) -> list[list[Sent]]:
    """The requests of a stream that waits for nobody, on the connections of a pool that takes a free one in its way."""
    random = Random(0)  # noqa: S311 -- a load, not a secret
    free = [0.0] * slots
    connections: list[list[Sent]] = []
    for arrived_s in arrivals:
        answered_s = max(arrived_s, heappop(free)) + service(random)
        heappush(free, answered_s)
        idle = [one for one in connections if one[-1].answered_s <= arrived_s]
        if not idle:
            connections.append([Sent(arrived_s, answered_s)])
        else:
            pool(idle).append(Sent(arrived_s, answered_s))
    return connections


def poisson(requests: int, rate: float, seed: int = 0) -> list[float]:
    random = Random(seed)  # noqa: S311 -- a load, not a secret
    now, moments = 0.0, []
    for _ in range(requests):
        now += random.expovariate(rate)
        moments.append(now)
    return moments
