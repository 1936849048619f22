"""Arenas: sealed shared memory in which bodies over 64 KB lie, so that they cross no socket between front and worker.

A frame then says only where a body is. The size is sealed, so that nobody can cut the memory away under a reader
(SIGBUS). Two kinds of arena:

- **Requests**: one, which only the front can write. It outlives workers: a retry or a switch finds the body in place.
- **Answers**: one a worker, which that worker writes and the front only reads.

Who writes takes a slot. It is given back when its reader is done: an answer's once the client's connection has taken
all of it, a request's once its worker has answered, or is dead and reaped. Where there is no sealed memory, and where
an arena is full, bodies travel in frames as small ones do.
"""

import bisect
import fcntl
import mmap
import os
import struct
import threading
from dataclasses import dataclass

LEAST_BYTES = 64 * 1024  # a shorter body is copied through the socket faster than it is placed here and given back
ARENA_BYTES = 64 * 1024 * 1024
"""Address space: memory is used as far up as slots have ever been taken, and the lowest are taken first."""

PLACE = struct.Struct("<QQ")  # how a frame says where a body is: offset and length in bytes
PAGE_BYTES = 4096
_F_SEAL_FUTURE_WRITE = 0x10
"""Linux 5.1: no new writable mapping and no write; the one that exists goes on. Python's fcntl has no name for it."""


class ArenaError(Exception):
    """A place that lies outside of the arena."""


class Slots:
    """Which parts of `size` bytes are taken. The lowest gap that is large enough is used: warm pages come first."""

    def __init__(self, size: int) -> None:
        self._gaps = [(0, size)]
        self.taken: dict[int, int] = {}

    def take(self, length: int) -> int | None:
        """Return the offset of a slot for `length` bytes, whole pages of it; None if there is no such gap."""
        needed = max(1, -(-length // PAGE_BYTES)) * PAGE_BYTES
        for index, (start, end) in enumerate(self._gaps):
            if end - start >= needed:
                self._gaps[index : index + 1] = [(start + needed, end)] if end - start > needed else []
                self.taken[start] = start + needed
                return start
        return None

    def give_back(self, offset: int) -> bool:
        """Free the slot at `offset` and join it with the gaps beside it; return whether there was one."""
        end = self.taken.pop(offset, None)
        if end is None:
            return False
        start, at = offset, bisect.bisect(self._gaps, (offset, end))
        if at < len(self._gaps) and self._gaps[at][0] == end:
            end = self._gaps.pop(at)[1]
        if at > 0 and self._gaps[at - 1][1] == start:
            at -= 1
            start = self._gaps.pop(at)[0]
        self._gaps.insert(at, (start, end))
        return True


@dataclass(slots=True)
class Slot:
    """A slot that was taken: its memory, and what a frame says of it."""

    writer: "Writer"
    offset: int
    memory: memoryview

    @property
    def place(self) -> bytes:
        return PLACE.pack(self.offset, len(self.memory))

    def free(self) -> None:
        self.writer.give_back(self.offset)


class Writer:
    """The side of an arena that takes slots and fills them, from any thread; the descriptor stays the caller's."""

    def __init__(self, fd: int) -> None:
        self._view = memoryview(mmap.mmap(fd, 0))
        self._slots = Slots(len(self._view))
        self._lock = threading.Lock()

    def take(self, length: int) -> Slot | None:
        """Return a free slot of `length` bytes, None if the arena is full."""
        with self._lock:
            offset = self._slots.take(length)
        return None if offset is None else Slot(self, offset, self._view[offset : offset + length])

    def place(self, body: bytes | bytearray | memoryview) -> Slot | None:
        """Return a slot with a copy of this body, None if the arena is full."""
        slot = self.take(len(body))
        if slot is not None:
            slot.memory[:] = body
        return slot

    def give_back(self, offset: int) -> None:
        """Free a slot; one that is not taken is none of ours, and stays as it is."""
        with self._lock:
            self._slots.give_back(offset)

    @property
    def taken(self) -> int:
        """How many slots are taken."""
        return len(self._slots.taken)


class Requests(Writer):
    """The arena of all requests: the front alone writes, for every later mapping of `fd` can only be read."""

    def __init__(self, fd: int) -> None:
        super().__init__(fd)
        fcntl.fcntl(fd, fcntl.F_ADD_SEALS, _F_SEAL_FUTURE_WRITE | fcntl.F_SEAL_SEAL)
        self.fd = fd

    def take(self, length: int) -> Slot | None:
        """Return a slot for a body that is long enough to be worth it, if there is space."""
        return super().take(length) if length > LEAST_BYTES else None


class Reader:
    """The side of an arena that reads where a frame says; the descriptor stays the caller's."""

    def __init__(self, fd: int) -> None:
        self._view = memoryview(mmap.mmap(fd, 0, prot=mmap.PROT_READ))

    def part(self, place: bytes) -> memoryview:
        """Return the memory that a frame names, or raise ArenaError; it stays mapped while this is kept."""
        if len(place) != PLACE.size:
            raise ArenaError(f"a place of {len(place)} bytes")
        offset, length = PLACE.unpack(place)
        if offset + length > len(self._view):
            raise ArenaError(f"a body of {length} bytes at {offset} lies outside of the arena")
        return self._view[offset : offset + length]


def create_requests() -> Requests | None:
    """Return a new arena of all requests; None where the system has no sealed memory."""
    fd = create("gaia-requests", ARENA_BYTES)
    if fd is not None:
        try:
            return Requests(fd)
        except OSError:
            os.close(fd)
    return None


def create(name: str, size: int) -> int | None:
    """Return a descriptor of fresh memory whose size is sealed; None where the system has none."""
    try:
        fd = os.memfd_create(name, os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    except (AttributeError, OSError):
        return None
    try:
        os.ftruncate(fd, size)
        fcntl.fcntl(fd, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW)
    except OSError:
        os.close(fd)
        return None
    return fd
