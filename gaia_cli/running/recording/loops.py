"""Which of the recorded requests were sent after an answer, and by which client.

A replay that sends them at the times at which they came would give a faster backend no more to do than a slow one had,
and make it look idle and dear. Whoever has played the load knows whether it waits; of other clients the requests and
answers on their connections say it (`evidence`), or do not, and then each request keeps its time.

Clients that open a connection for each request leave no trace of who is who. Of these, each request is taken to be of
the client that had its answer last, which is right where they do not think, or where there is only one.
"""

from collections.abc import Iterator, Sequence
from heapq import heappop, heappush
from itertools import count, pairwise
from typing import NamedTuple

from gaia_cli.running.recording.evidence import they_wait
from gaia_cli.running.recording.regularity import Sent
from runtime_images.events.traffic import RequestRow


class Turn(NamedTuple):
    """A request that its client sends `think_s` after its last answer, its first one so long after the start."""

    client: int
    think_s: float


def turns(served: Sequence[RequestRow], *, waits: bool | None = None) -> dict[int, Turn]:
    """Return the turns among the requests, which stand in the order of their arrival, by their places.

    `waits` says whether clients are known to wait for their answers; None where that is to be found.
    """
    if waits is False:
        return {}
    sent = [Sent(one.arrival_s, one.arrival_s + one.latency_ms / 1000.0) for one in served]
    kept, single = _by_connection(served)
    groups = [(kept, False), (_guessed(sent, single), True)]
    if waits:
        groups = [([*kept, *([place] for place in single)], False)]
    numbers = count(1)
    found: dict[int, Turn] = {}
    for clients, guessed in groups:
        if waits or they_wait([[sent[place] for place in places] for places in clients], guessed=guessed):
            for places in clients:
                found |= _taken_in_turn(sent, places, next(numbers))
    return found


def _by_connection(served: Sequence[RequestRow]) -> tuple[list[list[int]], list[int]]:
    """Return the places of the requests of each connection that had several, and the places of all others."""
    connections: dict[int, list[int]] = {}
    for place, one in enumerate(served):
        connections.setdefault(one.client, []).append(place)
    unknown = connections.pop(0, [])
    kept = [places for places in connections.values() if len(places) > 1]
    return kept, sorted([*unknown, *(places[0] for places in connections.values() if len(places) == 1)])


def _guessed(sent: Sequence[Sent], places: Sequence[int]) -> list[list[int]]:
    """Give each request to the client that had its answer last, or to a new one where all are busy."""
    clients: list[list[int]] = []
    busy: list[tuple[float, int]] = []
    free: list[int] = []
    for place in places:
        while busy and busy[0][0] <= sent[place].arrived_s:
            free.append(heappop(busy)[1])
        if free:
            client = free.pop()
            clients[client].append(place)
        else:
            client = len(clients)
            clients.append([place])
        heappush(busy, (sent[place].answered_s, client))
    return clients


def _taken_in_turn(sent: Sequence[Sent], places: Sequence[int], client: int) -> dict[int, Turn]:
    return dict(zip(places, _turns_of([sent[place] for place in places], client), strict=True))


def _turns_of(requests: Sequence[Sent], client: int) -> Iterator[Turn]:
    yield Turn(client, max(0.0, requests[0].arrived_s))
    for one, then in pairwise(requests):
        yield Turn(client, max(0.0, then.arrived_s - one.answered_s))
