"""Clients that are slow, silent, or ahead of us: real sockets and uvloop, with a clock that the tests move."""

import asyncio
import contextlib
import json
import socket
from collections.abc import Awaitable, Callable

import pytest
import uvloop

from runtime_images.dynamic_runtime.edge import limits
from runtime_images.dynamic_runtime.edge.exchange import Exchange
from runtime_images.dynamic_runtime.edge.response_head import head_of
from runtime_images.dynamic_runtime.edge.server import HttpServer
from runtime_images.dynamic_runtime.wire.arenas import create_requests
from tests.support.clock import FakeClock
from tests.support.edge import Application, ok

GET = b"GET / HTTP/1.1\r\nHost: t\r\n\r\n"
LARGE = b"x" * 8_000_000
_LATE_LOOKS = 4


class Meeting:
    """A listening server and one client of it."""

    def __init__(self, application: Application) -> None:
        self.application = application
        self.clock = FakeClock()
        self.requests = create_requests()
        self.server = HttpServer(application, Exchange, self.clock, 1_000_000, self.requests)
        self.client = socket.socket()

    async def open(self) -> None:
        port = await self.server.listen("127.0.0.1", 0)
        self.client.setblocking(False)
        self.client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        await self.loop.sock_connect(self.client, ("127.0.0.1", port))
        async with asyncio.timeout(10):
            while not self.server.connections:  # noqa: ASYNC110 -- the server tells nobody of a new connection
                await asyncio.sleep(0.001)

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        return asyncio.get_running_loop()

    async def send(self, data: bytes) -> None:
        await self.loop.sock_sendall(self.client, data)
        await settle()

    async def send_if_open(self, data: bytes) -> None:
        with contextlib.suppress(ConnectionError):
            await self.send(data)

    async def read(self, size: int = 65536) -> bytes:
        async with asyncio.timeout(10):
            return await self.loop.sock_recv(self.client, size)

    async def read_all(self) -> bytes:
        whole = b""
        while part := await self.read():
            whole += part
        return whole

    async def pass_time(self, seconds: float) -> None:
        """Let `seconds` pass, with the ticks that come in them."""
        while seconds > 0:
            self.clock.advance(min(1.0, seconds))
            seconds -= 1.0
            self.server.tick()
            await asyncio.sleep(0)
        await settle()

    @property
    def connected(self) -> bool:
        return bool(self.server.connections)

    async def close(self) -> None:
        self.client.close()
        self.server.stop_listening()
        self.server.close_connections()
        await asyncio.sleep(0.01)


async def settle() -> None:
    """Let the server take what has come, and the client what was sent; however late this process gets its turn."""
    await asyncio.sleep(0.02)
    for _ in range(20):  # each looks at all sockets once
        await asyncio.sleep(0)


def meet(script: Callable[[Meeting], Awaitable[None]], answer: Callable[[Exchange], None] | Application = ok) -> None:
    async def run() -> None:
        meeting = Meeting(answer if isinstance(answer, Application) else Application(answer))
        await meeting.open()
        try:
            await script(meeting)
        finally:
            await meeting.close()

    uvloop.run(run())


def assert_one_json_line(raw: bytes, status: int) -> None:
    head, _, body = raw.partition(b"\r\n\r\n")

    assert head.startswith(b"HTTP/1.1 %d " % status)
    assert b"connection: close" in head
    assert body.count(b"\n") == 1
    assert isinstance(json.loads(body)["error"], str)


@pytest.mark.parametrize("pause_s", [5.0, limits.HEAD_TIMEOUT_S + 1])
def test_a_head_that_trickles_in_is_refused_when_its_time_is_over(pause_s: float) -> None:
    async def script(meeting: Meeting) -> None:
        for byte in GET[:12]:
            if meeting.connected:
                await meeting.send(bytes([byte]))
                await meeting.pass_time(pause_s)

        assert_one_json_line(await meeting.read_all(), 408)

    meet(script)


def test_a_head_that_begins_behind_an_answered_request_has_no_more_time_than_another() -> None:
    async def script(meeting: Meeting) -> None:
        await meeting.send(GET + GET[:12])
        answer = await meeting.read()
        await meeting.pass_time(limits.HEAD_TIMEOUT_S + 3)

        assert answer.startswith(b"HTTP/1.1 200 ")
        assert_one_json_line(await meeting.read_all(), 408)

    meet(script)


def test_a_body_that_stops_coming_is_refused() -> None:
    async def script(meeting: Meeting) -> None:
        await meeting.send(b"POST / HTTP/1.1\r\nHost: t\r\nContent-Length: 9\r\n\r\nhalf")
        await meeting.pass_time(limits.BODY_TIMEOUT_S - 1)
        await meeting.send(b"-")
        await meeting.pass_time(limits.BODY_TIMEOUT_S - 1)
        assert meeting.connected
        await meeting.pass_time(2)

        assert_one_json_line(await meeting.read_all(), 408)

    meet(script)


POST = b"POST / HTTP/1.1\r\nHost: t\r\n"
BODIES = {
    "by length": POST + b"Content-Length: 60000\r\n\r\n",
    "into shared memory": POST + b"Content-Length: 600000\r\n\r\n",
    "in chunks": POST + b"Transfer-Encoding: chunked\r\n\r\nea60\r\n",
}


@pytest.mark.parametrize("head", BODIES.values(), ids=BODIES)
def test_a_body_that_trickles_is_refused_although_it_never_stops(head: bytes) -> None:
    async def script(meeting: Meeting) -> None:
        await meeting.send(head)
        for _ in range(40):
            await meeting.send(b"x")
            await meeting.pass_time(1)

        assert_one_json_line(await meeting.read_all(), 408)
        assert meeting.requests is None or not meeting.requests.taken

    meet(script)


@pytest.mark.parametrize("head", BODIES.values(), ids=BODIES)
def test_a_body_that_comes_slowly_but_steadily_is_taken(head: bytes) -> None:
    async def script(meeting: Meeting) -> None:
        size = 600_000 if b"600000" in head else 60_000
        await meeting.send(head)
        for _ in range(size // 10_000):
            await meeting.pass_time(9)  # 10 s would be slower than 1 KiB a second, the first 30 s apart
            await meeting.send(b"x" * 10_000)
        await meeting.send(b"\r\n0\r\n\r\n" if b"chunked" in head else b"")

        assert (await meeting.read()).startswith(b"HTTP/1.1 200")

    meet(script)


@pytest.mark.parametrize("head", BODIES.values(), ids=BODIES)
@pytest.mark.parametrize("goes_on", [True, False])
def test_a_body_that_came_quickly_at_first_earns_no_hours(head: bytes, goes_on: bool) -> None:
    async def script(meeting: Meeting) -> None:
        await meeting.send(head + b"x" * 50_000)
        for _ in range(int(limits.BODY_TIMEOUT_S) - 2):
            await meeting.pass_time(1)
            await meeting.send(b"x" if goes_on else b"")
        assert meeting.connected
        await meeting.pass_time(4)

        assert_one_json_line(await meeting.read_all(), 408)

    meet(script)


def test_each_chunked_body_of_a_connection_has_its_own_time() -> None:
    async def script(meeting: Meeting) -> None:
        begun = POST + b"Transfer-Encoding: chunked\r\n\r\n1\r\n"
        await meeting.send(begun)
        for _ in range(4):  # each send ends one body and begins the next
            await meeting.pass_time(25)
            await meeting.send(b"x\r\n0\r\n\r\n" + begun)
            assert (await meeting.read()).startswith(b"HTTP/1.1 200")

    meet(script)


def test_a_connection_may_idle_for_75_seconds_and_is_closed_without_a_word_some_time_after() -> None:
    async def script(meeting: Meeting) -> None:
        await meeting.send(GET)
        await meeting.read()
        await meeting.pass_time(75)
        await meeting.send(GET)
        assert (await meeting.read()).startswith(b"HTTP/1.1 200")
        await meeting.pass_time(limits.IDLE_TIMEOUT_S + 1)

        assert await meeting.read() == b""

    meet(script)


@pytest.mark.parametrize("drip", [b"\r\n", b"\n", b"\r"])
def test_line_ends_between_two_requests_earn_no_time(drip: bytes) -> None:
    async def script(meeting: Meeting) -> None:
        await meeting.send(GET)
        await meeting.read()
        await meeting.send(drip + GET)
        assert (await meeting.read()).startswith(b"HTTP/1.1 200")
        for _ in range(5):
            await meeting.pass_time(limits.IDLE_TIMEOUT_S / 4)
            await meeting.send_if_open(drip)

        assert await meeting.read() == b""

    meet(script)


def test_a_connection_on_which_nothing_is_ever_said_is_closed_without_a_word() -> None:
    async def script(meeting: Meeting) -> None:
        await meeting.pass_time(limits.HEAD_TIMEOUT_S + 1)

        assert await meeting.read() == b""

    meet(script)


def test_a_client_that_waits_for_a_long_answer_is_not_cut_off() -> None:
    waiting: list[Exchange] = []

    async def script(meeting: Meeting) -> None:
        await meeting.send(GET)
        await meeting.pass_time(600)
        waiting[0].respond(200, [], b"late")

        assert (await meeting.read()).endswith(b"late")

    meet(script, waiting.append)


def large(exchange: Exchange) -> None:
    exchange.respond(200, [], LARGE)


def test_a_client_that_does_not_read_its_answer_is_cut_off() -> None:
    async def script(meeting: Meeting) -> None:
        await meeting.send(GET)
        await meeting.pass_time(limits.WRITE_TIMEOUT_S - 2)
        assert meeting.connected
        await meeting.pass_time(limits.IDLE_TIMEOUT_S)

        assert not meeting.connected

    meet(script, large)


@pytest.mark.parametrize("end", ["keeps the connection", "asks to close it", "ends its half"])
@pytest.mark.parametrize("rest", [1_000, 30_000], ids=lambda rest: f"{rest} bytes wait here")
def test_a_client_that_takes_nothing_is_cut_off_however_little_is_left_of_its_answer(end: str, rest: int) -> None:
    taken: list[int] = []

    def answer(exchange: Exchange) -> None:
        """More than the kernel takes, by `rest` bytes: fewer than those at which writing is paused."""
        transport = exchange.outlet.transport
        assert transport is not None
        exchange.begin(head_of(200, []))
        while not transport.get_write_buffer_size():
            exchange.write(b"x" * 4096)
            taken.append(4096)
        exchange.write(b"x" * rest)
        exchange.end()

    async def script(meeting: Meeting) -> None:
        await meeting.send(GET.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n") if "close" in end else GET)
        if end == "ends its half":
            meeting.client.shutdown(socket.SHUT_WR)
        await meeting.pass_time(limits.IDLE_TIMEOUT_S)
        for _ in range(_LATE_LOOKS):  # on a busy machine the kernel may take some more bytes while time passes
            await meeting.pass_time(limits.WRITE_TIMEOUT_S + 5)

        assert taken
        assert not meeting.connected

    meet(script, answer)


def test_a_client_that_takes_nothing_while_a_handler_waits_for_it_is_cut_off_sooner() -> None:
    def answer(exchange: Exchange) -> None:
        exchange.outlet.patience.shorten(limits.HANDLER_PATIENCE_S)
        exchange.begin(head_of(200, []))
        exchange.write(LARGE)

    async def script(meeting: Meeting) -> None:
        await meeting.send(GET)
        await meeting.pass_time(limits.HANDLER_PATIENCE_S - 2)
        assert meeting.connected
        await meeting.pass_time(2 * limits.HANDLER_PATIENCE_S)  # the kernel may have acknowledged some bytes late

        assert not meeting.connected

    meet(script, answer)


def test_a_client_that_reads_slowly_gets_all_of_its_answer() -> None:
    async def script(meeting: Meeting) -> None:
        await meeting.send(GET)
        got = 0
        while got < len(LARGE):
            part = await meeting.read(1_000_000)
            assert part, f"cut off after {got} bytes"
            got += len(part)
            await meeting.pass_time(limits.WRITE_TIMEOUT_S / 2 if got < 2_000_000 else 1)

    meet(script, large)


def test_a_client_far_ahead_of_its_answers_is_not_read_from() -> None:
    waiting: list[Exchange] = []

    async def script(meeting: Meeting) -> None:
        flood = asyncio.ensure_future(meeting.loop.sock_sendall(meeting.client, GET * 500_000))
        await asyncio.sleep(0.3)
        assert not flood.done()
        assert len(waiting) == 1
        flood.cancel()
        await asyncio.gather(flood, return_exceptions=True)

    meet(script, waiting.append)


def test_a_server_that_drains_answers_and_says_that_it_closes() -> None:
    async def script(meeting: Meeting) -> None:
        await meeting.send(GET)
        assert b"connection: close" not in await meeting.read()
        meeting.server.begin_draining()
        await meeting.send(GET)
        answer = await meeting.read_all()

        assert answer.startswith(b"HTTP/1.1 200")
        assert b"\r\nconnection: close\r\n" in answer

    meet(script)


def test_what_was_sent_behind_the_last_request_does_not_reset_its_answer() -> None:
    async def script(meeting: Meeting) -> None:
        await meeting.send(GET.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
        await meeting.send(GET * 1000)
        await asyncio.sleep(0.05)

        assert (await meeting.read_all()).endswith(b"ok")
        assert len(meeting.application.seen) == 1

    meet(script)


@pytest.mark.parametrize(("version", "whole"), [(b"1.0", True), (b"1.0", False), (b"1.1", False)])
def test_a_client_that_takes_an_end_for_the_end_of_its_answer_sees_that_it_broke_off(
    version: bytes, whole: bool
) -> None:
    def answer(exchange: Exchange) -> None:
        exchange.begin(head_of(200, []))
        exchange.write(b"half")
        if whole:
            exchange.end()
        else:
            asyncio.get_running_loop().call_later(0.05, exchange.abort)

    async def script(meeting: Meeting) -> None:
        await meeting.send(b"GET / HTTP/%b\r\nHost: t\r\n\r\n" % version)
        if whole or version == b"1.1":
            assert (await meeting.read_all()).endswith(b"half" if whole else b"half\r\n")
        else:
            with pytest.raises(ConnectionResetError):
                await meeting.read_all()

    meet(script, answer)
