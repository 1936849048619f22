"""Serving a trivial function: this runtime beside bare uvicorn, in one interleaved run, as ratios.

    python benchmarks/serving.py [--connections 64] [--rounds 8]

Both serve the same ASGI echo; the runtime also a plain handler. Every server tree is pinned to one processor and the
load client to another, all servers are up at once and are loaded in turn, one second each, so that a machine whose
speed drifts drifts for all. CPU time a request is the figure to trust; requests a second depend on the neighbours.
uvicorn is the peer; install it beside the project: pip install uvicorn.
"""

import argparse
import asyncio
import importlib.util
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

ASGI = """
async def handle(scope, receive, send):
    body = b""
    more = True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    headers = [(b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})
"""
PLAIN = "def handler(payload):\n    return payload\n"
BODY = b'{"id": 1, "text": "thirty-four by"}'
WINDOW_S = 1.0


@dataclass
class Server:
    """One server under load and what was measured of it, a value a round."""

    name: str
    port: int
    process: subprocess.Popen[bytes]
    rps: list[float] = field(default_factory=list)
    cpu_us: list[float] = field(default_factory=list)


def main() -> int:
    """Run the comparison and print it; the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=8)
    options = parser.parse_args()
    if importlib.util.find_spec("uvicorn") is None:
        print("serving: skipped, the peer is missing: pip install uvicorn")
        return 0
    processors = sorted(os.sched_getaffinity(0))
    with tempfile.TemporaryDirectory() as directory:
        servers = [start(Path(directory), processors[0]) for start in (_uvicorn, _gaia_asgi, _gaia_plain)]
        os.sched_setaffinity(0, {processors[-1]})
        try:
            for server in servers:
                _wait_for(server)
                asyncio.run(_load(server.port, options.connections, WINDOW_S))
            for _ in range(options.rounds):
                for server in servers:
                    _measure(server, options.connections)
        finally:
            for server in servers:
                server.process.send_signal(signal.SIGTERM)
            for server in servers:
                server.process.wait()
    _report(servers, options.connections)
    return 0


def _uvicorn(directory: Path, processor: int) -> Server:
    (directory / "peer.py").write_text(ASGI, "utf-8")
    port = _free_port()
    command = [sys.executable, "-m", "uvicorn", "peer:handle", "--port", str(port), "--log-level", "critical"]
    return _start("uvicorn", port, [*command, "--no-access-log"], directory, processor, {})


def _gaia_asgi(directory: Path, processor: int) -> Server:
    return _gaia("gaia asgi", directory / "asgi", ASGI, processor)


def _gaia_plain(directory: Path, processor: int) -> Server:
    return _gaia("gaia handler", directory / "plain", PLAIN, processor)


def _gaia(name: str, directory: Path, source: str, processor: int) -> Server:
    directory.mkdir()
    (directory / "func.py").write_text(source, "utf-8")
    port = _free_port()
    environment = {"GAIA_FUNCTION_DIR": str(directory), "PORT": str(port), "GAIA_MODE": "cpu"}
    command = [sys.executable, "-m", "runtime_images.dynamic_runtime"]
    return _start(name, port, command, Path.cwd(), processor, environment)


def _start(
    name: str, port: int, command: list[str], directory: Path, processor: int, environment: dict[str, str]
) -> Server:
    everywhere = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {processor})  # children inherit it
    try:
        environ = {**os.environ, **environment}
        process = subprocess.Popen(command, cwd=directory, env=environ, stdout=subprocess.DEVNULL)
    finally:
        os.sched_setaffinity(0, everywhere)
    return Server(name, port, process)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_for(server: Server) -> None:
    for _ in range(200):
        try:
            if asyncio.run(_load(server.port, 1, 0.01)):
                return
        except OSError:
            time.sleep(0.05)
    raise SystemExit(f"{server.name} does not answer")


def _measure(server: Server, connections: int) -> None:
    before = _tree_cpu_s(server.process.pid)
    begun = time.monotonic()
    answered = asyncio.run(_load(server.port, connections, WINDOW_S))
    elapsed = time.monotonic() - begun
    server.rps.append(answered / elapsed)
    server.cpu_us.append((_tree_cpu_s(server.process.pid) - before) / answered * 1e6)


async def _load(port: int, connections: int, seconds: float) -> int:
    """Closed-loop POSTs on keep-alive connections; how many were answered with a 200."""
    request = b"POST / HTTP/1.1\r\nhost: t\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b" % (
        len(BODY),
        BODY,
    )
    loop = asyncio.get_running_loop()
    until = loop.time() + seconds
    clients = [_Client(request, loop, until) for _ in range(connections)]
    for client in clients:
        await loop.create_connection(lambda client=client: client, "127.0.0.1", port)  # type: ignore[misc]
    await asyncio.gather(*(client.done for client in clients))
    return sum(client.answered for client in clients)


class _Client(asyncio.Protocol):
    """One connection that sends the next request when the last is answered. Answers here are one small packet."""

    def __init__(self, request: bytes, loop: asyncio.AbstractEventLoop, until: float) -> None:
        self._request = request
        self._loop = loop
        self._until = until
        self._write: Callable[[bytes], None] = lambda _: None
        self._buffer = b""
        self.answered = 0
        self.done: asyncio.Future[None] = loop.create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._write = transport.write  # type: ignore[attr-defined]
        self._write(self._request)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if not self._buffer.endswith(b"}"):
            return
        if not self._buffer.startswith(b"HTTP/1.1 200"):
            raise SystemExit(f"unexpected answer: {self._buffer[:200]!r}")
        self._buffer = b""
        self.answered += 1
        if self._loop.time() < self._until:
            self._write(self._request)
        else:
            self._transport.close()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 -- asyncio's signature
        self.done.set_result(None)


def _tree_cpu_s(pid: int) -> float:
    """CPU seconds of a process and its descendants (schedstat, nanoseconds, over all threads)."""
    total = 0
    pending = [pid]
    while pending:
        current = pending.pop()
        for task in Path(f"/proc/{current}/task").iterdir():
            total += int((task / "schedstat").read_text("ascii").split()[0])
            pending += [int(child) for child in (task / "children").read_text("ascii").split()]
    return total / 1e9


def _report(servers: list[Server], connections: int) -> None:
    peer = servers[0]
    print(f"trivial echo, {connections} connections, each server tree on one processor; medians, ratios by round")
    print(f"{'server':14} {'rps':>8} {'x uvicorn':>10} {'CPU us':>8} {'x uvicorn':>10}")
    for server in servers:
        rps = statistics.median(a / b for a, b in zip(server.rps, peer.rps, strict=True))
        cpu = statistics.median(a / b for a, b in zip(server.cpu_us, peer.cpu_us, strict=True))
        line = f"{server.name:14} {statistics.median(server.rps):8.0f} {rps:10.2f}"
        print(f"{line} {statistics.median(server.cpu_us):8.1f} {cpu:10.2f}")


if __name__ == "__main__":
    sys.exit(main())
