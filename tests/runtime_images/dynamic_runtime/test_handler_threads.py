"""Threads that take turns at the socket: every request is answered once, in whichever way the end comes."""

import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from runtime_images.dynamic_runtime import begun, frames
from runtime_images.dynamic_runtime.begun import BegunMarks
from runtime_images.dynamic_runtime.bodies import open_bodies
from runtime_images.dynamic_runtime.frames import FrameParser, Kind, RawFrame
from runtime_images.dynamic_runtime.handler_threads import HandlerThreads

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

    def send(self, *parts: bytes) -> None:
        self.channel.sendall(b"".join(parts))

    def answers(self, count: int) -> list[tuple[int, bytes]]:
        """Ids and bodies of the next `count` frames."""
        while len(self._received) < count:
            data = self.channel.recv(1 << 16)
            assert data, f"closed after {self._received}"
            self._received += self._parser.feed(data)
        taken, self._received = self._received[:count], self._received[count:]
        return [(frame[0], frame[4]) for frame in taken]


Working = tuple[Front, HandlerThreads, threading.Event]


@contextmanager
def working(handler: Callable[[Any], object], count: int = 1) -> Iterator[Working]:
    """`count` handler threads at work, and the event by which they tell that the front is gone."""
    ours, theirs = socket.socketpair()
    memory = begun.create_memory()
    marks = BegunMarks(memory)
    os.close(memory)
    gone = threading.Event()
    threads = HandlerThreads(count, theirs, marks, open_bodies([]), handler, 1 << 20, gone.set, measure_cpu=False)
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
def test_threads_that_wait_end_when_they_are_told_to(count: int) -> None:
    with working(lambda payload: payload, count) as (front, threads, gone):
        front.send(post(1, b"1"))
        front.answers(1)
        threads.stop()

        assert not gone.is_set()


def test_a_large_answer_comes_in_parts_that_a_frame_may_hold() -> None:
    with working(lambda _payload: b"x" * 600_000) as (front, _, _):
        front.send(post(1, b"1"))
        parts = front.answers(5)

    assert [len(body) for _, body in parts] == [0, 262_144, 262_144, 75_712, 0]
