"""Requests that go on while a test does things: some connections through the gateway, each answer looked at.

Every request has a number, so that a function that writes numbers down shows which were served, and how often.
"""

import asyncio
import itertools
import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from tests.support.control_plane.layout import GATEWAY_PORT
from tests.support.control_plane.stand_ins.messages import Head, body_of, read_head

_ANSWER_S = 280.0
"""Knative gives a request 300 s."""


@dataclass
class Load:
    """What the clients have seen so far."""

    answered: list[int] = field(default_factory=list)
    """The numbers of the requests that were answered with 200."""
    lost: list[str] = field(default_factory=list)
    """What became of the others."""
    backends: Counter[str] = field(default_factory=Counter)
    latencies_s: list[float] = field(default_factory=list)
    pause_s: float = 0.0
    """Between two requests of a connection; a test may change it, as it may what the requests ask for."""
    heavy: bool = False
    first: int = 0
    """The number of the first request."""

    def until(self, holds: Callable[["Load"], bool], timeout_s: float = 60.0) -> None:
        """Wait until something holds of what was seen."""
        deadline = time.monotonic() + timeout_s
        while not holds(self):
            assert time.monotonic() < deadline, self.summary()
            time.sleep(0.02)

    def go_on(self, more: int) -> None:
        """Wait until so many more requests are answered."""
        count = len(self.answered) + more
        self.until(lambda _: len(self.answered) >= count)

    def summary(self) -> str:
        """Say in a line how it went."""
        ordered = sorted(self.latencies_s) or [0.0]
        at = {
            name: ordered[int(share * (len(ordered) - 1))]
            for name, share in (("p50", 0.5), ("p99", 0.99), ("max", 1.0))
        }
        times = ", ".join(f"{name} {1000 * value:.0f} ms" for name, value in at.items())
        return f"{len(self.answered)} answered ({dict(self.backends)}), {len(self.lost)} lost {self.lost[:5]}; {times}"


@contextmanager
def load(
    address: str, host: str, connections: int = 8, pause_s: float = 0.0, *, heavy: bool = False, first: int = 0
) -> Iterator[Load]:
    """Send requests to a host by the gateway at `address` until the block ends, one at a time on each connection."""
    seen, ended = Load(pause_s=pause_s, heavy=heavy, first=first), threading.Event()
    thread = threading.Thread(target=lambda: asyncio.run(_send(address, host, connections, seen, ended)))
    thread.start()
    try:
        yield seen
    finally:
        ended.set()
        thread.join()


async def _send(address: str, host: str, connections: int, seen: Load, ended: threading.Event) -> None:
    numbers = itertools.count(seen.first)
    await asyncio.gather(*(_client(address, host, numbers, seen, ended) for _ in range(connections)))


async def _client(address: str, host: str, numbers: Iterator[int], seen: Load, ended: threading.Event) -> None:
    streams = await asyncio.open_connection(address, GATEWAY_PORT)
    while not ended.is_set():
        number, began = next(numbers), time.monotonic()
        try:
            async with asyncio.timeout(_ANSWER_S):
                answer = await _ask(streams, host, {"number": number, "heavy": seen.heavy})
        except (OSError, asyncio.IncompleteReadError, TimeoutError) as error:
            seen.lost.append(f"{number}: {type(error).__name__} after {time.monotonic() - began:.1f} s")
            streams[1].close()
            streams = await asyncio.open_connection(address, GATEWAY_PORT)
            continue
        if answer.status == 200:
            seen.answered.append(number)
            seen.backends[answer.get("x-gaia-backend")] += 1
        else:
            seen.lost.append(f"{number}: {answer.first}")
        seen.latencies_s.append(time.monotonic() - began)
        await asyncio.sleep(seen.pause_s)
    streams[1].close()


async def _ask(
    streams: tuple[asyncio.StreamReader, asyncio.StreamWriter], host: str, payload: dict[str, object]
) -> Head:
    reader, writer = streams
    body = json.dumps(payload).encode()
    head = Head(
        "POST / HTTP/1.1",
        (("Host", host), ("Content-Type", "application/json"), ("Content-Length", str(len(body)))),
    )
    writer.write(head.encode() + body)
    answer = await read_head(reader)
    async for _ in body_of(reader, answer, to="POST"):
        pass
    return answer
