"""A worker's event loop, frames in and frames out, without a process around it."""

import asyncio
import os
from pathlib import Path
from typing import Any, cast

import pytest

from runtime_images.dynamic_runtime.settings import Settings
from runtime_images.dynamic_runtime.wire import frames, in_flight
from runtime_images.dynamic_runtime.wire.frames import Kind
from runtime_images.dynamic_runtime.wire.in_flight import InFlightJournal
from runtime_images.dynamic_runtime.worker.answers import Bodies
from runtime_images.dynamic_runtime.worker.contract import LoadedFunction
from runtime_images.dynamic_runtime.worker.event_loop import EventLoopWorker
from tests.support.virtual_time import VirtualTimeLoop

HEAD = b"POST / HTTP/1.1\r\nhost: t\r\n\r\n"


class Wire:
    """What the worker sends, as frames."""

    def __init__(self) -> None:
        self.answers: dict[int, bytes] = {}
        self._parser = frames.FrameParser(1 << 20)

    def write(self, data: bytes) -> None:
        for frame in self._parser.feed(data):
            self.answers[frame[0]] = frame[3][:12]

    def writelines(self, parts: list[bytes]) -> None:
        self.write(b"".join(parts))

    def is_closing(self) -> bool:
        return False


@pytest.mark.parametrize("concurrency", [0, 1])
@pytest.mark.parametrize("turns", [0, 1, 2])
def test_whoever_a_function_cancels_gets_an_answer(concurrency: int, turns: int) -> None:
    """Whether it has begun, waits for its turn, or was not even looked at."""

    async def handler(payload: object) -> object:
        for _ in range(turns):
            await asyncio.sleep(0)
        if len(asyncio.all_tasks()) > 2:
            for task in asyncio.all_tasks() - {asyncio.current_task()}:
                if task.get_name() == "request":
                    task.cancel()
        return payload

    async def scene() -> dict[int, bytes]:
        fd = in_flight.create_memory()
        journal = InFlightJournal(fd)
        os.close(fd)
        function = LoadedFunction(cast("Any", None), blocking=False, plain=handler)
        worker = EventLoopWorker(journal, Bodies(), function, Settings(Path(), concurrency=concurrency), lambda: None)
        wire: Any = Wire()
        worker.connection_made(wire)
        worker.watch()
        await _ask(worker, 1, 2, 3)
        await _ask(worker, 4)
        journal.close()
        return cast("Wire", wire).answers

    ok, failed = b"HTTP/1.1 200", b"HTTP/1.1 500"
    loop = VirtualTimeLoop()
    try:
        answers = loop.run_until_complete(scene())
    finally:
        loop.close()
    assert sorted(answers.values()) == sorted([ok, ok, failed, failed])
    assert answers[4] == ok


async def _ask(worker: EventLoopWorker, *numbers: int) -> None:
    """Send requests at once, and wait until the worker has nothing left to do."""
    worker.data_received(b"".join(frames.encode(Kind.REQUEST, number, HEAD) for number in numbers))
    await asyncio.sleep(1.0)
    assert not worker._calls
