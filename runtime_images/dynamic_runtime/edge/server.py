"""The listening side of the HTTP edge: its connections, its limits, the date of this second."""

import asyncio
import heapq
from collections.abc import Callable
from email.utils import formatdate
from typing import Any, TypeVar

from runtime_images.dynamic_runtime.clock import Clock
from runtime_images.dynamic_runtime.edge.application import Application
from runtime_images.dynamic_runtime.edge.budget import Backlog, Budget
from runtime_images.dynamic_runtime.edge.connection import HttpConnection
from runtime_images.dynamic_runtime.edge.exchange import Exchange, Refusal
from runtime_images.dynamic_runtime.edge.memory import ASSUMED_BYTES, Shares, share_out
from runtime_images.dynamic_runtime.edge.outlet import SharedHead
from runtime_images.dynamic_runtime.edge.web_sockets.switching import SwitchingConnection
from runtime_images.dynamic_runtime.wire.arenas import Requests

E = TypeVar("E", bound=Exchange)

_CLOSED_PART = 64
"""When there are too many connections, one in so many is closed: to look for them at each new one would take time."""


def _admit(exchange: Exchange) -> None:
    """Read every body."""


class HttpServer:
    """A server of an application, which gets the exchanges that `make_exchange` makes. Long bodies go to `requests`.

    `refusal` says of an exchange whose body is still to come how it is refused, if it is.
    """

    def __init__(
        self,
        application: Application[E],
        make_exchange: Callable[..., E],
        clock: Clock,
        max_body_bytes: int,
        requests: Requests | None = None,
        shares: Shares | None = None,
        refusal: Callable[[E], Refusal | None] = _admit,
    ) -> None:
        self._shares = shares = shares or share_out(ASSUMED_BYTES)
        self.application: Application[Any] = application
        self.make_exchange: Callable[..., Exchange] = make_exchange
        self.max_body_bytes = max_body_bytes
        self.requests = requests
        self.loop = asyncio.get_running_loop()
        self.refusal: Callable[[Any], Refusal | None] = refusal
        self.connections: dict[HttpConnection, None] = {}  # the oldest first: a run in virtual time repeats exactly
        self.now = clock.monotonic
        self.budget = Budget(shares.bodies, self.now)
        self._clock = clock
        self.shared_head = SharedHead(self._date_line(), Backlog(shares.answers))
        self._server: asyncio.Server | None = None

    def accept(self) -> HttpConnection:
        """Return the protocol of a new connection, over whatever transport."""
        return SwitchingConnection(self)

    def opened(self, connection: HttpConnection) -> None:
        """Count a connection; beyond the bound those make room that would be closed first, if nothing more came."""
        self.connections[connection] = None
        if len(self.connections) > self._shares.connections:
            spare = [other for other in self.connections if other.is_spare]
            for other in heapq.nsmallest(1 + len(spare) // _CLOSED_PART, spare, key=lambda one: one.due_s):
                other.close()
            if not spare:
                connection.close()

    def closed(self, connection: HttpConnection) -> None:
        """Count it no more."""
        self.connections.pop(connection, None)

    async def listen(self, host: str, port: int) -> int:
        """Listen on a TCP address, or raise OSError; return the port, chosen by the system if `port` is 0."""
        self._server = await self.loop.create_server(self.accept, host, port, backlog=2048)
        return int(self._server.sockets[0].getsockname()[1])

    async def listen_unix(self, path: str) -> None:
        """Listen on a Unix socket that only this user may open, or raise OSError."""
        self._server = await self.loop.create_unix_server(self.accept, path)

    @property
    def held_bytes(self) -> int:
        """How much memory clients have: for what they send, and for what they do not take."""
        return self.budget.held + self.shared_head.backlog.size

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
