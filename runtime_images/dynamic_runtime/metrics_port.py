"""The metrics port: `GET /metrics` and nothing else, for those who count from outside, such as a cluster's controller.

It asks for no token, as a pod's metrics are for its cluster, so it shows numbers only: no name, no text, no secret.
"""

from dataclasses import dataclass

from runtime_images.dynamic_runtime.clock import Clock
from runtime_images.dynamic_runtime.edge.exchange import Exchange
from runtime_images.dynamic_runtime.edge.memory import share_out
from runtime_images.dynamic_runtime.edge.server import HttpServer
from runtime_images.dynamic_runtime.telemetry.metrics import CONTENT_TYPE
from runtime_images.dynamic_runtime.telemetry.recorder import Recorder

_BODY_BYTES = 1024
_BYTES = 32 * 1024 * 1024
"""Memory of which the clients of this port get shares, whatever those of the function do."""


def metrics_server(recorder: Recorder, clock: Clock) -> HttpServer:
    """Return the server of this port."""
    return HttpServer(MetricsPort(recorder), Exchange, clock, _BODY_BYTES, shares=share_out(_BYTES))


@dataclass(frozen=True, slots=True, eq=False)
class MetricsPort:
    """Answers a scrape."""

    recorder: Recorder

    def handle(self, exchange: Exchange) -> None:
        """Answer one request."""
        if exchange.path != b"/metrics":
            exchange.respond_json(404, {"error": "there is only /metrics here"})
        elif exchange.method not in (b"GET", b"HEAD"):
            exchange.respond_json(405, {"error": "metrics can only be read"}, [(b"allow", b"GET, HEAD")])
        else:
            exchange.respond(200, [(b"content-type", CONTENT_TYPE)], self.recorder.metrics_text())

    def client_gone(self, exchange: Exchange) -> None:
        """Do nothing: an answer is made at once."""

    def half_closed(self, exchange: Exchange) -> None:
        """Answer it all the same."""

    def drained(self, exchange: Exchange) -> None:
        """Do nothing: nothing waits for a slow client here."""
