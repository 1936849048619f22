"""Streamed answers through the whole runtime: server-sent events, and back-pressure to the function."""

import http.client
import json
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.processes import eventually
from tests.support.serving import Serving, serving, write_function

FUNCTION = """
    import asyncio

    sent = 0
    left = 0

    async def handle(scope, receive, send):
        global sent, left
        if scope["path"] == "/counts":
            body = b"%d %d" % (sent, left)
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": body})
            return
        headers = [(b"content-type", b"text/event-stream"), (b"cache-control", b"no-store")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        first = int(dict(scope["headers"]).get(b"last-event-id", b"-1")) + 1
        count, padding, pause_s = (float(part) for part in scope["query_string"].split(b","))
        try:
            for number in range(first, int(count)):
                event = b"id: %d\\ndata: {\\"n\\": %d}\\ndata: %s\\n\\n" % (number, number, b"x" * int(padding))
                await send({"type": "http.response.body", "body": event, "more_body": True})
                sent += 1
                await asyncio.sleep(pause_s)
        except OSError:
            left += 1
            raise
        await send({"type": "http.response.body", "body": b""})
"""


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Serving]:
    with serving(write_function(tmp_path, FUNCTION), GAIA_MODE="cpu", GAIA_CONCURRENCY="16") as started:
        yield started


class EventSource:
    """A client of server-sent events as the HTML standard describes it: fields, blank lines, the last event's id."""

    def __init__(self, port: int, target: str, last_id: str = "") -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        headers = {"Accept": "text/event-stream", "Cache-Control": "no-cache"}
        self.connection.request("GET", target, headers=headers | ({"Last-Event-ID": last_id} if last_id else {}))
        self.reply = self.connection.getresponse()
        self.last_id = last_id

    def events(self) -> Iterator[str]:
        """The data of each event, as it comes."""
        data: list[str] = []
        for raw in self.reply:
            line = raw.decode().rstrip("\r\n")
            field, _, value = line.partition(": ")
            if field == "data":
                data.append(value)
            elif field == "id":
                self.last_id = value
            elif not line:
                yield "\n".join(data)
                data = []

    def close(self) -> None:
        self.reply.close()
        self.connection.close()


def counts(running: Serving) -> tuple[int, int]:
    """How many events the function has sent, and how many clients it has seen leave."""
    sent, left = running.request("GET", "/counts").body.split()
    return int(sent), int(left)


def test_events_arrive_one_by_one_while_the_function_goes_on(running: Serving) -> None:
    source = EventSource(running.port, "/?1000,0,0.05")
    events = source.events()
    first = [json.loads(next(events).partition("\n")[0])["n"] for _ in range(3)]
    sent, _ = counts(running)
    source.close()

    assert source.reply.getheader("content-type") == "text/event-stream"
    assert first == [0, 1, 2]
    assert sent < 100


def test_a_client_that_comes_back_goes_on_where_it_was(running: Serving) -> None:
    source = EventSource(running.port, "/?6,0,0.01")
    events = source.events()
    before = [json.loads(next(events).partition("\n")[0])["n"] for _ in range(3)]
    source.close()
    again = EventSource(running.port, "/?6,0,0.01", source.last_id)
    after = [json.loads(event.partition("\n")[0])["n"] for event in again.events()]
    again.close()

    assert before + after == [0, 1, 2, 3, 4, 5]


def test_a_function_learns_that_its_listener_has_left(running: Serving) -> None:
    source = EventSource(running.port, "/?100000,0,0.01")
    next(source.events())
    source.close()

    assert eventually(lambda: counts(running)[1] == 1)


def test_a_listener_that_does_not_read_stops_the_function_and_loses_nothing(running: Serving) -> None:
    slow = socket.socket()
    slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
    slow.connect(("127.0.0.1", running.port))
    slow.sendall(b"GET /?200,100000,0 HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n")
    before, now = -1, counts(running)[0]
    while before != now:
        time.sleep(0.5)
        before, now = now, counts(running)[0]
    held_back = now
    parts = []
    while part := slow.recv(1_000_000):
        parts.append(part)
    slow.close()
    whole = b"".join(parts)

    assert 0 < held_back < 120
    assert whole.count(b"id: ") == 200
    assert whole.endswith(b"\r\n0\r\n\r\n")


def test_curl_follows_a_stream(running: Serving) -> None:
    if shutil.which("curl") is None:
        pytest.skip("there is no curl here")
    url = f"http://127.0.0.1:{running.port}/?5,10,0.02"
    done = subprocess.run(["curl", "-sS", "-N", url], capture_output=True, text=True, timeout=30, check=False)

    assert (done.returncode, done.stderr) == (0, "")
    assert [line for line in done.stdout.splitlines() if line.startswith("id")] == [f"id: {n}" for n in range(5)]


def test_a_stream_that_runs_at_the_shutdown_is_finished(running: Serving) -> None:
    source = EventSource(running.port, "/?20,0,0.05")
    events = source.events()
    next(events)
    running.process.terminate()
    rest = list(events)
    source.close()

    assert json.loads(rest[-1].partition("\n")[0]) == {"n": 19}
    assert running.process.wait(timeout=20) == 0


def test_a_connection_that_idles_at_the_shutdown_is_answered_or_closed_but_never_reset(running: Serving) -> None:
    idle = [http.client.HTTPConnection("127.0.0.1", running.port, timeout=30) for _ in range(3)]
    for connection in idle:
        connection.request("GET", "/counts")
        connection.getresponse().read()
    slow = EventSource(running.port, "/?1000,0,0.05")  # keeps the runtime from ending at once
    next(slow.events())
    running.process.terminate()
    assert eventually(lambda: running.admin("GET", "/health/readiness").json() == {"status": "draining"})
    idle[0].request("GET", "/counts")
    reply = idle[0].getresponse()
    reply.read()
    readiness = http.client.HTTPConnection("127.0.0.1", running.port, timeout=30)
    readiness.request("GET", "/health/readiness")
    probe = readiness.getresponse()
    said = json.loads(probe.read())
    readiness.close()
    slow.close()
    code = running.process.wait(timeout=20)
    ends = [connection.sock.recv(1) for connection in idle[1:] if connection.sock is not None]
    for connection in idle:
        connection.close()

    assert (reply.status, reply.getheader("connection")) == (200, "close")
    assert (probe.status, probe.getheader("connection"), said) == (503, "close", {"status": "draining"})
    assert ends == [b"", b""]
    assert code == 0


def test_more_listeners_than_a_window_holds_are_served_and_others_beside_them(tmp_path: Path) -> None:
    with serving(write_function(tmp_path, FUNCTION), GAIA_MODE="cpu") as running:
        sources = [EventSource(running.port, "/?1000,0,0.2") for _ in range(40)]
        firsts = [next(source.events()) for source in sources]
        beside = running.request("GET", "/counts")
        for source in sources:
            source.close()

    assert len(firsts) == 40
    assert beside.status == 200


SLOW_READERS = 60
ANSWER_BYTES = 5_000_000  # about twice what the kernel takes for a client that reads nothing
FORMS = {
    "blocking": f"def handler(payload):\n    return bytes({ANSWER_BYTES})\n",
    "async": f"async def handler(payload):\n    return bytes({ANSWER_BYTES})\n",
    "asgi": f"""
        async def handle(scope, receive, send):
            await send({{"type": "http.response.start", "status": 200, "headers": []}})
            await send({{"type": "http.response.body", "body": bytes({ANSWER_BYTES})}})
    """,
}


def own_memory(pid: int) -> int:
    """Bytes of a process's own memory, shared memory not counted."""
    lines = Path(f"/proc/{pid}/status").read_text("ascii").splitlines()
    return 1024 * int(next(line.split()[1] for line in lines if line.startswith("RssAnon")))


@pytest.mark.parametrize("source", FORMS.values(), ids=FORMS)
def test_clients_that_do_not_read_large_answers_fill_nobodys_memory(tmp_path: Path, source: str) -> None:
    with serving(write_function(tmp_path, source), GAIA_MODE="cpu") as running:
        before = own_memory(running.process.pid)
        clients = [socket.create_connection(("127.0.0.1", running.port), timeout=20) for _ in range(SLOW_READERS)]
        for client in clients:
            client.sendall(b"GET / HTTP/1.1\r\nHost: t\r\n\r\n")
        time.sleep(2)
        grown = own_memory(running.process.pid) - before
        worker = own_memory(running.worker_pid("cpu"))
        for client in clients:
            client.close()

    assert grown < SLOW_READERS * 700_000, "8 chunks of 64 KiB a client, and what a transport keeps"
    if source == FORMS["blocking"]:
        assert grown < 20_000_000
        assert worker < 60_000_000, "one answer at a time"
