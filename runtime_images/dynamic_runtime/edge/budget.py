"""What clients may make the front hold in memory: one bound on the sum of it, and an order for those who must wait.

A request takes room before its body is read, slice by slice, and gives it back when it is answered. When there is none
left, it waits unread, the oldest first. One request at a time may go beyond the bound: so the first can always become
whole, however many half-sent ones hold the rest. What is here already is counted too, up to a ceiling above the bound.

Answers that clients do not take have a bound of their own. Such a client is cut off in time; before that, many of them
together could fill the memory, so beyond the bound the one makes way that has kept its answer waiting longest.
"""

from collections.abc import Callable
from typing import Protocol

from runtime_images.dynamic_runtime.edge.limits import SCARCE_BODY_TIMEOUT_S

SLICE_BYTES = 256 * 1024
"""How much room a body takes ahead of what has come: as much as one read from a socket may bring."""

SMALL_BYTES = 16 * 1024
"""Requests up to this size are not counted: the bounds on connections and on the queue are bounds on them, too."""

MOST_WAITING = 128
"""Requests that may wait for room: what a client sends meanwhile lies in the kernel, where we cannot count it."""


_SHORT_PART = 64
_PACE = 2**20
"""Bytes a second: a body queues as if it had come so much later as its length takes. Short ones need not wait long."""


class Budget:
    """Room for `limit` bytes of long bodies, a quarter more for short ones, and a half for what is here already.

    The one request that may go beyond the bound does not count against it.
    `scarce` says that somebody waits for some, or was refused some a moment ago.
    """

    def __init__(self, limit: int, now: Callable[[], float]) -> None:
        self.limit = limit
        self.held = 0
        self._now = now
        self._scarce_until_s = 0.0
        self._first: Room | None = None
        self._waiting: dict[Room, tuple[int, Callable[[], None]]] = {}

    @property
    def scarce(self) -> bool:
        return bool(self._waiting) or self._now() < self._scarce_until_s

    def open(self, length: int = 0) -> "Room":
        """Return the empty room of a request whose body has at most this length."""
        return Room(self, self._now() + length / _PACE, is_short=length <= self.limit // _SHORT_PART)

    def hold(self, size: int) -> "Room | None":
        """Return room for a whole request that is here, None if it may not stay."""
        room = Room(self, 0.0, is_short=True)
        if self.add(room, size):
            return room
        room.free()
        return None

    def add(self, room: "Room", size: int) -> bool:
        """Count `size` bytes that are here; return whether they may stay."""
        self._count(room, size)
        if self._shared <= self.limit + self.limit // 2 or room is self._first:
            return True
        self._scarce_until_s = self._now() + SCARCE_BODY_TIMEOUT_S
        return False

    def take(self, room: "Room", size: int) -> bool:
        """Count `size` bytes that shall come, if there is room for them; return whether there is."""
        if not self._grants(room, size):
            return False
        self._count(room, size)
        if room is self._first:
            self._wake()  # what it had is free for the others
        return True

    @property
    def _shared(self) -> int:
        return self.held - (self._first.size if self._first is not None else 0)

    def _count(self, room: "Room", size: int) -> None:
        self.held += size
        room.size += size

    def _grants(self, room: "Room", size: int) -> bool:
        if self._first is room:
            return True
        if any(other.turn < room.turn and (other.is_short or not room.is_short) for other in self._waiting):
            return False
        if self._shared + size <= self.limit + room.is_short * (self.limit // 4):
            return True
        if self._first is not None:
            return False
        self._first = room
        return True

    def wait(self, room: "Room", size: int, go_on: Callable[[], None]) -> bool:
        """Have `go_on` called once `size` bytes of room are taken; return False if too many wait already."""
        if len(self._waiting) >= MOST_WAITING:
            return False
        self._waiting[room] = (size, go_on)
        return True

    def waits(self, room: "Room") -> bool:
        return room in self._waiting

    def resize(self, room: "Room", size: int) -> bool:
        """Have `room` count as `size` bytes; return whether they may stay."""
        more = size - room.size
        if more > 0:
            return self.add(room, more)
        self._count(room, more)
        if more < 0:
            self._wake()
        return True

    def close(self, room: "Room") -> None:
        """Give back all that `room` has; it waits for no more."""
        self._waiting.pop(room, None)
        if self._first is room:
            self._first = None
        self._count(room, -room.size)
        self._wake()

    def _wake(self) -> None:
        for room in sorted(self._waiting, key=lambda room: room.turn):
            size, go_on = self._waiting[room]
            if self._grants(room, size):
                del self._waiting[room]
                self._count(room, size)
                go_on()


class Room:
    """What one request holds of a budget. `turn` is its place among those who wait, the lowest first.

    For a request in one piece it stands in for its `Body`: then nothing lies anywhere else.
    """

    __slots__ = ("_budget", "is_short", "size", "turn")
    place = b""
    memory = memoryview(b"")
    whole = None

    def __init__(self, budget: Budget, turn: float, *, is_short: bool) -> None:
        self._budget = budget
        self.turn = turn
        self.is_short = is_short
        self.size = 0

    @property
    def waits(self) -> bool:
        return self._budget.waits(self)

    def add(self, size: int) -> bool:
        """Count bytes that are here; return whether they may stay."""
        return self._budget.add(self, size)

    def take(self, size: int) -> bool:
        """Count bytes that shall come, if there is room for them; return whether there is."""
        return self._budget.take(self, size)

    def wait(self, size: int, go_on: Callable[[], None]) -> bool:
        """Have `go_on` called once so much room is taken; return False if too many wait already."""
        return self._budget.wait(self, size, go_on)

    def resize(self, size: int) -> bool:
        """Count as `size` bytes; return whether they may stay."""
        return self._budget.resize(self, size)

    def free(self) -> None:
        """Give all back, and wait for no more."""
        self._budget.close(self)


class Client(Protocol):
    """Whom an answer waits for."""

    def abort(self) -> None: ...


class Backlog:
    """What waits for each client, in the order in which they stopped to take what was written; `limit` bytes in all."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.size = 0
        self._sizes: dict[Client, int] = {}

    def add(self, client: Client, size: int) -> None:
        """Count `size` bytes more for a client."""
        self._sizes[client] = self._sizes.get(client, 0) + size
        self.size += size
        while self.size > self.limit:
            slowest = next(iter(self._sizes))
            self.drop(slowest)
            slowest.abort()

    def drop(self, client: Client) -> None:
        """Count nothing for a client: it has taken what there was, or has left."""
        self.size -= self._sizes.pop(client, 0)
