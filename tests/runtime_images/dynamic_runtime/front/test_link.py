"""How many requests a worker gets at once: learned from its answers."""

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from runtime_images.dynamic_runtime.front.link import MAX_WINDOW, WorkerLink
from runtime_images.dynamic_runtime.wire import in_flight
from runtime_images.dynamic_runtime.wire.frames import Frame, RawFrame
from runtime_images.dynamic_runtime.wire.in_flight import BegunMarks
from runtime_images.policy.model import Backend
from tests.support.serving import serving, write_function


class Nobody:
    """An owner that is told nothing."""

    def frame_received(self, link: WorkerLink, frame: Frame) -> None: ...

    def answers_received(self, link: WorkerLink, received: list[RawFrame]) -> None: ...

    def link_lost(self, link: WorkerLink) -> None: ...


@pytest.fixture
def marks() -> Iterator[BegunMarks]:
    memory = in_flight.create_memory()
    marks = BegunMarks(memory)
    yield marks
    marks.close()
    os.close(memory)


Timing = tuple[int, int]
"""When a request was begun and how long it took, in ns."""


def link_after(marks: BegunMarks, timings: list[Timing], *, blocking: bool, concurrency: int = 0) -> WorkerLink:
    """A link that has had these answers while it was full."""

    async def learn() -> WorkerLink:
        link = WorkerLink(Backend.CPU, marks, concurrency, Nobody())
        link.start(blocking=blocking)
        full: dict[int, Any] = dict.fromkeys(range(MAX_WINDOW))
        link.jobs = full
        ended_ns = 0
        for begun_ns, service_ns in timings:
            link.learn(1, service_ns, begun_ns < ended_ns, ended_ns := max(ended_ns, begun_ns + service_ns))
        return link

    return asyncio.run(learn())


def one_after_the_other(service_s: float, count: int = 20) -> list[Timing]:
    step = int(service_s * 1e9)
    return [(step * number, step) for number in range(count)]


def all_at_once(service_s: float, count: int = 20) -> list[Timing]:
    return [(number, int(service_s * 1e9)) for number in range(count)]


def test_a_quick_blocking_handler_gets_a_millisecond_of_work_ahead(marks: BegunMarks) -> None:
    link = link_after(marks, one_after_the_other(50e-6), blocking=True)

    assert 20 <= int(link.window) <= 23


def test_a_long_blocking_handler_gets_one_request_at_a_time(marks: BegunMarks) -> None:
    assert int(link_after(marks, one_after_the_other(0.5), blocking=True).window) == 1


def test_declared_concurrency_is_taken_at_its_word(marks: BegunMarks) -> None:
    assert int(link_after(marks, all_at_once(0.5), blocking=True, concurrency=8).window) == 8
    assert int(link_after(marks, all_at_once(0.5), blocking=False, concurrency=8).window) == 8


def test_requests_that_overlap_open_the_window_up_to_its_bound(marks: BegunMarks) -> None:
    assert int(link_after(marks, all_at_once(2.0, count=400), blocking=False).window) == MAX_WINDOW


def test_an_async_function_that_blocks_is_soon_given_only_two(marks: BegunMarks) -> None:
    assert int(link_after(marks, one_after_the_other(0.5, count=4), blocking=False).window) == 2


def test_an_async_function_that_waits_has_many_requests_at_once_from_the_start(tmp_path: Path) -> None:
    source = """
        import asyncio

        begun = 0
        many = asyncio.Event()

        async def handler(payload):
            global begun
            begun += 1
            if begun >= 12:
                many.set()
            await many.wait()
            return begun
    """

    async def twelve_at_once(port: int) -> list[bytes]:
        async def one() -> bytes:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"GET / HTTP/1.1\r\nhost: t\r\nconnection: close\r\n\r\n")
            answer = await reader.read()
            writer.close()
            return answer.splitlines()[0]

        return await asyncio.wait_for(asyncio.gather(*(one() for _ in range(12))), 20)

    with serving(write_function(tmp_path, source)) as running:
        answers = asyncio.run(twelve_at_once(running.port))

    assert answers == [b"HTTP/1.1 200 OK"] * 12


def test_a_function_counts_as_serving_one_at_a_time_until_its_answers_show_more(marks: BegunMarks) -> None:
    unknown = link_after(marks, [], blocking=False)
    serial = link_after(marks, one_after_the_other(0.5, count=4), blocking=False)
    overlapping = link_after(marks, all_at_once(0.5, count=4), blocking=False)
    declared = link_after(marks, [], blocking=False, concurrency=8)

    assert (unknown.slots, serial.slots, declared.slots) == (1, 1, 8)
    assert overlapping.slots >= 16
