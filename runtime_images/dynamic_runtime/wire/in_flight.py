"""The in-flight journal: shared memory in which a worker notes which requests it has begun.

After a crash the front must know which requests the function may already have acted upon. The worker stores the
request's id just before it calls the function; the store survives the worker. One 8-byte slot for `id % SLOTS`, and
the front never has more than SLOTS requests at one worker, so slots cannot collide.
"""

import mmap
import os
import tempfile

from runtime_images.dynamic_runtime.wire import arenas

SLOTS = 4096
_SLOT_BYTES = 8


class InFlightJournal:
    """A view of the journal in the memory that `fd` holds; the descriptor stays the caller's."""

    def __init__(self, fd: int) -> None:
        self._memory = mmap.mmap(fd, SLOTS * _SLOT_BYTES)
        self._slots = memoryview(self._memory).cast("Q")

    def note(self, request_id: int) -> None:
        """Note that the function is about to be called for this request."""
        self._slots[request_id % SLOTS] = request_id

    def has(self, request_id: int) -> bool:
        """Return whether the function was called for this request."""
        return self._slots[request_id % SLOTS] == request_id

    def close(self) -> None:
        self._slots.release()
        self._memory.close()


def create_memory() -> int:
    """Return a descriptor of fresh, zeroed shared memory of the right size.

    Its size is sealed where the system can do that: cut short, it would end the front when that reads it (SIGBUS).
    """
    size = SLOTS * _SLOT_BYTES
    fd = arenas.create("gaia-journal", size)
    if fd is None:  # an old kernel, or a sandbox
        with tempfile.TemporaryFile() as file:
            fd = os.dup(file.fileno())
        os.ftruncate(fd, size)
    return fd
