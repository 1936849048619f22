"""The admin address: plain HTTP for `gaia`, for tests and for Prometheus; never on the public port.

A Unix socket that only its owner may open, or a TCP address that asks for a bearer token. See docs/admin.md.
"""

import hmac
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

from runtime_images.dynamic_runtime.background import Background
from runtime_images.dynamic_runtime.decision_loop import DecisionLoop
from runtime_images.dynamic_runtime.edge.exchange import Exchange, Refusal
from runtime_images.dynamic_runtime.edge.response_head import head_of
from runtime_images.dynamic_runtime.front.health import Health
from runtime_images.dynamic_runtime.settings import Settings
from runtime_images.dynamic_runtime.telemetry import metrics
from runtime_images.dynamic_runtime.telemetry.event_log import EventLog
from runtime_images.dynamic_runtime.telemetry.reporting import Reporter
from runtime_images.dynamic_runtime.workers.supervisor import Supervisor
from runtime_images.events.codec import part_to_json
from runtime_images.policy.model import Backend

Reply = tuple[int, dict[str, Any]]

_NOT_ALLOWED = Refusal(401, "a bearer token is needed", [(b"www-authenticate", b"Bearer")])
_REASON = "asked for on the admin address"
_FROM_BROWSERS = (b"origin", b"sec-fetch-site")
"""Headers that browsers send with what a page asks for, and that a page can neither forge nor leave out."""


@dataclass(frozen=True, slots=True, eq=False)
class Admin:
    """Answers the admin address's requests. `stop` ends the runtime, `zygote_pid` is that of its zygote, if any."""

    settings: Settings
    events: EventLog
    supervisor: Supervisor
    decisions: DecisionLoop
    reporter: Reporter
    health: Health
    zygote_pid: Callable[[], int | None]
    stop: Callable[[str], None]
    _answering: Background = field(default_factory=Background)
    _streams: dict[Exchange, Callable[[], None]] = field(default_factory=dict)

    def refusal(self, exchange: Exchange) -> Refusal | None:
        """Return how a request is refused that may not be made, if it is."""
        return None if self._allowed(exchange) else _NOT_ALLOWED

    def handle(self, exchange: Exchange) -> None:
        """Route one request."""
        if any(exchange.header(name) is not None for name in _FROM_BROWSERS):
            exchange.respond_json(403, {"error": "web pages may not use the admin address"})
            return
        if not self._allowed(exchange):
            exchange.respond_json(_NOT_ALLOWED.status, {"error": _NOT_ALLOWED.message}, _NOT_ALLOWED.headers)
            return
        route = (exchange.method, exchange.path)
        match route:
            case (b"GET", b"/state"):
                exchange.respond_json(200, self._state())
            case (b"GET", b"/health/readiness"):
                self._spawn(exchange, self.health.report("ready", in_private=True))
            case (b"GET", b"/metrics"):
                exchange.respond(200, [(b"content-type", metrics.CONTENT_TYPE)], self.reporter.recorder.metrics_text())
            case (b"GET", b"/events"):
                self._stream_events(exchange)
            case (b"POST", b"/switch"):
                self._spawn(exchange, self._switch(exchange.body))
            case (b"POST", b"/pin" | b"/unpin"):
                self.decisions.pinned = exchange.path == b"/pin"
                exchange.respond_json(200, {"pinned": self.decisions.pinned})
            case (b"POST", b"/drain"):
                exchange.close_afterwards()
                exchange.respond_json(202, {"draining": True})
                self.stop(_REASON)
            case _:
                exchange.respond_json(404, {"error": f"there is no {b' '.join(route).decode('latin-1')}"})

    def client_gone(self, exchange: Exchange) -> None:
        """End the stream of a client that has left."""
        if (end := self._streams.pop(exchange, None)) is not None:
            end()

    def half_closed(self, exchange: Exchange) -> None:
        """Answer it all the same."""

    def drained(self, exchange: Exchange) -> None:
        """Do nothing: nothing waits for a slow client here."""

    def _allowed(self, exchange: Exchange) -> bool:
        token = self.settings.admin_token
        given = exchange.header(b"authorization") or b""
        return not token or hmac.compare_digest(given, b"Bearer " + token.encode())

    def _state(self) -> dict[str, Any]:
        supervisor, decision = self.supervisor, self.decisions.decision
        return {
            "mode": self.settings.mode.on(supervisor.target),
            "backend": supervisor.target,
            "switching_to": supervisor.switching_to,
            "pinned": self.decisions.pinned,
            "accelerator": self.settings.accelerator,
            "workers": [{"backend": w.backend, "pid": w.pid, "state": w.state} for w in supervisor.workers],
            "zygote": self.zygote_pid(),
            "slo": part_to_json(self.settings.slo),
            "last_decision": None if decision is None else {"chosen": decision.chosen, "reason": decision.reason},
            "totals": part_to_json(self.reporter.totals()),
            "unavailable": self.health.why_unavailable,
        }

    async def _switch(self, body: bytes) -> Reply:
        try:
            backend = Backend(json.loads(body)["backend"])
        except (ValueError, KeyError, TypeError):
            return 400, {"error": 'the body must be {"backend": "cpu"} or {"backend": "gpu"}'}
        if self.settings.mode.is_fixed:
            return 400, {"error": f"the mode {self.settings.mode} never switches"}
        if problem := self.supervisor.problem(backend):
            return 400, {"error": f"there is no GPU to switch to: {problem}"}
        try:
            moved = await self.supervisor.switch(backend, _REASON)
        except RuntimeError as error:
            return 400, {"error": str(error)}
        return (200 if moved else 409), {"backend": backend, "moved": moved}

    def _spawn(self, exchange: Exchange, work: Awaitable[Reply]) -> None:
        async def answer() -> None:
            exchange.respond_json(*await work)

        self._answering.spawn(answer())

    def _stream_events(self, exchange: Exchange) -> None:
        """Send JSON lines until the client leaves; cut off one that reads too slowly, so that memory stays bounded."""
        query = parse_qs(exchange.target.partition(b"?")[2].decode("latin-1"))
        exchange.begin(head_of(200, [(b"content-type", b"application/x-ndjson")]))
        end: Callable[[], None] | None = None

        def pass_on(line: bytes) -> None:
            exchange.write(line)
            if exchange.outlet.write_paused:
                if end is not None:
                    end()
                exchange.abort()

        end = self.events.subscribe(pass_on, replay=query.get("replay") == ["1"])
        self._streams[exchange] = end
