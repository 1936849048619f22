"""One open WebSocket: what its client sends becomes messages, what the function says goes out, and both have bounds.

It is the protocol of its client's transport from the answer to the handshake on. A read is taken apart piece by piece,
for others have their turn, too. A client that is ahead of the function is not read from, one that says nothing is asked
for a sign of life, one that takes nothing is cut off like any client (`limits.py`), and what is kept of its messages
takes room in the budget that all clients share.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

from runtime_images.dynamic_runtime.edge.budget import SMALL_BYTES, Budget
from runtime_images.dynamic_runtime.edge.limits import Patience, unread_bytes
from runtime_images.dynamic_runtime.edge.outlet import Outlet, SocketListener
from runtime_images.dynamic_runtime.wire.web_socket import BYTES_AHEAD, INTERNAL_ERROR, MESSAGES_AHEAD, Closing

if TYPE_CHECKING:
    from runtime_images.dynamic_runtime.edge.web_sockets.conversation import Conversation

PING_EVERY_S = 20.0
"""After so long a silence a client is asked for a sign of life; it has as long again to give one, as with uvicorn."""
GOODBYE_S = 10.0
"""What a client has to answer our goodbye, before its connection is cut."""

_PIECE_BYTES = 16 * 1024
_SILENT = Closing(INTERNAL_ERROR, "no answer to a ping")
_TOO_SLOW = Closing(1008, "a message came too slowly, or stopped coming")
_NO_ROOM = Closing(1013, "the messages and bodies of others take all memory that there is for them")


class WebSocket(asyncio.Protocol):
    """An open WebSocket; `first` is what came behind the handshake.

    `host` is the connection's protocol otherwise, which must know of its pauses and its end.
    """

    def __init__(
        self,
        host: asyncio.Protocol,
        outlet: Outlet,
        conversation: "Conversation",
        listener: SocketListener,
        budget: Budget,
        loop: asyncio.AbstractEventLoop,
        now: Callable[[], float],
        first: bytes,
    ) -> None:
        self._host = host
        self._outlet = outlet
        self._conversation = conversation
        self._listener = listener
        self._room = budget.open()
        self._budget = budget
        self._loop = loop
        self._now = now
        self._rest = deque([first] if first else [])
        self._untaken: deque[int] = deque()
        self._untaken_bytes = 0
        self._patience: Patience | None = None
        self._heard_s = now()
        self._asked_s: float | None = None
        self._goodbye_s: float | None = None
        self._reading, self._turn_due = True, bool(first)
        self._is_over = self._is_deaf = False
        if first:
            loop.call_soon(self._take_turn)

    # what the client sends

    def data_received(self, data: bytes) -> None:
        self._heard_s, self._asked_s = self._now(), None
        if self._is_deaf:
            return  # the client is asked to end, and what it still sends is for nobody
        if len(data) <= _PIECE_BYTES and not self._rest:
            self._take(data)
            self._steer()
        else:
            self._rest.append(data)
            self._take_turn()

    def _take_turn(self) -> None:
        """Take the next piece of what was read, and leave the rest to a later turn."""
        self._turn_due = False
        if self._rest and not self._is_ahead:
            data = self._rest.popleft()
            if len(data) > _PIECE_BYTES:
                self._rest.appendleft(data[_PIECE_BYTES:])
            self._take(data[:_PIECE_BYTES])
        self._steer()

    def _take(self, data: bytes) -> None:
        if self._is_over:
            self._conversation.receive(data)  # for the client's goodbye: nobody hears its messages any more
        else:
            messages = self._conversation.receive(data)
            for is_text, message in messages:
                self._untaken.append(len(message))
                self._untaken_bytes += len(message)
                self._listener.received(message, is_text=is_text)
            self._be_patient(len(data), is_new=bool(messages))
        self._flush()

    @property
    def _is_ahead(self) -> bool:
        return self._untaken_bytes >= BYTES_AHEAD or len(self._untaken) >= MESSAGES_AHEAD

    def taken(self, count: int) -> None:
        """Note that the function has received so many messages, the first of those that it had not."""
        for _ in range(min(count, len(self._untaken))):
            self._untaken_bytes -= self._untaken.popleft()
        if not self._reading:
            self._heard_s = self._now()
        self._steer()

    @property
    def unheard_since_s(self) -> float | None:
        """Since when the function has received nothing of a client that may not be further ahead; None for others."""
        return None if self._reading or self._is_over else self._heard_s

    def _steer(self) -> None:
        """Read on while there is room, the function keeps up, and what was read is taken apart."""
        self._count()
        if self._rest and not self._is_ahead and not self._turn_due:
            self._turn_due = True
            self._loop.call_soon(self._take_turn)
        wants = not self._rest and (self._is_over or not self._is_ahead)
        transport = self._outlet.transport
        if transport is not None and wants is not self._reading and not transport.is_closing():
            self._reading = wants
            (transport.resume_reading if wants else transport.pause_reading)()
            self._heard_s, self._asked_s = self._now(), None  # while we did not read, nothing could be heard
            if self._patience is not None:
                self._patience.body_goes_on()

    def _count(self) -> None:
        size = self._conversation.held + self._untaken_bytes + sum(map(len, self._rest))
        if size <= SMALL_BYTES or self._is_deaf:
            size = 0
        if size != self._room.size and not self._room.resize(size):
            self._fail(_NO_ROOM)

    def eof_received(self) -> bool:
        self._conversation.receive_eof()
        self._flush()
        return False

    # what the function says

    def send(self, part: bytes, *, is_text: bool, is_last: bool) -> None:
        """Send a message, or a part of one; nothing to a client that has left."""
        if self._conversation.is_open:
            self._conversation.send(part, is_text=is_text, is_last=is_last)
            self._flush()

    def close(self, closing: Closing) -> None:
        """Say goodbye, and hear nothing more."""
        if self._conversation.is_open:
            self._conversation.close(closing)
            self._flush()

    def _fail(self, closing: Closing) -> None:
        self._conversation.fail(closing)
        self._flush()

    def _flush(self) -> None:
        """Send what is to be sent; see whether that was the end."""
        output, is_last = self._conversation.take_output()
        if is_last:
            self._is_deaf = True
            self._rest.clear()
        if output:
            self._outlet.write(output)
        if not self._is_over and not self._conversation.is_open:
            self._end(self._conversation.closing)
        if is_last and self._outlet.transport is not None:
            self._outlet.linger(self._loop)

    def _end(self, closing: Closing) -> None:
        """Let go of all that was for the function, and tell it."""
        self._is_over = True
        self._goodbye_s = self._now()
        self._untaken.clear()
        self._untaken_bytes = 0
        self._listener.closed(closing)
        self._steer()

    # time

    def check(self, now_s: float) -> None:
        """Ask a silent client for a sign of life, and cut off one that gives none; called about every second."""
        transport = self._outlet.transport
        if transport is None or self._outlet.write_paused:
            self._asked_s = None
        elif self._goodbye_s is not None:
            if now_s - self._goodbye_s >= GOODBYE_S:
                self._outlet.abort()
        elif self._reading and self._is_too_slow(now_s):
            self._fail(_TOO_SLOW)
        elif now_s - (self._asked_s or self._heard_s) < PING_EVERY_S:
            pass
        elif self._asked_s is not None and self._reading:
            self._fail(_SILENT)
        elif self._asked_s is not None and unread_bytes(transport):
            self._outlet.abort()  # nobody takes even that: where we do not read, no other sign would come
        else:
            self._asked_s = now_s
            self._conversation.ping()
            self._flush()

    def _be_patient(self, size: int, *, is_new: bool) -> None:
        """Give an unfinished message that takes room the time that a body has (`limits.py`)."""
        if self._conversation.held <= SMALL_BYTES:
            self._patience = None
            return
        if self._patience is None or is_new:
            self._patience = Patience(self._now)
            self._patience.body_begins()
        self._patience.body_moved(size)

    def _is_too_slow(self, now_s: float) -> bool:
        patience = self._patience
        if patience is None:
            return False
        is_over = patience.is_over(now_s, idle=False, unsent=None)
        return is_over or (self._budget.scarce and patience.is_in_the_way(now_s))

    # the transport

    def pause_writing(self) -> None:
        self._host.pause_writing()

    def resume_writing(self) -> None:
        self._host.resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self._is_over:
            self._conversation.receive_eof()
            self._end(self._conversation.closing)
        self._is_deaf = True
        self._rest.clear()
        self._room.free()
        self._host.connection_lost(exc)
