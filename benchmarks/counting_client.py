"""A load whose clients never retry and count everything: each answer must be a 200 with the number that was sent."""

import asyncio
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import cast

CONNECTIONS = 64
ANSWER = re.compile(rb"HTTP/1\.1 (\d+)[^\r]*\r\n(?:[^\r]+\r\n)*\r\n\{\"(?:id\": (\d+)|error)")
BACKEND = re.compile(rb"x-gaia-backend: (\w+)", re.IGNORECASE)


@dataclass
class Seen:
    """What the clients of one load saw. Times in seconds."""

    answered: int = 0
    refused: dict[int, int] = field(default_factory=dict)
    broken: list[str] = field(default_factory=list)
    longest_s: float = 0.0
    longest_gap_s: float = 0.0
    longest_of_turn_s: float = 0.0
    turns_s: list[float] = field(default_factory=list)
    last_s: float = 0.0
    first_by: dict[bytes, float] = field(default_factory=dict)
    began_s: float = field(default_factory=time.monotonic)

    def took(self, sent_s: float, now_s: float) -> None:
        """Count a good answer."""
        self.answered += 1
        self.longest_s = max(self.longest_s, now_s - sent_s)
        self.longest_of_turn_s = max(self.longest_of_turn_s, now_s - sent_s)
        if self.last_s:
            self.longest_gap_s = max(self.longest_gap_s, now_s - self.last_s)
        self.last_s = now_s

    def turn(self) -> None:
        """Begin another part of the load, to see the longest request of each."""
        self.turns_s.append(self.longest_of_turn_s)
        self.longest_of_turn_s = 0.0

    @property
    def failed(self) -> int:
        """Requests without a good answer."""
        return sum(self.refused.values()) + len(self.broken)

    def describe(self) -> str:
        """One line of it."""
        rate = self.answered / max(1e-9, self.last_s - self.began_s)
        stalls = f"longest {1000 * self.longest_s:.1f} ms, gap {1000 * self.longest_gap_s:.1f} ms"
        return f"{self.answered} answered, {self.failed} failed, {stalls}, {rate:.0f} rps"


class Client(asyncio.Protocol):
    """One keep-alive connection that sends the next number when the last one is answered, after a pause."""

    def __init__(self, numbers: Iterator[int], think_s: float, seen: Seen) -> None:
        self._numbers = numbers
        self._think_s = think_s
        self._seen = seen
        self._loop = asyncio.get_running_loop()
        self._buffer = b""
        self._number: int | None = None
        self._sent_s = 0.0
        self.done: asyncio.Future[None] = self._loop.create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send the first request."""
        self._transport = cast("asyncio.Transport", transport)
        self._next()

    def _next(self) -> None:
        self._number = next(self._numbers, None)
        if self._number is None:
            self._transport.close()
            return
        body = b'{"id": %d}' % self._number
        self._sent_s = time.monotonic()
        self._transport.write(b"POST / HTTP/1.1\r\nhost: t\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body))

    def data_received(self, data: bytes) -> None:
        """Take the answer once it is whole: it ends with its JSON object."""
        self._buffer += data
        if not self._buffer.endswith((b"}", b"}\n")):
            return
        answer, seen, now_s = ANSWER.match(self._buffer), self._seen, time.monotonic()
        if answer is None or (answer[1] == b"200" and int(answer[2]) != self._number):
            seen.broken.append(f"{self._buffer!r} for {self._number}")
        elif answer[1] != b"200":
            seen.refused[int(answer[1])] = seen.refused.get(int(answer[1]), 0) + 1
        else:
            seen.took(self._sent_s, now_s)
            if (backend := BACKEND.search(self._buffer)) is not None:
                seen.first_by.setdefault(backend[1], now_s)
        self._buffer = b""
        if self._think_s:
            self._loop.call_later(self._think_s * ((self._number or 0) % 7) / 3, self._next)
        else:
            self._next()

    def connection_lost(self, exc: Exception | None) -> None:
        """The end, which is a failure while an answer is due."""
        if self._number is not None:
            self._seen.broken.append(f"the connection ended before the answer to {self._number}: {exc!r}")
        if not self.done.done():
            self.done.set_result(None)


async def load(
    port: int, numbers: Iterator[int], seen: Seen, *, think_s: float = 0.0, connections: int = CONNECTIONS
) -> None:
    """Send a request for each of the numbers over keep-alive connections."""
    loop = asyncio.get_running_loop()
    clients = [Client(numbers, think_s, seen) for _ in range(connections)]
    for client in clients:
        await loop.create_connection(lambda client=client: client, "127.0.0.1", port)  # type: ignore[misc]
    await asyncio.gather(*(client.done for client in clients))


async def load_while(port: int, requests: int, think_s: float, step: Callable[[], None], steps: int) -> Seen:
    """Load while `step` is taken `steps` times in a thread, spread over the requests; each begins a turn."""
    seen = Seen()
    loading = asyncio.ensure_future(load(port, iter(range(requests)), seen, think_s=think_s))
    for _ in range(steps):
        due = seen.answered + 0.9 * requests / (steps + 1)  # from the last step on, so that each worker serves
        while not loading.done() and seen.answered < due:  # noqa: ASYNC110 -- the client shall do no more than count
            await asyncio.sleep(0.005)
        seen.turn()
        await asyncio.to_thread(step)
    await loading
    seen.turn()
    return seen
