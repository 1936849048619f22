"""WebSockets with a worker that sends what it likes: what it may say when, what is counted, how many there may be."""

import asyncio
from collections.abc import Callable

import pytest

from runtime_images.dynamic_runtime.front import sockets
from runtime_images.dynamic_runtime.telemetry.backend_stats import BackendStats
from runtime_images.dynamic_runtime.wire import frames
from runtime_images.dynamic_runtime.wire.frames import ABORTED, CHUNK, FINAL, MORE, TEXT, WEB_SOCKET, Kind
from runtime_images.dynamic_runtime.wire.web_socket import NORMAL, RAISED, Closing, decode
from runtime_images.policy.model import Slo
from runtime_images.policy.sampling import SWITCHED
from tests.runtime_images.dynamic_runtime.front.test_router import GET, Stage, play, whole
from tests.support.edge import Wire
from tests.support.raw_web_socket import TEXT as TEXT_FRAME
from tests.support.raw_web_socket import closing, frame, handshake

Play = Callable[..., None]
__all__ = ["play"]


def accept(request_id: int, lines: bytes = b"") -> bytes:
    return frames.encode(Kind.ACCEPT, request_id, lines, timing=(1, 2_000_000, 0))


def say(request_id: int, body: bytes, flags: int = TEXT) -> bytes:
    return frames.encode(Kind.SEND, request_id, body=body, flags=flags)


def close(request_id: int, how: Closing = NORMAL) -> bytes:
    return frames.encode(Kind.CLOSE, request_id, body=how.encode(), flags=FINAL)


async def opened(stage: Stage) -> tuple[Wire, int]:
    """A client whose WebSocket the worker has accepted, and its number there."""
    wire = await stage.client(handshake())
    request_id = stage.requests()[-1]
    stage.answer(accept(request_id))
    await asyncio.sleep(0)
    return wire, request_id


def heard(stage: Stage) -> list[tuple[int, int, bytes]]:
    """What the worker was told of its WebSockets: kind, flags and body."""
    return [(f[1], f[2], f[4]) for f in stage.worker.sent if f[1] in (Kind.RECEIVED, Kind.CLOSED)]


def test_a_request_for_a_websocket_says_so_to_the_worker_and_nothing_of_its_hop_to_us(play: Play) -> None:
    async def scene(stage: Stage) -> None:
        await stage.client(handshake("/chat"))
        (sent,) = [f for f in stage.worker.sent if f[1] == Kind.REQUEST]

        assert sent[2] == WEB_SOCKET
        assert sent[3].startswith(b"GET /chat HTTP/1.1\r\n")
        assert b"Upgrade" not in sent[3]

    play(scene)


def test_both_sides_hear_each_other_and_the_close(play: Play) -> None:
    async def scene(stage: Stage) -> None:
        wire, request_id = await opened(stage)
        wire.written.clear()
        wire.feed(frame(TEXT_FRAME, b"from the client"))
        stage.answer(say(request_id, b"from ", TEXT | MORE), say(request_id, b"it"))
        wire.feed(closing(4000, b"bye"))
        await asyncio.sleep(0)

        told = heard(stage)
        assert told[0] == (Kind.RECEIVED, TEXT, b"from the client")
        assert (told[1][0], decode(told[1][2])) == (Kind.CLOSED, Closing(4000, "bye"))
        assert bytes(wire.written).startswith(b"\x01\x05from \x80\x02it\x88")

    play(scene)


def test_an_open_websocket_is_no_request_that_counts_and_in_the_end_one_that_took_no_time(play: Play) -> None:
    async def scene(stage: Stage) -> None:
        _, request_id = await opened(stage)
        assert (dict(stage.link.jobs), list(stage.link.sockets)) == ({}, [request_id])
        stage.clock.advance(3600)
        stage.answer(close(request_id))

        ((status, arrived_s, finished_s, service_ns, _, _),) = stage.rows
        assert (status, service_ns, stage.link.sockets) == (SWITCHED, 2_000_000, {})
        assert finished_s - arrived_s < 1
        stats = BackendStats(Slo())
        stats.add(stage.rows)
        stats.count()
        assert (stats.requests, stats.errors, stats.finished, list(stats.recent)) == (1, 0, 0, [])

    play(scene)


def test_only_what_the_function_has_raised_is_a_failure(play: Play) -> None:
    async def scene(stage: Stage) -> None:
        _, raised = await opened(stage)
        stage.answer(close(raised, RAISED))
        left, leaving = await opened(stage)
        left.feed(closing(1011))
        stage.answer(frames.encode(CHUNK, leaving, flags=FINAL | ABORTED))

        assert [row[0] for row in stage.rows] == [500, SWITCHED]
        assert stage.front.counters.failures == 1

    play(scene)


@pytest.mark.parametrize(
    "told",
    [
        lambda n: accept(n) * 2,
        lambda n: say(n, b"before it is accepted"),
        lambda n: accept(n) + whole(n),
        lambda n: accept(n) + close(n, Closing(1006)),
        lambda n: accept(n) + frames.encode(Kind.CLOSE, n, flags=FINAL),
        lambda n: accept(n) + close(n) * 2,
        lambda n: accept(n ^ 1),
        lambda n: frames.encode(Kind.TAKEN, n),
    ],
)
def test_what_does_not_fit_ends_the_worker(play: Play, told: Callable[[int], bytes]) -> None:
    async def scene(stage: Stage) -> None:
        await stage.client(handshake())
        stage.answer(told(stage.requests()[0]))

        assert stage.lost

    play(scene)


WITHOUT_A_KEY = handshake(headers={"Host": "t", "Upgrade": "websocket", "Connection": "upgrade"})


@pytest.mark.parametrize("data", [GET, WITHOUT_A_KEY])
def test_what_asks_for_none_or_badly_cannot_be_accepted(play: Play, data: bytes) -> None:
    async def scene(stage: Stage) -> None:
        await stage.client(data)
        stage.answer(accept(stage.requests()[0]))

        assert stage.lost

    play(scene)


def test_there_is_a_bound_on_the_websockets_of_a_worker(play: Play, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sockets, "MOST_SOCKETS", 2)

    async def scene(stage: Stage) -> None:
        first, _ = await opened(stage)
        await opened(stage)
        refused, request_id = await opened(stage)

        assert bytes(refused.written).startswith(b"HTTP/1.1 503 ")
        assert b"too many WebSockets are open" in refused.written
        assert heard(stage)[-1][0] == Kind.CLOSED
        stage.answer(close(request_id))
        assert not stage.lost
        assert bytes(first.written).startswith(b"HTTP/1.1 101 ")

    play(scene)


def test_a_dead_workers_websockets_are_closed_and_counted(play: Play) -> None:
    async def scene(stage: Stage) -> None:
        wire, _ = await opened(stage)
        wire.written.clear()

        assert stage.front.worker_lost(stage.link) == (0, 1)
        assert bytes(wire.written)[2:4] == (1011).to_bytes(2, "big")
        assert stage.front.counters.failures == 1

    play(scene)


def test_where_concurrency_is_declared_each_takes_a_place_and_else_none(play: Play) -> None:
    async def scene(stage: Stage) -> None:
        before = stage.link.window.credit
        _, request_id = await opened(stage)
        assert stage.link.window.credit == before
        stage.answer(close(request_id))
        stage.link.window.__init__(2)  # type: ignore[misc]  # as for a worker with a declared concurrency
        before = stage.link.window.credit
        _, request_id = await opened(stage)
        assert stage.link.window.credit == before - 1
        stage.answer(close(request_id))
        assert stage.link.window.credit >= before

    play(scene)
