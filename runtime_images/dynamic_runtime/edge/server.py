"""The listening side of the HTTP edge: its connections, its limits, the date of this second."""

import asyncio
from collections.abc import Callable
from email.utils import formatdate
from typing import Any, TypeVar

from runtime_images.dynamic_runtime.clock import Clock
from runtime_images.dynamic_runtime.edge.connection import Application, HttpConnection
from runtime_images.dynamic_runtime.edge.exchange import Exchange
from runtime_images.dynamic_runtime.edge.outlet import SharedHead
from runtime_images.dynamic_runtime.wire.arenas import Requests

E = TypeVar("E", bound=Exchange)


class HttpServer:
    """A server of an application, which gets the exchanges that `make_exchange` makes. Long bodies go to `requests`."""

    def __init__(
        self,
        application: Application[E],
        make_exchange: Callable[..., E],
        clock: Clock,
        max_body_bytes: int,
        requests: Requests | None = None,
    ) -> None:
        self.application: Application[Any] = application
        self.make_exchange: Callable[..., Exchange] = make_exchange
        self.max_body_bytes = max_body_bytes
        self.requests = requests
        self.loop = asyncio.get_running_loop()
        self.connections: set[HttpConnection] = set()
        self.opened = self.connections.add
        self.closed = self.connections.discard
        self.now = clock.monotonic
        self._clock = clock
        self.shared_head = SharedHead(self._date_line())
        self._server: asyncio.Server | None = None

    def accept(self) -> HttpConnection:
        """Return the protocol of a new connection, over whatever transport."""
        return HttpConnection(self)

    async def listen(self, host: str, port: int) -> int:
        """Listen on a TCP address, or raise OSError; return the port, chosen by the system if `port` is 0."""
        self._server = await self.loop.create_server(self.accept, host, port, backlog=2048)
        return int(self._server.sockets[0].getsockname()[1])

    async def listen_unix(self, path: str) -> None:
        """Listen on a Unix socket that only this user may open, or raise OSError."""
        self._server = await self.loop.create_unix_server(self.accept, path)

    def tick(self) -> None:
        """Renew the date and end the connections of clients that are too slow; called once a second."""
        self.shared_head.date_line = self._date_line()
        now_s = self.now()
        for connection in list(self.connections):
            connection.check_deadline(now_s)

    def begin_draining(self) -> None:
        self.shared_head.draining = True

    def stop_listening(self) -> None:
        if self._server is not None:
            self._server.close()

    def close_connections(self) -> None:
        """Close every connection once what was written on it has left."""
        for connection in list(self.connections):
            connection.close()

    def _date_line(self) -> bytes:
        return b"date: %b\r\n" % formatdate(self._clock.time(), usegmt=True).encode()
