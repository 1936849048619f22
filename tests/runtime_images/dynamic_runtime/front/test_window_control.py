"""How many requests a worker gets at once: learned from its answers."""

import asyncio
from pathlib import Path

from runtime_images.dynamic_runtime.front.window_control import MAX_WINDOW, Window
from tests.support.serving import serving, write_function

Timing = tuple[int, int]
"""When a request was begun and how long it took, in ns."""


def window_after(timings: list[Timing], *, blocking: bool, concurrency: int = 0) -> Window:
    """The window of a worker that has given these answers while it was full."""
    window = Window(concurrency)
    window.start(blocking=blocking)
    ended_ns = 0
    for begun_ns, service_ns in timings:
        overlapping, ended_ns = begun_ns < ended_ns, max(ended_ns, begun_ns + service_ns)
        window.learn(1, service_ns, overlapping, ended_ns, left=MAX_WINDOW)
    return window


def one_after_the_other(service_s: float, count: int = 20) -> list[Timing]:
    step = int(service_s * 1e9)
    return [(step * number, step) for number in range(count)]


def all_at_once(service_s: float, count: int = 20) -> list[Timing]:
    return [(number, int(service_s * 1e9)) for number in range(count)]


def test_a_quick_blocking_handler_gets_a_millisecond_of_work_ahead() -> None:
    window = window_after(one_after_the_other(50e-6), blocking=True)

    assert 20 <= window.credit <= 23


def test_a_long_blocking_handler_gets_one_request_at_a_time() -> None:
    assert window_after(one_after_the_other(0.5), blocking=True).credit == 1


def test_declared_concurrency_is_taken_at_its_word() -> None:
    assert window_after(all_at_once(0.5), blocking=True, concurrency=8).credit == 8
    assert window_after(all_at_once(0.5), blocking=False, concurrency=8).credit == 8


def test_requests_that_overlap_open_the_window_up_to_its_bound() -> None:
    assert window_after(all_at_once(2.0, count=400), blocking=False).credit == MAX_WINDOW


def test_an_async_function_that_blocks_is_soon_given_only_two() -> None:
    assert window_after(one_after_the_other(0.5, count=4), blocking=False).credit == 2


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


def test_a_function_counts_as_serving_one_at_a_time_until_its_answers_show_more() -> None:
    unknown = window_after([], blocking=False)
    serial = window_after(one_after_the_other(0.5, count=4), blocking=False)
    overlapping = window_after(all_at_once(0.5, count=4), blocking=False)
    declared = window_after([], blocking=False, concurrency=8)

    assert (unknown.slots, serial.slots, declared.slots) == (1, 1, 8)
    assert overlapping.slots >= 16
