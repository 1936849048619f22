"""Serving a function: this runtime beside the servers people use today, in one interleaved run, as ratios.

    python -m benchmarks.serving [--rounds 6] [--only c=64] [--peers PYTHON]

Every server serves the same ASGI function; the runtime also a plain handler. Each server tree is pinned to one
processor and the load client to another, all servers of a row are up at once and are loaded in turn, a second each, so
that a machine whose speed drifts drifts for all. The client is wrk where it is installed, else one in Python, which is
itself too slow to show what the quickest rows can do. CPU time a request is the figure to trust: requests a second
and latencies depend on the neighbours. Ratios are medians over the rounds of the ratio to uvicorn in the same round.

The peers are uvicorn (with uvloop and httptools), func-python and granian; install them beside the project, or in an
environment of their own whose interpreter --peers names: pip install uvicorn uvloop httptools func-python granian.
"""

import argparse
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks import wrk
from tests.support import closed_loop
from tests.support.serving import free_port

ECHO = """
async def handle(scope, receive, send):
    parts, more = [], True
    while more:
        message = await receive()
        parts.append(message.get("body", b""))
        more = message.get("more_body", False)
    body = b"".join(parts)
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})
"""
PLAIN = "def handler(payload):\n    return payload\n"
BURN = """
import time

def burn():
    end = time.thread_time() + 0.001
    while time.thread_time() < end:
        pass
"""
FUNC_PYTHON = "from peer import handle\nfrom func_python.http import serve\nserve(handle)\n"
SMALL = b'{"id": 1, "text": "thirty-four by"}'
LARGE = b"x" * 1_000_000
WINDOW_S = 1.0
_LINE = "{:14} {:14} {:>8} {:>10} {:>8} {:>10} {:>8} {:>7}"


@dataclass(frozen=True)
class Scenario:
    """One row: what is sent on how many connections; `burns` says that the function computes for a millisecond."""

    name: str
    connections: int
    body: bytes = SMALL
    burns: bool = False

    @property
    def request(self) -> bytes:
        """The request on the wire."""
        head = "POST / HTTP/1.1\r\nhost: t\r\ncontent-type: {}\r\ncontent-length: {}\r\n\r\n"
        return head.format(self.content_type, len(self.body)).encode() + self.body

    @property
    def content_type(self) -> str:
        """What the body says it is."""
        return "application/json" if self.body is SMALL else "application/octet-stream"

    @property
    def asgi(self) -> str:
        """The source of the ASGI function."""
        return BURN + ECHO.replace("    body = b", "    burn()\n    body = b") if self.burns else ECHO

    @property
    def plain(self) -> str:
        """The source of the plain handler."""
        return BURN + PLAIN.replace("    return", "    burn()\n    return") if self.burns else PLAIN


SCENARIOS = (
    Scenario("trivial, c=1", 1),
    Scenario("trivial, c=8", 8),
    Scenario("trivial, c=64", 64),
    Scenario("1 MB, c=1", 1, LARGE),
    Scenario("1 MB, c=8", 8, LARGE),
    Scenario("1 ms, c=1", 1, burns=True),
    Scenario("1 ms, c=8", 8, burns=True),
)


@dataclass
class Server:
    """One server under load and what was measured of it, a value a round."""

    name: str
    port: int
    process: subprocess.Popen[bytes]
    rps: list[float] = field(default_factory=list)
    cpu_us: list[float] = field(default_factory=list)
    p50_us: list[float] = field(default_factory=list)

    def measure(self, scenario: Scenario) -> None:
        """One round.

        Raises:
            SystemExit: the server broke a connection.
        """
        before = tree_cpu_s(self.process.pid)
        try:
            seen = _load(self.port, scenario)
        except ConnectionError as error:
            raise SystemExit(f"serving: {self.name}: {error}") from error
        self.rps.append(seen.requests / seen.elapsed_s)
        self.cpu_us.append((tree_cpu_s(self.process.pid) - before) / seen.requests * 1e6)
        self.p50_us.append(seen.p50_us)


def _load(port: int, scenario: Scenario) -> wrk.Seen:
    """A window of load.

    Raises:
        ConnectionError: the server broke a connection.
    """
    if wrk.is_there():
        return wrk.load(port, scenario.body, scenario.content_type, scenario.connections)
    seen = closed_loop.load(port, scenario.request, scenario.connections, WINDOW_S)
    return wrk.Seen(len(seen.latencies_s), seen.elapsed_s, statistics.median(seen.latencies_s) * 1e6)


def main() -> int:
    """Run the comparison and print it; the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--only", default="", help="rows whose name contains this")
    parser.add_argument("--peers", default=sys.executable, help="the interpreter that has the peers")
    options = parser.parse_args()
    if not has(options.peers, "uvicorn"):
        print("serving: skipped, the peer is missing: pip install uvicorn uvloop httptools func-python granian")
        return 0
    print(f"client: {'wrk' if wrk.is_there() else 'in Python, for wrk is not installed'}")
    print(_LINE.format("row", "server", "rps", "x uvicorn", "CPU us", "x uvicorn", "p50 us", "added"))
    for scenario in SCENARIOS:
        if options.only in scenario.name:
            report(scenario.name, _compare(scenario, options.peers, options.rounds), _LINE)
    return 0


def _compare(scenario: Scenario, python: str, rounds: int) -> list[Server]:
    """Start every server of a row, load them in turn, stop them."""
    processors = sorted(os.sched_getaffinity(0))
    servers: list[Server] = []
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        try:
            for start in _STARTS:
                servers += start(directory, scenario, python, processors[0])
            os.sched_setaffinity(0, {processors[-1]})
            for server in servers:
                _wait_for(server, scenario)
            for _ in range(rounds):
                for server in servers:
                    server.measure(scenario)
        finally:
            os.sched_setaffinity(0, processors)
            for server in servers:
                server.process.send_signal(signal.SIGTERM)
            for server in servers:
                end(server.process)
    return servers


# the servers


def _uvicorn(directory: Path, scenario: Scenario, python: str, processor: int) -> list[Server]:
    (directory / "peer.py").write_text(scenario.asgi, "utf-8")
    port = free_port()
    command = [python, "-m", "uvicorn", "peer:handle", "--port", str(port), "--log-level", "critical"]
    return [Server("uvicorn", port, start([*command, "--no-access-log"], directory, processor))]


def _func_python(directory: Path, _scenario: Scenario, python: str, processor: int) -> list[Server]:
    if not has(python, "func_python"):
        return []
    (directory / "main.py").write_text(FUNC_PYTHON, "utf-8")
    port = free_port()
    listen = {"LISTEN_ADDRESS": f"127.0.0.1:{port}"}
    return [Server("func-python", port, start([python, "main.py"], directory, processor, listen))]


def _granian(directory: Path, _scenario: Scenario, python: str, processor: int) -> list[Server]:
    if not has(python, "granian"):
        return []
    port = free_port()
    command = [python, "-m", "granian", "--interface", "asginl", "--port", str(port), "--no-log", "peer:handle"]
    return [Server("granian", port, start(command, directory, processor))]


def _gaia(directory: Path, scenario: Scenario, _python: str, processor: int) -> list[Server]:
    return [
        runtime("gaia asgi", directory / "asgi", scenario.asgi, processor),
        runtime("gaia handler", directory / "plain", scenario.plain, processor),
    ]


_STARTS = (_uvicorn, _func_python, _granian, _gaia)


def runtime(name: str, directory: Path, source: str, processor: int) -> Server:
    """Start the runtime on a function."""
    directory.mkdir()
    (directory / "func.py").write_text(source, "utf-8")
    port = free_port()
    settings = {"GAIA_FUNCTION_DIR": str(directory), "PORT": str(port), "GAIA_MODE": "cpu"}
    command = [sys.executable, "-m", "runtime_images.dynamic_runtime"]
    return Server(name, port, start(command, Path.cwd(), processor, settings))


def start(
    command: Sequence[str], directory: Path, processor: int, environment: dict[str, str] | None = None
) -> subprocess.Popen[bytes]:
    """Start a server that keeps to one processor."""
    everywhere = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {processor})  # children inherit it
    try:
        environ = {**os.environ, **(environment or {})}
        return subprocess.Popen(
            command, cwd=directory, env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
    finally:
        os.sched_setaffinity(0, everywhere)


def end(process: subprocess.Popen[bytes]) -> None:
    """Wait for the end of one that was asked to end."""
    try:
        process.wait(timeout=10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def has(python: str, module: str) -> bool:
    """Whether an interpreter can import a module."""
    code = f"import importlib.util, sys; sys.exit(importlib.util.find_spec({module!r}) is None)"
    return subprocess.run([python, "-c", code], check=False).returncode == 0


def _wait_for(server: Server, scenario: Scenario) -> None:
    for _ in range(400):
        try:
            if closed_loop.load(server.port, scenario.request, scenario.connections, 0.2).latencies_s:
                return
        except OSError:
            time.sleep(0.05)
    raise SystemExit(f"{server.name} does not answer")


def tree_cpu_s(pid: int) -> float:
    """CPU seconds of a process and its descendants (schedstat, nanoseconds, over all threads)."""
    total = 0
    pending = [pid]
    while pending:
        for task in Path(f"/proc/{pending.pop()}/task").iterdir():
            total += int((task / "schedstat").read_text("ascii").split()[0])
            pending += [int(child) for child in (task / "children").read_text("ascii").split()]
    return total / 1e9


# the report


def report(row: str, servers: Sequence[Server], line: str) -> None:
    """Print a row for each server, the first of which is the peer; `line` sets it."""
    peer = servers[0]
    for server in servers:
        rps, cpu = _ratio(server.rps, peer.rps), _ratio(server.cpu_us, peer.cpu_us)
        added = statistics.median(a - b for a, b in zip(server.p50_us, peer.p50_us, strict=True))
        values = [statistics.median(values) for values in (server.rps, server.cpu_us, server.p50_us)]
        cells = (
            f"{values[0]:.0f}",
            f"{rps:.2f}",
            f"{values[1]:.1f}",
            f"{cpu:.2f}",
            f"{values[2]:.0f}",
            f"{added:+.0f}",
        )
        print(line.format(row, server.name, *cells), flush=True)


def _ratio(ours: list[float], theirs: list[float]) -> float:
    return statistics.median(a / b for a, b in zip(ours, theirs, strict=True))


if __name__ == "__main__":
    sys.exit(main())
