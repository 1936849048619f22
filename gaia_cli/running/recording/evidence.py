"""Whether clients wait for their answers, told from when requests came and were answered.

A connection carries one request at a time, so on each of them requests follow answers, whoever sends them: a pool of
connections carries a stream that waits for nobody. What tells the two apart:

- *Fewer come while requests are under way.* Of clients that wait only those can send that have their answer; a stream
  comes as often at one moment as at another. The ratio of the two likelihoods is the evidence, taken in blocks of
  requests, since people pause and loads change.
- *Who sends next.* Clients send when each has thought. A pool takes the connection that was used last, or longest ago,
  or always the first or the last one of its list; an order that one of these explains is no evidence, nor is any while
  the rates speak against it.
- *Equal pauses* are those of a program that waits (`regularity`), and equal intervals those of one that does not.

Likelihoods are those of exponential pauses (a machine-repair queue against a Poisson stream). Nothing is decided on
less than ODDS.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from itertools import accumulate, pairwise
from math import log
from typing import NamedTuple

from gaia_cli.running.recording.regularity import Sent, come_by_the_clock, pause_alike

ODDS = 1000.0
"""How much more likely waiting clients must be than a stream."""

BLOCK = 64
"""Requests over which the rates are taken to be steady."""

_OTHER_ORDER = 0.05
"""How often a pool may depart from its order: it hears of an answer a little after the runtime has sent it."""


ORDER_MOST = 5000
"""So many requests are enough to know an order, of which each costs a look at all free clients."""


class _Pause(NamedTuple):
    """A client has its answer until it sends again; `number` is its place by its first request."""

    began: float
    ended: float
    number: int


def they_wait(clients: Sequence[Sequence[Sent]], *, guessed: bool = False) -> bool:
    """Return whether these clients, each with its requests in their order, send after their answers.

    `guessed` says that who has sent which request is a guess, so that the order of the clients says nothing.
    """
    pauses = [
        _Pause(one.answered_s, max(then.arrived_s, one.answered_s), number)
        for number, requests in enumerate(sorted(clients, key=lambda requests: requests[0]))
        for one, then in pairwise(requests)
    ]
    if not pauses or come_by_the_clock(clients):
        return False
    if pause_alike(clients):
        return True
    evidence, given = _of_rates(clients, pauses)
    if not guessed and given > 0:
        evidence += max(0.0, _of_order(pauses))
    return evidence >= log(ODDS)


def _of_rates(clients: Sequence[Sequence[Sent]], pauses: Sequence[_Pause]) -> tuple[float, float]:
    """Return the logarithm of how much more likely the arrivals are of waiting clients than of a stream.

    The second value takes it as given when each client has come, and is about its later requests only.
    """
    begins, ends = sorted(one.began for one in pauses), sorted(one.ended for one in pauses)
    free_s = _sum_of_free(begins, ends)
    joins = sorted(requests[0].arrived_s for requests in clients)
    arrivals = sorted([*ends, *joins])
    evidence, given = 0.0, 0.0
    for since, until in pairwise([*arrivals[::BLOCK], arrivals[-1]]):
        sent = ends[bisect_right(ends, since) : bisect_right(ends, until)]
        joined = bisect_right(joins, until) - bisect_right(joins, since)
        lasts, free = until - since, free_s(until) - free_s(since)
        if lasts <= 0.0 or free <= 0.0 or not sent:
            continue
        each = len(sent) / free
        of_clients = sum(log(each * (bisect_right(begins, at) - bisect_left(ends, at))) for at in sent)
        given += of_clients - _steadily(len(sent), lasts)
        evidence += of_clients + _steadily(joined, lasts) - _steadily(len(sent) + joined, lasts)
    return evidence, given


def _steadily(count: int, lasts: float) -> float:
    """Return the logarithm of how likely so many arrivals are at a steady rate, but for what all have in common."""
    return count * log(count / lasts) if count else 0.0


def _sum_of_free(begins: Sequence[float], ends: Sequence[float]) -> Callable[[float], float]:
    """Return how long clients have been free by a moment, all together."""
    begun, ended = (list(accumulate(moments, initial=0.0)) for moments in (begins, ends))

    def by(now: float) -> float:
        some, others = bisect_right(begins, now), bisect_right(ends, now)
        return some * now - begun[some] - (others * now - ended[others])

    return by


def _of_order(pauses: Sequence[_Pause]) -> float:
    """Return how much more likely the order of those who send is of clients than of the pool that explains it best."""
    began = iter(sorted(pauses, key=lambda one: one.began))
    coming = next(began, None)
    free: list[_Pause] = []
    pools = [0.0] * 4
    for one in sorted(pauses, key=lambda one: one.ended)[:ORDER_MOST]:
        while coming is not None and coming.began <= one.ended:
            free.append(coming)
            coming = next(began, None)
        if len(free) > 1:
            numbers = [other.number for other in free]
            taken = (free[-1] is one, free[0] is one, min(numbers) == one.number, max(numbers) == one.number)
            for pool, is_next in enumerate(taken):
                expected = 1.0 - _OTHER_ORDER if is_next else _OTHER_ORDER / (len(free) - 1)
                pools[pool] -= log(len(free) * expected)
        free.remove(one)
    return min(pools)
