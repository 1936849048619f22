"""Many clients that each keep within their limits: what they make the front hold has one bound, and nobody starves."""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import pytest
import uvloop

from runtime_images.dynamic_runtime.edge import limits
from runtime_images.dynamic_runtime.edge.exchange import Exchange, Refusal
from runtime_images.dynamic_runtime.edge.memory import Shares
from runtime_images.dynamic_runtime.edge.server import HttpServer
from runtime_images.dynamic_runtime.wire.arenas import create_requests
from tests.support.clock import FakeClock
from tests.support.edge import Application, ok

MIB = 2**20
POST = b"POST / HTTP/1.1\r\nHost: t\r\n"
GET = b"GET / HTTP/1.1\r\nHost: t\r\n\r\n"
Stream = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Crowd:
    """A server with shares of a small memory, and as many clients as a test wants."""

    def __init__(self, application: Application, shares: Shares, refusal: Callable[[Exchange], Refusal | None]) -> None:
        self.application = application
        self.clock = FakeClock()
        requests = create_requests()
        self.server = HttpServer(application, Exchange, self.clock, 8 * MIB, requests, shares, refusal)
        self.writers: list[asyncio.StreamWriter] = []
        self.port = 0

    async def join(self, said: bytes = b"") -> Stream:
        """A new client that says this."""
        self.clock.advance(0.001)
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        self.writers.append(writer)
        writer.write(said)
        await settle()
        return reader, writer

    async def pass_time(self, seconds: float) -> None:
        """Let `seconds` pass, with the ticks that come in them."""
        for _ in range(int(seconds)):
            self.clock.advance(1)
            self.server.tick()
            await asyncio.sleep(0.001)
        await settle()

    @property
    def held(self) -> int:
        return self.server.budget.held


async def settle() -> None:
    await asyncio.sleep(0.02)
    for _ in range(20):
        await asyncio.sleep(0)


async def status(client: Stream) -> int:
    """The status of the next answer, which is taken whole."""
    return (await answer(client))[0]


async def answer(client: Stream) -> tuple[int, bytes]:
    async with asyncio.timeout(10):
        head = await client[0].readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
        await client[0].readexactly(length)
    return int(head[9:12]), head.lower()


def no_refusal(exchange: Exchange) -> None:
    """Take every request."""


FEW = Shares(bodies=MIB, answers=MIB, connections=10)
MANY = Shares(bodies=MIB, answers=MIB, connections=1000)
ROOMY = Shares(bodies=MIB, answers=12 * MIB, connections=10)
LONG = b"x" * (10 * MIB)


def crowd(
    script: Callable[[Crowd], Awaitable[None]],
    answers: Callable[[Exchange], None] = ok,
    shares: Shares = MANY,
    refusal: Callable[[Exchange], Refusal | None] = no_refusal,
    run_loop: Callable[[Coroutine[Any, Any, None]], None] = uvloop.run,
) -> None:
    async def run() -> None:
        meeting = Crowd(Application(answers), shares, refusal)
        meeting.port = await meeting.server.listen("127.0.0.1", 0)
        try:
            await script(meeting)
        finally:
            for writer in meeting.writers:
                writer.transport.abort()
            meeting.server.stop_listening()
            meeting.server.close_connections()
            await asyncio.sleep(0.01)

    run_loop(run())


def by_length(size: int) -> bytes:
    return POST + b"Content-Length: %d\r\n\r\n" % size


CHUNK = b"10000\r\n" + b"x" * 65536 + b"\r\n"
HALVES = {
    "by length": (by_length(4 * MIB), b"x" * 65536),
    "in chunks": (POST + b"Transfer-Encoding: chunked\r\n\r\n", CHUNK),
}


@pytest.mark.parametrize(("head", "part"), HALVES.values(), ids=HALVES)
def test_half_sent_bodies_have_one_bound_however_many_there_are(head: bytes, part: bytes) -> None:
    async def script(meeting: Crowd) -> None:
        clients = [await meeting.join(head + part * 40) for _ in range(20)]

        assert meeting.held <= 2 * MIB + 8 * MIB  # the bound, its ceiling, and one body that may go beyond
        assert await status(await meeting.join(GET)) == 200
        assert len(clients) == 20

    crowd(script)


@pytest.mark.parametrize(("head", "part"), HALVES.values(), ids=HALVES)
def test_bodies_that_stop_make_way_for_one_that_comes(head: bytes, part: bytes) -> None:
    async def script(meeting: Crowd) -> None:
        stuck = [await meeting.join(head + part * 40) for _ in range(3)]
        late = await meeting.join(by_length(2 * MIB) + b"x" * 2 * MIB)
        await meeting.pass_time(limits.SCARCE_BODY_TIMEOUT_S + 2)

        assert await status(late) == 200
        assert await status(stuck[0]) == 408

    crowd(script)


def test_a_body_for_which_there_is_no_room_in_time_is_refused_and_its_client_told_to_come_again() -> None:
    waiting: list[Exchange] = []

    async def script(meeting: Crowd) -> None:
        for _ in range(2):  # the bound, and the one beyond it: both are whole and wait for the function
            await meeting.join(by_length(MIB - 500) + b"x" * (MIB - 500))
        assert len(waiting) == 2
        late = await meeting.join(by_length(4 * MIB) + b"x" * 4 * MIB)
        await meeting.pass_time(limits.ROOM_TIMEOUT_S - 2)
        assert len(meeting.server.connections) == 3
        await meeting.pass_time(3)

        refused, head = await answer(late)
        assert refused == 503
        assert b"retry-after: 1" in head
        assert b"connection: close" in head

    crowd(script, waiting.append)


def test_many_whole_bodies_come_one_after_the_other_through_little_room() -> None:
    async def script(meeting: Crowd) -> None:
        clients = [await meeting.join() for _ in range(6)]
        for _, writer in clients:
            writer.write(by_length(3 * MIB) + b"x" * 3 * MIB)

        assert [await status(client) for client in clients] == [200] * 6
        await settle()
        assert meeting.held == 0

    crowd(script)


def test_what_clients_held_is_free_when_they_leave() -> None:
    async def script(meeting: Crowd) -> None:
        for head, part in HALVES.values():
            for _ in range(10):
                await meeting.join(head + part * 20)
        await meeting.join(b"GET / HTTP/1.1\r\n" + b"a:\r\n" * 10_000)
        assert meeting.held > MIB
        for writer in meeting.writers:
            writer.transport.abort()
        await meeting.pass_time(limits.ROOM_TIMEOUT_S + 2)

        assert meeting.held == 0
        assert meeting.server.requests is None or meeting.server.requests.taken == 0

    crowd(script)


def test_the_headers_of_heads_that_never_end_count_with_what_they_cost() -> None:
    async def script(meeting: Crowd) -> None:
        for _ in range(30):
            await meeting.join(b"GET / HTTP/1.1\r\nHost: t\r\n" + b"a:\r\n" * 250)

        assert MIB < meeting.held <= 2 * MIB
        assert await status(await meeting.join(GET)) == 200

    crowd(script)


def full(exchange: Exchange) -> Refusal:
    """Take no request."""
    assert exchange.method == b"POST"
    return Refusal(503, "the queue is full", [(b"retry-after", b"1")])


@pytest.mark.parametrize(("head", "part"), HALVES.values(), ids=HALVES)
def test_the_body_of_a_request_that_is_refused_anyway_is_not_collected(head: bytes, part: bytes) -> None:
    async def script(meeting: Crowd) -> None:
        client = await meeting.join(head + part)

        assert (await answer(client))[0] == 503
        assert meeting.held == 0
        assert meeting.application.seen == []

    crowd(script, refusal=full)


def test_a_client_that_asks_before_it_sends_is_refused_without_being_asked_for_the_body() -> None:
    async def script(meeting: Crowd) -> None:
        client = await meeting.join(POST + b"Content-Length: 9\r\nExpect: 100-continue\r\n\r\n")

        assert (await answer(client))[0] == 503

    crowd(script, refusal=full)


def test_a_client_that_sends_requests_and_takes_no_answers_is_not_given_more_of_them() -> None:
    async def script(meeting: Crowd) -> None:
        reader, _ = await meeting.join(GET * 3000)
        reader._transport.pause_reading()  # type: ignore[attr-defined]
        await meeting.pass_time(5)

        assert len(meeting.application.seen) < 1000

    crowd(script, lambda exchange: exchange.respond(200, [], b"x" * 60_000))


def test_answers_that_nobody_takes_have_one_bound_and_the_slowest_client_makes_way() -> None:
    async def script(meeting: Crowd) -> None:
        for _ in range(40):
            reader, _ = await meeting.join(GET * 400)
            reader._transport.pause_reading()  # type: ignore[attr-defined]
        await settle()

        assert meeting.server.shared_head.backlog.size <= MIB
        assert len(meeting.server.connections) < 40
        assert await status(await meeting.join(GET)) == 200

    crowd(script, lambda exchange: exchange.respond(200, [], b"x" * 60_000))


@pytest.mark.parametrize("run_loop", [uvloop.run, asyncio.run])
def test_what_waits_for_a_client_counts_once(run_loop: Callable[[Coroutine[Any, Any, None]], None]) -> None:
    async def script(meeting: Crowd) -> None:
        reader, writer = await meeting.join(b"")
        reader._transport.pause_reading()  # type: ignore[attr-defined]
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        writer.write(GET)
        await settle()

        assert meeting.server.shared_head.backlog.size <= len(LONG)
        assert meeting.server.connections, "it is below the bound"

    crowd(script, lambda exchange: exchange.respond(200, [], LONG), ROOMY, run_loop=run_loop)


def test_a_pipeline_is_kept_as_bytes_and_not_as_requests() -> None:
    waiting: list[Exchange] = []

    async def script(meeting: Crowd) -> None:
        await meeting.join(GET * 5000)

        assert len(waiting) == 1
        assert 0 < meeting.server.shared_head.backlog.size <= 300_000
        waiting.pop().respond(200, [], b"ok")
        await settle()
        assert len(waiting) == 1

    crowd(script, waiting.append)


def test_more_connections_than_there_may_be_replace_those_that_say_nothing() -> None:
    async def script(meeting: Crowd) -> None:
        busy = await meeting.join(GET)
        assert await status(busy) == 200
        for _ in range(30):
            await meeting.join(GET[:9])

        assert len(meeting.server.connections) <= 11
        assert await status(await meeting.join(GET)) == 200
        busy[1].write(GET)
        assert await status(busy) == 200

    crowd(script, shares=FEW)


def test_when_every_connection_has_a_request_a_new_one_is_closed() -> None:
    waiting: list[Exchange] = []

    async def script(meeting: Crowd) -> None:
        clients = [await meeting.join(GET) for _ in range(10)]
        late = await meeting.join(GET)

        assert await late[0].read() == b""
        for exchange in waiting:
            exchange.respond(200, [], b"ok")
        assert [await status(client) for client in clients] == [200] * 10

    crowd(script, waiting.append, FEW)
