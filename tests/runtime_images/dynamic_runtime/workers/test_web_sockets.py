"""The life of WebSockets: over switches, deaths and ends, with clients and functions that do not keep up."""

import os
import select
import signal
import time
from contextlib import ExitStack
from pathlib import Path

import pytest
from websockets.exceptions import ConnectionClosedError
from websockets.sync.client import ClientConnection, connect

from tests.support.processes import resident_bytes
from tests.support.raw_web_socket import BINARY, UPGRADE, RawWebSocket, frame
from tests.support.serving import Serving, serving, write_function

APPLICATION = """
    import asyncio, os
    from starlette.applications import Starlette
    from starlette.responses import PlainTextResponse
    from starlette.routing import Route, WebSocketRoute
    from starlette.websockets import WebSocketDisconnect

    async def backend(request):
        return PlainTextResponse(os.environ["GAIA_BACKEND"])

    async def echo(socket):
        await socket.accept(headers=[(b"x-pid", str(os.getpid()).encode())])
        try:
            while True:
                await socket.send_text(await socket.receive_text())
        except WebSocketDisconnect as left:
            print("left", left.code, flush=True)

    async def deaf(socket):
        await socket.accept()
        await asyncio.sleep(3600)

    async def talkative(socket):
        await socket.accept()
        for number in range(100_000):
            await socket.send_bytes(bytes(60_000))
            print("sent", number, flush=True)

    async def undecided(socket):
        await asyncio.sleep(3600)

    async def stubborn(socket):
        await socket.accept()
        while (await socket.receive())["type"] != "websocket.disconnect":
            pass
        print("stays", flush=True)
        try:
            await asyncio.sleep(3600)
        finally:
            print("told to go", flush=True)

    app = Starlette(routes=[Route("/", backend)] + [
        WebSocketRoute(f"/{one.__name__}", one) for one in (echo, deaf, talkative, undecided, stubborn)
    ])
"""


@pytest.fixture
def function(tmp_path: Path) -> Path:
    return write_function(tmp_path, APPLICATION, "app.py")


def line(running: Serving, text: str) -> None:
    running.event("log", lambda event: event["line"] == text)


def exchange(client: ClientConnection, word: str) -> None:
    client.send(word)
    assert client.recv(timeout=30) == word


def talk(client: ClientConnection, answered: list[int]) -> None:
    """Exchange words for ever."""
    while True:
        exchange(client, str(len(answered)))
        answered.append(len(answered))


def code_of(error: ConnectionClosedError) -> int:
    assert error.rcvd is not None
    return error.rcvd.code


def pid_of(client: ClientConnection) -> str:
    assert client.response is not None
    return client.response.headers["x-pid"]


def metric(running: Serving, name: str) -> float:
    lines = running.admin("GET", "/metrics").body.decode().splitlines()
    return sum(float(one.rpartition(" ")[2]) for one in lines if one.startswith((f"{name} ", f"{name}{{")))


def test_a_websocket_stays_with_its_worker_over_a_switch_until_the_drain_time_is_over(function: Path) -> None:
    with serving(function, GAIA_DRAIN_TIMEOUT_S="2") as running:
        url = f"ws://127.0.0.1:{running.port}/echo"
        with connect(url), connect(url) as client:
            exchange(client, "before")
            begun_s = time.monotonic()
            assert running.switch("gpu").status == 200
            assert running.request("GET").body == b"gpu"
            with connect(url) as newer:
                assert pid_of(newer) != pid_of(client)
            answered: list[int] = []
            with pytest.raises(ConnectionClosedError) as raised:
                talk(client, answered)

            assert code_of(raised.value) == 1012
            assert len(answered) > 100
            assert 1.8 < time.monotonic() - begun_s < 10
        cut = running.event("cut_off")
        assert (cut["backend"], cut["what"], cut["after_s"]) == ("cpu", "open WebSockets: 2", 2.0)
        line(running, "left 1012")
        running.event("switch", lambda event: event["phase"] == "drained")
        running.event("worker", lambda event: event["state"] == "exited")
        assert metric(running, "gaia_failures_total") == 0


def test_a_client_that_leaves_in_time_is_not_cut_off_and_lets_its_worker_go(function: Path) -> None:
    with serving(function) as running:
        with connect(f"ws://127.0.0.1:{running.port}/echo") as client:
            running.switch("gpu")
            exchange(client, "a")
        running.event("worker", lambda event: event["state"] == "exited")
        assert not running.named("cut_off")


def test_when_a_worker_dies_its_websockets_are_closed_with_1011_and_new_ones_are_served(function: Path) -> None:
    with serving(function) as running:
        url = f"ws://127.0.0.1:{running.port}/echo"
        with connect(url) as client:
            os.kill(running.worker_pid("cpu"), signal.SIGKILL)
            with pytest.raises(ConnectionClosedError) as raised:
                client.recv(timeout=30)
        assert code_of(raised.value) == 1011
        assert running.event("worker_exit")["failed"] == 1
        with connect(url) as client:
            exchange(client, "again")
        assert metric(running, "gaia_failures_total") == 1


def test_at_the_end_websockets_have_the_drain_time_and_then_hear_1012(function: Path) -> None:
    with serving(function, GAIA_DRAIN_TIMEOUT_S="1") as running:
        with connect(f"ws://127.0.0.1:{running.port}/echo") as client:
            running.process.send_signal(signal.SIGTERM)
            exchange(client, "still here")
            with pytest.raises(ConnectionClosedError) as raised:
                client.recv(timeout=30)
        assert code_of(raised.value) == 1012
        assert running.stop() == 0
        line(running, "left 1012")
        assert [event["what"] for event in running.named("cut_off")] == ["open WebSockets: 1"]


def test_an_open_websocket_is_no_request_in_flight_and_has_no_deadline(function: Path) -> None:
    with serving(function, GAIA_REQUEST_TIMEOUT_S="1") as running:
        with RawWebSocket(running.port, "/echo") as client:
            assert metric(running, "gaia_websockets_open") == 1
            assert metric(running, "gaia_requests_in_flight") == 0
            time.sleep(1.5)  # beyond the deadline
            client.say("x")
            assert client.hear() == "x"
        line(running, "left 1006")
        running.event("window", lambda event: event["totals"]["requests"] == 1)
        text = running.admin("GET", "/metrics").body.decode()
        assert 'gaia_request_duration_seconds_count{backend="cpu",code="101"} 1' in text
        assert metric(running, "gaia_websockets_open") == metric(running, "gaia_failures_total") == 0


def test_a_request_that_is_never_accepted_has_the_deadline_of_a_request(function: Path) -> None:
    with serving(function, GAIA_REQUEST_TIMEOUT_S="1") as running, RawWebSocket(running.port, "/undecided") as client:
        assert client.status == 504


def test_a_function_that_does_not_end_after_its_client_has_the_deadline_of_a_request(function: Path) -> None:
    with serving(function, GAIA_REQUEST_TIMEOUT_S="1") as running:
        with RawWebSocket(running.port, "/stubborn"):
            pass
        line(running, "stays")
        line(running, "told to go")
        assert running.request("GET").status == 200


def test_with_a_concurrency_a_websocket_takes_a_place(function: Path) -> None:
    with serving(function, GAIA_CONCURRENCY="2", GAIA_REQUEST_TIMEOUT_S="2") as running:
        with RawWebSocket(running.port, "/echo") as first, RawWebSocket(running.port, "/echo"):
            assert running.request("GET").status == 504
            first.say("both are served")
            assert first.hear() == "both are served"
        assert running.request("GET").status == 200


def test_a_client_that_does_not_read_makes_the_function_wait(function: Path) -> None:
    with serving(function) as running, RawWebSocket(running.port, "/talkative") as client:
        before = resident_bytes(running.process.pid)
        quiet_since_s, count = time.monotonic(), 0
        while time.monotonic() - quiet_since_s < 1.0:
            if len(running.named("log")) > count:
                quiet_since_s, count = time.monotonic(), len(running.named("log"))
            time.sleep(0.01)

        assert count < 500
        assert resident_bytes(running.process.pid) - before < 16 * 2**20
        assert client.receive().payload == bytes(60_000)
        assert running.request("GET").status == 200


def test_a_client_that_is_ahead_of_its_function_is_not_read_from(function: Path) -> None:
    with serving(function, GAIA_REQUEST_TIMEOUT_S="4") as running, RawWebSocket(running.port, "/deaf") as client:
        before = resident_bytes(running.process.pid)
        client.socket.settimeout(1.0)
        with pytest.raises(TimeoutError):
            client.send(frame(BINARY, bytes(100_000)) * 1000)

        assert resident_bytes(running.process.pid) - before < 16 * 2**20
        assert running.request("GET").status == 200
        client.socket.settimeout(30)
        assert client.until_closed().reason == "the function does not receive"


def test_half_a_long_message_holds_no_memory_for_long(function: Path) -> None:
    memory = 64 * 2**20
    with serving(function, GAIA_MEMORY_BYTES=str(memory)) as running:
        half = frame(BINARY, bytes(4 * 2**20))[: 3 * 2**20]
        with ExitStack() as stack:
            clients = [stack.enter_context(RawWebSocket(running.port, "/echo")) for _ in range(6)]
            for client in clients:
                client.send(half)
            heard, _, _ = select.select([client.socket for client in clients], [], [], 30)

            codes = {client.until_closed().code for client in clients if client.socket in heard}
            assert codes
            assert codes <= {1008, 1013}
            assert running.request("GET").status == 200


def test_a_thousand_idle_websockets_cost_little_and_hold_nobody_up(function: Path) -> None:
    with serving(function) as running:
        with RawWebSocket(running.port, "/echo"), ExitStack() as stack:
            before = resident_bytes(running.process.pid)
            clients = [stack.enter_context(RawWebSocket(running.port, "/echo")) for _ in range(1000)]
            each = (resident_bytes(running.process.pid) - before) / len(clients)

            assert running.request("GET").body == b"cpu"
            clients[500].say("and I")
            assert clients[500].hear() == "and I"
        assert each < 16 * 1024


def test_other_functions_answer_the_request_as_if_it_asked_for_nothing(tmp_path: Path) -> None:
    write_function(tmp_path, "def handler(payload):\n    return payload")
    next_one = b"GET /?next=1 HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n"
    with serving(tmp_path) as running, RawWebSocket(running.port, "/?a=b", then=next_one) as client:
        assert client.status == 200
        body = client.rest()
        assert body.startswith(b'{"a": "b"}')
        assert body.endswith(b'{"next": "1"}')
        assert UPGRADE["Upgrade"].encode() not in client.head
