"""A worker: one process that serves the function on one backend, in the function's own environment.

It loads the function, tells the front that it is ready, and answers request frames. ASGI callables run on the event
loop, plain blocking handlers in threads beside it, so health questions are answered while a handler computes. It
ends when the front asks, or when the front is gone. Standard library only, and uvloop where the function's
environment has it.
"""

import asyncio
import inspect
import json
import os
import signal
import socket
import sys
import time
import traceback
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, cast

from runtime_images.dynamic_runtime import frames
from runtime_images.dynamic_runtime.asgi import AsgiExchange, run_lifespan
from runtime_images.dynamic_runtime.begun import BegunMarks
from runtime_images.dynamic_runtime.contract import (
    LoadedFunction,
    PayloadError,
    SetupError,
    decode_payload,
    describe_error,
    encode_result,
    load_function,
)
from runtime_images.dynamic_runtime.frames import Frame, Kind, Stopwatch, Timing
from runtime_images.dynamic_runtime.settings import Settings


def main(arguments: list[str]) -> None:
    """Run a worker on the inherited descriptors `socket` and `begun` until the front lets it go."""
    channel = socket.socket(fileno=int(arguments[0]))
    begun = BegunMarks(int(arguments[1]))
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
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


async def _serve(channel: socket.socket, begun: BegunMarks, function: LoadedFunction, settings: Settings) -> None:
    worker = Worker(begun, function, settings)
    await worker.start()
    loop = asyncio.get_running_loop()
    await loop.create_unix_connection(lambda: worker, sock=channel)
    loop.add_signal_handler(signal.SIGTERM, worker.stopping.set)
    worker.announce()
    await worker.stopping.wait()
    await worker.finish()


class Worker(asyncio.Protocol):
    """The worker's end of the socket: frames in, calls of the function, frames out."""

    def __init__(self, begun: BegunMarks, function: LoadedFunction, settings: Settings) -> None:
        self._begun = begun
        self._function = function
        self._parser = frames.FrameParser(settings.max_body_bytes + frames.HEADER.size + frames.MAX_HEAD_BYTES)
        self._loop = asyncio.get_running_loop()
        self._threads = ThreadPoolExecutor(settings.concurrency or 1, "handler") if function.blocking else None
        self._slots = asyncio.Semaphore(settings.concurrency) if settings.concurrency else None
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._exchanges: dict[int, AsgiExchange] = {}
        self._waiting: set[int] = set()
        self._cancelled: set[int] = set()
        self._side_tasks: set[asyncio.Task[None]] = set()
        self._end_lifespan: Callable[[], Any] | None = None
        self._transport: asyncio.Transport | None = None
        self._outgoing: list[bytes] = []
        self.stopping = asyncio.Event()

    async def start(self) -> None:
        """Run the user's start hook and a framework's start-up.

        Raises:
            SetupError: one of them failed.
        """
        try:
            if self._function.start is not None:
                await _awaited(self._function.start(dict(os.environ)))
            if self._function.lifespan and self._function.asgi is not None:
                self._end_lifespan = await run_lifespan(self._function.asgi)
        except (Exception, SystemExit) as error:  # noqa: BLE001 -- the user's code may raise anything
            traceback.print_exc()
            entry = self._function.entry
            raise SetupError(
                "start_hook", f"the start hook raised {describe_error(error)}", entry.path, entry.line
            ) from None

    def announce(self) -> None:
        """Tell the front that requests may come."""
        entry = self._function.entry
        ready = {
            "entry": f"{entry.path}:{entry.attribute}",
            "form": entry.form.value,
            "blocking": self._function.blocking,
            "hooks": [name for name in ("alive", "ready") if getattr(self._function, name) is not None],
        }
        self.write(frames.encode(Kind.READY, body=json.dumps(ready).encode()))

    async def finish(self) -> None:
        """Let what is running end, then run the user's stop hook."""
        if self._tasks:
            await asyncio.wait(list(self._tasks.values()))
        try:
            if self._end_lifespan is not None:
                await self._end_lifespan()
            if self._function.stop is not None:
                await _awaited(self._function.stop())
        except (Exception, SystemExit):  # noqa: BLE001 -- the user's code may raise anything
            traceback.print_exc()
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
                task = self._loop.create_task(self._answer(frame))
                self._tasks[frame.request_id] = task
                self._waiting.add(frame.request_id)
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
            if self._slots is None or self._threads is not None:
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
        if self._threads is not None:
            answer = await self._loop.run_in_executor(self._threads, self._call_blocking, frame)
            self.write(answer)
        elif self._function.plain is not None:
            self.write(await self._call_plain_async(frame))
        elif self._begin(frame.request_id):
            await self._call_asgi(frame)
        else:
            self.write(_dropped(frame.request_id))

    def _begin(self, request_id: int) -> bool:
        """Note that the request has begun, unless it was cancelled before."""
        self._waiting.discard(request_id)
        if request_id in self._cancelled:
            return False
        self._begun.note(request_id)
        return True

    def _call_blocking(self, frame: Frame) -> bytes:
        """Call a plain handler in this thread; the encoded answer."""
        if not self._begin(frame.request_id):
            return _dropped(frame.request_id)
        clock = Stopwatch()
        status, content_type, body = self._plain_answer(frame, self._function.plain)
        return _plain_response(frame.request_id, status, content_type, body, clock.stop())

    async def _call_plain_async(self, frame: Frame) -> bytes:
        if not self._begin(frame.request_id):
            return _dropped(frame.request_id)
        clock = Stopwatch()
        try:
            payload = decode_payload(*_payload_parts(frame))
            assert self._function.plain is not None
            result = await self._function.plain(payload)
            status, content_type, body = 200, *encode_result(result)
        except PayloadError as error:
            status, content_type, body = 400, *_error_body(str(error))
        except (Exception, SystemExit) as error:  # noqa: BLE001 -- the user's code may raise anything
            status, content_type, body = 500, *_raised(error)
        return _plain_response(frame.request_id, status, content_type, body, clock.stop())

    def _plain_answer(self, frame: Frame, handler: Callable[[Any], Any] | None) -> tuple[int, bytes, bytes]:
        assert handler is not None
        try:
            payload = decode_payload(*_payload_parts(frame))
            return 200, *encode_result(handler(payload))
        except PayloadError as error:
            return 400, *_error_body(str(error))
        except (Exception, SystemExit) as error:  # noqa: BLE001 -- the user's code may raise anything
            return 500, *_raised(error)

    async def _call_asgi(self, frame: Frame) -> None:
        exchange = AsgiExchange(frame, self.write)
        self._exchanges[frame.request_id] = exchange
        assert self._function.asgi is not None
        try:
            await self._function.asgi(exchange.scope, exchange.receive, exchange.send)
        except asyncio.CancelledError:
            exchange.abort()
        except (Exception, SystemExit) as error:  # noqa: BLE001 -- the user's code may raise anything
            exchange.fail(*_raised(error))
        else:
            exchange.finish()

    async def _health(self, frame: Frame) -> None:
        """Ask the user's `alive` or `ready` hook; without one, or when it says nothing, all is well."""
        name = frame.head.decode()
        hook = getattr(self._function, name)
        try:
            verdict = await _awaited(hook()) if hook is not None else True
            well, text = _verdict(verdict, name)
        except (Exception, SystemExit) as error:  # noqa: BLE001 -- the user's code may raise anything
            traceback.print_exc()
            well, text = False, f"the {name} hook raised {describe_error(error)}"
        body = json.dumps({"well": well, "text": text}).encode()
        self.write(frames.encode(Kind.HEALTH_ANSWER, frame.request_id, body=body))


async def _awaited(value: Any) -> Any:  # noqa: ANN401 -- a user's hook may be sync or async
    return await value if inspect.isawaitable(value) else value


def _verdict(answer: Any, name: str) -> tuple[bool, str]:  # noqa: ANN401
    """A hook answers True, None, (bool, text) or a text, as in Knative's Python functions."""
    if isinstance(answer, tuple) and len(answer) == 2:
        return bool(answer[0]), str(answer[1])
    return (answer is None or bool(answer)), (answer if isinstance(answer, str) else name)


def _payload_parts(frame: Frame) -> tuple[bytes, bytes, bytes]:
    """Content type, body and query of a request frame (head: method, target, version, name, value, ...)."""
    fields = frames.split_fields(frame.head)
    names = fields[3::2]
    content_type = fields[4 + 2 * names.index(b"content-type")] if b"content-type" in names else b""
    return content_type, frame.body, fields[1].partition(b"?")[2]


def _plain_response(request_id: int, status: int, content_type: bytes, body: bytes, timing: Timing) -> bytes:
    """The frames of a whole answer; a large body is cut, because the front bounds what one frame may hold."""
    head = frames.join_fields((str(status).encode(), b"content-type", content_type))
    if len(body) <= frames.MAX_CHUNK_BYTES:
        return frames.encode_final(Kind.RESPONSE, request_id, timing, head, body)
    head += frames.join_fields((b"", b"content-length", str(len(body)).encode()))
    cuts = range(0, len(body), frames.MAX_CHUNK_BYTES)
    chunks = [frames.encode(Kind.CHUNK, request_id, body=body[cut : cut + frames.MAX_CHUNK_BYTES]) for cut in cuts]
    return b"".join(
        (
            frames.encode(Kind.RESPONSE, request_id, head),
            *chunks,
            frames.encode_final(Kind.CHUNK, request_id, timing),
        )
    )


def _dropped(request_id: int) -> bytes:
    """The answer to a request that was cancelled before it began; nobody reads it, but the front counts it off."""
    now = time.monotonic_ns()
    return frames.encode_final(Kind.CHUNK, request_id, Timing(now, now, 0), flags=frames.ABORTED)


def _raised(error: BaseException) -> tuple[bytes, bytes]:
    """The body of a 500. The traceback goes to the log only: it may hold what clients must not see."""
    frame_of_ours = error.__traceback__
    traceback.print_exception(error.with_traceback(frame_of_ours.tb_next if frame_of_ours else None))
    return _error_body(f"the function raised {type(error).__name__}")


def _error_body(message: str) -> tuple[bytes, bytes]:
    return b"application/json", json.dumps({"error": message}).encode()
