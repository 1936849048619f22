"""How long the edge waits for a client, in seconds: docs/http.md lists the limits for users."""

import asyncio
import contextlib
import fcntl
import struct
import termios
from collections.abc import Callable

HEAD_TIMEOUT_S = 30.0  # for a whole head, from its first byte
BODY_TIMEOUT_S = 30.0  # for the next part of a body
LEAST_BODY_RATE = 1024
"""Bytes a second. A body has `BODY_TIMEOUT_S`, and as long as what has come of it would take at this rate, so that one
that trickles ends. Apache asks for 500 by default (mod_reqtimeout), Kestrel for 240."""

IDLE_TIMEOUT_S = 90.0  # between two requests; longer than load balancers keep a connection: they shall close it
WRITE_TIMEOUT_S = 60.0  # without a byte taken, for a client that has an answer to read
HANDLER_PATIENCE_S = 10.0  # the same, while a thread of a blocking handler serves this client alone
LINGER_S = 1.0  # between our last byte and the close, for the client to read it (RFC 9112, 9.6)
HALF_CLOSE_S = 0.2  # a client that ends its half so soon after its request wants the answer; later, it has left

_FROM_THE_NEXT_TICK = -1.0  # a deadline that begins to run with the next look at it: no answer need read the clock


class Patience:
    """How long one client may still take over what it is doing: sending a head or a body, idling, taking an answer."""

    __slots__ = ("_body_due_s", "_due_s", "_now", "_unread_bytes", "_write_s")

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._write_s = WRITE_TIMEOUT_S
        self._body_due_s = 0.0
        self._unread_bytes = 0
        self._due_s = now() + HEAD_TIMEOUT_S

    def head_begins(self) -> None:
        self._due_s = self._now() + HEAD_TIMEOUT_S

    def body_begins(self) -> None:
        self._due_s = self._body_due_s = self._now() + BODY_TIMEOUT_S

    def body_moved(self, size: int) -> None:
        """Count a part of a body: it earns the rest some time, but a byte now and then does not."""
        self._body_due_s += size / LEAST_BODY_RATE
        self._due_s = min(self._body_due_s, self._now() + BODY_TIMEOUT_S)

    def answer_begins(self) -> None:
        """Give the client time to take what is written from here on."""
        self._due_s = self._now() + self._write_s

    def answer_ended(self) -> None:
        """Begin a new wait with the next tick: what comes next is another request."""
        self._due_s = _FROM_THE_NEXT_TICK

    def shorten(self, write_s: float) -> None:
        """Wait no longer than this, from now on, for a client that takes nothing of its answer."""
        self._write_s = write_s

    def is_over(self, now_s: float, *, idle: bool, unsent: asyncio.Transport | None) -> bool:
        """Return whether the client has taken too long. `unsent` holds what it has not taken yet of its answer."""
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
