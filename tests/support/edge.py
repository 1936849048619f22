"""The HTTP edge without a socket: bytes in, the requests it hands over and the bytes that it answers out.

The real `HttpServer` and `HttpConnection` run on a real event loop; only the transport is in memory, so that a test
can cut a stream at every byte in a few microseconds. The transport keeps to asyncio's contract: nothing is delivered
while reading is paused, nothing is written after the end.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from runtime_images.dynamic_runtime.edge.exchange import Exchange
from runtime_images.dynamic_runtime.edge.server import HttpServer
from runtime_images.dynamic_runtime.worker.asgi import build_scope
from tests.support.clock import FakeClock

MAX_BODY_BYTES = 100_000


@dataclass(frozen=True)
class Seen:
    """A request as the application behind the edge sees it."""

    method: bytes
    target: bytes
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes


@dataclass
class Talk:
    """What came of one connection."""

    seen: list[Seen]
    written: bytes
    ended: bool

    @property
    def refused(self) -> int:
        """The status of the edge's own refusal, its last answer; 0: none (the application refuses nothing)."""
        status = int(self.written.rpartition(b"\r\ndate: ")[0].rpartition(b"HTTP/1.1 ")[2][:3] or 0)
        return status if status >= 400 else 0


def ok(exchange: Exchange) -> None:
    """Answer with a short body."""
    exchange.respond(200, [], b"ok")


@dataclass
class Application:
    """Notes what it is given, and answers at once or in the next turn of the event loop.

    The worker reads the head of a request again, for itself: it must read the same.
    """

    answer: Callable[[Exchange], None] = ok
    later: bool = False
    seen: list[Seen] = field(default_factory=list)

    def handle(self, exchange: Exchange) -> None:
        """Note the request and answer it."""
        seen = Seen(exchange.method, exchange.target, tuple(exchange.headers), exchange.body)
        scope = build_scope(exchange.payload[: exchange.head_length], {}, None)
        path, _, query = seen.target.partition(b"?")
        assert (scope["method"].encode(), scope["raw_path"], scope["query_string"]) == (seen.method, path, query)
        assert tuple(scope["headers"]) == seen.headers
        self.seen.append(seen)
        if self.later:
            asyncio.get_running_loop().call_soon(self.answer, exchange)
        else:
            self.answer(exchange)

    def client_gone(self, exchange: Exchange) -> None:
        """Nothing is under way for it."""

    def half_closed(self, exchange: Exchange) -> None:
        """It is answered."""

    def drained(self, exchange: Exchange) -> None:
        """Nothing waits for it."""


class Wire(asyncio.Transport):
    """An in-memory transport: keeps what is written, delivers what is fed unless reading is paused."""

    def __init__(self, connection: asyncio.Protocol) -> None:
        super().__init__()
        self.written = bytearray()
        self.ended = self.aborted = False
        self._connection = connection
        self._waiting: deque[bytes] = deque()
        self._paused = False
        self._closing = False
        connection.connection_made(self)

    def feed(self, data: bytes) -> None:
        """The client sends `data`."""
        self._waiting.append(data)
        self._deliver()

    def end(self) -> None:
        """The client sends no more; as asyncio has it, the transport closes unless the protocol wants to go on."""
        if not self._connection.eof_received():
            self.close()

    def _deliver(self) -> None:
        while self._waiting and not self._paused and not self._closing:
            self._connection.data_received(self._waiting.popleft())

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Keep what the server says."""
        assert not self.ended, "written after the end"
        self.written += data

    def writelines(self, list_of_data: Sequence[bytes | bytearray | memoryview]) -> None:  # type: ignore[override]
        """Keep what the server says."""
        for data in list_of_data:
            self.write(data)

    def get_write_buffer_size(self) -> int:
        """Everything written has left."""
        return 0

    def write_eof(self) -> None:
        """The server has said everything."""
        self.ended = True

    def close(self) -> None:
        """Close; asyncio tells the protocol in the next turn of the loop."""
        if not self._closing:
            self._closing = self.ended = True
            asyncio.get_running_loop().call_soon(self._connection.connection_lost, None)

    def abort(self) -> None:
        """Close without having written everything."""
        self.aborted = True
        self.close()

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        """Have another protocol take what comes."""
        assert isinstance(protocol, asyncio.Protocol)
        self._connection = protocol

    def is_closing(self) -> bool:
        """Whether it was closed."""
        return self._closing

    def pause_reading(self) -> None:
        """Hold what the client sends."""
        assert not self._paused
        self._paused = True

    def resume_reading(self) -> None:
        """Go on delivering, in the next turn of the loop."""
        assert self._paused
        self._paused = False
        asyncio.get_running_loop().call_soon(self._deliver)


def talk(pieces: Sequence[bytes], application: Application | None = None) -> Talk:
    """Send `pieces` on one connection, each as its own read, and let everything be answered."""
    application = application or Application()

    async def run() -> Talk:
        server = HttpServer(application, Exchange, FakeClock(), MAX_BODY_BYTES)
        wire = Wire(server.accept())
        for piece in pieces:
            wire.feed(piece)
        await _settle(wire)
        return Talk(application.seen, bytes(wire.written), wire.ended)

    return asyncio.run(run())


async def _settle(wire: Wire) -> None:
    """Run the loop until nothing more is written."""
    quiet, size = 0, -1
    while quiet < 3:
        await asyncio.sleep(0)
        quiet = quiet + 1 if len(wire.written) == size else 0
        size = len(wire.written)
