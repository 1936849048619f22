"""One end of a worker's socket on an event loop, which sends once a turn.

Each system call on the socket wakes the other process: many frames in one call wake it once for all of them.
"""

import asyncio
from typing import cast


class Channel(asyncio.Protocol):
    """Keeps what is sent until the end of this turn of the event loop."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._outgoing: list[bytes | memoryview] = []
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's transports are no subclasses

    def send(self, *parts: bytes | memoryview) -> None:
        """Send the parts of encoded frames, together with whatever else is sent in this turn."""
        if not self._outgoing:
            self._loop.call_soon(self._flush)
        self._outgoing += parts

    def _flush(self) -> None:
        data = b"".join(self._outgoing)
        self._outgoing.clear()
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(data)
