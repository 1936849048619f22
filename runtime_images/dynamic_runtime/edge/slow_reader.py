"""Feeds the slow path piece by piece, and counts what it keeps: heads, chunked bodies, requests with their objects.

A piece may hold many requests, and each of them is worth more memory than its bytes.
"""

from collections.abc import Callable
from typing import Protocol

from runtime_images.dynamic_runtime.edge.bodies import Body
from runtime_images.dynamic_runtime.edge.budget import SLICE_BYTES, Budget, Room
from runtime_images.dynamic_runtime.edge.limits import Patience
from runtime_images.dynamic_runtime.edge.slow_path import ReadRequest, SlowPath
from runtime_images.dynamic_runtime.wire.arenas import LEAST_BYTES

_HEAD_PIECE_BYTES = 4096
_BODY_PIECE_BYTES = 64 * 1024
_REQUEST_OBJECTS_BYTES = 1024  # what a request costs besides its bytes


class Recipient(Protocol):
    """The connection whose requests are read."""

    def slow_request(self, request: ReadRequest, body: Body) -> None: ...
    def body_expected(self) -> None: ...
    def is_wanted(self, head: bytes) -> bool: ...
    def refuse(self, status: int, message: str, method: bytes) -> None: ...
    def no_room(self, method: bytes = b"GET") -> None: ...


class SlowReader:
    """Reads requests that take the slow path. `wait` has something called once a long body finds room."""

    def __init__(
        self,
        recipient: Recipient,
        patience: Patience,
        max_body_bytes: int,
        budget: Budget,
        wait: Callable[[Room, int, Callable[[], None]], None],
    ) -> None:
        self.room = budget.open(max_body_bytes)
        self._recipient = recipient
        self._patience = patience
        self._max_body = max_body_bytes
        self._budget = budget
        self._wait = wait
        self._path = SlowPath(self, max_body_bytes)
        self._stopped = False
        patience.head_begins()

    @property
    def between_requests(self) -> bool:
        return self._path.between_requests

    def stop(self) -> None:
        """Read nothing more, and keep nothing."""
        self._stopped = True
        self._path.stop()
        self.room.free()

    def feed(self, data: bytes, start: int) -> int:
        """Take a piece of what came; return where the next one begins."""
        path = self._path
        was_in_body = path.in_body
        end = min(len(data), start + (_BODY_PIECE_BYTES if was_in_body else _HEAD_PIECE_BYTES))
        end -= path.feed(data[start:end])
        if path.in_body:
            if not was_in_body:
                self._patience.body_begins()
                self._recipient.is_wanted(path.head)
            self._patience.body_moved(end - start)
        if not self._stopped and not path.between_requests:
            self._count(path.held, is_last=end == len(data))
        return end

    def _count(self, held: int, *, is_last: bool) -> None:
        """Count what is held. A long body takes room for the next read, too, or waits for it unread."""
        room = self.room
        if held <= 2 * LEAST_BYTES:
            may_stay = room.resize(held)
        elif not is_last or room.take(max(0, held + SLICE_BYTES - room.size)):
            may_stay = room.resize(max(held, room.size))
        else:
            may_stay = room.resize(max(held, room.size))
            if may_stay:
                self._wait(room, held + SLICE_BYTES - room.size, _go_on)
        if not may_stay:
            self._recipient.no_room(self._path.method)

    # what the slow path says

    def request_read(self, request: ReadRequest) -> None:
        """Hand over a whole request."""
        if self._stopped:
            return  # the connection was closed by the answer to the one before
        self._patience.body_begins()  # what follows in the same read has its own time
        room, self.room = self.room, self._budget.open(self._max_body)
        if room.resize(request.payload.size + _REQUEST_OBJECTS_BYTES):
            self._recipient.slow_request(request, Body(room, request.head_length, request.payload.pages))
        else:
            room.free()
            self._recipient.no_room(self._path.method)

    def body_expected(self) -> None:
        """Have the client asked for a body that it holds back, if anybody wants it."""
        if self._recipient.is_wanted(self._path.head):
            self._recipient.body_expected()

    def refuse(self, status: int, message: str, method: bytes) -> None:
        self._recipient.refuse(status, message, method)


def _go_on() -> None:
    """Do nothing: what comes is read as before."""
