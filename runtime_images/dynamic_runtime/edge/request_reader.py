"""Cuts what one client sends into requests, one ahead of the answers, and collects those that come in pieces.

Ordinary requests are recognized by their heads; long bodies are read from the socket straight to where they stay. All
else takes the slow path. What is kept takes room in the budget that all clients share: where there is none left, a long
body waits unread.
"""

from collections.abc import Callable
from typing import Protocol

from runtime_images.dynamic_runtime.edge import slow_reader
from runtime_images.dynamic_runtime.edge.bodies import Body, BodyReceiver, Pages, Payload
from runtime_images.dynamic_runtime.edge.budget import SMALL_BYTES, Backlog, Budget, Room
from runtime_images.dynamic_runtime.edge.fast_path import FastPath, lengths_of
from runtime_images.dynamic_runtime.edge.limits import Patience
from runtime_images.dynamic_runtime.edge.slow_reader import SlowReader
from runtime_images.dynamic_runtime.wire.arenas import LEAST_BYTES, Requests

_PIECES_A_TURN = 32
"""What is answered at once, such as a probe, leaves a client free for its next request: others have their turn, too."""
_LINE_ENDS = b"\r\n"


class Recipient(slow_reader.Recipient, Protocol):
    """The connection whose requests are read: `busy` says that the client is ahead of its answers.

    `steer` has it read or not, `receive` gives its socket to another protocol, `receive_here` takes it back.
    """

    @property
    def busy(self) -> bool: ...
    def ordinary_request(self, payload: bytes, head_length: int, body: Body | Room | None = None) -> None: ...
    def receive(self, body: Body, begun: int) -> BodyReceiver: ...
    def receive_here(self) -> None: ...
    def steer(self) -> None: ...
    def abort(self) -> None: ...


class RequestReader:
    """Reads one connection's requests. `partial` takes what comes next, while a request is not whole."""

    def __init__(
        self,
        recipient: Recipient,
        patience: Patience,
        max_body_bytes: int,
        budget: Budget,
        backlog: Backlog,
        requests: Requests | None,
    ) -> None:
        self.partial: Callable[[bytes, int], int] | None = None
        self.fast_path = FastPath(max_body_bytes)
        self.patience = patience
        self._recipient = recipient
        self._max_body = max_body_bytes
        self._budget = budget
        self._backlog = backlog
        self._requests = requests
        self._slow: SlowReader | None = None
        self._collected: Payload | None = None
        self._body: Body | None = None
        self._room: Room | None = None
        self._head = b""
        self._head_length = self._missing = 0
        self._rest, self._rest_start = b"", 0

    @property
    def stopped(self) -> bool:
        return self.partial is _ignore

    @property
    def kept(self) -> bool:
        """Whether requests are here that are not cut yet."""
        return bool(self._rest)

    @property
    def is_ahead(self) -> bool:
        """Whether something is here that is needed only after the next answer."""
        return self.kept or (self.partial is not None and not self.stopped)

    @property
    def _held(self) -> Room | None:
        return self._slow.room if self._slow is not None else self._room

    @property
    def waits(self) -> bool:
        """Whether a body waits for room."""
        room = self._held
        return room is not None and room.waits

    @property
    def is_in_the_way(self) -> bool:
        """Whether what has come of a request takes room that others lack."""
        room = self._held
        return room is not None and room.size > SMALL_BYTES and self._budget.scarce and not room.waits

    def stop(self) -> None:
        """Read no further request: whatever still comes is ignored."""
        self.partial = _ignore
        self._drop_rest()
        if self._slow is not None:
            self._slow.stop()
        if self._body is not None:
            self._body.free()
            self._recipient.receive_here()
        if self._room is not None:
            self._room.free()
        self._slow = self._collected = self._body = self._room = None

    def feed(self, data: bytes, start: int = 0) -> None:
        """Take requests from what came, as long as the client is not ahead of its answers, and some in a turn."""
        left = _PIECES_A_TURN
        while start < len(data):
            if not left or (self.partial is None and self._recipient.busy):
                self._rest, self._rest_start = data, start
                self._backlog.add(self, len(data))
                return
            left -= 1
            start = (self.partial or self._begin)(data, start)

    def go_on(self) -> None:
        """Take the next requests from what was kept."""
        data, start = self._rest, self._rest_start
        self._drop_rest()
        self.feed(data, start)

    def hand_over(self) -> bytes:
        """Return what is left of a read: it is no HTTP, and nothing that comes is read here any more."""
        rest = self._rest[self._rest_start :]
        self.stop()
        return rest

    def _drop_rest(self) -> None:
        self._rest, self._rest_start = b"", 0
        self._backlog.drop(self)

    def abort(self) -> None:
        """Cut a client off that is ahead of its answers, for want of memory."""
        self._recipient.abort()

    def _begin(self, data: bytes, start: int) -> int:
        """Take one request, or the beginning of one; return where the next one begins."""
        if data[start] in _LINE_ENDS:  # before a request they are ignored (RFC 9112, 2.2), and earn no time
            return len(data) - len(data[start:].lstrip(_LINE_ENDS))
        lengths = lengths_of(data, start)
        if lengths is None or lengths[1] > self._max_body:
            self._slow = SlowReader(self._recipient, self.patience, self._max_body, self._budget, self.wait)
            self.partial = self._parse
            return self._parse(data, start)
        head_length, length = lengths
        end = start + head_length + length
        if end > len(data):
            self._collect_from(data[start:], head_length, end - len(data))
        elif end - start <= SMALL_BYTES:
            self._recipient.ordinary_request(data[start:end], head_length)
        elif (room := self._budget.hold(end - start)) is not None:
            self._recipient.ordinary_request(data[start:end], head_length, room)
        else:
            self._recipient.no_room()
        return end

    def _parse(self, data: bytes, start: int) -> int:
        """Feed the slow path, until it stands between two requests again."""
        slow = self._slow
        assert slow is not None
        end = slow.feed(data, start)
        if slow.between_requests and self._slow is slow:
            slow.stop()
            self._slow = self.partial = None
        return end

    # a body that comes in pieces, its length known

    def _collect_from(self, data: bytes, head_length: int, missing: int) -> None:
        self._head = data[:head_length]
        if not self._recipient.is_wanted(self._head):
            return
        self.patience.body_begins()
        length = len(data) - head_length + missing
        self._room = room = self._budget.open(length)
        self.partial = self._collect
        if not room.add(len(data)):
            self._recipient.no_room()
        elif length > LEAST_BYTES:
            self._receive(data, head_length, length, room)
        else:
            self._collected = Payload(data)
            self._head_length, self._missing = head_length, missing

    def _collect(self, data: bytes, start: int) -> int:
        assert self._collected is not None
        assert self._room is not None
        part = data[start : start + self._missing]
        self.patience.body_moved(len(part))
        self._missing -= len(part)
        self._collected.add(part)
        if not self._room.add(len(part)):
            self._recipient.no_room()
        elif not self._missing:
            payload, room = self._collected.join(), self._room
            self._collected = self._room = self.partial = None
            self.patience.body_ended()
            self._recipient.ordinary_request(payload, self._head_length, room)
        return start + len(part)

    def _receive(self, data: bytes, head_length: int, length: int, room: Room) -> None:
        """Read a long body from the socket: into the arena, if it has space, else into pages."""
        begun = len(data) - head_length
        slot = None
        if self._requests is not None and room.take(length - begun):
            slot = self._requests.take(length)
        if slot is not None:
            slot.memory[:begun] = memoryview(data)[head_length:]
            self._body = Body(room, head_length, slot=slot)
        else:
            room.resize(len(data))
            try:
                pages = Pages(data, head_length + length)
            except OSError:
                self._recipient.no_room()
                return
            pages.size = head_length + length
            self._body = Body(room, head_length, pages)
        self._recipient.receive(self._body, begun).begin(in_arena=slot is not None)

    def wait(self, room: Room, size: int, go_on: Callable[[], None]) -> None:
        """Wait unread for room, and call back when there is some."""

        def room_found() -> None:
            self.patience.room_found()
            go_on()
            self._recipient.steer()

        self.patience.body_waits()
        if room.wait(size, room_found):
            self._recipient.steer()
        else:
            self._recipient.no_room()

    def body_complete(self) -> None:
        """Hand over a request whose long body is whole."""
        body, self._body, self._room, self.partial = self._body, None, None, None
        assert body is not None
        self.patience.body_ended()
        self._recipient.receive_here()
        self._recipient.ordinary_request(self._head, len(self._head), body)


def _ignore(data: bytes, start: int) -> int:  # noqa: ARG001 -- as all that take what comes
    """Take bytes that come after the last request that is read on a connection."""
    return len(data)
