"""What is played: requests, and whether each has a time of its own or follows an answer.

In an open loop requests come whatever became of those before, as from many people who know nothing of one another. In
a closed one each client waits for its answer before it sends the next, as a program does: a faster backend gets more.
"""

from dataclasses import dataclass, field

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


@dataclass(frozen=True, slots=True)
class Load:
    """Requests in their order; `loop` is None where each is sent at its time."""

    requests: tuple[PlannedRequest, ...]
    loop: ClosedLoop | None = None
