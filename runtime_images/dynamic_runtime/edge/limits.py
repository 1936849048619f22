"""How long the edge waits for a client, in seconds, and how many headers it reads: docs/http.md lists the limits."""

import asyncio
import contextlib
import fcntl
import struct
import termios
from collections.abc import Callable

HEAD_TIMEOUT_S = 30.0  # for a whole head, from its first byte
BODY_TIMEOUT_S = 30.0  # that a body may be behind `LEAST_BODY_RATE`
LEAST_BODY_RATE = 1024
"""Bytes a second. What comes of a body earns it the time that it would take at this rate, but it never has more than
`BODY_TIMEOUT_S` left: neither one that trickles nor one that came quickly at first and then stops can last. Apache asks
for 500 by default (mod_reqtimeout), Kestrel for 240."""

SCARCE_BODY_TIMEOUT_S = 5.0  # the same two while others lack the memory that the body takes
SCARCE_BODY_RATE = 16 * 1024
ROOM_TIMEOUT_S = 10.0  # that a body waits for room

IDLE_TIMEOUT_S = 90.0  # between two requests; longer than load balancers keep a connection: they shall close it
WRITE_TIMEOUT_S = 60.0  # without a byte taken, for a client that has an answer to read
HANDLER_PATIENCE_S = 10.0  # the same, while a thread of a blocking handler serves this client alone
LINGER_S = 1.0  # between our last byte and the close, for the client to read it (RFC 9112, 9.6)
HALF_CLOSE_S = 0.2  # a client that ends its half so soon after its request wants the answer; later, it has left
HALF_CLOSED_QUIET_S = 5.0  # without a byte, where it does so in the middle of its answer: it has left, too

MAX_HEADERS = 256
"""Of one request. Each costs time, however short it is. Apache, Envoy and hyper allow a hundred."""

_FROM_THE_NEXT_TICK = -1.0  # a deadline that begins to run with the next look at it: no answer need read the clock


class Patience:
    """How long one client may still take over what it is doing: sending a head or a body, idling, taking an answer."""

    __slots__ = (
        "_body_due_s",
        "_due_s",
        "_moved_bytes",
        "_moved_s",
        "_now",
        "_quiet",
        "_room_s",
        "_scarce_due_s",
        "_unread_bytes",
        "_write_s",
    )

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._write_s = WRITE_TIMEOUT_S
        self._body_due_s = self._scarce_due_s = self._moved_s = self._room_s = 0.0
        self._moved_bytes = self._unread_bytes = 0
        self._quiet: tuple[int, float] | None = None
        self._due_s = now() + HEAD_TIMEOUT_S

    def head_begins(self) -> None:
        now_s = self._now()
        self._due_s = now_s + HEAD_TIMEOUT_S
        self._scarce_due_s = now_s + SCARCE_BODY_TIMEOUT_S

    def body_begins(self) -> None:
        """Give a new body its time."""
        self._room_s = ROOM_TIMEOUT_S
        self.body_goes_on()

    def body_goes_on(self) -> None:
        """Give a body its time again after a while in which we did not read it."""
        now_s = self._now()
        self._moved_bytes = 0
        self._due_s = self._body_due_s = now_s + BODY_TIMEOUT_S
        self._scarce_due_s = now_s + SCARCE_BODY_TIMEOUT_S

    def body_moved(self, size: int) -> None:
        """Count a part of a body; the next look at it says what time it earns."""
        self._moved_bytes += size
        self._moved_s = self._now()

    def body_ended(self) -> None:
        self._moved_bytes = 0

    def _earn(self) -> None:
        """Give the rest of a body the time that its last parts earn, but never more than a body that begins."""
        moved, self._moved_bytes = self._moved_bytes, 0
        self._body_due_s = min(self._body_due_s + moved / LEAST_BODY_RATE, self._moved_s + BODY_TIMEOUT_S)
        self._scarce_due_s = min(self._scarce_due_s + moved / SCARCE_BODY_RATE, self._moved_s + SCARCE_BODY_TIMEOUT_S)
        self._due_s = self._body_due_s

    def body_waits(self) -> None:
        """Wait for room, only so long in all: the client cannot send."""
        self._moved_bytes = 0
        self._due_s = self._now() + self._room_s

    def room_found(self) -> None:
        self._room_s = max(0.0, self._due_s - self._now())
        self.body_goes_on()

    def is_in_the_way(self, now_s: float) -> bool:
        """Return whether a request comes too slowly for one that holds what others lack."""
        return now_s >= self._scarce_due_s

    def answer_begins(self) -> None:
        """Give the client time to take what is written from here on."""
        self._moved_bytes = 0
        self._due_s = self._now() + self._write_s

    def answer_ended(self) -> None:
        """Begin a new wait with the next tick: what comes next is another request."""
        self._due_s = _FROM_THE_NEXT_TICK

    def shorten(self, write_s: float) -> None:
        """Wait no longer than this, from now on, for a client that takes nothing of its answer."""
        self._write_s = write_s

    def half_closed(self) -> None:
        """Note that the client has ended its half in the middle of an answer: perhaps it has left."""
        self._quiet = (0, self._now())

    def has_left(self, parts: int, now_s: float) -> bool:
        """Return whether such a client was sent no further part of its answer for a while.

        A write would tell whether it has left, but there is nothing to write.
        """
        if self._quiet is not None and self._quiet[0] != parts:
            self._quiet = (parts, now_s)
        return self._quiet is not None and now_s - self._quiet[1] >= HALF_CLOSED_QUIET_S

    @property
    def due_s(self) -> float:
        """When the connection is closed if nothing more comes, for comparison with others."""
        return self._due_s if self._due_s != _FROM_THE_NEXT_TICK else self._now() + IDLE_TIMEOUT_S

    def is_over(self, now_s: float, *, idle: bool, unsent: asyncio.Transport | None) -> bool:
        """Return whether the client has taken too long. `unsent` holds what it has not taken yet of its answer."""
        if self._moved_bytes:
            self._earn()
        if unsent is not None:
            before, self._unread_bytes = self._unread_bytes, unread_bytes(unsent)
            if self._unread_bytes < before:  # it reads, if slowly
                self._due_s = now_s + self._write_s
        if self._due_s == _FROM_THE_NEXT_TICK:
            self._due_s = now_s + (IDLE_TIMEOUT_S if idle else HEAD_TIMEOUT_S)
        return now_s >= self._due_s


def unread_bytes(transport: asyncio.Transport) -> int:
    """Return how many bytes of ours the client has not acknowledged: in this process, and in the kernel.

    The kernel takes more from us only when a third of its buffer, often a megabyte, is free: without its share, a
    client that reads ten kilobytes a second would look like one that does not read at all.
    """
    kernel = 0
    with contextlib.suppress(OSError, AttributeError):  # a transport that is closing, or has no socket
        descriptor = transport.get_extra_info("socket").fileno()
        (kernel,) = struct.unpack("i", fcntl.ioctl(descriptor, termios.TIOCOUTQ, b"\0\0\0\0"))
    return transport.get_write_buffer_size() + kernel
