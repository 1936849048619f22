"""How far an ASGI function may be ahead of its client, on the worker's side of the socket."""

import asyncio

from runtime_images.dynamic_runtime.wire import frames
from runtime_images.dynamic_runtime.wire.frames import CREDIT_CHUNKS, FINAL, MAX_CHUNK_BYTES, FrameParser, RawFrame
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
        result = (await asyncio.gather(worker.answering, return_exceptions=True))[0]
        assert isinstance(result, OSError)

    asyncio.run(script())


def test_a_short_answer_waits_for_nobody() -> None:
    async def script() -> None:
        worker = Worker(frames.MAX_CHUNK_BYTES)

        assert await worker.after(0) == (1, True)
        await worker.answering

    asyncio.run(script())
