"""The admin address: plain HTTP for `gaia`, for tests and for Prometheus; never on the public port.

A Unix socket that only its owner may open, or a TCP address that asks for a bearer token. See docs/admin.md.
"""

import hmac
import json
from collections.abc import Awaitable, Callable
from typing import Any, Protocol
from urllib.parse import parse_qs

from runtime_images.dynamic_runtime.background import Background
from runtime_images.dynamic_runtime.edge.exchange import Exchange
from runtime_images.dynamic_runtime.edge.response_head import head_of
from runtime_images.dynamic_runtime.telemetry import metrics
from runtime_images.dynamic_runtime.telemetry.event_log import EventLog
from runtime_images.policy.model import Backend

Reply = tuple[int, dict[str, Any]]


class AdminRequestError(Exception):
    """A request that the admin address refuses; the message goes to the client."""


class Controls(Protocol):
    """What can be asked and ordered: the admin address calls it."""

    def state(self) -> dict[str, Any]:
        """Return what serves, and how."""

    def metrics_text(self) -> bytes:
        """Return what Prometheus scrapes."""

    async def switch(self, backend: Backend) -> bool:
        """Move the traffic; return whether it has moved.

        Raises:
            RuntimeError: there is no such switch now; the message says why.
        """

    def pin(self, *, pinned: bool) -> None:
        """Keep the backend, or let the policy decide again."""

    def drain(self) -> None:
        """Answer what is here, then end."""

    async def readiness(self) -> Reply:
        """Return status and content of the readiness probe."""


class Admin:
    """Answers the admin address's requests."""

    def __init__(self, controls: Controls, events: EventLog, token: str) -> None:
        self._controls = controls
        self._events = events
        self._token = token
        self._answering = Background()
        self._streams: dict[Exchange, Callable[[], None]] = {}

    def handle(self, exchange: Exchange) -> None:
        """Route one request."""
        if not self._allowed(exchange):
            exchange.respond_json(401, {"error": "a bearer token is needed"}, [(b"www-authenticate", b"Bearer")])
            return
        route = (exchange.method, exchange.path)
        match route:
            case (b"GET", b"/state"):
                exchange.respond_json(200, self._controls.state())
            case (b"GET", b"/health/readiness"):
                self._spawn(exchange, self._controls.readiness())
            case (b"GET", b"/metrics"):
                exchange.respond(200, [(b"content-type", metrics.CONTENT_TYPE)], self._controls.metrics_text())
            case (b"GET", b"/events"):
                self._stream_events(exchange)
            case (b"POST", b"/switch"):
                self._spawn(exchange, self._switch(exchange.body))
            case (b"POST", b"/pin"):
                self._pin(exchange, pinned=True)
            case (b"POST", b"/unpin"):
                self._pin(exchange, pinned=False)
            case (b"POST", b"/drain"):
                exchange.close_afterwards()
                exchange.respond_json(202, {"draining": True})
                self._controls.drain()
            case _:
                exchange.respond_json(
                    404, {"error": f"there is no {' '.join(part.decode('latin-1') for part in route)}"}
                )

    def client_gone(self, exchange: Exchange) -> None:
        """End the stream of a client that has left."""
        if (end := self._streams.pop(exchange, None)) is not None:
            end()

    def half_closed(self, exchange: Exchange) -> None:
        """It is answered all the same."""

    def drained(self, exchange: Exchange) -> None:
        """Nothing waits for a slow client here."""

    def _allowed(self, exchange: Exchange) -> bool:
        if not self._token:
            return True
        given = exchange.header(b"authorization") or b""
        return hmac.compare_digest(given, b"Bearer " + self._token.encode())

    def _pin(self, exchange: Exchange, *, pinned: bool) -> None:
        self._controls.pin(pinned=pinned)
        exchange.respond_json(200, {"pinned": pinned})

    async def _switch(self, body: bytes) -> Reply:
        try:
            backend = Backend(json.loads(body)["backend"])
        except (ValueError, KeyError, TypeError):
            raise AdminRequestError('the body must be {"backend": "cpu"} or {"backend": "gpu"}') from None
        try:
            moved = await self._controls.switch(backend)
        except RuntimeError as error:
            raise AdminRequestError(str(error)) from None
        return (200 if moved else 409), {"backend": backend, "moved": moved}

    def _spawn(self, exchange: Exchange, work: Awaitable[Reply]) -> None:
        async def answer() -> None:
            try:
                exchange.respond_json(*await work)
            except AdminRequestError as error:
                exchange.respond_json(400, {"error": str(error)})

        self._answering.spawn(answer())

    def _stream_events(self, exchange: Exchange) -> None:
        """JSON lines until the client leaves; one that reads too slowly is cut off, so that memory stays bounded."""
        query = parse_qs(exchange.target.partition(b"?")[2].decode("latin-1"))
        exchange.begin(head_of(200, [(b"content-type", b"application/x-ndjson")]))
        end: Callable[[], None] | None = None

        def pass_on(line: bytes) -> None:
            exchange.write(line)
            if not exchange.writable:
                if end is not None:
                    end()
                exchange.abort()

        end = self._events.subscribe(pass_on, replay=query.get("replay") == ["1"])
        self._streams[exchange] = end
