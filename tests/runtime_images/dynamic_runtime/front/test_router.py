"""The front with a worker that sends what it likes: only whole, well-formed answers reach a client."""

import asyncio
import os
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime_images.dynamic_runtime.edge.limits import HANDLER_PATIENCE_S, WRITE_TIMEOUT_S
from runtime_images.dynamic_runtime.edge.server import HttpServer
from runtime_images.dynamic_runtime.front.job import Job
from runtime_images.dynamic_runtime.front.link import WorkerLink
from runtime_images.dynamic_runtime.front.router import Front
from runtime_images.dynamic_runtime.front.window_control import MAX_WINDOW
from runtime_images.dynamic_runtime.settings import Settings
from runtime_images.dynamic_runtime.wire import frames, in_flight
from runtime_images.dynamic_runtime.wire.frames import (
    ABORTED,
    CHUNK,
    FINAL,
    IN_ARENA,
    RESPONSE,
    Frame,
    FrameParser,
    Kind,
    RawFrame,
)
from runtime_images.dynamic_runtime.wire.in_flight import SLOTS, InFlightJournal
from runtime_images.policy.model import Backend
from runtime_images.policy.sampling import CLIENT_LEFT
from tests.support.clock import FakeClock
from tests.support.edge import Wire

if TYPE_CHECKING:
    from runtime_images.dynamic_runtime.telemetry.backend_stats import AnswerRow

GET = b"GET / HTTP/1.1\r\nHost: t\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\n"


class FakeSocket(asyncio.Transport):
    """The front's end of a worker's socket, kept in memory."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[RawFrame] = []
        self._parser = FrameParser(1 << 24)

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.sent += self._parser.feed(bytes(data))

    def is_closing(self) -> bool:
        return False

    def abort(self) -> None: ...

    def close(self) -> None: ...


class Stage:
    """A front with one worker whose part the test plays, and clients of it."""

    def __init__(self, journal: InFlightJournal, timeout_s: float) -> None:
        self.clock = FakeClock()
        self.rows: list[AnswerRow] = []
        self.complaints: list[tuple[int, str]] = []
        self.front = Front(
            Settings(Path(), request_timeout_s=timeout_s),
            self.clock,
            lambda _, rows: self.rows.extend(rows),
            lambda _, request_id, reason: self.complaints.append((request_id, reason)),
        )
        self.server = HttpServer(self.front, Job, self.clock, max_body_bytes=100_000)
        self.lost = False
        self.link = WorkerLink(Backend.CPU, journal, 0, self)
        self.worker = FakeSocket()
        self.link.connection_made(self.worker)
        self.link.start(blocking=False)
        self.front.active = self.link

    async def client(self, data: bytes = GET) -> Wire:
        """A client that has sent `data`."""
        wire = Wire(self.server.accept())
        wire.feed(data)
        await asyncio.sleep(0)
        return wire

    def requests(self) -> list[int]:
        """The ids of the requests that the worker was given."""
        return [frame[0] for frame in self.worker.sent if frame[1] == Kind.REQUEST]

    def answer(self, *encoded: bytes) -> None:
        """The worker sends frames."""
        self.link.data_received(b"".join(encoded))

    # LinkOwner

    def frame_received(self, link: WorkerLink, frame: Frame) -> None: ...

    def answers_received(self, link: WorkerLink, received: list[RawFrame]) -> None:
        self.front.answers_received(link, received)

    def link_lost(self, link: WorkerLink) -> None:
        self.lost = not link.open


@pytest.fixture
def play() -> Iterator[Callable[..., None]]:
    """Run a scene: an async function of a `Stage`."""
    memory = in_flight.create_memory()
    journal = InFlightJournal(memory)

    def run(scene: Callable[[Stage], Awaitable[None]], timeout_s: float = 300.0) -> None:
        async def act() -> None:
            await scene(Stage(journal, timeout_s))

        asyncio.run(act())

    yield run
    journal.close()
    os.close(memory)


def whole(request_id: int, head: bytes = OK, body: bytes = b"hello") -> bytes:
    return frames.encode(RESPONSE, request_id, head, body, FINAL, (1, 1, 0))


def test_a_whole_answer_is_passed_on_and_counted(play: Callable[..., None]) -> None:
    async def scene(stage: Stage) -> None:
        wire = await stage.client()
        (request_id,) = stage.requests()
        stage.answer(whole(request_id))

        assert bytes(wire.written).startswith(OK + b"x-gaia-backend: cpu\r\nserver-timing: queue;dur=")
        assert bytes(wire.written).endswith(b"content-length: 5\r\n\r\nhello")
        assert [row[0] for row in stage.rows] == [200]
        assert not stage.link.jobs

    play(scene)


@pytest.mark.parametrize(
    "head", [b"", b"HTTP/1.1 200 OK\r\nx: a\r\n\r\n", b"HTTP/1.1 99 Low\r\n", b"HTTP/1.1 200 OK\r\nX: y\r\n"]
)
@pytest.mark.parametrize("flags", [FINAL, 0], ids=["whole", "streamed"])
def test_a_head_that_http_does_not_allow_becomes_a_502(play: Callable[..., None], head: bytes, flags: int) -> None:
    async def scene(stage: Stage) -> None:
        wire = await stage.client(GET + GET)
        (request_id,) = stage.requests()
        stage.answer(frames.encode(RESPONSE, request_id, head, b"body", flags, (1, 1, 0)))
        if not flags:
            stage.answer(frames.encode(CHUNK, request_id, b"", b"more"), frames.encode(CHUNK, request_id, flags=FINAL))
        for _ in range(3):
            await asyncio.sleep(0)

        assert bytes(wire.written).startswith(b"HTTP/1.1 502 ")
        assert b"body" not in wire.written
        assert b"more" not in wire.written
        assert len(stage.requests()) == 2, "the next request of the connection goes on"

    play(scene)


MISFITS = {
    "an answer to nobody": lambda _: whole(77),
    "a chunk before its answer": lambda number: frames.encode(CHUNK, number, b"", b"x"),
    "a last chunk before its answer": lambda number: frames.encode(CHUNK, number, b"", b"x", FINAL),
    "a second answer": lambda number: (
        frames.encode(RESPONSE, number, OK, b"a") + frames.encode(RESPONSE, number, OK, b"b")
    ),
    "a whole answer inside a stream": lambda number: frames.encode(RESPONSE, number, OK, b"a") + whole(number),
    "a request": lambda number: frames.encode(Kind.REQUEST, number, GET),
    "a last frame that is none": lambda number: frames.encode(Kind.READY, number, b"", b"{}", FINAL),
    "no frame": lambda _: b"\xff" * 40,
}


@pytest.mark.parametrize("misfit", MISFITS.values(), ids=MISFITS)
def test_a_worker_that_breaks_the_protocol_is_cut_off_and_its_client_learns_the_truth(
    play: Callable[..., None], misfit: Callable[[int], bytes]
) -> None:
    async def scene(stage: Stage) -> None:
        wire = await stage.client()
        (request_id,) = stage.requests()
        stage.answer(misfit(request_id))
        assert stage.lost
        stage.link.journal.note(request_id)
        stage.front.worker_lost(stage.link)
        await asyncio.sleep(0)

        # Either nothing had left, and the request is run again as a GET may be, or the connection ends visibly.
        assert wire.aborted or list(stage.front.queue)
        assert not stage.link.jobs

    play(scene)


def test_answers_that_came_before_garbage_are_counted(play: Callable[..., None]) -> None:
    async def scene(stage: Stage) -> None:
        wire = await stage.client()
        (request_id,) = stage.requests()
        stage.answer(whole(request_id), whole(77))

        assert stage.lost
        assert bytes(wire.written).endswith(b"hello")
        assert [row[0] for row in stage.rows] == [200]

    play(scene)


@pytest.mark.parametrize(("said", "counted"), [(b"true", 500), (b" TRUE", 500), (b"false", 200)])
@pytest.mark.parametrize("flags", [FINAL, 0], ids=["whole", "streamed"])
def test_an_answer_that_says_that_the_function_has_failed_counts_as_an_error_and_reaches_the_client_as_it_is(
    play: Callable[..., None], said: bytes, counted: int, flags: int
) -> None:
    async def scene(stage: Stage) -> None:
        wire = await stage.client()
        (request_id,) = stage.requests()
        stage.answer(frames.encode(RESPONSE, request_id, OK + b"x-gaia-failed: %b\r\n" % said, b"no", flags, (1, 1, 0)))
        if not flags:
            stage.answer(frames.encode(CHUNK, request_id, flags=FINAL, timing=(1, 1, 0)))

        assert bytes(wire.written).startswith(b"HTTP/1.1 200 ")
        assert b"x-gaia-failed" not in wire.written
        assert [row[0] for row in stage.rows] == [counted]
        assert stage.front.counters.failures == (counted == 500)

    play(scene)


@pytest.mark.parametrize("flags", [FINAL, FINAL | ABORTED], ids=["ended", "given up"])
def test_a_client_that_leaves_a_stream_is_no_failure_of_the_function(play: Callable[..., None], flags: int) -> None:
    async def scene(stage: Stage) -> None:
        wire = await stage.client()
        (request_id,) = stage.requests()
        stage.answer(frames.encode(RESPONSE, request_id, OK, b"tick"))
        wire.abort()
        await asyncio.sleep(0)
        stage.answer(frames.encode(CHUNK, request_id, b"", b"tick"))
        stage.answer(frames.encode(CHUNK, request_id, flags=flags, timing=(1, 1, 0)))

        assert [row[0] for row in stage.rows] == [CLIENT_LEFT]
        assert stage.front.counters.failures == 0

    play(scene)


def test_a_function_that_fails_since_its_client_has_left_is_no_failure_either(play: Callable[..., None]) -> None:
    async def scene(stage: Stage) -> None:
        wire = await stage.client()
        (request_id,) = stage.requests()
        wire.abort()
        await asyncio.sleep(0)
        stage.answer(whole(request_id, b"HTTP/1.1 500 Internal Server Error\r\n"))

        assert [row[0] for row in stage.rows] == [CLIENT_LEFT]
        assert stage.front.counters.failures == 0

    play(scene)


def test_an_aborted_answer_ends_the_connection(play: Callable[..., None]) -> None:
    async def scene(stage: Stage) -> None:
        wire = await stage.client()
        (request_id,) = stage.requests()
        stage.answer(
            frames.encode(RESPONSE, request_id, OK, b"half"), frames.encode(CHUNK, request_id, flags=FINAL | ABORTED)
        )

        assert wire.aborted
        assert not wire.written.endswith(b"0\r\n\r\n")

    play(scene)


@given(st.lists(st.binary(max_size=60), max_size=6), st.randoms(use_true_random=False))
def test_whatever_bytes_a_worker_sends_nothing_is_raised(blobs: list[bytes], random: Random) -> None:
    memory = in_flight.create_memory()
    journal = InFlightJournal(memory)

    async def scene() -> None:
        stage = Stage(journal, 300.0)
        wires = [await stage.client() for _ in range(3)]
        ids = stage.requests()
        for blob in blobs:
            kind = random.choice([RESPONSE, CHUNK, 99, Kind.READY])
            head, body = random.choice([(OK, blob), (blob, b"x"), (OK + blob, b"")])
            if not stage.lost:
                stage.answer(frames.encode(kind, random.choice([*ids, 5]), head, body, random.randrange(8), (1, 1, 0)))
        stage.front.worker_lost(stage.link)

        assert not stage.link.jobs
        assert all(not wire.written or wire.written.startswith(b"HTTP/1.1 ") for wire in wires)

    asyncio.run(scene())
    journal.close()
    os.close(memory)


def test_requests_at_a_worker_never_share_a_slot_of_the_journal(play: Callable[..., None]) -> None:
    async def scene(stage: Stage) -> None:
        await stage.client()
        (long_one,) = stage.requests()
        stage.link.journal.note(long_one)
        for _ in range(SLOTS + 300):
            stage.worker.sent.clear()
            await stage.client()
            (request_id,) = stage.requests()
            stage.link.journal.note(request_id)
            stage.answer(whole(request_id))

        assert stage.link.journal.has(long_one)

    play(scene)


def test_a_client_that_ends_its_half_gets_its_answer_only_where_a_worker_has_its_request(
    play: Callable[..., None],
) -> None:
    async def scene(stage: Stage) -> None:
        stage.link.window.credit = 1
        served, waiting = await stage.client(), await stage.client()
        served.end()
        waiting.end()

        assert bytes(waiting.written).startswith(b"HTTP/1.1 503 ")
        assert b"\r\nretry-after: 1\r\n" in waiting.written
        assert waiting.ended
        assert not stage.front.queue
        assert stage.front.counters.failures == 0, "nobody knows whether anybody was failed"

        (request_id,) = stage.requests()
        stage.answer(whole(request_id))

        assert bytes(served.written).endswith(b"hello")
        assert served.ended
        assert [frame[1] for frame in stage.worker.sent] == [Kind.REQUEST]

    play(scene)


@pytest.mark.parametrize("blocking", [True, False])
def test_only_a_client_for_whom_a_handlers_thread_waits_must_hurry(play: Callable[..., None], blocking: bool) -> None:
    async def scene(stage: Stage) -> None:
        stage.link.start(blocking=blocking)
        wire = await stage.client()
        (request_id,) = stage.requests()
        stage.answer(frames.encode(RESPONSE, request_id, OK, b"part"))
        (connection,) = stage.server.connections
        connection.pause_writing()
        stage.clock.advance(HANDLER_PATIENCE_S)
        stage.server.tick()
        hurried = wire.aborted
        stage.clock.advance(WRITE_TIMEOUT_S - HANDLER_PATIENCE_S)
        stage.server.tick()

        assert (hurried, wire.aborted) == (blocking, True)

    play(scene)


def test_streams_that_have_begun_take_no_credit_from_other_requests(play: Callable[..., None]) -> None:
    async def scene(stage: Stage) -> None:
        for number in range(300):
            await stage.client()
            assert len(stage.requests()) == number + 1, "it went to the worker at once"
            stage.answer(frames.encode(RESPONSE, stage.requests()[-1], OK, b"part"))
        credit = stage.link.window.credit
        stage.answer(*(frames.encode(CHUNK, number, flags=FINAL, timing=(1, 1, 0)) for number in stage.requests()))

        assert credit > 300
        assert stage.link.window.credit <= MAX_WINDOW
        assert not stage.link.jobs

    play(scene)


def test_a_client_that_leaves_cancels_what_it_waits_for_wherever_that_is(play: Callable[..., None]) -> None:
    async def scene(stage: Stage) -> None:
        first = await stage.client()
        stage.link.window.credit = 1
        second = await stage.client()
        assert len(stage.front.queue) == 1
        first.close()
        second.close()
        await asyncio.sleep(0)
        await asyncio.sleep(0)

        assert not stage.front.queue
        assert [frame[1] for frame in stage.worker.sent] == [Kind.REQUEST, Kind.CANCEL]

    play(scene)


def test_a_request_past_its_deadline_gets_a_504_and_its_late_answer_is_for_nobody(play: Callable[..., None]) -> None:
    async def scene(stage: Stage) -> None:
        wire = await stage.client()
        (request_id,) = stage.requests()
        stage.clock.advance(2.0)
        hung = stage.front.expire([stage.link], stage.clock.monotonic())
        await asyncio.sleep(0)
        written = bytes(wire.written)
        stage.answer(whole(request_id))

        assert not hung
        assert written.startswith(b"HTTP/1.1 504 ")
        assert bytes(wire.written) == written
        assert stage.front.counters.failures == 1

    play(scene, timeout_s=1.0)


NO_SUCH_MEMORY = b"\xff" * 16


def test_an_answer_in_memory_that_is_none_is_a_failure_and_costs_its_client_alone(play: Callable[..., None]) -> None:
    async def scene(stage: Stage) -> None:
        wire = await stage.client()
        (request_id,) = stage.requests()
        stage.answer(frames.encode(RESPONSE, request_id, OK, NO_SUCH_MEMORY, FINAL | IN_ARENA))

        assert (stage.lost, wire.aborted) == (True, True)
        assert stage.front.counters.failures == 1

    play(scene)


def test_a_late_answer_in_memory_that_is_none_leaves_the_next_request_of_its_client_alone(
    play: Callable[..., None],
) -> None:
    async def scene(stage: Stage) -> None:
        wire = await stage.client()
        (request_id,) = stage.requests()
        stage.clock.advance(2.0)
        stage.front.expire([stage.link], stage.clock.monotonic())
        wire.feed(GET)
        await asyncio.sleep(0)
        stage.answer(frames.encode(RESPONSE, request_id, OK, NO_SUCH_MEMORY, FINAL | IN_ARENA))

        assert (stage.lost, wire.aborted) == (True, False)
        assert stage.front.counters.failures == 1

    play(scene, timeout_s=1.0)
