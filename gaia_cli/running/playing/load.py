"""What is played: requests, and whether each has a time of its own or follows an answer.

In an open loop requests come whatever became of those before, as from many people who know nothing of one another. In
a closed one each client waits for its answer before it sends the next, as a program does: a faster backend gets more.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import chain

MOST_CLIENTS = 256
"""Connections at once; requests of an open loop beyond them wait for one, and the wait counts."""


@dataclass(frozen=True, slots=True)
class PlannedRequest:
    """One request of a load, in an open loop `at_s` seconds after the load's start."""

    at_s: float = 0.0
    method: str = "POST"
    path: str = "/"
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ClosedLoop:
    """So many clients, each of which sends the next request `think_s` seconds after its answer."""

    clients: int = 1
    think_s: float = 0.0


def _nothing() -> None:
    """Send nothing after the last request."""


@dataclass(frozen=True, slots=True)
class Load:
    """Requests in their order; `loop` is None where each is sent at its time.

    After the last of them `more` is asked for another one, as what to send may depend on what has happened by then,
    and again after that, until it has none.
    """

    requests: tuple[PlannedRequest, ...]
    loop: ClosedLoop | None = None
    more: Callable[[], PlannedRequest | None] = _nothing

    def __iter__(self) -> Iterator[PlannedRequest]:
        return chain(self.requests, iter(self.more, None))
