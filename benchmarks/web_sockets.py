"""WebSockets beside uvicorn: an echo over open connections, messages a second, processor time and p50 of each.

    python -m benchmarks.web_sockets [--rounds 6] [--only c=64] [--peers PYTHON]

As in benchmarks.serving, servers are pinned to one processor and the client to another, all are up at once and loaded
in turn, and processor time is the figure to trust. uvicorn (with uvloop and websockets) parses, masks and calls the
function in one process; here the front does the first two and a worker the last, so each message takes a way more.
"""

import argparse
import asyncio
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks import serving
from benchmarks.serving import Server
from tests.support.raw_web_socket import BINARY, FrameReader, frame, handshake
from tests.support.serving import free_port

WINDOW_S = 1.0
ECHO = """
async def handle(scope, receive, send):
    if scope["type"] != "websocket":
        return
    await receive()
    await send({"type": "websocket.accept"})
    while (message := await receive())["type"] == "websocket.receive":
        await send({"type": "websocket.send", "bytes": message["bytes"]})
"""
_LINE = "{:<14} {:<10} {:>12} {:>10} {:>8} {:>10} {:>8} {:>8}"


@dataclass(frozen=True)
class Row:
    """So many connections, each of which sends its next message when the last one has come back."""

    name: str
    connections: int
    size: int


ROWS = (Row("20 B, c=1", 1, 20), Row("20 B, c=64", 64, 20), Row("100 kB, c=1", 1, 100_000))


class _Client(asyncio.Protocol):
    """One connection; `latencies_s` are of its messages."""

    def __init__(self, size: int) -> None:
        self.latencies_s: list[float] = []
        self.is_open = asyncio.get_running_loop().create_future()
        self._message = frame(BINARY, bytes(size))
        self._frames = FrameReader()
        self._transport: asyncio.Transport | None = None
        self._sent_s = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.write(handshake())

    def data_received(self, data: bytes) -> None:
        self._frames.data += data
        if not self.is_open.done():
            head, end, rest = self._frames.data.partition(b"\r\n\r\n")
            if end:
                self._frames.data = rest
                self.is_open.set_result(b" 101 " in head[:20])
                self.say()
            return
        while (got := self._frames.next()) is not None:
            if got.fin:
                self.latencies_s.append(time.perf_counter() - self._sent_s)
                self.say()

    def say(self) -> None:
        """Send the next message."""
        assert self._transport is not None
        self._sent_s = time.perf_counter()
        self._transport.write(self._message)

    def close(self) -> None:
        """Leave."""
        if self._transport is not None:
            self._transport.abort()


async def _load(port: int, row: Row) -> list[float]:
    loop = asyncio.get_running_loop()
    clients = [
        (await loop.create_connection(lambda: _Client(row.size), "127.0.0.1", port))[1] for _ in range(row.connections)
    ]
    if not all(await asyncio.gather(*(client.is_open for client in clients))):
        raise ConnectionError("no WebSocket")
    for client in clients:
        client.latencies_s.clear()
    await asyncio.sleep(WINDOW_S)
    for client in clients:
        client.close()
    return [latency_s for client in clients for latency_s in client.latencies_s]


def _measure(server: Server, row: Row) -> None:
    before = serving.tree_cpu_s(server.process.pid)
    latencies_s = asyncio.run(_load(server.port, row))
    server.rps.append(len(latencies_s) / WINDOW_S)
    server.cpu_us.append((serving.tree_cpu_s(server.process.pid) - before) / len(latencies_s) * 1e6)
    server.p50_us.append(statistics.median(latencies_s) * 1e6)


def main() -> int:
    """Run the comparison and print it; the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--only", default="", help="rows whose name contains this")
    parser.add_argument("--peers", default=sys.executable, help="the interpreter that has the peers")
    options = parser.parse_args()
    if not (serving.has(options.peers, "uvicorn") and serving.has(options.peers, "websockets")):
        print("web_sockets: skipped, the peer is missing: pip install uvicorn uvloop websockets")
        return 0
    print(_LINE.format("row", "server", "messages/s", "x uvicorn", "CPU us", "x uvicorn", "p50 us", "added"))
    for row in ROWS:
        if options.only in row.name:
            serving.report(row.name, _compare(row, options.peers, options.rounds), _LINE)
    return 0


def _compare(row: Row, python: str, rounds: int) -> Sequence[Server]:
    processors = sorted(os.sched_getaffinity(0))
    with tempfile.TemporaryDirectory() as name:
        servers = [_uvicorn(Path(name), python, processors[0])]
        try:
            servers.append(serving.runtime("gaia", Path(name) / "gaia", ECHO, processors[0]))
            os.sched_setaffinity(0, {processors[-1]})
            for server in servers:
                _wait_for(server, row)
            for _ in range(rounds):
                for server in servers:
                    _measure(server, row)
        finally:
            os.sched_setaffinity(0, processors)
            for server in servers:
                server.process.terminate()
            for server in servers:
                serving.end(server.process)
    return servers


def _uvicorn(directory: Path, python: str, processor: int) -> Server:
    (directory / "peer.py").write_text(ECHO, "utf-8")
    port = free_port()
    command = [python, "-m", "uvicorn", "peer:handle", "--port", str(port), "--log-level", "critical"]
    return Server("uvicorn", port, serving.start([*command, "--no-access-log"], directory, processor))


def _wait_for(server: Server, row: Row) -> None:
    for _ in range(400):
        try:
            asyncio.run(_load(server.port, row))
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise SystemExit(f"{server.name} does not answer")


if __name__ == "__main__":
    raise SystemExit(main())
