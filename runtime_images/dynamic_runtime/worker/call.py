"""One request inside a worker that runs an event loop, from the frame that brought it to the frame that ends it."""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Protocol

from runtime_images.dynamic_runtime.wire import frames
from runtime_images.dynamic_runtime.wire.arenas import LEAST_BYTES
from runtime_images.dynamic_runtime.wire.frames import CHUNK, FINAL, IN_ARENA, MAX_CHUNK_BYTES, RESPONSE
from runtime_images.dynamic_runtime.worker import exchange, plain
from runtime_images.dynamic_runtime.worker.answers import Bodies, Stream, Timing, with_length
from runtime_images.dynamic_runtime.worker.asgi import announcing, encode_head, whole_head
from runtime_images.dynamic_runtime.worker.contract import Message
from runtime_images.dynamic_runtime.worker.exchange import Parts, octets

_pack = frames.HEADER.pack
_INCOMPLETE = (
    frames.status_line(500) + b"content-type: application/json\r\n",
    b'{"error": "the function ended without a complete response"}',
)
_FAREWELL_NS, _FAREWELL_PAUSE_S = 1_000_000_000, 0.01
"""How long a function may go on sending to a client that has left, and how long each of that takes."""


class Port(Protocol):
    """The worker's end of the socket, as a call uses it: `write` may send at once, `send` does with this turn's end."""

    bodies: Bodies

    def write(self, *parts: bytes) -> None: ...
    def send(self, *parts: bytes) -> None: ...


class ClientGoneError(OSError):
    """The client left while its response was being streamed."""


class Call(Stream):
    """A request with its body, and its response as an ASGI application sends it. `flags` are those of its frame."""

    # Class attributes, for most calls keep most of them: what is set in every instance costs every request.
    begun_ns = 0
    ended = False
    cancelled = False
    forced = False
    ends_with_client = False
    task: asyncio.Task[None] | None = None
    _cpu_ns = 0
    _body_taken = False
    _head: bytes | None = None
    _length: bytes | None = None
    _all_sent = False
    _left_ns = 0
    _more: asyncio.Event | None = None
    _gone: asyncio.Event | None = None

    def __init__(
        self, request_id: int, flags: int, head: bytes, body: bytes, client: tuple[str, int] | None, port: Port
    ) -> None:
        self.request_id = request_id
        self.flags = flags
        self.head = head
        self.body = body
        self.client = client
        self._port = port

    def take_body(self) -> bytes:
        """Return the body. A long one is copied out of the arena only now: so few copies exist, in warm memory."""
        return self._port.bodies.take(self.flags, self.body) if self.flags else self.body

    def begin(self, *, measure_cpu: bool) -> None:
        """Start the clocks; reading the process's CPU clock costs as much as twenty readings of the other one."""
        self.begun_ns = time.monotonic_ns()
        if measure_cpu:
            self._cpu_ns = time.process_time_ns()

    def timing(self) -> Timing:
        cpu_ns = time.process_time_ns() - self._cpu_ns if self._cpu_ns else 0
        return self.begun_ns, time.monotonic_ns() - self.begun_ns, cpu_ns

    def end(self, kind: int, flags: int, head: bytes, body: bytes) -> None:
        """Send the final frame; every request is ended by exactly one, the front counts on it."""
        if not self.ended:
            header = _pack(len(head) + len(body), self.request_id, kind, flags, len(head), *self.timing())
            self.ended = True
            self._port.write(header, head, body)

    # what the front says meanwhile: a plain handler takes no notice

    def changed(self) -> None:
        if self._more is not None:
            self._more.set()

    def leave(self) -> None:
        super().leave()
        if self._gone is not None:
            self._gone.set()
        if self.ends_with_client and self.task is not None:
            self.task.cancel()

    def force(self) -> None:
        """End the call: its request is beyond its deadline."""
        self.forced = True
        if self.task is not None:
            self.task.cancel()

    async def receive(self) -> Message:
        """Return the request's body once, then the disconnect when it comes."""
        if not self._body_taken:
            self._body_taken = True
            if not (self.flags and self.ended):  # else the front has the body's memory back
                return {"type": "http.request", "body": self.take_body(), "more_body": False}
        if not (self.ended or self.left):
            self._gone = self._gone or asyncio.Event()
            await self._gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        """Take one ASGI message of the application.

        Nothing of a message that is wrong is sent: the application gets the error, and may still answer.

        Raises:
            KeyError, RuntimeError, TypeError, ValueError: the message is not ASGI's, or does not fit here.
        """
        kind = message["type"]
        if kind == "http.response.body" and self._head is not None and not self._all_sent:
            body = message.get("body", b"")
            if type(body) is not bytes:
                body = b"" if body is None else octets(body, "the body of an ASGI message")
            more = bool(message.get("more_body", False))
            if more or self.streaming or len(body) > LEAST_BYTES:
                await self._send_long(self._head, body, more=more)
            else:
                self.end(RESPONSE, FINAL, whole_head(self.head, self._head, self._length, len(body)), body)
                self._all_sent = True
        elif kind == "http.response.start" and self._head is None:
            self._head, self._length = encode_head(message["status"], message.get("headers", ()))
        else:
            raise RuntimeError(f"ASGI message {kind!r} does not fit here")

    def finish(self) -> None:
        """Note that the application has returned."""
        if self.ended:
            return
        if self.streaming or self.left:
            self.abort()
        else:
            self.end(RESPONSE, FINAL, *_INCOMPLETE)

    def fail(self, error: BaseException) -> None:
        """Answer for what the function has raised, or break off what it has begun.

        What comes of the client's leaving, or of the end that was forced, is no failure, and is not logged.
        """
        if self.is_no_failure(error):
            self.abort()
            return
        head, body = plain.failed(error)
        if self.streaming:
            self.abort()
        else:
            self.end(RESPONSE, FINAL, head, body)

    def is_no_failure(self, error: BaseException) -> bool:
        """Return whether an error comes of the client's leaving, or of the end that was forced."""
        own_end = self.forced or (self.left and self.ends_with_client)
        return (own_end and isinstance(error, asyncio.CancelledError)) or (self.left and _is_farewell(error))

    def abort(self) -> None:
        """Give a response up that is not complete yet."""
        self.end(CHUNK, FINAL | frames.ABORTED, b"", b"")

    # answers that are long, or come in parts

    async def _send_long(self, head: bytes, body: bytes, *, more: bool) -> None:
        place = None if more or self.streaming or self.ended else self._port.bodies.place(body)
        self._all_sent = not more
        if place is None:
            try:
                await self._stream(announcing(head, self._length), body, more=more)
            except ClientGoneError:
                await self._outstay()
        else:
            self.end(RESPONSE, FINAL | IN_ARENA, whole_head(self.head, head, self._length, len(body)), place)

    async def _outstay(self) -> None:
        """Send nothing to a client that has left, as ASGI has it; raise ClientGoneError where that goes on and on.

        Frameworks listen for the disconnect, and stop by themselves. A function that does not would never end.
        """
        now_ns = time.monotonic_ns()
        self._left_ns = self._left_ns or now_ns
        if now_ns - self._left_ns > _FAREWELL_NS:
            raise ClientGoneError("the client has left")
        await asyncio.sleep(_FAREWELL_PAUSE_S)

    async def stream_whole(self, head: bytes, body: bytes) -> None:
        """Send the whole answer of a plain handler as fast as the client takes it."""
        try:
            await self._stream(with_length(head, body), body, more=False)
        except ClientGoneError:
            self.abort()

    async def stream_parts(self, head: bytes, parts: Parts) -> None:
        """Send an answer as its iterator makes it, and close that; raises what the iterator raises.

        When the client leaves, the iterator ends at once, whatever it waits for.
        """
        self.ends_with_client = True
        try:
            if self.left:
                raise ClientGoneError("the client has left")
            if isinstance(parts, AsyncIterator):
                async for part in parts:
                    await self._stream(head, octets(part, "a part of the body"), more=True)
            else:
                for part in parts:
                    await self._stream(head, octets(part, "a part of the body"), more=True)
            await self._stream(head, b"", more=False)
        except ClientGoneError:
            self.abort()
        finally:
            await _closed(parts)

    async def _stream(self, head: bytes, body: bytes, *, more: bool) -> None:
        start = 0
        while len(body) - start > MAX_CHUNK_BYTES or (more and start < len(body)):
            await self._wait_for_client(frames.CREDIT_CHUNKS - 1)
            self._port.write(self.chunk(head, body[start : start + MAX_CHUNK_BYTES]))
            start += MAX_CHUNK_BYTES
        if not more:
            if (
                self.left
            ):  # parts were not sent: whoever still listens, as at the worker's end, must not take it for whole
                raise ClientGoneError("the client has left")
            if self.bytes_sent > MAX_CHUNK_BYTES:  # else slow clients would fill the front's memory with what is left
                await self._wait_for_client(0)
            kind, head = self.next_kind(head)
            self.end(kind, FINAL, head, body[start:])

    async def _wait_for_client(self, most: int) -> None:
        """Wait until at most so many chunks are under way.

        Raises:
            ClientGoneError: the client has left.
            RuntimeError: the answer has ended meanwhile, in another task: nothing may follow its last frame.
        """
        while self.chunks_under_way > most and not (self.left or self.ended):
            if self._more is None or self._more.is_set():  # else another task waits for the same
                self._more = asyncio.Event()
            await self._more.wait()
        if self.left:
            raise ClientGoneError("the client has left")
        if self.ended:
            raise RuntimeError("the response has ended already")


def _is_farewell(error: BaseException | None) -> bool:
    """Return whether an error says only that the client has left: that of `send`, whatever was made of it."""
    if isinstance(error, BaseExceptionGroup):
        return all(_is_farewell(one) for one in error.exceptions)
    if error is None or isinstance(error, ClientGoneError):
        return error is not None
    return _is_farewell(error.__cause__ or error.__context__)


async def _closed(parts: Parts) -> None:
    """Let the function give up what it holds for the answer."""
    if (own := getattr(parts, "aclose", None)) is not None:
        await own()
    else:
        exchange.close(parts)
