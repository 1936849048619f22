"""One WebSocket inside a worker: ASGI's messages on the function's side, frames on the front's.

The front speaks WebSocket itself with the client; here is only what the function may do when. Until it accepts, this is
a request like any other, and refusing it is an answer: 403, or whatever the function sends (ASGI's denial response).
Follows the ASGI WebSocket specification 2.4 (https://asgi.readthedocs.io/en/latest/specs/www.html).
"""

import asyncio
from collections import deque
from collections.abc import Iterable
from http import HTTPStatus
from typing import Any

from runtime_images.dynamic_runtime.wire import frames, web_socket
from runtime_images.dynamic_runtime.wire.frames import FINAL, MAX_CHUNK_BYTES, MORE, RESPONSE, TEXT, Kind
from runtime_images.dynamic_runtime.wire.web_socket import GONE, NORMAL, RAISED, Closing
from runtime_images.dynamic_runtime.worker import plain
from runtime_images.dynamic_runtime.worker.asgi import build_scope, encode_head
from runtime_images.dynamic_runtime.worker.call import Call, ClientGoneError
from runtime_images.dynamic_runtime.worker.contract import Message, Scope
from runtime_images.dynamic_runtime.worker.exchange import octets
from runtime_images.dynamic_runtime.worker.values.results import JSON_TYPE

_DENIAL = "websocket.http.response"
_TAKEN_MOST = web_socket.MESSAGES_AHEAD // 4
_TAKEN_BYTES_MOST = web_socket.BYTES_AHEAD // 4
_SECURE = {"http": "ws", "https": "wss"}
_UPGRADE = ((b"connection", b"Upgrade"), (b"upgrade", b"websocket"))
"""What the front has taken out of the head, and a function may look for."""


class SocketCall(Call):
    """A WebSocket, as an ASGI application accepts, uses and closes it. `left` says that it was closed by others."""

    _is_asked = False
    _is_accepted = False
    _closing: Closing | None = None
    _taken_count = _taken_bytes = 0

    def __init__(self, *facts: Any) -> None:  # noqa: ANN401 -- those of a call
        super().__init__(*facts)
        self._inbox: deque[tuple[int, bytes]] = deque()
        self._came = asyncio.Event()
        self._sending = asyncio.Lock()

    def open(self) -> bool:
        """Begin; return False if its handshake cannot succeed, and is answered so."""
        refusal = web_socket.why_refused(build_scope(self.head, {}, None)["headers"])
        if refusal is not None:
            status, sentence = refusal
            head = frames.status_line(status) + b"sec-websocket-version: %b\r\n" % web_socket.VERSION
            self.end(RESPONSE, FINAL, head + JSON_TYPE, plain.error_body(sentence))
        return refusal is None

    def scope(self, state: dict[str, Any]) -> Scope:
        """Return the ASGI scope."""
        scope = build_scope(self.head, state, self.client)
        del scope["method"]
        headers = scope["headers"]
        asked = b",".join(value for name, value in headers if name == b"sec-websocket-protocol").decode("latin-1")
        return scope | {
            "type": "websocket",
            "asgi": scope["asgi"] | {"spec_version": "2.4"},
            "scheme": _SECURE[scope["scheme"]],
            "headers": [*headers, *_UPGRADE],
            "subprotocols": [name for one in asked.split(",") if (name := one.strip())],
            "extensions": {_DENIAL: {}},
        }

    # what the front says

    def take_message(self, flags: int, body: bytes) -> None:
        self._inbox.append((flags, body))
        self._came.set()

    def take_closing(self, closing: Closing) -> None:
        """Note how the client, or the front, has closed the connection."""
        self._note_closing(closing)
        super().leave()

    def _note_closing(self, closing: Closing) -> None:
        self._closing = self._closing or closing
        self._came.set()

    def leave(self) -> None:
        self.take_closing(GONE)

    # what the function says

    async def receive(self) -> Message:
        """Return what comes: that a client asks, its messages, how the connection was closed; that again and again."""
        if not self._is_asked:
            self._is_asked = True
            return {"type": "websocket.connect"}
        while not self._inbox and self._closing is None:
            self._came.clear()
            await self._came.wait()
        if not self._inbox:
            closing = self._closing or GONE
            return {"type": "websocket.disconnect", "code": closing.code, "reason": closing.reason}
        flags, body = self._inbox.popleft()
        if not self.ended:
            self._note_taken(len(body))
        if flags & TEXT:
            return {"type": "websocket.receive", "text": body.decode()}
        return {"type": "websocket.receive", "bytes": body}

    def _note_taken(self, size: int) -> None:
        """Let the client say more, now and then: the front stops reading only far beyond what is kept back here."""
        self._taken_count += 1
        self._taken_bytes += size
        if self._taken_count >= _TAKEN_MOST or self._taken_bytes >= _TAKEN_BYTES_MOST:
            self._port.send(frames.encode(Kind.TAKEN, self.request_id, timing=(self._taken_count, 0, 0)))
            self._taken_count = self._taken_bytes = 0

    async def send(self, message: Message) -> None:
        """Take one ASGI message of the application; nothing of one that is wrong is sent.

        Raises:
            ClientGoneError: the connection was closed by others.
            KeyError, RuntimeError, TypeError, ValueError: the message is not ASGI's, or does not fit here.
        """
        kind = message["type"]
        if kind.startswith(f"{_DENIAL}.") and not self._is_accepted:
            await super().send({**message, "type": kind.removeprefix("websocket.")})
            if self.ended:
                self._note_closing(GONE)
        elif self.left:
            raise ClientGoneError("the client has left")
        elif self.ended or self._head is not None:
            raise RuntimeError(f"ASGI message {kind!r} does not fit here: the WebSocket is closed, or was denied")
        elif kind == "websocket.close":
            self._close(_closing_of(message))
        elif kind == "websocket.accept" and not self._is_accepted:
            self._accept(message.get("subprotocol"), message.get("headers") or ())
        elif kind == "websocket.send" and self._is_accepted:
            await self._send(*_content_of(message))
        else:
            raise RuntimeError(f"ASGI message {kind!r} does not fit here")

    def _accept(self, subprotocol: str | None, headers: Iterable[tuple[bytes, bytes]]) -> None:
        if subprotocol is not None:
            headers = [*headers, (b"sec-websocket-protocol", subprotocol.encode("ascii"))]
        head, _ = encode_head(HTTPStatus.OK, headers)
        if head.startswith(frames.REFUSED):
            raise ValueError(f"the WebSocket cannot be accepted so: {head[1:].decode()}")
        lines = head.partition(b"\r\n")[2]
        self._is_accepted = True
        self._port.write(frames.encode(Kind.ACCEPT, self.request_id, lines, timing=self.timing()))

    def _close(self, closing: Closing) -> None:
        if self._is_accepted:
            self._end_with(closing)
        else:
            self.end(RESPONSE, FINAL, frames.status_line(HTTPStatus.FORBIDDEN) + b"content-type: text/plain\r\n", b"")
            self._note_closing(GONE)

    def _end_with(self, closing: Closing) -> None:
        """Close the connection; the client's messages that nobody has received are nobody's."""
        self.end(Kind.CLOSE, FINAL, b"", closing.encode())
        self._inbox.clear()
        self._note_closing(closing)

    async def _send(self, flags: int, body: bytes) -> None:
        """Send a message as fast as the client takes it; no part of another one may come between its parts."""
        async with self._sending:
            start = 0
            try:
                while len(body) - start > MAX_CHUNK_BYTES:
                    await self._send_part(flags | MORE, body[start : start + MAX_CHUNK_BYTES])
                    start += MAX_CHUNK_BYTES
                await self._send_part(flags, body[start:])
            except BaseException:
                if start and not (self.left or self.ended):  # half a message, and no other one can follow
                    self._end_with(RAISED)
                raise

    async def _send_part(self, flags: int, part: bytes) -> None:
        await self._wait_for_client(frames.CREDIT_CHUNKS - 1)
        self._sent += 1
        self._port.write(frames.encode(Kind.SEND, self.request_id, body=part, flags=flags))

    # the end

    def finish(self) -> None:
        """Note that the application has returned: what it has not closed is closed."""
        if self._is_accepted and not self.left:
            self._end_with(NORMAL)
        else:
            super().finish()

    def fail(self, error: BaseException) -> None:
        """Close the connection for what the function has raised, or answer for that if it has accepted none."""
        if not self._is_accepted:
            super().fail(error)
            return
        if not self.is_no_failure(error):
            plain.failure(error)
        if self.left or self.forced:
            self.abort()
        else:
            self._end_with(RAISED)


def _closing_of(message: Message) -> Closing:
    closing = Closing(message.get("code") or NORMAL.code, message.get("reason") or "")
    if why := web_socket.why_not_sent(closing):
        raise ValueError(why)
    return closing


def _content_of(message: Message) -> tuple[int, bytes]:
    """Return flags and body of the frame of a message; bytes go before text, as with uvicorn."""
    content = message.get("bytes")
    if content is not None:
        return 0, octets(content, "the bytes of an ASGI message")
    text = message.get("text")
    if not isinstance(text, str):
        raise TypeError(f"a websocket.send needs `bytes`, or `text` that is a str, not {type(text).__name__}")
    return TEXT, text.encode()
