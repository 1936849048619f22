"""What the function does with a WebSocket: each act is named in the path, as for requests (`functions.py`)."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Protocol

from runtime_images.dynamic_runtime.wire import frames
from runtime_images.dynamic_runtime.wire.frames import FINAL, Kind
from runtime_images.dynamic_runtime.worker.contract import Receive, Send

OWN_CODE = 4321
PUSHED = 5
_OK = b"HTTP/1.1 200 OK\r\n"
_ACCEPT: dict[str, Any] = {"type": "websocket.accept"}


class Host(Protocol):
    """The worker in which a function runs."""

    @property
    def has_ended(self) -> bool: ...
    def send_raw(self, data: bytes) -> None: ...
    def die(self, code: int) -> None: ...


@dataclass
class Called:
    """A WebSocket as the function has it."""

    number: int
    size: int
    service_s: float
    receive: Receive
    send: Send
    host: Host
    frame_id: int

    async def accept(self) -> None:
        await self.send(_ACCEPT)

    async def say(self, message: bytes) -> None:
        await self.send({"type": "websocket.send", "bytes": message})

    async def hear(self) -> bytes | None:
        """Return the next message, None once the client is gone."""
        got = await self.receive()
        return got["bytes"] if got["type"] == "websocket.receive" else None


def message(number: int, place: int, size: int) -> bytes:
    """Return the bytes of a message: those of no other one."""
    word = b"%d.%d " % (number, place)
    return (word * (size // len(word) + 1))[: max(size, len(word))]


async def _echo(one: Called) -> None:
    await one.accept()
    while (heard := await one.hear()) is not None:
        if one.service_s:
            await asyncio.sleep(one.service_s / 10)
        await one.say(heard)


async def _push(one: Called) -> None:
    """Say something, hear nothing, and close."""
    await one.accept()
    for place in range(PUSHED):
        await one.say(message(one.number, place, one.size))
    await one.send({"type": "websocket.close", "code": OWN_CODE, "reason": "enough"})


async def _return(one: Called) -> None:
    await one.accept()


async def _refuse(one: Called) -> None:
    await one.send({"type": "websocket.close"})


async def _deny(one: Called) -> None:
    await one.send({"type": "websocket.http.response.start", "status": 401, "headers": []})
    await one.send({"type": "websocket.http.response.body", "body": b"no"})


async def _raise(one: Called) -> None:
    await one.accept()
    await one.hear()
    raise ValueError("as asked")


async def _raise_early(_: Called) -> None:
    raise ValueError("as asked")


async def _deaf(one: Called) -> None:
    """Hear nothing, for longer than the client may be ahead."""
    await one.accept()
    await asyncio.sleep(2.0)


async def _crash(one: Called) -> None:
    await one.accept()
    await one.hear()
    one.host.die(-11)
    await asyncio.Event().wait()


async def _stay(one: Called) -> None:
    """Go on after the client has left, until that is forced to end."""
    await one.accept()
    while await one.hear() is not None:
        pass
    await asyncio.Event().wait()


def _sending(raw: Callable[[int], bytes], *, accepts: bool) -> "Act":
    async def act(one: Called) -> None:
        if accepts:
            await one.accept()
            await asyncio.sleep(0.01)
        one.host.send_raw(raw(one.frame_id))
        await asyncio.Event().wait()

    return act


Act = Callable[[Called], Awaitable[None]]
GOOD: dict[str, Act] = {
    "echo": _echo,
    "push": _push,
    "return": _return,
    "refuse": _refuse,
    "deny": _deny,
    "deaf": _deaf,
}
FAULTY: dict[str, Act] = {
    "raise": _raise,
    "raise-early": _raise_early,
    "crash": _crash,
    "stay": _stay,
    "say-early": _sending(lambda n: frames.encode(Kind.SEND, n, body=b"x"), accepts=False),
    "accept-twice": _sending(lambda n: frames.encode(Kind.ACCEPT, n), accepts=True),
    "accept-badly": _sending(lambda n: frames.encode(Kind.ACCEPT, n, b"X y\r\n"), accepts=False),
    "close-badly": _sending(lambda n: frames.encode(Kind.CLOSE, n, body=b"\x03\xee", flags=FINAL), accepts=True),
    "take-nothing": _sending(lambda n: frames.encode(Kind.TAKEN, n, timing=(2**60, 0, 0)), accepts=True),
    "answer-inside": _sending(lambda n: frames.encode(Kind.RESPONSE, n, _OK, b"", FINAL), accepts=True),
    "without-end": _sending(lambda n: frames.encode(Kind.SEND, n, body=bytes(1000)) * 99, accepts=True),
}
ACTS = GOOD | FAULTY
