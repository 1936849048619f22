"""Clients that ask for a WebSocket, talk, and end that well or badly; and what must have become of it.

One that is not answered with 101 is judged as any request. Of the others: what was heard is what was said, in order and
whole, and each ends once, with a close that has its cause or by the client's own doing.
"""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from runtime_images.dynamic_runtime.edge.web_sockets.web_socket import GOODBYE_S
from runtime_images.dynamic_runtime.wire.web_socket import BYTES_AHEAD, MESSAGES_AHEAD
from tests.support.raw_web_socket import BINARY, CLOSE, CONT, PING, PONG, FrameReader, closing, frame, handshake
from tests.universe.clients import Asked, SimulatedClient
from tests.universe.functions import target
from tests.universe.schedule import Step
from tests.universe.talks import FAULTY, OWN_CODE, PUSHED, message

if TYPE_CHECKING:
    from tests.universe.world import World

TALK = "talk"
STATUS_OF = {"refuse": 403, "deny": 401, "raise-early": 500}
_CLOSES = {"push": OWN_CODE, "return": 1000, "deaf": 1000, "raise": 1011}
_RUDE = {"leave", "reset", "vanish"}
_LONGEST_WAIT_S = 30.0


class Talker(SimulatedClient):
    """A client with one step: `pieces` messages of `size` bytes, `pause_s` apart; `framing` is how it ends."""

    is_open = False
    code: int | None = None

    def __init__(self, *args: object, **more: object) -> None:
        super().__init__(*args, **more)  # type: ignore[arg-type]  # a client's own
        self.said: list[bytes] = []
        self.heard: list[bytes] = []
        self.says_goodbye = False
        self._head = b""
        self._frames = FrameReader()
        self._parts = b""

    async def _do(self, step: Step) -> None:
        assert self._socket is not None
        asked = self._ask_of(step)
        path = target(asked.number, step.act, step.answer_bytes, step.service_s).decode()
        self._socket.write(handshake(path))
        asked.sent_s = self._loop.time()
        while not (self.is_open or self.ended or (asked.answer is not None and asked.answer.whole)):
            await self._change()
        if self.is_open:
            await self._talk(asked.number, step)

    async def _talk(self, number: int, step: Step) -> None:
        assert self._socket is not None
        for place in range(step.pieces):
            if self.ended or self.code is not None:
                break
            said = message(number, place, step.size)
            self.said.append(said)
            self._socket.write(b"".join(_fragments(said, place)))
            if step.pause_s:
                await asyncio.sleep(step.pause_s)
        await self._until(lambda: len(self.heard) >= self.expected, step.seconds)
        if step.framing in _RUDE:
            self._go(step.framing)
            return
        if self.code is None and not self.ended:
            self.says_goodbye = True
            self._socket.write(closing(1000, b"bye"))
        await self._until(lambda: False, _LONGEST_WAIT_S)

    @property
    def expected(self) -> int:
        """How many messages shall come."""
        return {"echo": len(self.said), "push": PUSHED}.get(self.client.steps[0].act, 0)

    async def _until(self, holds: Callable[[], bool], seconds: float) -> None:
        until_s = self._loop.time() + seconds
        while not (self.ended or self.code is not None or holds()) and self._loop.time() < until_s:
            self._changed.clear()
            timer = self._loop.call_at(until_s, self._changed.set)
            await self._changed.wait()
            timer.cancel()

    def data_received(self, data: bytes) -> None:
        if self.is_open:
            self._take(data)
        elif (whole := self._head + data).startswith(b"HTTP/1.1 101"[: len(whole)]):
            self._head = whole
            _, end, rest = whole.partition(b"\r\n\r\n")
            if end:
                self.is_open = True
                self._take(rest)
        else:
            self._head = b""
            super().data_received(whole)
        self._wake()

    def _take(self, data: bytes) -> None:
        self._frames.data += data
        while (got := self._frames.next()) is not None:
            if self.code is not None and got.opcode != PONG:
                self.wrong = "a frame behind a close"
            elif got.opcode == CLOSE:
                self._be_closed(got.code)
            elif got.opcode == PING and self._socket is not None and not self.left:
                self._socket.write(frame(PONG, got.payload))
            elif got.opcode in (BINARY, CONT):
                self._parts += got.payload
                if got.fin:
                    self.heard.append(self._parts)
                    self._parts = b""

    def _be_closed(self, code: int) -> None:
        self.code = code
        if not self.says_goodbye and self._socket is not None and not self.left and not self.ended:
            self.says_goodbye = True
            self._socket.write(closing(code))

    def unanswered(self) -> list[int]:
        return [] if self.is_open else super().unanswered()


def _fragments(said: bytes, place: int) -> list[bytes]:
    """Spell a message; every third in two parts, with a ping between them."""
    if place % 3 != 2:
        return [frame(BINARY, said)]
    middle = len(said) // 2
    return [frame(BINARY, said[:middle], fin=False), frame(PING, b"?"), frame(CONT, said[middle:])]


def problem_of(world: "World", talker: Talker, asked: Asked) -> str:
    """Say what is wrong with a WebSocket that was open; nothing if all is well."""
    step, heard = asked.step, talker.heard
    shall = talker.said if step.act == "echo" else [message(asked.number, n, step.answer_bytes) for n in range(PUSHED)]
    if step.act in ("echo", "push") and heard != shall[: len(heard)]:
        return f"heard something else: {[one[:20] for one in heard]}"
    if talker.left and step.framing in _RUDE:
        return ""
    if talker.code is None:
        return _cut_problem(world, talker)
    died = any(process.has_ended for process in world.starter.processes if asked.number in process.given)
    causes = {
        1000: talker.says_goodbye or _CLOSES.get(step.act) == 1000,
        OWN_CODE: step.act == "push" and len(heard) == PUSHED,
        1011: step.act in FAULTY or died or _is_ahead(talker),
        1012: world.stopped_s is not None or len(world.starter.processes) > 1,
        1013: world.schedule.memory_bytes < 2**31,
    }
    is_due = step.seconds >= 20 and _takes_s(talker) < step.seconds / 2
    if talker.code == 1000 and step.act == "echo" and is_due and len(heard) < len(talker.said):
        return f"heard {len(heard)} of {len(talker.said)} messages in {step.seconds:g} s"
    return "" if causes.get(talker.code) else f"was closed with {talker.code} without a cause"


def _is_ahead(talker: Talker) -> bool:
    """Whether it has said so much that it was not read from, and its goodbye was not, where nobody has heard it."""
    return len(talker.said) >= MESSAGES_AHEAD or sum(map(len, talker.said)) >= BYTES_AHEAD


def _takes_s(talker: Talker) -> float:
    """How long its network may take for all that it says, and for as much that comes back."""
    trips = 4 + sum(map(len, talker.said)) / talker.client.capacity
    return 4 * trips * talker.client.late_s


def _cut_problem(world: "World", talker: Talker) -> str:
    """Say why a WebSocket that was open ended without a close from the server; nothing if it may."""
    if talker.port in world.witness.made_way or world.stopped_s is not None:
        return ""
    if any(one.does == "freeze" for one in world.schedule.upsets):
        return ""
    if talker.client.steps[0].act != "echo" and _is_ahead(talker):
        return ""
    is_slow = talker.client.late_s * 40 > GOODBYE_S
    return "" if is_slow else f"ended without a close: {talker.ended or 'not at all'}"
