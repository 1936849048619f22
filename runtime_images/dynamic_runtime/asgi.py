"""ASGI inside a worker: the scope, receive and send of one request, and the lifespan of a framework's application.

Follows the ASGI HTTP specification 2.3 (https://asgi.readthedocs.io/en/latest/specs/www.html). A response that
comes in one message leaves as one frame; a streamed one is cut into chunks and waits for the client through
credits.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import unquote_to_bytes

from runtime_images.dynamic_runtime import frames
from runtime_images.dynamic_runtime.contract import AsgiCallable, Message, Scope
from runtime_images.dynamic_runtime.frames import Frame, Kind, Stopwatch


class AsgiExchange:
    """One request and its response, begun when it is made. `write` sends encoded frames to the front."""

    def __init__(self, frame: Frame, write: Callable[[bytes], None]) -> None:
        self._id = frame.request_id
        self._write = write
        self._body: bytes | None = frame.body
        self._head: bytes | None = None
        self._clock = Stopwatch()
        self._started = False
        self._last_sent = False
        self._ended = False
        self._gone = asyncio.Event()
        self._credits = asyncio.Semaphore(frames.CREDIT_CHUNKS)
        self.scope = build_scope(frames.split_fields(frame.head))

    def grant(self) -> None:
        """The client has taken a chunk."""
        self._credits.release()

    def disconnect(self) -> None:
        """The client has left."""
        self._gone.set()
        self._credits.release()

    async def receive(self) -> Message:
        """The request's body once, then the disconnect when it comes."""
        if self._body is not None:
            body, self._body = self._body, None
            return {"type": "http.request", "body": body, "more_body": False}
        if not self._ended:
            await self._gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        """Take one ASGI message of the application.

        Raises:
            RuntimeError: the messages come in an order that ASGI does not allow.
        """
        kind = message["type"]
        if kind == "http.response.start" and self._head is None:
            self._head = _response_head(message)
        elif kind == "http.response.body" and self._head is not None and not self._last_sent:
            await self._send_body(bytes(message.get("body", b"")), more=bool(message.get("more_body", False)))
        else:
            raise RuntimeError(f"ASGI message {kind!r} does not fit here")

    async def _send_body(self, body: bytes, *, more: bool) -> None:
        self._last_sent = not more
        while len(body) > frames.MAX_CHUNK_BYTES or (more and body):
            chunk, body = body[: frames.MAX_CHUNK_BYTES], body[frames.MAX_CHUNK_BYTES :]
            await self._send_chunk(chunk)
        if not more:
            kind, request_id, head = self._next_kind()
            self._end(frames.encode_final(kind, request_id, self._clock.stop(), head, body))

    async def _send_chunk(self, chunk: bytes) -> None:
        await self._credits.acquire()
        if self._gone.is_set():
            raise ClientGoneError
        self._write(frames.encode(*self._next_kind(), body=chunk))

    def _next_kind(self) -> tuple[Kind, int, bytes]:
        """Kind, id and head of the next frame: the head goes with the first one only."""
        if self._started:
            return Kind.CHUNK, self._id, b""
        self._started = True
        return Kind.RESPONSE, self._id, self._head or b""

    def finish(self) -> None:
        """The application has returned."""
        if not self._ended:
            self.fail(b"application/json", b'{"error": "the function ended without a complete response"}')

    def fail(self, content_type: bytes, body: bytes) -> None:
        """The application has raised: a 500 if nothing was sent yet, else the response breaks off."""
        if self._started:
            self.abort()
            return
        head = frames.join_fields((b"500", b"content-type", content_type))
        self._end(frames.encode_final(Kind.RESPONSE, self._id, self._clock.stop(), head, body))

    def abort(self) -> None:
        """Give a response up that is not complete yet."""
        self._end(frames.encode_final(Kind.CHUNK, self._id, self._clock.stop(), flags=frames.ABORTED))

    def _end(self, final_frame: bytes) -> None:
        """Every request is ended by exactly one final frame: the front counts on it."""
        if not self._ended:
            self._ended = True
            self._write(final_frame)


class ClientGoneError(OSError):
    """The client left while its response was being streamed."""

    def __init__(self) -> None:
        super().__init__("the client has left")


def build_scope(fields: list[bytes]) -> Scope:
    """The ASGI scope of a request head (method, target, version, then names and values)."""
    method, target, version = fields[:3]
    raw_path, _, query = target.partition(b"?")
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": version.decode(),
        "method": method.decode(),
        "scheme": "http",
        "path": unquote_to_bytes(raw_path).decode("utf-8", "replace"),
        "raw_path": raw_path,
        "query_string": query,
        "root_path": "",
        "headers": list(zip(fields[3::2], fields[4::2], strict=True)),
        "client": None,
        "server": None,
        "state": {},
    }


def _response_head(message: Message) -> bytes:
    fields = [str(int(message["status"])).encode()]
    for name, value in message.get("headers", ()):
        fields += (bytes(name).lower(), bytes(value))
    return frames.join_fields(fields)


async def run_lifespan(application: AsgiCallable) -> Callable[[], Awaitable[None]] | None:
    """Start a framework's application up; the returned callable shuts it down. None: it does not know lifespan.

    Raises:
        RuntimeError: the application says that its start-up failed.
    """
    inbox: asyncio.Queue[Message] = asyncio.Queue()
    outbox: asyncio.Queue[Message | None] = asyncio.Queue()

    async def life() -> None:
        try:
            scope: dict[str, Any] = {
                "type": "lifespan",
                "asgi": {"version": "3.0", "spec_version": "2.3"},
                "state": {},
            }
            await application(scope, inbox.get, outbox.put)
        finally:
            outbox.put_nowait(None)

    task = asyncio.create_task(life())
    task.add_done_callback(_retrieve)
    inbox.put_nowait({"type": "lifespan.startup"})
    answer = await outbox.get()
    if answer is None:
        return None
    if answer["type"] == "lifespan.startup.failed":
        raise RuntimeError(answer.get("message") or "the application's start-up failed")

    async def shut_down() -> None:
        inbox.put_nowait({"type": "lifespan.shutdown"})
        await outbox.get()
        task.cancel()

    return shut_down


def _retrieve(task: asyncio.Task[None]) -> None:
    """An application without lifespan may refuse in any way it likes (ASGI: carry on); take note of how it did."""
    if not task.cancelled():
        task.exception()
