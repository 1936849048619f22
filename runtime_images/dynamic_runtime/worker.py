"""A worker: one process that serves the function on one backend, in the function's own environment.

It loads the function, tells the front that it is ready, and answers request frames. ASGI callables run on the event
loop, plain blocking handlers in threads beside it, so health questions are answered while a handler computes. It
ends when the front asks, or when the front is gone. Standard library only, and uvloop where the function's
environment has it.
"""

import asyncio
import contextlib
import json
import os
import signal
import socket
import sys
from typing import TYPE_CHECKING, Any, cast

from runtime_images.dynamic_runtime import frames, lifeline, lines, plain
from runtime_images.dynamic_runtime.asgi import AsgiExchange
from runtime_images.dynamic_runtime.begun import BegunMarks
from runtime_images.dynamic_runtime.contract import LoadedFunction, SetupError, load_function
from runtime_images.dynamic_runtime.frames import Frame, Kind
from runtime_images.dynamic_runtime.handler_threads import HandlerThreads
from runtime_images.dynamic_runtime.hooks import HEALTH_HOOKS, ask_health, start_function, stop_function
from runtime_images.dynamic_runtime.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable


def main(arguments: list[str]) -> None:
    """Run a worker on the inherited descriptors `lifeline`, `socket` and `begun` until the front lets it go."""
    lifeline.hold(int(arguments[0]))
    channel = socket.socket(fileno=int(arguments[1]))
    begun = BegunMarks(int(arguments[2]))
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal's Ctrl-C is the front's to handle
    settings = Settings.from_environ(os.environ)
    try:
        function = load_function(settings.function_dir, settings.entrypoint)
        _run(_serve(channel, begun, function, settings))
    except SetupError as error:
        channel.setblocking(True)
        channel.sendall(frames.encode(Kind.FAILED, body=json.dumps(error.describe()).encode()))
        _leave(1)
    _leave(0)


def _run(main_coroutine: Any) -> None:  # noqa: ANN401 -- a coroutine of nothing
    try:
        import uvloop  # the function's own, if it has one
    except ImportError:
        asyncio.run(main_coroutine)
    else:
        uvloop.run(main_coroutine)


def _leave(code: int) -> None:
    """Exit at once: the function's own threads and exit hooks must not keep a released backend alive."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(Exception):  # the function may have closed it, or put something else in its place
            stream.flush()
    with contextlib.suppress(OSError):
        lines.finish()
    os._exit(code)


async def _serve(channel: socket.socket, begun: BegunMarks, function: LoadedFunction, settings: Settings) -> None:
    worker = Worker(channel, begun, function, settings)
    await worker.start()
    loop = asyncio.get_running_loop()
    await loop.create_unix_connection(lambda: worker, sock=channel)
    loop.add_signal_handler(signal.SIGTERM, worker.stopping.set)
    worker.announce()
    await worker.stopping.wait()
    await worker.finish()


class Worker(asyncio.Protocol):
    """The worker's end of the socket: frames in, calls of the function, frames out."""

    def __init__(self, channel: socket.socket, begun: BegunMarks, function: LoadedFunction, settings: Settings) -> None:
        self._begun = begun
        self._function = function
        self._parser = frames.FrameParser(settings.max_body_bytes + frames.HEADER.size + frames.MAX_HEAD_BYTES)
        self._loop = asyncio.get_running_loop()
        self._threads: HandlerThreads | None = None
        if function.blocking:
            self._threads = HandlerThreads(settings.concurrency or 1, channel, self._call_blocking)
        self._slots = asyncio.Semaphore(settings.concurrency) if settings.concurrency else None
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._exchanges: dict[int, AsgiExchange] = {}
        self._waiting: set[int] = set()
        self._cancelled: set[int] = set()
        self._side_tasks: set[asyncio.Task[None]] = set()
        self._end_lifespan: Callable[[], Awaitable[None]] | None = None
        self._transport: asyncio.Transport | None = None
        self._outgoing: list[bytes] = []
        self.stopping = asyncio.Event()

    async def start(self) -> None:
        """Run the user's start hook and a framework's start-up.

        Raises:
            SetupError: one of them failed.
        """
        self._end_lifespan = await start_function(self._function)

    def announce(self) -> None:
        """Tell the front that requests may come."""
        entry = self._function.entry
        ready = {
            "entry": f"{entry.path}:{entry.attribute}",
            "form": entry.form.value,
            "blocking": self._function.blocking,
            "hooks": [name for name in HEALTH_HOOKS if getattr(self._function, name) is not None],
        }
        self.write(frames.encode(Kind.READY, body=json.dumps(ready).encode()))

    async def finish(self) -> None:
        """Let what is running end, then run the user's stop hook."""
        if self._tasks:
            await asyncio.wait(list(self._tasks.values()))
        if self._threads is not None:
            await asyncio.to_thread(self._threads.finish)
        await stop_function(self._function, self._end_lifespan)
        self._flush()
        if self._transport is not None:
            self._transport.close()
            await asyncio.sleep(0)

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport; asyncio calls this once."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's transports are no subclasses

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 -- asyncio's signature
        """Without a front nobody waits for an answer: leave at once."""
        if not self.stopping.is_set():
            _leave(1)

    def data_received(self, data: bytes) -> None:
        """Take the frames that have become complete."""
        for frame in self._parser.feed(data):
            self._take(frame)

    def write(self, data: bytes) -> None:
        """Send encoded frames, one system call for all of this turn of the event loop; on the event loop only."""
        if self._threads is not None:
            self._threads.send(data)  # the socket is shared with threads that write to it themselves
            return
        if not self._outgoing:
            self._loop.call_soon(self._flush)
        self._outgoing.append(data)

    def _flush(self) -> None:
        data = b"".join(self._outgoing)
        self._outgoing.clear()
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(data)

    def _take(self, frame: Frame) -> None:
        match frame.kind:
            case Kind.REQUEST:
                self._waiting.add(frame.request_id)
                if self._threads is not None:
                    self._threads.submit(frame)
                else:
                    self._tasks[frame.request_id] = self._loop.create_task(self._answer(frame))
            case Kind.CANCEL:
                self._cancel(frame.request_id, forced=bool(frame.flags & frames.FORCE))
            case Kind.CREDIT:
                if (exchange := self._exchanges.get(frame.request_id)) is not None:
                    exchange.grant()
            case Kind.HEALTH:
                self._spawn(self._health(frame))
            case Kind.STOP:
                self.stopping.set()
            case _:
                pass

    def _spawn(self, coroutine: Any) -> None:  # noqa: ANN401
        task = self._loop.create_task(coroutine)
        self._side_tasks.add(task)
        task.add_done_callback(self._side_tasks.discard)

    def _cancel(self, request_id: int, *, forced: bool) -> None:
        """Drop a request that has not begun; one that has is told of the disconnect, and ended only if forced."""
        if request_id in self._waiting:
            self._cancelled.add(request_id)
        elif (exchange := self._exchanges.get(request_id)) is not None:
            exchange.disconnect()
            if forced and (task := self._tasks.get(request_id)) is not None:
                task.cancel()

    # answering

    async def _answer(self, frame: Frame) -> None:
        request_id = frame.request_id
        try:
            if self._slots is None:
                await self._call(frame)
            else:
                async with self._slots:
                    await self._call(frame)
        finally:
            self._waiting.discard(request_id)
            self._cancelled.discard(request_id)
            self._tasks.pop(request_id, None)
            self._exchanges.pop(request_id, None)

    async def _call(self, frame: Frame) -> None:
        if not self._begin(frame.request_id):
            self.write(plain.dropped(frame.request_id))
        elif self._function.plain is not None:
            self.write(await plain.call_awaiting(frame, self._function.plain))
        else:
            await self._call_asgi(frame)

    def _call_blocking(self, frame: Frame) -> bytes:
        """In a thread: the waiting for it is over only now, so this is where the request begins."""
        assert self._function.plain is not None
        if not self._begin(frame.request_id):
            self._cancelled.discard(frame.request_id)
            return plain.dropped(frame.request_id)
        return plain.call_blocking(frame, self._function.plain)

    def _begin(self, request_id: int) -> bool:
        """Note that the request has begun, unless it was cancelled before."""
        self._waiting.discard(request_id)
        if request_id in self._cancelled:
            return False
        lines.REQUEST.set(request_id)
        self._begun.note(request_id)
        return True

    async def _call_asgi(self, frame: Frame) -> None:
        exchange = AsgiExchange(frame, self.write)
        self._exchanges[frame.request_id] = exchange
        assert self._function.asgi is not None
        try:
            await self._function.asgi(exchange.scope, exchange.receive, exchange.send)
        except asyncio.CancelledError:
            exchange.abort()
        except (Exception, SystemExit) as error:  # noqa: BLE001 -- the user's code may raise anything
            exchange.fail(*plain.failure(error)[1])
        else:
            exchange.finish()

    async def _health(self, frame: Frame) -> None:
        """Ask the user's `alive` or `ready` hook; without one, or when it says nothing, all is well."""
        well, text = await ask_health(self._function, frame.head.decode())
        body = json.dumps({"well": well, "text": text}).encode()
        self.write(frames.encode(Kind.HEALTH_ANSWER, frame.request_id, body=body))
