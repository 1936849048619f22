"""A worker: one process that serves the function on one backend, in the function's own environment.

It loads the function, tells the front that it is ready, and answers request frames. What is `async` runs on the event
loop here; a plain blocking handler has no loop at all (`threads.py`). It ends when the front asks, or when the
front is gone. Standard library only, and uvloop where the function's environment has it.
"""

import asyncio
import contextlib
import json
import os
import signal
import socket
import sys
import time
from typing import TYPE_CHECKING, Any, cast

from runtime_images.dynamic_runtime.background import Background
from runtime_images.dynamic_runtime.settings import Settings
from runtime_images.dynamic_runtime.wire import client_address, frames, lifeline, log_lines
from runtime_images.dynamic_runtime.wire.arenas import LEAST_BYTES
from runtime_images.dynamic_runtime.wire.frames import REQUEST, Frame, Kind
from runtime_images.dynamic_runtime.wire.in_flight import InFlightJournal
from runtime_images.dynamic_runtime.worker import plain
from runtime_images.dynamic_runtime.worker.asgi import AsgiExchange, build_scope
from runtime_images.dynamic_runtime.worker.bodies import Bodies, open_bodies
from runtime_images.dynamic_runtime.worker.call import Call
from runtime_images.dynamic_runtime.worker.contract import LoadedFunction, SetupError, load_function
from runtime_images.dynamic_runtime.worker.hooks import HEALTH_HOOKS, ask_health, start_function, stop_function
from runtime_images.dynamic_runtime.worker.threads import HandlerThreads
from runtime_images.dynamic_runtime.worker.warmup import warm_up, warm_up_blocking

if TYPE_CHECKING:
    from collections.abc import Callable

    from runtime_images.dynamic_runtime.worker.lifespan import Lifespan


def main(arguments: list[str]) -> None:
    """Run a worker until the front lets it go.

    The inherited descriptors are `lifeline`, `socket` and `begun`, and the arenas of requests and answers if there are.
    """
    lifeline.hold(int(arguments[0]))
    channel = socket.socket(fileno=int(arguments[1]))
    begun = InFlightJournal(int(arguments[2]))
    bodies = open_bodies([int(descriptor) for descriptor in arguments[3:]])
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal's Ctrl-C is the front's to handle
    settings = Settings.from_environ(os.environ)
    try:
        function = load_function(settings.function_dir, settings.entrypoint)
        if function.blocking and function.plain is not None:
            _serve_blocking(channel, begun, bodies, function, settings)
        else:
            _run(_serve(channel, begun, bodies, function, settings))
    except SetupError as error:
        channel.setblocking(True)
        channel.sendall(frames.encode(Kind.FAILED, body=json.dumps(error.describe()).encode()))
        _leave(1)
    _leave(0)


def _run(main_coroutine: Any) -> None:  # noqa: ANN401 -- a coroutine of nothing
    run: Callable[[Any], None] = asyncio.run
    with contextlib.suppress(ImportError):
        import uvloop  # the function's own, if it has one

        run = uvloop.run
    run(main_coroutine)  # outside of any `except`, or that would show in the function's tracebacks


def _leave(code: int) -> None:
    """Exit at once: the function's own threads and exit hooks must not keep a released backend alive."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(Exception):  # the function may have closed it, or put something else in its place
            stream.flush()
    with contextlib.suppress(OSError):
        log_lines.finish()
    os._exit(code)


def _serve_blocking(
    channel: socket.socket, begun: InFlightJournal, bodies: Bodies, function: LoadedFunction, settings: Settings
) -> None:
    """Serve a plain blocking handler: it has no hooks, and no need of an event loop."""
    assert function.plain is not None
    threads = HandlerThreads(
        settings.concurrency or 1,
        channel,
        begun,
        bodies,
        function.plain,
        _longest_frame(settings),
        lambda: _leave(1),
        measure_cpu=settings.record_requests,
    )
    signal.signal(signal.SIGTERM, lambda _number, _frame: threads.stop())
    if settings.warmup is not None:
        threads.send(frames.encode(Kind.WARMING, body=b"{}"))
        warm_up_blocking(function, settings.warmup)
    threads.send(_ready(function))
    threads.serve()


def _longest_frame(settings: Settings) -> int:
    return settings.max_body_bytes + frames.MAX_HEAD_BYTES


def _ready(function: LoadedFunction) -> bytes:
    """The frame that tells the front that requests may come."""
    entry = function.entry
    facts = {
        "entry": f"{entry.path}:{entry.attribute}",
        "form": entry.form.value,
        "blocking": function.blocking,
        "hooks": [name for name in HEALTH_HOOKS if getattr(function, name) is not None],
    }
    return frames.encode(Kind.READY, body=json.dumps(facts).encode())


async def _serve(
    channel: socket.socket, begun: InFlightJournal, bodies: Bodies, function: LoadedFunction, settings: Settings
) -> None:
    worker = Worker(begun, bodies, function, settings)
    await worker.start()
    if settings.warmup is not None:
        channel.sendall(frames.encode(Kind.WARMING, body=b"{}"))
        await warm_up(function, settings.warmup, worker.state)
    loop = asyncio.get_running_loop()
    await loop.create_unix_connection(lambda: worker, sock=channel)
    loop.add_signal_handler(signal.SIGTERM, worker.stopping.set)
    worker.announce()
    await worker.stopping.wait()
    await worker.finish()


class Worker(asyncio.Protocol):
    """The worker's end of the socket: frames in, calls of the function, frames out.

    `state` is what a framework's start-up has left for the requests.
    """

    def __init__(self, begun: InFlightJournal, bodies: Bodies, function: LoadedFunction, settings: Settings) -> None:
        self._begun = begun
        self._bodies = Call.bodies = bodies
        self._function = function
        self._measure_cpu = settings.record_requests
        self._parser = frames.FrameParser(_longest_frame(settings))
        self._loop = asyncio.get_running_loop()
        self._slots = asyncio.Semaphore(settings.concurrency) if settings.concurrency else None
        self._calls: dict[int, Call] = {}
        self._background = Background()
        self._lifespan: Lifespan | None = None
        self.state: dict[str, Any] = {}
        self._transport: asyncio.Transport | None = None
        self._outgoing: list[bytes] = []
        self._call: Callable[[Any], Any] = self._answer_plain if function.plain is not None else self._answer_asgi
        self._answer: Callable[[Any], Any] = self._call if self._slots is None else self._answer_in_turn
        self.stopping = asyncio.Event()

    async def start(self) -> None:
        """Run the user's start hook and a framework's start-up.

        Raises:
            SetupError: one of them failed.
        """
        self._lifespan = await start_function(self._function)
        if self._lifespan is not None:
            self.state = self._lifespan.state

    def announce(self) -> None:
        """Tell the front that requests may come."""
        self.write(_ready(self._function))

    async def finish(self) -> None:
        """Let what is running end, then run the user's stop hook."""
        tasks = [call.task for call in self._calls.values() if call.task is not None]
        if tasks:
            await asyncio.wait(tasks)
        await stop_function(self._function, self._lifespan)
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
            request_id, kind, flags, head, body, port, upper, lower = frame
            if kind == REQUEST:
                call = self._calls[request_id] = AsgiExchange(request_id, head, body, self.write)
                call.client = client_address.unpack(port, upper, lower)
                if flags:
                    call.flags = flags
                # As loop.create_task does it, without a number formatted into each task's name.
                call.task = asyncio.Task(self._answer(call), loop=self._loop, name="request")
            else:
                self._take_other(Frame(*frame))

    def write(self, *parts: bytes) -> None:
        """Send the parts of encoded frames, one system call for all of this turn of the event loop."""
        if len(self._calls) == 1 and not self._outgoing and self._transport is not None:
            self._transport.writelines(parts)  # there is nothing to send it with: now, not a turn later
            return
        if not self._outgoing:
            self._loop.call_soon(self._flush)
        self._outgoing += parts

    def _flush(self) -> None:
        data = b"".join(self._outgoing)
        self._outgoing.clear()
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(data)

    def _take_other(self, frame: Frame) -> None:
        match frame.kind:
            case Kind.CANCEL:
                self._cancel(frame.request_id, forced=bool(frame.flags & frames.FORCE))
            case Kind.CREDIT:
                if (call := self._calls.get(frame.request_id)) is not None:
                    call.grant()
            case Kind.HEALTH:
                self._background.spawn(self._health(frame))
            case Kind.STOP:
                self.stopping.set()
            case Kind.GIVE_BACK:
                self._bodies.give_back(frame.request_id)
            case _:
                pass

    def _cancel(self, request_id: int, *, forced: bool) -> None:
        """Drop a request that has not begun; one that has is told of the disconnect, and ended only if forced."""
        call = self._calls.get(request_id)
        if call is None:
            return
        if not call.begun_ns:
            call.cancelled = True
            return
        call.disconnect()
        if forced and call.task is not None:
            call.task.cancel()

    # answering

    async def _answer_in_turn(self, call: Call) -> None:
        """One request's task, where only so many may be under way at once."""
        assert self._slots is not None
        async with self._slots:
            await self._call(call)

    def _begin(self, call: Call) -> bool:
        """Note that the request has begun, unless it was cancelled before."""
        if call.cancelled:
            self.write(plain.dropped(call.request_id))
            return False
        log_lines.REQUEST.set(call.request_id)
        self._begun.note(call.request_id)
        call.begun_ns = time.monotonic_ns()
        if self._measure_cpu:
            call.measure_cpu()
        return True

    async def _answer_plain(self, call: AsgiExchange) -> None:
        """One request's task, for a plain coroutine function."""
        assert self._function.plain is not None
        if self._begin(call):
            answer = await plain.call_awaiting(self._function.plain, call.head, call.take_body())
            if answer is None:
                self.write(plain.dropped(call.request_id))
            elif len(answer[1]) > LEAST_BYTES:
                await call.answer_long(*answer)
            else:
                self.write(*plain.answer_parts(call.request_id, *answer, call.timing(), self._bodies))
        del self._calls[call.request_id]

    async def _answer_asgi(self, exchange: AsgiExchange) -> None:
        """One request's task, for an ASGI callable."""
        assert self._function.asgi is not None
        if self._begin(exchange):
            try:
                scope = build_scope(exchange.head, self.state, exchange.client)
                await self._function.asgi(scope, exchange.receive, exchange.send)
            except asyncio.CancelledError:
                exchange.abort()
            except (Exception, SystemExit) as error:  # noqa: BLE001 -- the user's code may raise anything
                exchange.fail(*plain.failure(error)[1])
            else:
                exchange.finish()
        del self._calls[exchange.request_id]

    async def _health(self, frame: Frame) -> None:
        """Ask the user's `alive` or `ready` hook; without one, or when it says nothing, all is well."""
        well, text = await ask_health(self._function, frame.head.decode())
        body = json.dumps({"well": well, "text": text}).encode()
        self.write(frames.encode(Kind.HEALTH_ANSWER, frame.request_id, body=body))
