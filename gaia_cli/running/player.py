"""Plays a load: every request is sent at its time, whatever became of those before (an open loop).

Latency counts from the moment a request was due, not from when a connection was free for it: a server that falls behind
must not look fast because its clients waited outside. Nothing is retried: a failed connection is a failure.
"""

import asyncio
import contextlib
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from gaia_cli.running.http_client import Connection, ConnectionBroken, Reply
from gaia_cli.running.requests_file import PlannedRequest

MAX_CONNECTIONS = 256
"""Connections at once; requests beyond them wait for one, and the wait counts."""

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
    """Plays `requests` on its own thread, and calls `on_end` there when the last answer is in."""

    def __init__(
        self, requests: Sequence[PlannedRequest], on_end: Callable[[], None], connections: int = MAX_CONNECTIONS
    ) -> None:
        self.replies: list[PlayedReply] = []
        self._requests = requests
        self._on_end = on_end
        self._connections = connections
        self._loop: asyncio.AbstractEventLoop | None = None
        self._sender: asyncio.Task[None] | None = None
        self._stopped = False

    def start(self, url: str) -> None:
        """Begin; every `at_s` counts from now."""
        threading.Thread(target=self._run, args=(url,), name="gaia-player", daemon=True).start()

    def stop(self) -> None:
        """Send nothing more; answers that are due are awaited, and `on_end` follows."""
        self._stopped = True
        if self._loop is not None and self._sender is not None:
            with contextlib.suppress(RuntimeError):  # the loop has just closed: nothing to stop
                self._loop.call_soon_threadsafe(self._sender.cancel)

    def _run(self, url: str) -> None:
        try:
            asyncio.run(self._play(url))
        finally:
            self._on_end()

    async def _play(self, url: str) -> None:
        parts = urlsplit(url)
        pool = _Pool(parts.hostname or "127.0.0.1", parts.port or 80, self._connections)
        try:
            async with asyncio.TaskGroup() as group:
                self._loop = asyncio.get_running_loop()
                self._sender = group.create_task(self._send_all(pool, group))
        finally:
            pool.close()

    async def _send_all(self, pool: "_Pool", group: asyncio.TaskGroup) -> None:
        start = time.time()
        for request in self._requests:
            await asyncio.sleep(start + request.at_s - time.time())
            if self._stopped:
                return
            group.create_task(self._send(pool, request, start + request.at_s))

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

    def close(self) -> None:
        while self._idle:
            self._idle.pop().close()
