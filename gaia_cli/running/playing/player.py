"""Plays a load: every request at its time, whatever became of those before (an open loop), or each after an answer.

Latency counts from the moment a request was due, not from when a connection was free for it: a server that falls behind
must not look fast because its clients waited outside. In a closed loop a request is due when its client has thought
about the answer before; each client keeps a connection of its own and takes the next request of the file, whoever had
the one before. Nothing is retried: a failed connection is a failure, and its client goes on.
"""

import asyncio
import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Self
from urllib.parse import urlsplit

from gaia_cli.running.playing.http_client import Connection, ConnectionBroken, Reply
from gaia_cli.running.playing.load import MOST_CLIENTS, ClosedLoop, Load, PlannedRequest

TIMEOUT_S = 330.0
"""When a request has failed: a little after the runtime's own limit, whose answer comes first."""


@dataclass(frozen=True, slots=True)
class PlayedReply:
    """The outcome of one request: `due` and `done` in seconds since the epoch, `status` 0 for no answer."""

    due: float
    done: float
    status: int
    backend: str = ""
    error: str = ""

    @property
    def latency_ms(self) -> float:
        """Milliseconds from due to done."""
        return (self.done - self.due) * 1000.0

    @property
    def failed(self) -> bool:
        """Whether the status is 500 or more or there was no answer: the runtime's definition too."""
        return self.status == 0 or self.status >= 500


class Player:
    """Plays `load` on its own thread, and calls `on_end` there when the last answer is in."""

    def __init__(self, load: Load, on_end: Callable[[], None], connections: int = MOST_CLIENTS) -> None:
        self.replies: list[PlayedReply] = []
        self._load = load
        self._on_end = on_end
        self._connections = connections
        self._loop: asyncio.AbstractEventLoop | None = None
        self._halt = asyncio.Event()
        self._stopped = False

    def start(self, url: str) -> None:
        """Begin; every `at_s` counts from now."""
        threading.Thread(target=self._run, args=(url,), name="gaia-player", daemon=True).start()

    def stop(self) -> None:
        """Send nothing more; answers that are due are awaited, and `on_end` follows."""
        self._stopped = True
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # the loop has just closed: nothing to stop
                self._loop.call_soon_threadsafe(self._halt.set)

    def _run(self, url: str) -> None:
        try:
            asyncio.run(self._play(url))
        finally:
            self._on_end()

    async def _play(self, url: str) -> None:
        parts = urlsplit(url)
        self._loop = asyncio.get_running_loop()
        place = (parts.hostname or "127.0.0.1", parts.port or 80)
        async with contextlib.AsyncExitStack() as stack, asyncio.TaskGroup() as group:
            if self._load.loop is None:
                pool = stack.enter_context(_Pool(*place, self._connections))
                group.create_task(self._send_at_their_times(pool, group))
                return
            requests = iter(self._load)
            for _ in range(self._load.loop.clients):
                own = stack.enter_context(_Pool(*place, 1))
                group.create_task(self._send_after_answers(own, requests, self._load.loop))

    async def _send_at_their_times(self, pool: "_Pool", group: asyncio.TaskGroup) -> None:
        start = time.time()
        for request in self._load:
            if not await self._waited(start + request.at_s - time.time()):
                return
            group.create_task(self._send(pool, request, start + request.at_s))

    async def _send_after_answers(self, pool: "_Pool", requests: Iterator[PlannedRequest], loop: ClosedLoop) -> None:
        """Be one client: take what is next of `requests`, which all clients share, and think about each answer."""
        for request in requests:
            if self._stopped:
                return
            await self._send(pool, request, time.time())
            await self._waited(loop.think_s)

    async def _waited(self, seconds: float) -> bool:
        """Let so many seconds pass, unless stopped; return whether more is to be sent."""
        if seconds <= 0:
            await asyncio.sleep(0)
        elif not self._stopped:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._halt.wait(), seconds)
        return not self._stopped

    async def _send(self, pool: "_Pool", request: PlannedRequest, due: float) -> None:
        reply, problem = Reply(), ""
        try:
            async with asyncio.timeout(TIMEOUT_S):
                reply = await pool.ask(request)
        except TimeoutError:
            problem = f"no answer within {TIMEOUT_S:g} s"
        except ConnectionBroken as error:
            problem = str(error)
        backend = reply.headers.get("x-gaia-backend", "")
        self.replies.append(PlayedReply(due, time.time(), reply.status, backend, problem))


class _Pool:
    """Keep-alive connections to one place, the most recently used first."""

    def __init__(self, host: str, port: int, connections: int) -> None:
        self._host, self._port = host, port
        self._idle: list[Connection] = []
        self._slots = asyncio.Semaphore(connections)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        while self._idle:
            self._idle.pop().close()

    async def ask(self, request: PlannedRequest) -> Reply:
        async with self._slots:
            connection = await self._take()
            try:
                return await connection.ask(request.method, request.path, request.headers, request.body)
            finally:
                if connection.reusable:
                    self._idle.append(connection)
                else:
                    connection.close()

    async def _take(self) -> Connection:
        while self._idle:
            connection = self._idle.pop()
            if connection.reusable:
                return connection
            connection.close()
        return await Connection.open(self._host, self._port)
