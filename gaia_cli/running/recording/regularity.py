"""What is regular in a load: the pauses of its clients after their answers, or the times at which requests come.

What is sent is more regular than what follows from it. A client that waits pauses alike, and its intervals vary with
the times of its answers; one that goes by a clock has equal intervals, and pauses the less the longer an answer took.
"""

from collections.abc import Sequence
from itertools import pairwise
from math import sqrt
from statistics import median
from typing import NamedTuple

_ALIKE = 0.1
"""Values are alike where half of them are as near their median as this share of it."""

_PAUSES_LEAST = 16
"""So many pauses of chance are alike once in a million times."""

_MORE = 1.25
"""By this factor must one thing vary more than another to be what follows from it."""

_INSTANT = 0.05
"""Pauses below this share of the answers' times are those of a client that does not think."""

_NORMAL_OF_MEDIAN = 1.2533 * 1.4826
"""The standard error of a median of normal values, over their median absolute deviation and for one value."""

_SURE = 3.0
"""Standard errors that are no chance."""


class Sent(NamedTuple):
    """When a request came and was answered, in seconds."""

    arrived_s: float
    answered_s: float


Clients = Sequence[Sequence[Sent]]


def pause_alike(clients: Clients) -> bool:
    """Return whether clients pause so equally after their answers that nothing else explains when they send."""
    pauses = [then.arrived_s - one.answered_s for requests in clients for one, then in pairwise(requests)]
    if len(pauses) < _PAUSES_LEAST or not median(pauses) > 0.0:
        return False
    return _spread(pauses) < _ALIKE * median(pauses) and _MORE * _spread(pauses) < _spread(_intervals(clients))


def come_by_the_clock(clients: Clients) -> bool:
    """Return whether all requests together come at equal intervals, or those of each client."""
    thinking = [requests for requests in clients if len(requests) > 2 and not _does_not_think(requests)]
    if not thinking:
        return False
    moments = sorted(one.arrived_s for requests in clients for one in requests)
    together = [then - one for one, then in pairwise(moments)]
    pauses = [then.arrived_s - one.answered_s for requests in thinking for one, then in pairwise(requests)]
    if _spread(together) < _ALIKE * median(together) and _MORE * _spread(together) < _spread(pauses):
        return True
    return _make_up_for_answers(thinking)


def _make_up_for_answers(clients: Clients) -> bool:
    """Return whether pauses are as much shorter as answers took longer."""
    pairs = [pair for requests in clients for pair in _from_the_median(requests)]
    slow = [pause for took, pause in pairs if took > 0]
    quick = [pause for took, pause in pairs if took < 0]
    if not slow or not quick:
        return False
    longer = median(took for took, _ in pairs if took > 0) - median(took for took, _ in pairs if took < 0)
    shorter = median(quick) - median(slow)
    return shorter > longer / 2 and shorter > _SURE * sqrt(_error(slow) ** 2 + _error(quick) ** 2)


def _from_the_median(requests: Sequence[Sent]) -> list[tuple[float, float]]:
    """Return how much longer than usual each answer took, and how much longer the pause after it was."""
    took = [one.answered_s - one.arrived_s for one in requests[:-1]]
    paused = [then.arrived_s - one.answered_s for one, then in pairwise(requests)]
    usual, usually = median(took), median(paused)
    return [(one - usual, then - usually) for one, then in zip(took, paused, strict=True)]


def _does_not_think(requests: Sequence[Sent]) -> bool:
    paused = median(then.arrived_s - one.answered_s for one, then in pairwise(requests))
    return paused <= _INSTANT * median(one.answered_s - one.arrived_s for one in requests)


def _intervals(clients: Clients) -> list[float]:
    return [then.arrived_s - one.arrived_s for requests in clients for one, then in pairwise(requests)]


def _spread(values: Sequence[float]) -> float:
    """Return the median absolute deviation."""
    middle = median(values)
    return median(abs(value - middle) for value in values)


def _error(values: Sequence[float]) -> float:
    """Return the standard error of the median."""
    return _NORMAL_OF_MEDIAN * _spread(values) / sqrt(len(values))
