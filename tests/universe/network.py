"""A network in memory: connections that keep to asyncio's contract, and deliver late, in pieces, or never.

Bytes of one connection keep their order, those of different ones do not. What one end has not read fills the buffers
of the other, as in a kernel. An end that closes with something unread resets the connection (RFC 1122, 4.2.2.13).
"""

import asyncio
import socket
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any, cast

from runtime_images.dynamic_runtime.edge.budget import SLICE_BYTES
from tests.support.virtual_time import VirtualTimeLoop

_HIGH_BYTES = 64 * 1024


@dataclass(frozen=True)
class Wire:
    """How a connection delivers: up to `late_s` late, in up to `pieces`; each direction holds `capacity` bytes.

    `lazy`: what is written leaves at the end of the turn, as with uvloop; else at once, as far as there is space.
    """

    late_s: float = 0.0
    pieces: int = 1
    capacity: int = 2**18
    lazy: bool = False


class Socket(asyncio.Transport):
    """One end of a connection; `gentle` ones, as Unix sockets, never lose what was sent before an end."""

    peer: "Socket"

    def __init__(self, loop: "Universe", wire: Wire, random: Random, name: tuple[str, int] | None) -> None:
        super().__init__({"peername": name, "socket": self if name else None})
        self.protocol: Any = None
        self.gentle = name is None
        self._loop, self._wire, self._random = loop, wire, random
        self._out, self._in = bytearray(), bytearray()
        self._flying = 0
        self._flight: deque[tuple[Callable[..., None], tuple[bytes, ...]]] = deque()
        self._arrives_s = 0.0
        self._high, self._low = _HIGH_BYTES, _HIGH_BYTES // 4
        self._held = self._paused = self._write_paused = self._closing = self._lost = False
        self._dropped = self._read_due = self._resets = False
        self.read_most, self.read_every_s = SLICE_BYTES, 0.0
        self._eof_asked = self._eof_sent = self._eof_came = self._eof_told = False
        self._end_due = False

    def start(self, protocol: asyncio.BaseProtocol) -> None:
        self.protocol = protocol
        protocol.connection_made(self)
        self._read_soon()

    # out

    def write(self, data: Any) -> None:  # noqa: ANN401
        if self._eof_asked:
            raise RuntimeError("Cannot call write() after write_eof()")
        if self._dropped or not data:
            return
        self._out += data
        if not self._wire.lazy:
            self._push()
        self._loop.call_soon(self._send)
        self._pause_writing()

    def writelines(self, list_of_data: Any) -> None:  # noqa: ANN401
        self.write(b"".join(list_of_data))

    def _send(self) -> None:
        """Go on sending in a turn of its own: only there the protocol may learn that it can write again."""
        self._push()
        self._resume_writing()

    def _push(self) -> None:
        room = self._wire.capacity - self._flying
        if room > 0 and self._out and not self._held and not self._lost:
            part = bytes(self._out[:room])
            del self._out[:room]
            self._flying += len(part)
            for piece in self._cut(part):
                self._fly(self.peer._arrive, piece)
        if not self._out and (self._eof_asked or self._end_due) and not self._eof_sent and not self._held:
            self._eof_sent = True
            self._fly(self.peer._arrive_end)
        if not self._out and self._closing and not self._lost and not self._held:
            self._lose(None)

    def _cut(self, part: bytes) -> list[bytes]:
        if self._wire.pieces < 2 or len(part) < 2:
            return [part]
        count = self._random.randint(1, self._wire.pieces) - 1
        cuts = sorted({self._random.randrange(1, len(part)) for _ in range(count)})
        return [part[start:end] for start, end in zip([0, *cuts], [*cuts, len(part)], strict=True)]

    def _fly(self, arrive: Callable[..., None], *args: bytes) -> None:
        late_s = self._random.random() * self._wire.late_s if self._wire.late_s else 0.0
        self._arrives_s = max(self._arrives_s, self._loop.time() + late_s)
        self._flight.append((arrive, args))  # a heap of timers does not keep the order of equal times
        self._loop.call_at(self._arrives_s, self._land)

    def _land(self) -> None:
        arrive, args = self._flight.popleft()
        arrive(*args)

    def _pause_writing(self) -> None:
        if len(self._out) > self._high and not self._write_paused and not self._lost and self.protocol is not None:
            self._write_paused = True
            self.protocol.pause_writing()

    def _resume_writing(self) -> None:
        if len(self._out) <= self._low and self._write_paused and not self._lost and self.protocol is not None:
            self._write_paused = False
            self.protocol.resume_writing()

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        self._high = _HIGH_BYTES if high is None else high
        self._low = self._high // 4 if low is None else low
        self._pause_writing()

    def get_write_buffer_size(self) -> int:
        return len(self._out)

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None:
        if not self._closing and not self._eof_asked:
            self._eof_asked = True
            self._push()

    # in

    def _arrive(self, piece: bytes) -> None:
        if self._lost:
            self.peer._flying -= len(piece)
            self._reset_peer()
            return
        self._in += piece
        self._read_soon()

    def _arrive_end(self) -> None:
        self._eof_came = True
        self._read_soon()

    def _read_soon(self, after_s: float = 0.0) -> None:
        if not self._read_due:
            self._read_due = True
            self._loop.call_later(after_s, self._read)

    def _read(self) -> None:
        """Read once, as an event loop does; what has come in many pieces may be read as one."""
        self._read_due = False
        if self._paused or self._held or self._closing or self.protocol is None:
            return
        if self._in:
            self._deliver()
        elif self._eof_came and not self._eof_told:
            self._eof_told = True
            if not self.protocol.eof_received():
                self.close()
            return
        if self._in or self._eof_came:
            self._read_soon(self.read_every_s)

    def _deliver(self) -> None:
        protocol = self.protocol
        if isinstance(protocol, asyncio.BufferedProtocol):
            buffer: Any = protocol.get_buffer(-1)
            assert len(buffer), "get_buffer() returned an empty buffer"
            part = self._take(min(len(buffer), len(self._in)))
            buffer[: len(part)] = part
            protocol.buffer_updated(len(part))
        else:
            cast("asyncio.Protocol", protocol).data_received(self._take(self.read_most))

    def _take(self, most: int) -> bytes:
        part = bytes(self._in[:most])
        del self._in[:most]
        self.peer._flying -= len(part)
        self._loop.call_soon(self.peer._send)
        return part

    def pause_reading(self) -> None:
        self._paused = True

    def resume_reading(self) -> None:
        self._paused = False
        self._read_soon()

    def is_reading(self) -> bool:
        return not self._paused and not self._closing

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self.protocol = protocol

    # the end

    def setsockopt(self, _level: int, option: int, _value: bytes) -> None:
        """Have the connection end with a reset."""
        assert option == socket.SO_LINGER
        self._resets = True

    def fileno(self) -> int:
        raise OSError("no descriptor")

    def hold(self, *, held: bool) -> None:
        """Stand still, as an end whose process or cable does; or go on."""
        self._held = held
        self._read_soon()
        self._loop.call_soon(self._send)

    def is_closing(self) -> bool:
        return self._closing

    def close(self) -> None:
        if not self._closing:
            self._closing = True
            if not self._out:
                self._dropped = True
                self._loop.call_soon(self._lose, None)

    def abort(self) -> None:
        self._closing = self._dropped = True
        self._out.clear()
        self._loop.call_soon(self._lose, None)

    def sever(self) -> None:
        """End with the process that has this end: nothing is sent any more, and no protocol learns of it."""
        self.protocol = None
        self.abort()

    def _lose(self, error: Exception | None) -> None:
        if self._lost:
            return
        self._lost = self._closing = self._dropped = True
        self._out.clear()
        if (self._in or self._resets) and not self.gentle:
            self._reset_peer()
        elif error is None:
            self._end_due = True  # one that is held sends its end when it goes on
            self._push()
        if self.protocol is not None:
            self.protocol.connection_lost(error)

    def _reset_peer(self) -> None:
        if not self.gentle:
            self._fly(self.peer._be_reset)
        elif self._eof_sent:
            self._fly(self.peer._arrive_end)

    def _be_reset(self) -> None:
        if not self._lost and not self._held:
            self._in.clear()
            self._lose(ConnectionResetError())


class Universe(VirtualTimeLoop):
    """The event loop of one universe, with its network. `after_turn` is called after each of its turns."""

    def __init__(self) -> None:
        self.after_turn: Callable[[], None] = lambda: None
        self.accept: Callable[[], asyncio.Protocol] | None = None
        super().__init__()

    def _run_once(self) -> None:
        super()._run_once()  # type: ignore[misc]  # asyncio's own, without a public name
        self.after_turn()

    def pair(self, wire: Wire, random: Random, name: tuple[str, int] | None = None) -> tuple[Socket, Socket]:
        """Return the two ends of a connection: ours, and the other one's; `name` is whom we see there."""
        ours, theirs = Socket(self, wire, random, name), Socket(self, wire, random, name)
        ours.peer, theirs.peer = theirs, ours
        return ours, theirs

    async def create_server(self, protocol_factory: Any, *_: Any, **__: Any) -> Any:  # noqa: ANN401
        """Listen: clients connect by `accept`."""
        self.accept = protocol_factory
        return Listener(self)

    async def create_unix_connection(self, protocol_factory: Any, *_: Any, sock: Any = None, **__: Any) -> Any:  # noqa: ANN401
        """Give an end of a connection its protocol."""
        protocol = protocol_factory()
        sock.start(protocol)
        return sock, protocol


class Listener:
    """Where clients connect, until it is closed."""

    def __init__(self, loop: Universe) -> None:
        self._loop = loop
        self.sockets = [self]

    def getsockname(self) -> tuple[str, int]:
        return "127.0.0.1", 80

    def close(self) -> None:
        self._loop.accept = None
