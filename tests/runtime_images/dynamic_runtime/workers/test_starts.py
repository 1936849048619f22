"""One start of a backend at a time; whoever waits for it is told when it is given up."""

import asyncio
from typing import Any

import pytest

from runtime_images.dynamic_runtime.background import Background
from runtime_images.dynamic_runtime.workers.reports import StartError
from runtime_images.dynamic_runtime.workers.starts import Starts
from runtime_images.policy.model import CPU, GPU, Backend


class Begun:
    """Starts that end when the test says so."""

    def __init__(self) -> None:
        self.backends: list[Backend] = []
        self.worker: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self.starts = Starts(self._start, Background())

    async def _start(self, backend: Backend) -> Any:  # noqa: ANN401
        self.backends.append(backend)
        return await asyncio.shield(self.worker)

    async def waiting(self, backend: Backend) -> "asyncio.Task[Any]":
        task = asyncio.create_task(self.starts.worker(backend))
        for _ in range(3):
            await asyncio.sleep(0)
        return task


def test_two_who_want_a_backend_wait_for_the_same_worker() -> None:
    async def play() -> None:
        begun = Begun()
        first, second = await begun.waiting(GPU), await begun.waiting(GPU)
        assert GPU in begun.starts
        assert CPU not in begun.starts
        begun.worker.set_result("worker")

        assert [await first, await second] == ["worker", "worker"]
        assert begun.backends == [GPU]
        await asyncio.sleep(0)
        assert GPU not in begun.starts

    asyncio.run(play())


def test_a_start_that_is_given_up_is_over_at_once_for_all_who_wait_and_may_begin_again() -> None:
    async def play() -> None:
        begun = Begun()
        waiting = [await begun.waiting(GPU), await begun.waiting(GPU)]
        begun.starts.give_up(GPU)
        again = await begun.waiting(GPU)
        for task in waiting:
            with pytest.raises(StartError, match="given up"):
                await task
        begun.worker.set_result("worker")

        assert await again == "worker"
        assert begun.backends == [GPU, GPU]

    asyncio.run(play())


def test_who_waits_and_is_cancelled_is_cancelled_and_the_start_goes_on() -> None:
    async def play() -> None:
        begun = Begun()
        waiting, other = await begun.waiting(GPU), await begun.waiting(GPU)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        begun.worker.set_result("worker")

        assert await other == "worker"

    asyncio.run(play())


def test_who_waits_at_the_end_of_all_is_cancelled() -> None:
    async def play() -> None:
        begun = Begun()
        waiting = await begun.waiting(GPU)
        begun.starts.close()

        with pytest.raises(asyncio.CancelledError):
            await waiting

    asyncio.run(play())


def test_who_is_cancelled_with_the_start_is_cancelled() -> None:
    async def play() -> None:
        begun = Begun()
        waiting = await begun.waiting(GPU)
        begun.starts.give_up(GPU)
        waiting.cancel()

        with pytest.raises(asyncio.CancelledError):
            await waiting

    asyncio.run(play())
