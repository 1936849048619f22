"""ASGI inside a worker: the scope, receive and send of one request, and the lifespan of a framework's application.

Follows the ASGI HTTP specification 2.3 (https://asgi.readthedocs.io/en/latest/specs/www.html). A response that
comes in one message leaves as one frame; a streamed one is cut into chunks and waits for the client through
credits.
"""

import asyncio
from collections.abc import Iterable
from functools import lru_cache
from typing import Any
from urllib.parse import unquote_to_bytes

from runtime_images.dynamic_runtime.wire import frames
from runtime_images.dynamic_runtime.wire.arenas import LEAST_BYTES
from runtime_images.dynamic_runtime.wire.frames import CHUNK, FINAL, IN_ARENA, MAX_CHUNK_BYTES, RESPONSE
from runtime_images.dynamic_runtime.worker.call import Call
from runtime_images.dynamic_runtime.worker.contract import Message, Scope

_REMEMBERED_LINES = 128
_REMEMBERED_BYTES = 4096
"""Longer heads are taken apart each time: so 128 of them bound the memory."""

_LENGTH_OF_LENGTH = len(b"content-length")


class AsgiExchange(Call):
    """One request and its response, as an ASGI application sees them."""

    left = False
    client: tuple[str, int] | None = None
    _body_taken = False
    _start: bytes | None = None
    _length: bytes | None = None
    _streaming = False
    _streamed = 0
    _all_sent = False
    _chunks_left = frames.CREDIT_CHUNKS
    _more: asyncio.Event | None = None
    _gone: asyncio.Event | None = None

    def grant(self) -> None:
        """The client has taken a chunk."""
        self._chunks_left += 1
        if self._more is not None:
            self._more.set()

    def disconnect(self) -> None:
        """The client has left."""
        self.left = True
        for event in (self._more, self._gone):
            if event is not None:
                event.set()

    async def receive(self) -> Message:
        """The request's body once, then the disconnect when it comes."""
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

        Raises:
            RuntimeError: the messages come in an order that ASGI does not allow.
        """
        kind = message["type"]
        if kind == "http.response.body" and self._start is not None and not self._all_sent:
            body = message.get("body", b"")
            if message.get("more_body", False) or self._streaming or len(body) > LEAST_BYTES:
                await self._send_long(bytes(body), more=bool(message.get("more_body", False)))
            else:
                self._all_sent = True
                self.end(RESPONSE, FINAL, self._whole_head(len(body)), body)
        elif kind == "http.response.start" and self._start is None:
            self._start, self._length = encode_head(int(message["status"]), message.get("headers", ()))
        else:
            raise RuntimeError(f"ASGI message {kind!r} does not fit here")

    def _whole_head(self, size: int) -> bytes:
        """The head for a body that is whole: its length goes without saying, except where it is not the body's."""
        if self._length is None or int(self._length) == size:
            return self._start or b""
        if self._is_about_another_body:
            return self._stream_head()
        return _refused(f"its content-length is {self._length.decode()}, but its body has {size} bytes")

    @property
    def _is_about_another_body(self) -> bool:
        """Whether the length may be that of a body which is not sent: HEAD, 304 (RFC 9110, 8.6)."""
        return self.head.startswith(b"HEAD ") or (self._start or b"").startswith(b"HTTP/1.1 304 ")

    def _stream_head(self) -> bytes:
        head = self._start or b""
        return head if self._length is None else head + b"content-length: %b\r\n" % self._length

    async def answer_long(self, head: bytes, body: bytes) -> None:
        """Send the whole answer of a plain handler, as fast as the client takes it; never raises but when cancelled."""
        self._start, self._length = head, b"%d" % len(body)
        try:
            await self._send_long(body, more=False)
        except ClientGoneError:
            self.abort()
        except asyncio.CancelledError:
            self.abort()
            raise

    async def _send_long(self, body: bytes, *, more: bool) -> None:
        """Send a body that is long, or comes in parts."""
        place = None if more or self._streaming or self.ended else self.bodies.place(body)
        if place is None:
            await self._stream(body, more=more)
        else:
            self._all_sent = True
            self.end(RESPONSE, FINAL | IN_ARENA, self._whole_head(len(body)), place)

    async def _stream(self, body: bytes, *, more: bool) -> None:
        self._all_sent = not more
        while len(body) > MAX_CHUNK_BYTES or (more and body):
            chunk, body = body[:MAX_CHUNK_BYTES], body[MAX_CHUNK_BYTES:]
            await self._send_chunk(chunk)
            self._streamed += len(chunk)
        if not more:
            if self._streamed > MAX_CHUNK_BYTES:  # else slow readers would fill the front's memory with what is left
                await self._wait_for_client(frames.CREDIT_CHUNKS)
            self.end(*self._next_kind(FINAL), body)

    async def _send_chunk(self, chunk: bytes) -> None:
        await self._wait_for_client(1)
        self._chunks_left -= 1
        kind, flags, head = self._next_kind(0)
        self._write(frames.encode(kind, self.request_id, head, chunk, flags))

    async def _wait_for_client(self, chunks: int) -> None:
        """Wait until so many more chunks may be under way.

        Raises:
            ClientGoneError: the client has left.
        """
        while self._chunks_left < chunks and not self.left:
            self._more = asyncio.Event()
            await self._more.wait()
        if self.left:
            raise ClientGoneError

    def _next_kind(self, flags: int) -> tuple[int, int, bytes]:
        """Kind, flags and head of the next frame: the head goes with the first one only."""
        if self._streaming:
            return CHUNK, flags, b""
        self._streaming = True
        return RESPONSE, flags, self._stream_head()

    def finish(self) -> None:
        """The application has returned."""
        if not self.ended:
            self.fail(b"application/json", b'{"error": "the function ended without a complete response"}')

    def fail(self, content_type: bytes, body: bytes) -> None:
        """The application has raised: a 500 if nothing was sent yet, else the response breaks off."""
        if self._streaming:
            self.abort()
        else:
            self.end(RESPONSE, FINAL, frames.status_line(500) + b"content-type: %b\r\n" % content_type, body)

    def abort(self) -> None:
        """Give a response up that is not complete yet."""
        self.end(CHUNK, FINAL | frames.ABORTED, b"", b"")


class ClientGoneError(OSError):
    """The client left while its response was being streamed."""

    def __init__(self) -> None:
        super().__init__("the client has left")


def build_scope(head: bytes, state: dict[str, Any], client: tuple[str, int] | None) -> Scope:
    """The ASGI scope of a request's head, as it stood on the wire and was checked by the front.

    `state` is what the application's lifespan has left; each request has a copy of its own, as ASGI asks. `client` is
    the host and port that the request came from.
    """
    scope = _remembered_scope(head) if len(head) <= _REMEMBERED_BYTES else _scope_of(head)
    # What an application may change is its own.
    asgi = {"version": "3.0", "spec_version": "2.3"}
    return {**scope, "asgi": asgi, "headers": scope["headers"].copy(), "client": client, "state": state.copy()}


def _scope_of(head: bytes) -> Scope:
    """What a head says; the same each time."""
    lines = head.split(b"\r\n")
    method, path, raw_path, query, version = _request_line(lines[0])
    return {
        "type": "http",
        "http_version": version,
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": raw_path,
        "query_string": query,
        "root_path": "",
        "headers": list(map(_header_of, lines[1:-2])),
        "server": None,
    }


_remembered_scope = lru_cache(maxsize=_REMEMBERED_LINES)(_scope_of)
"""Many a client sends the same head again and again."""


@lru_cache(maxsize=_REMEMBERED_LINES)
def _request_line(line: bytes) -> tuple[str, str, bytes, bytes, str]:
    """Method, path, path as it came, query and version; a function has few targets, which come again and again."""
    method, target, version = line.split()
    raw_path, _, query = target.partition(b"?")
    path = unquote_to_bytes(raw_path).decode("utf-8", "replace")
    return method.decode(), path, raw_path, query, version[5:].decode()


@lru_cache(maxsize=_REMEMBERED_LINES)
def _header_of(line: bytes) -> tuple[bytes, bytes]:
    """Name and value of a header line; most of a client's lines are the same in each of its requests."""
    name, _, value = line.partition(b":")
    return name.lower(), value.strip(b" \t")


def encode_head(status: int, headers: Iterable[tuple[bytes, bytes]]) -> tuple[bytes, bytes | None]:
    """Status line and header lines of an answer, and apart from them the Content-Length, if there is one.

    What could be read in another way than it is meant, because a value holds a line end or the length is none, becomes
    a head that the front refuses.
    """
    head, length = frames.status_line(status), None
    for name, value in headers:
        if len(name) == _LENGTH_OF_LENGTH and name.lower() == b"content-length":
            if length is not None:
                return _refused("it has more than one content-length"), None
            if not (digits := value.strip(b" \t")).isdigit():
                return _refused("its content-length is not a number of bytes"), None
            length = digits
        else:
            line = _header_line(name, value)
            if line is None:
                return _refused(f"the header {name.decode('latin-1')!a} holds a line end"), None
            head += line
    return head, length


def _refused(reason: str) -> bytes:
    """A head that the front refuses for this reason."""
    return frames.REFUSED + reason.encode()


@lru_cache(maxsize=_REMEMBERED_LINES)
def _header_line(name: bytes, value: bytes) -> bytes | None:
    """One header line, None if it would be several; a function's answers have mostly the same ones."""
    line = b"%b: %b\r\n" % (name.lower(), value)
    return line if line.count(b"\r") == line.count(b"\n") == 1 else None
