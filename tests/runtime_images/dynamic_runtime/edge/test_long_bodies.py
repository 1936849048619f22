"""A long body in the edge: who has its memory, and for how long."""

import asyncio
import hashlib
import os
from collections.abc import Callable

import pytest
import uvloop

from runtime_images.dynamic_runtime.edge.exchange import Exchange
from runtime_images.dynamic_runtime.edge.limits import BODY_TIMEOUT_S
from runtime_images.dynamic_runtime.edge.server import HttpServer
from runtime_images.dynamic_runtime.wire import arenas
from tests.support.clock import FakeClock
from tests.support.edge import Application


def body_of(size: int, seed: int = 0) -> bytes:
    """Bytes that are different at each place and for each seed."""
    block = hashlib.shake_128(b"%d" % seed).digest(4096)
    return (block * (size // 4096 + 1))[:size]


def digest(body: bytes | memoryview) -> tuple[int, str]:
    """What is compared instead of a long body: pytest takes minutes to show how two of them differ."""
    return len(body), hashlib.sha256(body).hexdigest()


class Meeting:
    """The edge with an arena, and one client."""

    def __init__(self, answer: Callable[[Exchange], None]) -> None:
        requests = arenas.create_requests()
        assert requests is not None
        self.requests = requests
        self.application = Application(answer)
        self.clock = FakeClock()
        self.server = HttpServer(self.application, Exchange, self.clock, 50_000_000, requests)

    async def client(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        port = await self.server.listen("127.0.0.1", 0)
        return await asyncio.open_connection("127.0.0.1", port)

    def close(self) -> None:
        self.server.stop_listening()
        self.server.close_connections()
        os.close(self.requests.fd)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 -- what is waited for tells nobody
            await asyncio.sleep(0.001)


HEAD = b"POST / HTTP/1.1\r\nHost: t\r\nContent-Length: 1000000\r\n\r\n"


def test_a_long_body_lies_in_the_arena_until_its_request_is_answered() -> None:
    waiting: list[Exchange] = []

    async def script() -> None:
        meeting = Meeting(waiting.append)
        reader, writer = await meeting.client()
        writer.write(HEAD + body_of(1_000_000))
        await until(lambda: bool(waiting))
        (exchange,) = waiting

        assert exchange.slot is not None
        assert digest(exchange.slot.memory) == digest(body_of(1_000_000))
        assert meeting.requests.taken == 1

        exchange.respond(200, [], b"ok")

        assert meeting.requests.taken == 0
        assert (await reader.readline()).startswith(b"HTTP/1.1 200")
        writer.write(HEAD + body_of(1_000_000, 1))
        await until(lambda: len(waiting) == 2)
        slot = waiting[1].slot
        assert slot is not None
        assert digest(slot.memory) == digest(body_of(1_000_000, 1))
        writer.close()
        meeting.close()

    uvloop.run(script())


@pytest.mark.parametrize("end", ["leaves", "stalls", "is-closed"])
def test_a_long_body_that_never_comes_whole_frees_its_slot(end: str) -> None:
    async def script() -> None:
        meeting = Meeting(lambda exchange: exchange.respond(200, [], b"ok"))
        reader, writer = await meeting.client()
        writer.write(HEAD + body_of(400_000))
        await until(lambda: meeting.requests.taken == 1)
        if end == "leaves":
            writer.close()
        elif end == "stalls":
            meeting.clock.advance(BODY_TIMEOUT_S + 1)
            meeting.server.tick()
            assert (await reader.readline()).startswith(b"HTTP/1.1 408")
            writer.write(body_of(600_000))
        else:
            meeting.server.close_connections()
        await until(lambda: meeting.requests.taken == 0)
        assert meeting.application.seen == []
        writer.close()
        meeting.close()

    uvloop.run(script())


def test_a_client_that_leaves_before_its_long_answer_has_left_gives_the_memory_back() -> None:
    given_back: list[str] = []
    body = memoryview(body_of(20_000_000))

    def answer(exchange: Exchange) -> None:
        from runtime_images.dynamic_runtime.edge.response_head import head_of

        exchange.answer_shared(head_of(200, []), b"", body, lambda: given_back.append("back"))

    async def script() -> None:
        meeting = Meeting(answer)
        reader, writer = await meeting.client()
        writer.write(b"GET / HTTP/1.1\r\nHost: t\r\n\r\n")
        await reader.readline()
        await asyncio.sleep(0.05)
        assert given_back == []

        writer.transport.abort()
        await until(lambda: bool(given_back))
        meeting.close()

    uvloop.run(script())

    assert given_back == ["back"]


def test_a_long_answer_is_given_back_only_when_the_client_has_taken_all_of_it() -> None:
    given_back: list[int] = []
    body = memoryview(body_of(20_000_000))

    def answer(exchange: Exchange) -> None:
        from runtime_images.dynamic_runtime.edge.response_head import head_of

        exchange.answer_shared(head_of(200, []), b"", body, lambda: given_back.append(1))

    async def script() -> None:
        meeting = Meeting(answer)
        reader, writer = await meeting.client()
        writer.write(b"GET / HTTP/1.1\r\nHost: t\r\n\r\n")
        await reader.readuntil(b"\r\n\r\n")
        await asyncio.sleep(0.05)
        assert given_back == []

        assert digest(await reader.readexactly(len(body))) == digest(body)
        await until(lambda: bool(given_back))
        writer.write(b"GET / HTTP/1.1\r\nHost: t\r\n\r\n")  # and the connection goes on
        await reader.readuntil(b"\r\n\r\n")
        writer.transport.abort()
        await asyncio.sleep(0.05)
        meeting.close()

    uvloop.run(script())

    assert given_back == [1, 1]
