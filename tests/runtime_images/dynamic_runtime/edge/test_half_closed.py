"""A client that ends its half of the connection: it waits for its answer, or it has left; both must be served right.

Nothing on the wire tells the two apart before a write is answered by a reset. So the runtime goes by time, and these
tests show both what that gains and what it costs.
"""

import socket
from dataclasses import dataclass, field

import pytest

from runtime_images.dynamic_runtime.edge.exchange import Exchange
from runtime_images.dynamic_runtime.edge.limits import HALF_CLOSE_S, HALF_CLOSED_QUIET_S
from runtime_images.dynamic_runtime.edge.response_head import head_of
from tests.runtime_images.dynamic_runtime.edge.test_slow_clients import (
    GET,
    POST,
    Meeting,
    assert_one_json_line,
    meet,
    settle,
)
from tests.support.edge import Application


@dataclass
class Waiting(Application):
    """Answers when the test says so, and notes who has left."""

    waiting: list[Exchange] = field(default_factory=list)
    left: list[Exchange] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.answer = self.waiting.append

    def client_gone(self, exchange: Exchange) -> None:
        self.left.append(exchange)


async def end_half(meeting: Meeting) -> None:
    meeting.client.shutdown(socket.SHUT_WR)
    await settle()


LONG = POST + b"Content-Length: 200000\r\n\r\n" + b"x" * 200_000
WHOLE = {"short": GET, "in chunks": POST + b"Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n", "long": LONG}


@pytest.mark.parametrize("request_bytes", WHOLE.values(), ids=WHOLE)
def test_a_client_that_ends_its_half_with_its_request_gets_the_answer_however_late(request_bytes: bytes) -> None:
    application = Waiting()

    async def script(meeting: Meeting) -> None:
        await meeting.send(request_bytes)
        await end_half(meeting)
        await meeting.pass_time(250)
        assert application.left == []
        application.waiting[0].respond(200, [], b"late")
        answer = await meeting.read_all()

        assert answer.startswith(b"HTTP/1.1 200 ")
        assert b"\r\nconnection: close\r\n" in answer
        assert answer.endswith(b"late")
        assert meeting.requests is None or not meeting.requests.taken

    meet(script, application)


def test_all_of_a_pipeline_is_answered_before_its_end_counts() -> None:
    application = Waiting()

    async def script(meeting: Meeting) -> None:
        await meeting.send(GET * 3)
        await end_half(meeting)
        for number in range(3):
            await meeting.pass_time(5)
            application.waiting[number].respond(200, [], b"answer %d" % number)
            await settle()

        assert (await meeting.read_all()).count(b"answer ") == 3
        assert application.left == []

    meet(script, application)


def test_a_stream_to_a_client_that_has_ended_its_half_goes_on() -> None:
    application = Waiting()

    async def script(meeting: Meeting) -> None:
        await meeting.send(GET)
        await end_half(meeting)
        (exchange,) = application.waiting
        exchange.begin(head_of(200, []))
        for _ in range(3):
            await meeting.pass_time(100)
            exchange.write(b"tick")
        exchange.end()

        assert (await meeting.read_all()).endswith(b"4\r\ntick\r\n0\r\n\r\n")

    meet(script, application)


@pytest.mark.parametrize("goes_on", [False, True])
def test_a_client_that_ends_its_half_in_the_middle_of_a_stream_has_left_once_that_is_quiet(goes_on: bool) -> None:
    application = Waiting()

    async def script(meeting: Meeting) -> None:
        await meeting.send(GET)
        (exchange,) = application.waiting
        exchange.begin(head_of(200, []))
        await end_half(meeting)
        for _ in range(3):
            await meeting.pass_time(HALF_CLOSED_QUIET_S - 1)
            exchange.write(b"tick" if goes_on else b"")

        assert application.left == ([] if goes_on else [exchange])
        await meeting.pass_time(HALF_CLOSED_QUIET_S + 1)
        assert application.left == [exchange]

    meet(script, application)


def test_a_client_that_ends_its_half_later_has_left() -> None:
    application = Waiting()

    async def script(meeting: Meeting) -> None:
        await meeting.send(GET)
        await meeting.pass_time(HALF_CLOSE_S + 0.1)
        await end_half(meeting)

        assert application.left == application.waiting
        assert await meeting.read_all() == b""

    meet(script, application)


def test_a_client_that_leaves_at_once_costs_its_request_and_is_noticed_when_it_is_answered() -> None:
    application = Waiting()

    async def script(meeting: Meeting) -> None:
        await meeting.send(GET)
        meeting.client.close()
        await settle()
        (exchange,) = application.waiting
        assert application.left == [], "nothing tells it from one that waits"
        exchange.begin(head_of(200, []))
        exchange.write(b"first")
        await settle()
        exchange.write(b"second")
        await settle()

        assert application.left == [exchange]
        assert not meeting.connected

    meet(script, application)


def test_a_client_that_resets_its_connection_has_left_whenever_that_is() -> None:
    application = Waiting()

    async def script(meeting: Meeting) -> None:
        await meeting.send(GET)
        meeting.client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        meeting.client.close()
        await settle()

        assert application.left == application.waiting

    meet(script, application)


PARTS = {
    "a head": GET[:-2],
    "a body": POST + b"Content-Length: 9\r\n\r\nhalf",
    "a long body": LONG[:-1],
    "chunks": POST + b"Transfer-Encoding: chunked\r\n\r\n9\r\nhalf",
    "a body that was asked for": POST + b"Expect: 100-continue\r\nContent-Length: 9\r\n\r\n",
}


@pytest.mark.parametrize("part", PARTS.values(), ids=PARTS)
def test_a_request_that_ends_before_it_is_whole_is_refused(part: bytes) -> None:
    async def script(meeting: Meeting) -> None:
        await meeting.send(part)
        await end_half(meeting)

        assert_one_json_line((await meeting.read_all()).removeprefix(b"HTTP/1.1 100 Continue\r\n\r\n"), 400)
        assert meeting.application.seen == []
        assert meeting.requests is None or not meeting.requests.taken

    meet(script)


def test_a_request_before_one_that_is_not_whole_is_answered() -> None:
    async def script(meeting: Meeting) -> None:
        await meeting.send(GET + GET[:-2])
        await end_half(meeting)

        assert (await meeting.read_all()).startswith(b"HTTP/1.1 200 ")

    meet(script)


def test_an_end_between_two_requests_ends_the_connection_without_a_word() -> None:
    async def script(meeting: Meeting) -> None:
        await meeting.send(GET)
        await meeting.read()
        await end_half(meeting)

        assert await meeting.read_all() == b""
        assert not meeting.connected

    meet(script)
