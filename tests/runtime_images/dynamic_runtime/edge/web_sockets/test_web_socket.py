"""One open WebSocket and its client, in a time that the test moves: silence, slowness, bounds, and the last words."""

import asyncio
from collections.abc import Callable
from typing import Any, cast

import pytest

from runtime_images.dynamic_runtime.edge.budget import Backlog, Budget
from runtime_images.dynamic_runtime.edge.limits import LEAST_BODY_RATE, Patience
from runtime_images.dynamic_runtime.edge.outlet import Outlet, SharedHead
from runtime_images.dynamic_runtime.edge.web_sockets.conversation import Conversation
from runtime_images.dynamic_runtime.edge.web_sockets.web_socket import WebSocket
from runtime_images.dynamic_runtime.wire.web_socket import Closing
from tests.support.raw_web_socket import BINARY, CLOSE, CONT, PING, PONG, TEXT, closing, frame
from tests.support.virtual_time import VirtualTimeLoop

MOST = 2**20


class Transport(asyncio.Transport):
    """What is written stays here."""

    def __init__(self) -> None:
        super().__init__()
        self.written = b""
        self.ended = ""
        self.reading = True
        self.untaken = 0

    def get_extra_info(self, name: str, default: Any = None) -> Any:  # noqa: ANN401, ARG002
        return None

    def write(self, data: Any) -> None:  # noqa: ANN401
        self.written += data

    def write_eof(self) -> None:
        self.ended = "eof"

    def close(self) -> None:
        self.ended = "closed"

    def abort(self) -> None:
        self.ended = "aborted"

    def is_closing(self) -> bool:
        return self.ended in ("closed", "aborted")

    def get_write_buffer_size(self) -> int:
        return self.untaken

    def pause_reading(self) -> None:
        assert self.reading
        self.reading = False

    def resume_reading(self) -> None:
        assert not self.reading
        self.reading = True


class Stage:
    """A WebSocket, its client's end, and what its function hears."""

    def __init__(self, first: bytes = b"", budget_bytes: int = 8 * MOST) -> None:
        self.now_s = 100.0
        self.heard: list[bytes] = []
        self.closings: list[Closing] = []
        self.transport = Transport()
        self.budget = Budget(budget_bytes, lambda: self.now_s)

        def now() -> float:
            return self.now_s

        outlet = Outlet(SharedHead(b"", Backlog(MOST)), Patience(now), lambda _: None)
        outlet.open(self.transport)
        host = cast("asyncio.Protocol", _Host(outlet))
        loop = asyncio.get_running_loop()
        self.socket = WebSocket(host, outlet, Conversation(MOST), self, self.budget, loop, now, first)

    def received(self, message: bytes, *, is_text: bool) -> None:
        assert is_text or message.strip(b"\0") == b""
        self.heard.append(message)

    def closed(self, closing: Closing) -> None:
        self.closings.append(closing)

    def wait(self, seconds: float) -> None:
        """Let time pass, as the server's ticks do."""
        for _ in range(round(seconds)):
            self.now_s += 1
            self.socket.check(self.now_s)

    def unheard_since_s(self) -> float | None:
        return self.socket.unheard_since_s

    @property
    def code(self) -> int:
        (one,) = self.closings
        return one.code


class _Host(asyncio.Protocol):
    def __init__(self, outlet: Outlet) -> None:
        self.pause_writing, self.resume_writing = outlet.pause, outlet.resume  # type: ignore[method-assign]

    def connection_lost(self, exc: Exception | None) -> None:
        pass


def run(story: Callable[[], Any]) -> None:
    """Run a story on a loop whose time is not the test's."""

    async def told() -> None:
        result = story()
        if result is not None:
            await result

    loop = VirtualTimeLoop()
    try:
        loop.run_until_complete(told())
    finally:
        loop.close()


def test_a_silent_client_is_asked_for_a_sign_of_life_and_then_closed() -> None:
    def story() -> None:
        stage = Stage()
        stage.wait(20)
        assert stage.transport.written == b"\x89\x00"
        stage.wait(19)
        assert not stage.closings
        stage.wait(1)
        assert (stage.code, stage.transport.ended) == (1011, "eof")

    run(story)


@pytest.mark.parametrize(
    "sign", [frame(PONG), frame(PING), frame(TEXT, b"x"), b"\x81"], ids=["pong", "ping", "text", "half a frame"]
)
def test_whatever_comes_is_a_sign_of_life(sign: bytes) -> None:
    def story() -> None:
        stage = Stage()
        stage.wait(39)
        stage.socket.data_received(sign)
        stage.wait(19)
        assert not stage.closings

    run(story)


def test_a_client_that_is_not_read_from_is_asked_and_need_not_answer_but_must_be_there() -> None:
    def story() -> None:
        stage = Stage()
        stage.socket.data_received(frame(BINARY, bytes(65536)))
        stage.wait(100)
        assert (stage.closings, stage.transport.written) == ([], b"\x89\x00" * 5)
        stage.transport.untaken = 1
        stage.wait(20)
        assert stage.transport.ended == "aborted"

    run(story)


def test_it_says_since_when_the_function_has_received_nothing_of_a_client_that_waits_for_that() -> None:
    async def story() -> None:
        stage = Stage()
        assert stage.unheard_since_s() is None
        stage.socket.data_received(frame(BINARY, bytes(65536)) * 3)
        await asyncio.sleep(1)
        assert stage.unheard_since_s() == stage.now_s
        stage.wait(5)
        stage.socket.taken(1)
        assert stage.unheard_since_s() == stage.now_s

    run(story)


def test_a_client_that_does_not_read_is_not_asked() -> None:
    def story() -> None:
        stage = Stage()
        stage.socket.pause_writing()
        stage.wait(100)
        assert (stage.closings, stage.transport.written) == ([], b"")

    run(story)


def test_a_client_is_read_from_again_once_the_function_has_received() -> None:
    async def story() -> None:
        stage = Stage()
        stage.socket.data_received(frame(TEXT, b"a") * 33)
        assert (len(stage.heard), stage.transport.reading) == (33, False)
        stage.socket.taken(1)
        assert not stage.transport.reading
        stage.socket.taken(1)
        assert stage.transport.reading

    run(story)


def test_a_long_read_is_taken_apart_turn_by_turn_and_stops_where_the_function_does_not_keep_up() -> None:
    async def story() -> None:
        stage = Stage(first=frame(TEXT, b"first"))
        stage.socket.data_received(frame(BINARY, bytes(10_000)) * 20)
        assert len(stage.heard) < 3
        await asyncio.sleep(1)
        assert (stage.heard[0], 4 < len(stage.heard) < 12, stage.transport.reading) == (b"first", True, False)
        for _ in range(21):
            stage.socket.taken(1)
            await asyncio.sleep(1)
        assert (len(stage.heard), stage.transport.reading) == (21, True)

    run(story)


def test_half_a_message_that_stops_is_closed_and_one_that_comes_steadily_is_not() -> None:
    async def story() -> None:
        stops, steady = Stage(), Stage()
        half = frame(BINARY, bytes(500_000))[:200_000]
        stops.socket.data_received(half)
        steady.socket.data_received(half)
        await asyncio.sleep(1)
        for _ in range(40):
            steady.socket.data_received(bytes(2 * LEAST_BODY_RATE))
            for stage in (stops, steady):
                stage.wait(1)
        assert stops.code == 1008
        assert not steady.closings

    run(story)


def test_half_a_message_makes_way_sooner_where_others_lack_memory() -> None:
    async def story() -> None:
        stage = Stage(budget_bytes=200_000)
        stage.socket.data_received(frame(BINARY, bytes(500_000))[:10_000])
        for _ in range(18):
            stage.socket.data_received(bytes(10_000))
        other = stage.budget.open(MOST)
        other.wait(200_000, lambda: None)
        stage.wait(6)
        assert stage.code == 1008
        assert stage.budget.held == other.size == 200_000

    run(story)


def test_what_has_no_room_is_closed_with_try_again_later() -> None:
    def story() -> None:
        stage = Stage(budget_bytes=100_000)
        stage.socket.data_received(frame(BINARY, bytes(500_000))[:10_000])
        for _ in range(20):
            stage.socket.data_received(bytes(10_000))
        assert (stage.code, stage.budget.held) == (1013, 0)

    run(story)


def test_room_is_given_back_when_the_function_has_received_and_when_the_client_is_gone() -> None:
    async def story() -> None:
        stage = Stage()
        stage.socket.data_received(frame(BINARY, bytes(10_000), fin=False))
        for part in range(1, 10):
            stage.socket.data_received(frame(CONT, bytes(10_000), fin=part == 9))
        assert (len(stage.heard), stage.budget.held) == (1, 100_000)
        stage.socket.taken(1)
        assert stage.budget.held == 0
        stage.socket.data_received(frame(BINARY, bytes(15_000), fin=False))
        stage.socket.data_received(frame(CONT, bytes(15_000), fin=False))
        assert stage.budget.held > 30_000
        stage.socket.connection_lost(None)
        assert stage.budget.held == 0
        assert len(stage.closings) == 1

    run(story)


def test_our_close_waits_for_the_clients_and_not_for_ever() -> None:
    def story() -> None:
        polite, rude = Stage(), Stage()
        for stage in (polite, rude):
            stage.socket.close(Closing(1012, "moved"))
            assert stage.transport.written[0] == 0x80 | CLOSE
            assert (stage.code, stage.transport.ended) == (1012, "")
        polite.socket.data_received(frame(TEXT, b"not heard") + closing(1012))
        assert (polite.heard, polite.transport.ended) == ([], "eof")
        rude.wait(10)
        assert rude.transport.ended == "aborted"
        assert rude.code == 1012

    run(story)


def test_nothing_is_sent_behind_a_close() -> None:
    def story() -> None:
        stage = Stage()
        stage.socket.close(Closing(1000))
        written = stage.transport.written
        stage.socket.send(b"late", is_text=True, is_last=True)
        stage.socket.close(Closing(1011))
        assert stage.transport.written == written
        assert stage.closings == [Closing(1000)]

    run(story)
