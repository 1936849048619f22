"""How much of what was written to a client it has not taken yet: so a slow reader is told from a dead one."""

import asyncio
import contextlib
import fcntl
import struct
import termios


def unread_bytes(transport: asyncio.Transport) -> int:
    """Bytes of ours that the client has not acknowledged: in this process, and in the kernel.

    The kernel's share counts, for it takes more from us only when a third of its buffer, often a megabyte, is free:
    without it, a client that reads ten kilobytes a second would look like one that does not read at all.
    """
    kernel = 0
    with contextlib.suppress(OSError, AttributeError):  # a transport that is closing, or has no socket
        descriptor = transport.get_extra_info("socket").fileno()
        (kernel,) = struct.unpack("i", fcntl.ioctl(descriptor, termios.TIOCOUTQ, b"\0\0\0\0"))
    return transport.get_write_buffer_size() + kernel
