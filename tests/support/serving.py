"""The real runtime in a process of its own, for tests: start it on a function, talk to it, see its events, end it."""

import asyncio
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Event = dict[str, Any]

EVENT_TIMEOUT_S = 60.0
"""A busy machine is no failure."""


def write_function(directory: Path, source: str, name: str = "func.py") -> Path:
    """Write a function's file and return its directory."""
    path = directory / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(textwrap.dedent(source), "utf-8")
    return directory


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Answer:
    """An HTTP answer, whole."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:  # noqa: ANN401 -- JSON's own type
        return json.loads(self.body)


@dataclass
class Serving:
    """A running runtime; its events are collected as they come."""

    process: subprocess.Popen[bytes]
    admin_path: Path
    events: list[Event] = field(default_factory=list)
    stderr: list[bytes] = field(default_factory=list)
    all_told: threading.Event = field(default_factory=threading.Event)
    """There will be no other event."""

    def event(self, name: str, where: Callable[[Event], bool] = lambda _: True) -> Event:
        """Wait for an event, also one that has come already."""
        deadline = time.monotonic() + EVENT_TIMEOUT_S
        is_last = False
        while not is_last:
            is_last = self.all_told.is_set() or time.monotonic() > deadline
            for event in list(self.events):
                if event["event"] == name and where(event):
                    return event
            time.sleep(0.01)
        seen = [event["event"] for event in self.events]
        raise AssertionError(f"no event {name}; saw {seen[-20:]}; stderr {b''.join(self.stderr)[-2000:]!r}")

    def named(self, name: str) -> list[Event]:
        return [event for event in list(self.events) if event["event"] == name]

    @property
    def port(self) -> int:
        return int(self.event("ready")["url"].rpartition(":")[2])

    def request(
        self, method: str = "POST", path: str = "/", body: bytes = b"", headers: dict[str, str] | None = None
    ) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request(method, path, body or None, headers or {})
            reply = connection.getresponse()
            return Answer(reply.status, {k.lower(): v for k, v in reply.getheaders()}, reply.read())
        finally:
            connection.close()

    def post(self, value: object) -> Answer:
        return self.request(body=json.dumps(value).encode(), headers={"content-type": "application/json"})

    def admin(self, method: str, path: str, value: object = None) -> Answer:
        connection = _UnixConnection(self.admin_path)
        try:
            connection.request(method, path, None if value is None else json.dumps(value))
            reply = connection.getresponse()
            return Answer(reply.status, {k.lower(): v for k, v in reply.getheaders()}, reply.read())
        finally:
            connection.close()

    def state(self) -> dict[str, Any]:
        value = self.admin("GET", "/state").json()
        assert isinstance(value, dict)
        return value

    def switch(self, backend: str) -> Answer:
        return self.admin("POST", "/switch", {"backend": backend})

    def worker_pid(self, backend: str) -> int:
        workers = [w for w in self.state()["workers"] if w["backend"] == backend and w["state"] == "ready"]
        assert len(workers) == 1, workers
        return int(workers[0]["pid"])

    def standby(self) -> int | None:
        """The child of the zygote that waits to become a worker, if there is one now."""
        state = self.state()
        try:
            children = Path("/proc/{0}/task/{0}/children".format(state["zygote"])).read_text().split()
        except FileNotFoundError:  # there is no zygote, or it has just died
            return None
        return next(iter({int(pid) for pid in children} - {worker["pid"] for worker in state["workers"]}), None)

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Ask it to end and wait; the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(timeout=60)


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("gaia", timeout=60)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(60)
        self.sock.connect(str(self._path))


def serving(function: Path, wait: bool = True, **environment: str) -> AbstractContextManager[Serving]:
    """Run the runtime on `function` until the block ends. Further settings by their environment names."""
    return _serving("runtime_images.dynamic_runtime", function, wait, environment)


def serving_quickly(function: Path, wait: bool = True, **environment: str) -> AbstractContextManager[Serving]:
    """The same with pauses after failures a tenth as long."""
    return _serving("tests.support.quick_runtime", function, wait, environment)


@contextmanager
def _serving(module: str, function: Path, wait: bool, environment: dict[str, str]) -> Iterator[Serving]:
    admin_path = Path(os.path.realpath(function)) / "admin.sock"
    settings = {
        "GAIA_FUNCTION_DIR": str(function),
        "GAIA_ACCELERATOR": "emulated",
        "PORT": "0",
        "GAIA_ADMIN": f"unix://{admin_path}",
    }
    process = subprocess.Popen(
        [sys.executable, "-m", module],
        env={**os.environ, **settings, **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    running = Serving(process, admin_path)
    readers = [threading.Thread(target=_collect, args=(running,)), threading.Thread(target=_complain, args=(running,))]
    for reader in readers:
        reader.start()
    try:
        if wait:
            running.event("ready")
        yield running
    finally:
        try:
            running.stop()
        finally:
            process.kill()
            process.wait()
            for reader in readers:
                reader.join(timeout=30)
            for stream in (process.stdout, process.stderr):
                if stream is not None:
                    stream.close()


def _collect(running: Serving) -> None:
    assert running.process.stdout is not None
    for line in running.process.stdout:
        running.events.append(json.loads(line))
    running.all_told.set()


def _complain(running: Serving) -> None:
    assert running.process.stderr is not None
    for line in running.process.stderr:
        running.stderr.append(line)


@dataclass
class LoadResult:
    """What a load saw: answers by status, connections that failed, the longest latency in seconds."""

    answered: int = 0
    failures: list[str] = field(default_factory=list)
    longest_s: float = 0.0
    backends: set[str] = field(default_factory=set)


async def load(port: int, connections: int, requests: int, think_s: float = 0.0) -> LoadResult:
    """Send `requests` POSTs with distinct bodies over keep-alive connections without any retry.

    Every answer must be a 200 with the `id` that was sent; everything else is a failure.
    """
    result = LoadResult()
    numbers = iter(range(requests))

    async def client() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            for number in numbers:
                if think_s:
                    await asyncio.sleep(think_s * (number % 7) / 3)
                await _exchange(reader, writer, number, result)
        except (OSError, EOFError, ValueError) as error:
            result.failures.append(repr(error))
        finally:
            writer.close()

    await asyncio.gather(*(client() for _ in range(connections)))
    return result


async def _exchange(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int, result: LoadResult
) -> None:
    body = b'{"id": %d}' % number
    begun = time.monotonic()
    writer.write(b"POST / HTTP/1.1\r\nhost: t\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body))
    head = await reader.readuntil(b"\r\n\r\n")
    lines = head.split(b"\r\n")
    headers = dict(line.lower().split(b": ", 1) for line in lines[1:] if line)
    answer = await reader.readexactly(int(headers[b"content-length"]))
    result.longest_s = max(result.longest_s, time.monotonic() - begun)
    if b" 200 " not in lines[0] or json.loads(answer)["id"] != number:
        result.failures.append(f"{lines[0]!r} {answer!r} for {body!r}")
    else:
        result.answered += 1
        result.backends.add(headers[b"x-gaia-backend"].decode())
