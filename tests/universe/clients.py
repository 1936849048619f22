"""Clients: each does its steps, reads what comes, and keeps what it has asked for and what became of it."""

import asyncio
from dataclasses import dataclass, field
from random import Random

from tests.universe.answers import Answer, AnswerReader, NoAnswerError
from tests.universe.functions import pattern, target
from tests.universe.network import Socket, Universe, Wire
from tests.universe.schedule import Client, Step

PROBE = "probe"
"""Asks whether the runtime is ready, not the function."""
NOISE = (b"\x16\x03\x01\x02\x00\x01", b"GET / HTTP/1.1\r\n\r\n", b"GET / HTTP/1.1\r\nhost : t\r\n\r\n")
"""What is no request, or one that must be refused."""
DRIP_S = 0.05
LINE_ENDS, LINE_END_S = 10, 25.0
"""Together longer than a connection may idle, each wait shorter."""
STEADY_BYTES = 50_000
"""What a client takes at a time that takes its answers slowly, but steadily; whoever takes less is too slow."""
NUMBERS_EACH = 100


@dataclass
class Asked:
    """One request: its number, when it was sent whole, if it was, and what became of it."""

    number: int
    step: Step
    begun_s: float
    sent_s: float | None = None
    answer: Answer | None = None
    answered_s: float = 0.0


@dataclass
class Faults:
    """What a client has done that may cost it its answers."""

    seen: set[str] = field(default_factory=set)

    def __contains__(self, fault: str) -> bool:
        return fault in self.seen

    def note(self, fault: str) -> None:
        self.seen.add(fault)


class SimulatedClient(asyncio.Protocol):
    """One client. `ended` is how its connection has ended, if it has; `wrong` what it got that nobody may send."""

    def __init__(self, loop: Universe, seed: int, number: int, client: Client, *, lazy: bool) -> None:
        self.number, self.client = number, client
        self.asked: list[Asked] = []
        self.faults = Faults()
        self.ended = self.wrong = ""
        self.ended_s = 0.0
        self.left = False
        self._loop = loop
        self._random = Random(f"{seed} client {number}")
        self._wire = Wire(client.late_s, client.pieces, client.capacity, lazy=lazy)
        self._reader = AnswerReader()
        self._socket: Socket | None = None
        self._changed = asyncio.Event()

    @property
    def port(self) -> int:
        """The one that the server sees."""
        return 1024 + self.number

    async def live(self) -> None:
        """Come, do what there is to do, and leave."""
        await asyncio.sleep(self.client.at_s)
        if self._loop.accept is None:
            self.ended = "refused"
            return
        ours, theirs = self._loop.pair(self._wire, self._random, ("192.0.2.1", self.port))
        self._socket = theirs
        theirs.start(self)
        ours.start(self._loop.accept())
        for step in self.client.steps:
            if not self.left and not self.ended:
                await self._do(step)
        if self.left:
            return
        if self.unanswered() and not self.ended:
            self.faults.note("left")
        self.left = True
        theirs.close()

    @property
    def reading(self) -> bool:
        """Whether it takes what comes, at once."""
        return not self.left and not self.faults.seen & {"stall", "drip"}

    async def _do(self, step: Step) -> None:
        assert self._socket is not None
        match step.does:
            case "ask":
                await self._ask(step)
            case "begin":
                await self._begin(step)
            case "read":
                await self._until_answered()
            case "wait":
                await asyncio.sleep(step.seconds)
            case "noise":
                self.faults.note("noise")
                self._ask_of(step)
                self._socket.write(NOISE[step.size % len(NOISE)])
            case "stall":
                await self._stall(step.seconds)
            case "drip":
                self._drip(step.size)
            case "idle":
                await self._send_line_ends()
            case "half":
                self.faults.note("half")
                self._socket.write_eof()
            case _:
                self._go(step.does)

    def _go(self, how: str) -> None:
        assert self._socket is not None
        self.left = True
        self.faults.note("left")
        if how == "leave":
            self._socket.close()
        elif how == "reset":
            self._socket.abort()
        else:
            self.faults.note("vanished")
            self._socket.hold(held=True)

    # asking

    def _ask_of(self, step: Step) -> Asked:
        asked = Asked(self.number * NUMBERS_EACH + len(self.asked), step, self._loop.time())
        self.asked.append(asked)
        self._reader.methods.append(step.method)
        return asked

    async def _ask(self, step: Step) -> None:
        asked = self._ask_of(step)
        head, body = encoded(step, asked.number)
        if step.framing == "expect":
            await self._send(head, step)
            body = body if await self._is_asked_for_body(len(self.asked)) else b""
            await self._send(body, step)
        else:
            await self._send(head + body, step)
        if not self.ended:
            asked.sent_s = self._loop.time()

    async def _is_asked_for_body(self, count: int) -> bool:
        """Wait for a 100, or for an answer; a client that held its body back sends nothing then."""
        before = self._reader.continues
        while not self.ended and self._reader.continues == before and len(self._reader.answers) < count:
            await self._change()
        return self._reader.continues > before

    async def _send(self, data: bytes, step: Step) -> None:
        assert self._socket is not None
        size = max(1, -(-len(data) // step.pieces))
        if step.pause_s * step.pieces > 1.0:
            self.faults.note("slow")
        for start in range(0, len(data), size):
            if start:
                await asyncio.sleep(step.pause_s)
            if not self.ended:
                self._socket.write(data[start : start + size])

    async def _begin(self, step: Step) -> None:
        """Send a part of a request, and never the rest."""
        assert self._socket is not None
        asked = self._ask_of(step)
        self.faults.note("begun")
        head, body = encoded(step, asked.number)
        self._socket.write((head + body)[: max(1, len(head + body) * step.cut // 100)])

    # reading

    def data_received(self, data: bytes) -> None:
        try:
            self._reader.feed(data)
        except NoAnswerError as error:
            self.wrong = self.wrong or str(error)
        for asked, answer in zip(self.asked, self._reader.answers, strict=False):
            if asked.answer is None:
                asked.answer, asked.answered_s = answer, self._loop.time()
        self._wake()

    def eof_received(self) -> bool:
        self._note_end("closed")
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self._note_end("reset" if exc is not None else "closed")

    def _note_end(self, how: str) -> None:
        if not self.ended and not self.left:
            self.ended, self.ended_s = how, self._loop.time()
            try:
                self._reader.end(clean=how == "closed")
            except NoAnswerError as error:
                self.wrong = self.wrong or str(error)
        self._wake()

    async def _until_answered(self) -> None:
        while not self.ended and self.unanswered():
            await self._change()

    def unanswered(self) -> list[int]:
        """The numbers of the requests that have no whole answer."""
        return [one.number for one in self.asked if one.answer is None or not one.answer.whole]

    async def _change(self) -> None:
        self._changed.clear()
        await self._changed.wait()

    def _wake(self) -> None:
        self._changed.set()

    async def _send_line_ends(self) -> None:
        """Say nothing but line ends, for longer than a connection may idle: it is not worth keeping."""
        assert self._socket is not None
        await self._until_answered()
        for _ in range(LINE_ENDS):
            if self.ended:
                return
            self._socket.write(b"\r\n")
            await asyncio.sleep(LINE_END_S)
        self.wrong = self.wrong or "its line ends for requests: it was not cut off"

    async def _stall(self, seconds: float) -> None:
        assert self._socket is not None
        self.faults.note("stall")
        self._socket.pause_reading()
        await asyncio.sleep(seconds)
        self._socket.resume_reading()

    def _drip(self, size: int) -> None:
        """Take so many bytes at a time from here on."""
        assert self._socket is not None
        if size < STEADY_BYTES:
            self.faults.note("drip")
        self._socket.read_most = max(1, size)
        self._socket.read_every_s = DRIP_S


def encoded(step: Step, number: int) -> tuple[bytes, bytes]:
    """Return head and body of a request."""
    path = b"/health/readiness" if step.act == PROBE else target(number, step.act, step.answer_bytes, step.service_s)
    version = b"1.0" if step.framing == "1.0" else b"1.1"
    head = b"%b %b HTTP/%b\r\nhost: t\r\n" % (step.method.encode(), path, version)
    body = pattern(number, step.size)
    if step.framing == "close":
        head += b"connection: close\r\n"
    if step.framing == "expect":
        head += b"expect: 100-continue\r\n"
    if step.framing == "chunked":
        head += b"transfer-encoding: chunked\r\n"
        body = b"".join(_chunk(body[start : start + 5000]) for start in range(0, len(body), 5000)) + b"0\r\n\r\n"
    elif body:
        head += b"content-length: %d\r\n" % len(body)
    return head + b"\r\n", body


def _chunk(part: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(part), part)
