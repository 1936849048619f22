"""The listening side of the HTTP edge: its connections, its limits, the time of this second."""

import asyncio
from email.utils import formatdate
from typing import Protocol

from runtime_images.dynamic_runtime.clock import Clock
from runtime_images.dynamic_runtime.edge.connection import HttpConnection
from runtime_images.dynamic_runtime.edge.exchange import Exchange
from runtime_images.dynamic_runtime.wire.arenas import Requests


class Application(Protocol):
    """Whoever answers requests."""

    def handle(self, exchange: Exchange) -> None:
        """Answer the exchange, now or later. Never raises."""

    def client_gone(self, exchange: Exchange) -> None:
        """The client of an exchange that is not answered yet has left."""

    def half_closed(self, exchange: Exchange) -> None:
        """The client of an exchange that is not answered yet has left, or sends no more and waits: nobody can tell."""

    def drained(self, exchange: Exchange) -> None:
        """The client has taken what was written of the answer so far."""


class HttpServer:
    """The listening side: its connections, limits and the date of this second. Long bodies go into `requests`."""

    def __init__(
        self, application: Application, clock: Clock, max_body_bytes: int, requests: Requests | None = None
    ) -> None:
        self.application = application
        self.max_body_bytes = max_body_bytes
        self.requests = requests
        self.loop = asyncio.get_running_loop()
        self.connections: set[HttpConnection] = set()
        self.draining = False
        self.date_line = _date_line()
        self.now = clock.monotonic
        self._server: asyncio.Server | None = None

    async def listen(self, host: str, port: int) -> int:
        """Listen on a TCP address; the port, chosen by the system if `port` is 0.

        Raises:
            OSError: the address cannot be had.
        """
        self._server = await self.loop.create_server(lambda: HttpConnection(self), host, port, backlog=2048)
        return int(self._server.sockets[0].getsockname()[1])

    async def listen_unix(self, path: str) -> None:
        """Listen on a Unix socket that only this user may open.

        Raises:
            OSError: the path cannot be had.
        """
        self._server = await self.loop.create_unix_server(lambda: HttpConnection(self), path)

    def tick(self) -> None:
        """Once a second: the date header, and clients that are too slow."""
        self.date_line = _date_line()
        now_s = self.now()
        for connection in list(self.connections):
            connection.check_deadline(now_s)

    def stop_listening(self) -> None:
        """Accept no further connection."""
        if self._server is not None:
            self._server.close()

    def close_connections(self, *, only_idle: bool) -> None:
        """Close connections; those in use only when told so."""
        for connection in list(self.connections):
            if connection.idle or not only_idle:
                connection.close()


def _date_line() -> bytes:
    return b"date: %b\r\n" % formatdate(usegmt=True).encode()
