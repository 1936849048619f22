"""The way to one client: what is written leaves here, or is cut off."""

import asyncio
import contextlib
import socket
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from runtime_images.dynamic_runtime.edge.budget import Backlog
from runtime_images.dynamic_runtime.edge.limits import LINGER_S, Patience
from runtime_images.dynamic_runtime.wire import client_address
from runtime_images.dynamic_runtime.wire.web_socket import Closing

_AT_ONCE = struct.pack("ii", 1, 0)  # struct linger: on, for no time


@dataclass(slots=True)
class SharedHead:
    """What all answers of a server share: a line of their heads, and the memory in which they wait for their clients.

    `draining` says that each connection ends with its next answer, `opened` how many there have been.
    """

    date_line: bytes
    backlog: Backlog
    draining: bool = False
    opened: int = 0


class SocketListener(Protocol):
    """Whom the messages of a WebSocket are for; `closed` is said once, however the connection ends."""

    def received(self, message: bytes, *, is_text: bool) -> None: ...
    def closed(self, closing: Closing) -> None: ...


class OpenSocket(Protocol):
    """An open WebSocket; `taken` says that so many messages more were received, the first that had not been.

    `unheard_since_s` is set while its client may not say more because the function does not receive.
    """

    @property
    def unheard_since_s(self) -> float | None: ...
    def send(self, part: bytes, *, is_text: bool, is_last: bool) -> None: ...
    def taken(self, count: int) -> None: ...
    def close(self, closing: Closing) -> None: ...


class Outlet:
    """Writes to one client. `finished` is called with each exchange whose answer is complete.

    `number` counts the connections that have been opened.
    `switch` answers with a head and goes on as a WebSocket, whose messages are for a listener.
    `transport` is what may be written to; a transport that only has to send what it was given is `_leaving`.
    `ends_with_body` says that the client takes the end of the connection for the end of its answer (HTTP/1.0).
    """

    ends_with_body = False
    switch: Callable[[bytes, SocketListener], OpenSocket]

    _leaving: asyncio.Transport | None = None
    _lingering: asyncio.TimerHandle | None = None

    def __init__(self, shared_head: SharedHead, patience: Patience, finished: Callable[[object], None]) -> None:
        self.shared_head = shared_head
        self.finished = finished
        self.client = client_address.NONE
        self.number = 0
        self.write_paused = False
        self.transport: asyncio.Transport | None = None
        self.patience = patience
        self._unsent: list[Callable[[], None]] = []

    def open(self, transport: asyncio.Transport) -> None:
        self.transport = transport
        self.shared_head.opened += 1
        self.number = self.shared_head.opened
        self.client = client_address.pack(transport.get_extra_info("peername"))

    def lost(self) -> None:
        self.transport = self._leaving = None
        self.shared_head.backlog.drop(self)
        if self._lingering is not None:
            self._lingering.cancel()
        self._give_back()

    def pause(self) -> None:
        self.write_paused = True
        self.patience.answer_begins()
        transport = self.transport or self._leaving
        if transport is not None and not self._unsent:  # what lies in shared memory has a bound of its own
            self.shared_head.backlog.add(self, transport.get_write_buffer_size())

    def resume(self) -> None:
        self.write_paused = False
        self.shared_head.backlog.drop(self)
        self.patience.answer_begins()
        self._give_back()

    def write(self, data: bytes | memoryview) -> None:
        if self.transport is not None:
            was_paused = self.write_paused  # if this pauses it, all that waits is counted there
            self.transport.write(data)
            if was_paused:
                self.shared_head.backlog.add(self, len(data))

    def write_shared(self, head: bytes, body: memoryview, give_back: Callable[[], None]) -> None:
        """Send a head and a body in shared memory, which is given back once nothing of it is left to be sent."""
        transport = self.transport
        if transport is None:
            give_back()
            return
        transport.set_write_buffer_limits(0)  # what can leave now does, and asyncio calls when the rest has
        self._unsent.append(give_back)
        transport.writelines((head, body))
        if not transport.get_write_buffer_size():
            self._give_back()

    def _give_back(self) -> None:
        if self._unsent:
            for give_back in self._unsent:
                give_back()
            self._unsent.clear()
            if self.transport is not None:
                self.transport.set_write_buffer_limits()

    @property
    def unsent(self) -> asyncio.Transport | None:
        """The transport on which the client still has to take something, if it has."""
        return self._leaving or (self.transport if self.write_paused else None)

    def let_go(self) -> None:
        """Write nothing from here on; the client has some time to take what was."""
        if self.transport is not None:  # else it was let go before
            self._leaving, self.transport = self.transport, None
        self.patience.answer_begins()

    def linger(self, loop: asyncio.AbstractEventLoop) -> None:
        """Say that this was all, and close some time after, so that the client can read it before."""
        if self.transport is not None:
            self.transport.write_eof()
            self._linger_on(loop, self.transport)
            self.let_go()

    def _linger_on(self, loop: asyncio.AbstractEventLoop, transport: asyncio.Transport) -> None:
        """Close once all has left for some time: what is sent to a closed socket resets it, and takes the rest away."""

        def close_if_sent() -> None:
            if transport.get_write_buffer_size():
                self._linger_on(loop, transport)
            else:
                transport.close()

        self._lingering = loop.call_later(LINGER_S, close_if_sent)

    def close(self) -> None:
        """Close once everything is written."""
        if self.transport is not None:
            self.transport.close()
            self.let_go()

    def abort(self) -> None:
        """Close at once; what is not written yet is lost, and the client sees it."""
        transport = self.transport or self._leaving
        if transport is not None:
            if self.ends_with_body:
                _have_reset(transport)
            transport.abort()
        self.transport = self._leaving = None


def _have_reset(transport: asyncio.Transport) -> None:
    """Have the connection end with a reset: an ordinary end would say that the answer is whole."""
    if (own := transport.get_extra_info("socket")) is not None:
        with contextlib.suppress(OSError):
            own.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
