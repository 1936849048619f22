"""What the controller says of itself: metrics at /metrics, its health at /healthz and /readyz, and a line of JSON each.

The names stand in the alert rules and the dashboard, too: do not rename one without them.
"""

import asyncio
import json
import logging
import time
from collections.abc import Callable, Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

_REQUEST_S = 5.0


class Metrics:
    """The controller's own numbers."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        self.switches = Counter(
            "gaia_controller_switches_total", "Switches that the Route confirmed, and those taken back.",
            ("namespace", "function", "target", "rule", "outcome"), registry=registry,
        )  # fmt: skip
        self.decisions = Counter(
            "gaia_controller_decisions_total", "Changes of the policy's answer, by its rule.", ("rule",),
            registry=registry,
        )  # fmt: skip
        self.writes = Counter(
            "gaia_controller_api_writes_total", "Writes to the API server.", ("verb", "kind", "outcome"),
            registry=registry,
        )  # fmt: skip
        self.pass_s = Histogram(
            "gaia_controller_pass_seconds", "Duration of a pass over the functions that were due.", registry=registry,
            buckets=(0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0),
        )  # fmt: skip
        self.functions = Gauge(
            "gaia_controller_functions", "Functions, by what the controller does with them.", ("state",),
            registry=registry,
        )  # fmt: skip
        self.leader = Gauge("gaia_controller_leader", "1 while this process leads.", registry=registry)
        self.observation_age_s = Gauge(
            "gaia_controller_observation_age_seconds", "Age of the oldest measurement of a function with pods.",
            registry=registry,
        )  # fmt: skip
        self.errors = Counter(
            "gaia_controller_errors_total", "Orders that failed, by what was ordered.", ("order",), registry=registry
        )

    def text(self) -> bytes:
        """Return all of them as Prometheus reads them."""
        return generate_latest(self.registry)


class JsonLines(logging.Formatter):
    """One JSON object a line; what a call gives as `extra={"said": {...}}` becomes keys of it. Times are in UTC."""

    converter = staticmethod(time.gmtime)

    def format(self, record: logging.LogRecord) -> str:
        """Return the line of a record."""
        line = {
            "time": self.formatTime(record, "%Y-%m-%dT%H:%M:%S") + f".{int(record.msecs):03d}Z",
            "level": record.levelname.lower(),
            "message": record.getMessage(),
            **getattr(record, "said", {}),
        }
        if record.exc_info:
            line["trace"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=True)


async def serve(metrics: Metrics, checks: Mapping[str, Callable[[], bool]], host: str, port: int) -> asyncio.Server:
    """Serve GET /metrics and, at the paths of `checks`, whether they hold; nothing else."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(_REQUEST_S):
                request = (await reader.readline()).split()
                while (await reader.readline()).strip():
                    pass
                writer.write(_response(request[1].decode("latin-1") if len(request) > 1 else "", metrics, checks))
                await writer.drain()
        except (TimeoutError, OSError, ValueError):
            pass
        finally:
            writer.close()

    return await asyncio.start_server(answer, host, port, limit=8192)


def _response(path: str, metrics: Metrics, checks: Mapping[str, Callable[[], bool]]) -> bytes:
    if path == "/metrics":
        return _whole(b"200 OK", metrics.text(), CONTENT_TYPE_PLAIN_0_0_4.encode())
    if path in checks:
        holds = checks[path]()
        return _whole(b"200 OK", b"ok\n") if holds else _whole(b"503 Service Unavailable", b"no pass lately, or yet\n")
    return _whole(b"404 Not Found", b"")


def _whole(status: bytes, body: bytes, kind: bytes = b"text/plain") -> bytes:
    return b"HTTP/1.1 %b\r\nContent-Type: %b\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%b" % (
        status, kind, len(body), body,
    )  # fmt: skip
