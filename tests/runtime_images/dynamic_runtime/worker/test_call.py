"""How far an ASGI function may be ahead of its client, on the worker's side of the socket."""

import asyncio
import contextlib

import pytest

from runtime_images.dynamic_runtime.wire import frames
from runtime_images.dynamic_runtime.wire.frames import CREDIT_CHUNKS, FINAL, MAX_CHUNK_BYTES, FrameParser, RawFrame
from runtime_images.dynamic_runtime.worker import call
from runtime_images.dynamic_runtime.worker.answers import Bodies
from runtime_images.dynamic_runtime.worker.call import Call

HEAD = b"GET / HTTP/1.1\r\nHost: t\r\n\r\n"
START = {"type": "http.response.start", "status": 200, "headers": []}


class Worker:
    """Sends one answer of `size` bytes, as one message of the function's, and keeps the frames."""

    def __init__(self, size: int) -> None:
        self.sent: list[RawFrame] = []
        self._parser = FrameParser(1 << 20)
        self.bodies = Bodies()
        self.call = Call(1, 0, HEAD, b"", None, self)
        self.answering = asyncio.ensure_future(self._answer(size))

    def write(self, *parts: bytes) -> None:
        self.sent += self._parser.feed(b"".join(parts))

    send = write

    async def _answer(self, size: int) -> None:
        await self.call.send(START)
        await self.call.send({"type": "http.response.body", "body": b"x" * size})

    async def after(self, credits_given: int) -> tuple[int, bool]:
        """How many chunks have been sent after so many credits, and whether the answer is complete."""
        for _ in range(credits_given):
            self.call.take_credit()
        for _ in range(4):
            await asyncio.sleep(0)
        return len([frame for frame in self.sent if frame[4]]), any(frame[2] & FINAL for frame in self.sent)


def test_the_last_frame_of_a_long_answer_waits_until_its_client_has_taken_the_others() -> None:
    async def script() -> None:
        worker = Worker(4 * MAX_CHUNK_BYTES + 1)

        assert await worker.after(0) == (4, False)
        assert await worker.after(3) == (4, False)
        assert await worker.after(1) == (5, True)
        await worker.answering

    asyncio.run(script())


def test_a_function_is_never_more_chunks_ahead_than_it_was_allowed() -> None:
    async def script() -> None:
        worker = Worker(20 * MAX_CHUNK_BYTES)

        assert await worker.after(0) == (CREDIT_CHUNKS, False)
        assert await worker.after(2) == (CREDIT_CHUNKS + 2, False)
        worker.call.leave()
        await worker.answering  # a client that has left is sent nothing, and that is no error

    asyncio.run(script())


def test_a_function_that_goes_on_sending_to_nobody_gets_an_error_in_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(call, "_FAREWELL_NS", 50_000_000)
    part = {"type": "http.response.body", "body": b"x", "more_body": True}

    async def script() -> int:
        worker = Worker(1)
        worker.call = Call(1, 0, HEAD, b"", None, worker)
        await worker.call.send(START)
        await worker.call.send(part)
        worker.call.leave()
        sent = 0
        with contextlib.suppress(OSError):
            while sent < 10_000:
                await worker.call.send(part)
                sent += 1
        return sent

    assert 0 < asyncio.run(script()) < 100


def test_what_was_made_of_the_news_that_the_client_has_left_is_no_failure() -> None:
    gone = call.ClientGoneError("the client has left")
    made = RuntimeError("no response returned")
    made.__cause__ = gone

    assert call._is_farewell(ExceptionGroup("of tasks", [gone, made]))
    assert not call._is_farewell(ExceptionGroup("of tasks", [gone, ValueError()]))


def test_a_short_answer_waits_for_nobody() -> None:
    async def script() -> None:
        worker = Worker(frames.MAX_CHUNK_BYTES)

        assert await worker.after(0) == (1, True)
        await worker.answering

    asyncio.run(script())
