"""What the function does with a request: each act is named in the request's path, so a retry asks for the same again.

An act that is `FAULTY` breaks the contract or ends its worker; whatever its client gets for that is the function's
fault, but nobody else may suffer for it for long.
"""

import asyncio
import textwrap
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from runtime_images.dynamic_runtime.wire import frames
from runtime_images.dynamic_runtime.wire.frames import ABORTED, CHUNK, FINAL, IN_ARENA, REQUEST, RESPONSE, Kind
from runtime_images.dynamic_runtime.worker.contract import Receive, Scope, Send
from tests.support.wrong_messages import SERVED, SOURCE, WRONG
from tests.universe import talks
from tests.universe.talks import Host

OK = b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\n"
PART_BYTES = 20_000
_HEADERS = [(b"content-type", b"text/plain")]


_WORDS: dict[str, Any] = {}
exec(textwrap.dedent(SOURCE), _WORDS)  # noqa: S102 -- the words in which messages are written


@dataclass
class Called:
    """A request as the function has it. `frame_id` is its number on the wire."""

    number: int
    size: int
    service_s: float
    send: Send
    host: Host
    frame_id: int

    async def start(self, status: int = 200, *headers: tuple[bytes, bytes]) -> None:
        await self.send({"type": "http.response.start", "status": status, "headers": [*_HEADERS, *headers]})

    async def body(self, body: bytes, *, more: bool = False) -> None:
        await self.send({"type": "http.response.body", "body": body, "more_body": more})

    async def wait_for_ever(self) -> None:
        """Wait until the process ends, whoever asks to stop."""
        while not self.host.has_ended:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                if self.host.has_ended:
                    raise


def pattern(number: int, size: int) -> bytes:
    """Return the bytes that belong to a request, and to no other one."""
    word = b"%d " % number
    return (word * (size // len(word) + 1))[:size]


def target(number: int, act: str, size: int, service_s: float) -> bytes:
    """Return the path that asks for an act."""
    return b"/%d/%b/%d/%d" % (number, act.encode(), size, round(1000 * service_s))


async def _answer(one: Called, status: int = 200) -> None:
    await one.start(status)
    await one.body(pattern(one.number, one.size))


async def _stream(one: Called, *headers: tuple[bytes, bytes]) -> None:
    body = pattern(one.number, one.size)
    await one.start(200, *headers)
    for start in range(0, one.size, PART_BYTES):
        await one.body(body[start : start + PART_BYTES], more=True)
        await asyncio.sleep(one.service_s / 4)
    await one.body(b"")


async def _sized(one: Called) -> None:
    await _stream(one, (b"content-length", b"%d" % one.size))


async def _empty(one: Called) -> None:
    await one.start(204)
    await one.body(b"")


async def _closing(one: Called) -> None:
    await one.start(200, (b"connection", b"close"))
    await one.body(pattern(one.number, one.size))


async def _raise(_: Called) -> None:
    raise ValueError("as asked")


def _raised(number: int) -> BaseException:
    kinds = (_Panic, asyncio.CancelledError, GeneratorExit, KeyboardInterrupt, SystemExit, MemoryError)
    return kinds[number % len(kinds)]()


class _Panic(BaseException):
    """What a library in Rust raises."""


async def _panic(one: Called) -> None:
    raise _raised(one.number)


async def _panic_in_stream(one: Called) -> None:
    await one.start()
    await one.body(b"begun", more=True)
    raise _raised(one.number)


async def _crash(one: Called) -> None:
    one.host.die(-11)
    await one.wait_for_ever()


async def _answer_and_crash(one: Called) -> None:
    await _answer(one)
    asyncio.get_running_loop().call_later(0.001, one.host.die, -11)


async def _crash_in_stream(one: Called) -> None:
    await one.start()
    await one.body(b"begun", more=True)
    await asyncio.sleep(0.001)
    await _crash(one)


async def _crash_in_frame(one: Called) -> None:
    one.host.send_raw(whole(one.frame_id)[:50])
    await asyncio.sleep(0.001)
    await _crash(one)


async def _break_off(one: Called) -> None:
    await one.start()
    await one.body(b"begun", more=True)
    raise ValueError("as asked")


def wrong_messages(number: int, size: int) -> str:
    """Return which messages of an application's answer this request that is none of ASGI's."""
    return WRONG[(number + size) % len(WRONG)]


def unusual_messages(number: int, size: int) -> str:
    """Return which messages that are only unusual answer this request."""
    return list(SERVED)[(number + size) % len(SERVED)]


def _saying(messages: Callable[[int, int], str]) -> "Act":
    async def act(one: Called) -> None:
        for message in eval(messages(one.number, one.size), _WORDS):  # noqa: S307 -- from the list above
            await one.send(message)

    return act


async def _hang(one: Called) -> None:
    await one.wait_for_ever()


async def _quiet(one: Called) -> None:
    await one.start()
    await one.body(b"begun", more=True)
    await one.wait_for_ever()


def whole(number: int, head: bytes = OK, body: bytes = b"x") -> bytes:
    """Return the frame of a whole answer."""
    return frames.encode(RESPONSE, number, head, body, FINAL, (1, 1, 0))


def _part(number: int, kind: int, head: bytes = b"", body: bytes = b"", flags: int = 0) -> bytes:
    return frames.encode(kind, number, head, body, flags)


_RAW: dict[str, Callable[[int], bytes]] = {
    "noise": lambda _: b"\xff" * 64,
    "too-large": lambda _: frames.HEADER.pack(0xFFFFFFFF, 1, RESPONSE, FINAL, 10, 0, 0, 0),
    "head-too-large": lambda n: frames.HEADER.pack(10, n, RESPONSE, FINAL, 20, 0, 0, 0) + bytes(10),
    "to-nobody": lambda n: whole(n ^ 2**31),
    "twice": lambda n: whole(n) * 2,
    "chunk-first": lambda n: _part(n, CHUNK, body=b"x"),
    "last-chunk-first": lambda n: _part(n, CHUNK, body=b"x", flags=FINAL),
    "head-twice": lambda n: _part(n, RESPONSE, OK, b"x") * 2,
    "whole-in-stream": lambda n: _part(n, RESPONSE, OK, b"x") + whole(n),
    "no-such-memory": lambda n: _part(n, RESPONSE, OK, b"\xff" * 16, FINAL | IN_ARENA),
    "without-end": lambda n: _part(n, RESPONSE, OK, b"x") + 99 * _part(n, CHUNK, body=b"x"),
    "bad-head": lambda n: whole(n, b"HTTP/1.1 200 OK\r\nX: y\r\n"),
    "bad-stream": lambda n: _part(n, RESPONSE, b"HTTP/1.1 99 Low\r\n", b"x") + _part(n, CHUNK, flags=FINAL),
    "longer": lambda n: (
        _part(n, RESPONSE, OK + b"content-length: 2\r\n", b"x") + _part(n, CHUNK, body=b"xyz", flags=FINAL)
    ),
    "shorter": lambda n: _part(n, RESPONSE, OK + b"content-length: 9\r\n", b"x") + _part(n, CHUNK, flags=FINAL),
    "given-up": lambda n: _part(n, CHUNK, flags=FINAL | ABORTED),
    "request": lambda n: _part(n, REQUEST, b"GET / HTTP/1.1\r\n\r\n"),
    "ready-again": lambda n: frames.encode(Kind.READY, body=b"{}") + whole(n, body=b""),
    "wrong-facts": lambda _: frames.encode(Kind.READY, body=b'{"blocking": 7}'),
    "health-to-nobody": lambda n: frames.encode(Kind.HEALTH_ANSWER, 99, body=b"{}") + whole(n, body=b""),
}
"""What a function may write to its worker's socket by itself, by the number of its request there."""


def _sending(raw: Callable[[int], bytes]) -> "Act":
    async def act(one: Called) -> None:
        one.host.send_raw(raw(one.frame_id))
        await one.wait_for_ever()

    return act


Act = Callable[[Called], Awaitable[None]]
GOOD: dict[str, Act] = {
    "answer": _answer,
    "stream": _stream,
    "sized": _sized,
    "empty": _empty,
    "closing": _closing,
    "error": lambda one: _answer(one, 500),
    "raise": _raise,
    "panic": _panic,
    "unusual": _saying(unusual_messages),
}
SWALLOW = "swallow"
"""Ends its worker before the request has begun."""
FAULTY: dict[str, Act] = {
    SWALLOW: _crash,
    "crash": _crash,
    "answer-and-crash": _answer_and_crash,
    "crash-in-stream": _crash_in_stream,
    "crash-in-frame": _crash_in_frame,
    "break-off": _break_off,
    "panic-in-stream": _panic_in_stream,
    "hang": _hang,
    "quiet": _quiet,
    "wrong": _saying(wrong_messages),
    **{name: _sending(raw) for name, raw in _RAW.items()},
}
ACTS = GOOD | FAULTY


class Function:
    """The function in one worker. `begun` is told of each request that it is called with, and of its body."""

    def __init__(self, host: Host, frame_id: Callable[[], int], begun: Callable[[int, str, bytes], None]) -> None:
        self._host, self._frame_id, self._begun = host, frame_id, begun

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        _, number, act, size, service_ms = scope["path"].split("/")
        message: dict[str, Any] = await receive()
        if scope["type"] == "websocket":
            self._begun(int(number), "GET", b"")
            facts = int(number), int(size), int(service_ms) / 1000
            await talks.ACTS.get(act, talks.ACTS["echo"])(
                talks.Called(*facts, receive, send, self._host, self._frame_id())
            )
            return
        self._begun(int(number), scope["method"], message["body"])
        one = Called(int(number), int(size), int(service_ms) / 1000, send, self._host, self._frame_id())
        if one.service_s:
            await asyncio.sleep(one.service_s)
        await ACTS[act](one)
