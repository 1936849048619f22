"""Threads that take turns at the socket: every request is answered once, in whichever way the end comes."""

import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest

from runtime_images.dynamic_runtime.settings import Settings
from runtime_images.dynamic_runtime.wire import frames, in_flight
from runtime_images.dynamic_runtime.wire.frames import FrameParser, Kind, RawFrame
from runtime_images.dynamic_runtime.wire.in_flight import InFlightJournal
from runtime_images.dynamic_runtime.worker.answers import Bodies
from runtime_images.dynamic_runtime.worker.contract import LoadedFunction
from runtime_images.dynamic_runtime.worker.threads import HandlerThreads
from runtime_images.entrypoint import Entry, EntryForm

HEAD = b"POST / HTTP/1.1\r\nhost: t\r\ncontent-type: application/json\r\n\r\n"


def post(request_id: int, body: bytes) -> bytes:
    return frames.encode(Kind.REQUEST, request_id, HEAD, body)


class Front:
    """The other end of the socket."""

    def __init__(self, channel: socket.socket) -> None:
        self.channel = channel
        channel.settimeout(20)
        self._parser = FrameParser(1 << 20)
        self._received: list[RawFrame] = []
        self.aborted: list[int] = []

    def send(self, *parts: bytes) -> None:
        self.channel.sendall(b"".join(parts))

    def answers(self, count: int) -> list[tuple[int, bytes]]:
        """Ids and bodies of the next `count` frames."""
        while len(self._received) < count:
            data = self.channel.recv(1 << 16)
            assert data, f"closed after {self._received}"
            self._received += self._parser.feed(data)
        taken, self._received = self._received[:count], self._received[count:]
        self.aborted += [frame[0] for frame in taken if frame[2] & frames.ABORTED]
        return [(frame[0], frame[4]) for frame in taken]

    def nothing_more(self) -> bool:
        """Whether the worker is silent for a moment."""
        self.channel.settimeout(0.1)
        try:
            return not self._received and not self._parser.feed(self.channel.recv(1 << 16))
        except TimeoutError:
            return True
        finally:
            self.channel.settimeout(20)


ENTRY = Entry("func.py", "handler", EntryForm.HANDLER, 1)

Working = tuple[Front, HandlerThreads, threading.Event]


def working(handler: Callable[[Any], object], count: int = 1) -> AbstractContextManager[Working]:
    """`count` handler threads at work, and the event that they set when the front is gone."""
    return working_function(LoadedFunction(ENTRY, blocking=True, plain=handler), count)


@contextmanager
def working_function(function: LoadedFunction, count: int = 1) -> Iterator[Working]:
    ours, theirs = socket.socketpair()
    memory = in_flight.create_memory()
    marks = InFlightJournal(memory)
    os.close(memory)
    gone = threading.Event()
    threads = HandlerThreads(theirs, marks, Bodies(), function, Settings(Path(), concurrency=count), gone.set)
    main = threading.Thread(target=threads.serve)
    main.start()
    try:
        yield Front(ours), threads, gone
    finally:
        threads.stop()
        main.join(20)
        assert not main.is_alive()
        ours.close()
        theirs.close()


@pytest.mark.parametrize("count", [1, 3])
def test_every_request_is_answered_once_before_the_end_that_the_front_asks_for(count: int) -> None:
    with working(lambda payload: payload, count) as (front, threads, _):
        front.send(*[post(number, b"%d" % number) for number in range(1, 51)], frames.encode(Kind.STOP))
        answers = front.answers(50)
        threads.stop()

    assert sorted(answers) == [(number, b"%d" % number) for number in range(1, 51)]


def test_one_thread_answers_in_order_and_many_at_once() -> None:
    meeting = threading.Barrier(3)

    def meet(payload: object) -> object:
        meeting.wait(20)
        return payload

    with working(lambda payload: payload) as (front, _, _):
        front.send(*[post(number, b"1") for number in range(1, 21)])

        assert [number for number, _ in front.answers(20)] == list(range(1, 21))

    with working(meet, count=3) as (front, _, _):
        front.send(*[post(number, b"1") for number in range(1, 4)])

        assert sorted(number for number, _ in front.answers(3)) == [1, 2, 3]


def test_a_request_that_is_cancelled_while_it_waits_is_dropped() -> None:
    begun_first, go_on = threading.Event(), threading.Event()
    seen = []

    def handler(payload: object) -> object:
        seen.append(payload)
        begun_first.set()
        go_on.wait(20)
        return payload

    with working(handler) as (front, _, _):
        front.send(post(1, b'"first"'), post(2, b'"dropped"'))
        assert begun_first.wait(20)
        threading.Event().wait(0.002)  # longer than a look at the socket is trusted
        front.send(frames.encode(Kind.CANCEL, 2), post(3, b'"last"'))
        go_on.set()
        answers = dict(front.answers(3))

    assert seen == ["first", "last"]
    assert answers == {1: b'"first"', 2: b"", 3: b'"last"'}


def test_a_front_that_goes_is_noticed_while_a_handler_never_returns() -> None:
    entered, release = threading.Event(), threading.Event()

    def handler(_payload: object) -> None:
        entered.set()
        release.wait(20)

    with working(handler) as (front, _, gone):
        front.send(post(1, b"1"))
        assert entered.wait(20)
        front.channel.close()

        assert gone.wait(20)

        release.set()


@pytest.mark.parametrize("count", [1, 3])
def test_threads_that_wait_end_when_they_are_asked_to(count: int) -> None:
    with working(lambda payload: payload, count) as (front, threads, gone):
        front.send(post(1, b"1"))
        front.answers(1)
        threads.stop()

        assert not gone.is_set()


LARGE = b"x" * 250_000
TAKEN = frames.encode(Kind.CREDIT, 1)


def answer_large_ones(payload: object) -> object:
    return LARGE if payload == 1 else payload


def test_a_large_answer_comes_as_its_client_takes_it() -> None:
    with working(answer_large_ones) as (front, threads, _):
        front.send(post(1, b"1"))
        sizes = [len(body) for _, body in front.answers(2)]
        assert front.nothing_more()
        for _ in range(2):
            front.send(TAKEN)
            sizes += [len(body) for _, body in front.answers(1)]
            assert front.nothing_more()
        front.send(TAKEN)
        assert front.nothing_more(), "the last chunk has not been taken"
        front.send(TAKEN)
        sizes += [len(body) for _, body in front.answers(1)]
        front.send(post(2, b"2"))

        assert sizes == [65_536, 65_536, 65_536, 250_000 - 3 * 65_536, 0]
        assert front.answers(1) == [(2, b"2")]
        assert not threads._streams.by_id


def test_a_client_that_leaves_frees_the_thread_that_waits_for_it() -> None:
    with working(answer_large_ones) as (front, _, _):
        front.send(post(1, b"1"), post(2, b"2"))
        front.answers(2)
        front.send(frames.encode(Kind.CANCEL, 1))
        given_up, answered = front.answers(2)

        assert given_up == (1, b"")
        assert answered == (2, b"2")


def test_other_threads_go_on_while_one_waits_for_its_client() -> None:
    with working(answer_large_ones, count=2) as (front, _, _):
        front.send(post(1, b"1"))
        front.answers(2)
        for number in range(2, 20):
            front.send(post(number, b"%d" % number))
            assert front.answers(1) == [(number, b"%d" % number)]
        front.send(TAKEN * 4)

        assert [body[:1] for _, body in front.answers(3)] == [b"x", b"x", b""]


def test_a_thread_that_waits_for_its_client_ends_with_the_work_when_that_has_left() -> None:
    with working(answer_large_ones) as (front, threads, _):
        front.send(post(1, b"1"))
        front.answers(2)
        threads.stop()
        front.send(frames.encode(Kind.CANCEL, 1, flags=frames.FORCE))

        assert front.answers(1) == [(1, b"")]


@pytest.mark.parametrize("count", [1, 3])
def test_a_thread_that_cannot_go_on_ends_the_worker_and_leaves_no_request_to_its_deadline(count: int) -> None:
    with working(lambda payload: payload, count) as (front, threads, gone):

        class NoMemory(Bodies):
            def take(self, flags: int, body: bytes) -> bytes:  # noqa: ARG002 -- as its base has it
                raise MemoryError

        threads._bodies = NoMemory()
        front.send(frames.encode(Kind.REQUEST, 1, HEAD, bytes(16), frames.IN_ARENA))

        assert gone.wait(20)
