"""Where the body of a request lies on its way to the worker, and the room that it takes until the request is answered.

A short one stands with its head in one piece of the heap. A long one lies in the arena, where the worker finds it, or,
where the arena is full, in pages of its own: the system gets those back as soon as they are free, which the heap does
not promise.
"""

import asyncio
import contextlib
import mmap
from collections.abc import Callable
from typing import Protocol

from runtime_images.dynamic_runtime.edge.budget import SLICE_BYTES, Room
from runtime_images.dynamic_runtime.edge.limits import Patience
from runtime_images.dynamic_runtime.wire.arenas import LEAST_BYTES, Slot

NO_ROOM = "the bodies of other requests take all memory that there is for them"
_PRIVATE = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS


class Pages:
    """Memory for one request, head and body in a row. Only what was written to costs anything."""

    def __init__(self, begun: bytes | bytearray, capacity: int) -> None:
        self._map = mmap.mmap(-1, capacity, flags=_PRIVATE)
        with contextlib.suppress(OSError):  # a kernel without huge pages
            self._map.madvise(mmap.MADV_NOHUGEPAGE)  # with them a byte could cost two megabytes
        self._map[: len(begun)] = begun
        self.size = len(begun)

    def append(self, part: bytes) -> None:
        """Add a part, or raise OSError: there is no memory."""
        end = self.size + len(part)
        if end > len(self._map):
            self._map.resize(max(end, 2 * len(self._map)))
        self._map[self.size : end] = part
        self.size = end

    @property
    def whole(self) -> memoryview:
        return memoryview(self._map)[: self.size]


class Payload:
    """A request in the making: its head and what has come of its body, however many parts that came in."""

    __slots__ = ("_short", "pages")

    def __init__(self, head: bytes) -> None:
        self._short = bytearray(head)
        self.pages: Pages | None = None

    @property
    def size(self) -> int:
        return len(self._short) if self.pages is None else self.pages.size

    def add(self, part: bytes) -> None:
        """Add a part of the body, or raise OSError: there is no memory for it."""
        if self.pages is None and len(self._short) + len(part) > 2 * LEAST_BYTES:
            self.pages = Pages(self._short, 2 * (len(self._short) + len(part)))
            self._short = bytearray()
        if self.pages is None:
            self._short += part
        else:
            self.pages.append(part)

    def join(self) -> bytes:
        return bytes(self._short if self.pages is None else self.pages.whole)


class Body:
    """What a request holds until it is answered: room, and the memory of a long body.

    `memory` is empty where the body stands with its head in the request's payload; `place` says where in the arena it
    lies, if it does.
    """

    __slots__ = ("_head_length", "_pages", "_slot", "memory", "room")

    def __init__(self, room: Room, head_length: int, pages: Pages | None = None, slot: Slot | None = None) -> None:
        self.room = room
        self._head_length = head_length
        self._pages = pages
        self._slot = slot
        self.memory = memoryview(b"")
        if slot is not None:
            self.memory = slot.memory
        elif pages is not None:
            self.memory = pages.whole[head_length:]

    @property
    def place(self) -> bytes:
        return self._slot.place if self._slot is not None else b""

    @property
    def whole(self) -> memoryview | None:
        """Head and body in a row, if they lie in pages of their own."""
        return self._pages.whole if self._pages is not None else None

    @property
    def head(self) -> bytes:
        """The head before a body in pages."""
        return bytes(self._pages.whole[: self._head_length]) if self._pages is not None else b""

    def free(self) -> None:
        """Give everything back: nobody will read the body any more."""
        if self._slot is not None:
            self._slot.free()
        self._pages, self.memory = None, memoryview(b"")
        self.room.free()


class Reader(Protocol):
    """Whose request it is: `wait` calls back when there is room, `body_complete` hands the request over."""

    patience: Patience

    def wait(self, room: Room, size: int, go_on: Callable[[], None]) -> None: ...
    def body_complete(self) -> None: ...


class BodyReceiver(asyncio.BufferedProtocol):
    """Takes the place of a connection's protocol until a body is whole; not a byte more is read."""

    def __init__(self, connection: asyncio.Protocol, reader: Reader, body: Body, begun: int) -> None:
        self._connection = connection
        self._reader = reader
        self._room = body.room
        self._granted = body.memory[:0]
        self._missing = body.memory[begun:]

    def begin(self, *, in_arena: bool) -> None:
        """Read: into the arena at will, since all room is taken, else as far as there is some."""
        if in_arena:
            self._grant(len(self._missing))
        else:
            self._ask_for_room()

    def _grant(self, size: int) -> None:
        self._granted, self._missing = self._missing[:size], self._missing[size:]

    def _ask_for_room(self) -> None:
        size = min(SLICE_BYTES, len(self._missing))
        if self._room.take(size):
            self._grant(size)
        else:
            self._reader.wait(self._room, size, lambda: self._grant(size))

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002 -- asyncio's signature
        return self._granted

    def buffer_updated(self, nbytes: int) -> None:
        self._granted = self._granted[nbytes:]
        if self._granted:
            self._reader.patience.body_moved(nbytes)
        elif self._missing:
            self._reader.patience.body_moved(nbytes)
            self._ask_for_room()
        else:
            self._reader.body_complete()

    def pause_writing(self) -> None:
        self._connection.pause_writing()

    def resume_writing(self) -> None:
        self._connection.resume_writing()

    def eof_received(self) -> bool | None:
        return self._connection.eof_received()

    def connection_lost(self, exc: Exception | None) -> None:
        self._connection.connection_lost(exc)
