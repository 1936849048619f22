"""A worker for what is `async`: frames in, calls of the function on the event loop, frames out."""

import asyncio
import contextlib
import json
import socket
from collections.abc import Callable, Coroutine, Sequence
from typing import TYPE_CHECKING, Any

from runtime_images.dynamic_runtime.background import Background
from runtime_images.dynamic_runtime.settings import Settings
from runtime_images.dynamic_runtime.wire import client_address, frames, log_lines, web_socket
from runtime_images.dynamic_runtime.wire.channel import Channel
from runtime_images.dynamic_runtime.wire.frames import REQUEST, WEB_SOCKET, Frame, Kind
from runtime_images.dynamic_runtime.wire.in_flight import InFlightJournal
from runtime_images.dynamic_runtime.worker import answers, exchange_calls, plain
from runtime_images.dynamic_runtime.worker.answers import ENDING, Bodies, ending
from runtime_images.dynamic_runtime.worker.asgi import build_scope
from runtime_images.dynamic_runtime.worker.call import Call
from runtime_images.dynamic_runtime.worker.contract import LoadedFunction
from runtime_images.dynamic_runtime.worker.exchange import Parts
from runtime_images.dynamic_runtime.worker.life.hooks import ask_health, start_function, stop_function
from runtime_images.dynamic_runtime.worker.life.own_tasks import LastWork, OwnTasks
from runtime_images.dynamic_runtime.worker.socket_call import SocketCall

if TYPE_CHECKING:
    from runtime_images.dynamic_runtime.worker.life.lifespan import Lifespan

_LOOK_AGAIN_S = 0.001
_CANCELLED_S = 0.5
_SHUTDOWN_S = 5.0
"""What a shutdown, a stop hook, threads and exit hooks have of the drain time, a third of it at most: work after
answers and tasks of the function's own have the rest."""

Answering = Callable[[Any], Coroutine[Any, Any, None]]
"""Takes a `Call`, or the `SocketCall` that it is."""


class EventLoopWorker(Channel):
    """The worker's end of the socket. `front_gone` is called when nobody waits for an answer any more.

    `state` is what a framework's start-up has left for the requests.
    """

    def __init__(
        self,
        journal: InFlightJournal,
        bodies: Bodies,
        function: LoadedFunction,
        settings: Settings,
        front_gone: Callable[[], None],
    ) -> None:
        super().__init__()
        self.bodies = bodies
        self.state: dict[str, Any] = {}
        self.stopping = asyncio.Event()
        self._journal = journal
        self._function = function
        self._front_gone = front_gone
        self._measure_cpu = settings.record_requests
        self._parser = frames.FrameParser(settings.max_body_bytes + frames.MAX_HEAD_BYTES)
        self._slots = asyncio.Semaphore(settings.concurrency) if settings.concurrency else None
        self._calls: dict[int, Call] = {}
        self._background = Background()
        self._lifespans: Sequence[Lifespan] = ()
        self._last_work = LastWork(self._request_tasks, lambda: self._background.tasks)
        self._drain_s = settings.drain_timeout_s
        self._call: Answering = self._answer_asgi
        if function.plain is not None:
            self._call = self._answer_plain
        elif function.exchange is not None:
            self._call = self._answer_exchange
        self._answer = self._call if self._slots is None else self._in_turn(self._call)
        socket_call: Answering = self._answer_socket if function.web_sockets else self._call
        self._answer_upgrade = socket_call if self._slots is None else self._in_turn(socket_call)

    async def start(self) -> None:
        """Run the user's start hook and a framework's start-up."""
        self._lifespans = await start_function(self._function)
        for lifespan in self._lifespans:
            self.state |= lifespan.state

    def watch(self) -> None:
        """Watch the tasks from here on: this loop is the worker's alone."""
        self._last_work.own_tasks = OwnTasks(self._drain_s)
        self._answer_for_cancelled()

    def _answer_for_cancelled(self) -> None:
        """Answer for tasks that a function has cancelled before they began: nothing of them ever runs.

        Looking once in a while is for nothing; a callback of each task would cost every request.
        """
        for call in [call for call in self._calls.values() if call.task is not None and call.task.done()]:
            self._fail_unbegun(call, asyncio.CancelledError())
        self._loop.call_later(_CANCELLED_S, self._answer_for_cancelled)

    async def serve(self, channel: socket.socket, ready: bytes) -> None:
        """Say that requests may come, and answer them until asked to stop; then run the user's stop hook."""
        await self._loop.create_unix_connection(lambda: self, sock=channel)
        self.write(ready)
        await self._until_stopped()
        shutdown_s = min(_SHUTDOWN_S, self._drain_s / 3)
        await self._last_work.finish(self._loop.time() + self._drain_s - shutdown_s, self._note)
        for call in [*self._calls.values()]:  # a stream without an end learns that nobody waits for it any more
            call.leave()
        await self._last_work.finish(self._loop.time() + shutdown_s / 2 * bool(self._calls), self._note)
        await stop_function(self._function, self._lifespans, self._note)
        for what in self._last_work.left():
            self.write(ending(what, cut_off=True))
        self.write(ENDING)
        await self._leave()

    def _request_tasks(self) -> set[asyncio.Task[None]]:
        """Return the tasks of the requests that still run."""
        return {call.task for call in self._calls.values() if call.task is not None and not call.task.done()}

    async def _leave(self) -> None:
        self._flush()
        while self._transport is not None and self._transport.get_write_buffer_size():  # noqa: ASYNC110 -- no event
            await asyncio.sleep(_LOOK_AGAIN_S)
        if self._transport is not None:
            self._transport.close()
            await asyncio.sleep(0)

    async def _until_stopped(self) -> None:
        while not self.stopping.is_set():
            with contextlib.suppress(asyncio.CancelledError):  # a function may cancel every task that it finds
                await self.stopping.wait()

    def _note(self, what: str) -> None:
        """Tell the front what keeps this worker: it may have to end it in the middle of that."""
        self.write(ending(what))
        self._flush()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 -- asyncio's signature
        if not self.stopping.is_set():
            self._front_gone()

    def data_received(self, data: bytes) -> None:
        """Take the frames that have become complete."""
        for frame in self._parser.feed(data):
            request_id, kind, flags, head, body, port, upper, lower = frame
            if kind == REQUEST and flags < WEB_SOCKET:
                client = client_address.unpack(port, upper, lower)
                call = self._calls[request_id] = Call(request_id, flags, head, body, client, self)
                # As loop.create_task does, without a number formatted into each task's name.
                call.task = asyncio.Task(self._answer(call), loop=self._loop, name="request")
            else:
                self._take_other(Frame(*frame))

    def write(self, *parts: bytes) -> None:
        """Send the parts of encoded frames."""
        if len(self._calls) == 1 and not self._outgoing and self._transport is not None:
            self._transport.writelines(parts)  # there is nothing to send it with: now, not a turn later
            return
        if not self._outgoing:  # as `send`, whose call would cost an answer a twentieth of its way through here
            self._loop.call_soon(self._flush)
        self._outgoing += parts

    def _take_other(self, frame: Frame) -> None:
        match frame.kind:
            case Kind.REQUEST:
                self._take_upgrade(frame)
            case Kind.RECEIVED | Kind.CLOSED:
                self._take_from_socket(frame)
            case Kind.CANCEL:
                self._cancel(frame.request_id, forced=bool(frame.flags & frames.FORCE))
            case Kind.CREDIT:
                if (call := self._calls.get(frame.request_id)) is not None:
                    call.take_credit()
            case Kind.HEALTH:
                self._background.spawn(self._health(frame))
            case Kind.STOP:
                self._drain_s = float(frame.body)
                self.stopping.set()
            case Kind.GIVE_BACK:
                self.bodies.give_back(frame.request_id)

    def _take_upgrade(self, frame: Frame) -> None:
        """Begin with a request that asks for a WebSocket; a function that speaks none of it gets it as it is."""
        kind = SocketCall if self._function.web_sockets else Call
        client = client_address.unpack(*frame[5:])
        call = self._calls[frame.request_id] = kind(frame.request_id, 0, frame.head, frame.body, client, self)
        call.task = asyncio.Task(self._answer_upgrade(call), loop=self._loop, name="request")

    def _take_from_socket(self, frame: Frame) -> None:
        call = self._calls.get(frame.request_id)
        if not isinstance(call, SocketCall):
            return  # it has ended
        if frame.kind == Kind.RECEIVED:
            call.take_message(frame.flags, frame.body)
        else:
            call.take_closing(web_socket.decode(frame.body))

    def _cancel(self, request_id: int, *, forced: bool) -> None:
        """Drop a request that has not begun; one that has learns of the disconnect, and is ended only if forced."""
        call = self._calls.get(request_id)
        if call is None:
            return
        if not call.begun_ns:
            call.cancelled = True
            return
        call.leave()
        if forced:
            call.force()

    def _in_turn(self, answer: Answering) -> Answering:
        """Return what answers one request, where only so many may be under way at once."""
        assert self._slots is not None
        slots = self._slots

        async def in_turn(call: Call) -> None:
            try:
                async with slots:
                    await answer(call)
            except (
                asyncio.CancelledError
            ) as error:  # a function may cancel every task, also one that waits for its turn
                self._fail_unbegun(call, error)

        return in_turn

    def _fail_unbegun(self, call: Call, error: BaseException) -> None:
        """Answer for a request that is over before its function was called."""
        if self._calls.pop(call.request_id, None) is not None:
            call.begin(measure_cpu=False)
            call.fail(error)

    def _begin(self, call: Call) -> bool:
        """Note that the request has begun, unless it was cancelled before."""
        if call.cancelled:
            self.write(answers.dropped(call.request_id))
            return False
        log_lines.REQUEST.set(call.request_id)
        self._journal.note(call.request_id)
        call.begin(measure_cpu=self._measure_cpu)
        return True

    async def _answer_plain(self, call: Call) -> None:
        assert self._function.plain is not None
        if self._begin(call):
            try:
                await self._send(call, await plain.call_awaiting(self._function.plain, call.head, call.take_body()))
            except BaseException as error:  # noqa: BLE001 -- the user's code may raise anything: an answer is owed
                call.fail(error)
        del self._calls[call.request_id]

    async def _answer_exchange(self, call: Call) -> None:
        asked: Any = self._function.exchange
        if self._begin(call):
            try:
                await self._send(
                    call, await exchange_calls.call_awaiting(asked, call.head, call.take_body(), call.client)
                )
            except BaseException as error:  # noqa: BLE001 -- the user's code may raise anything: an answer is owed
                call.fail(error)
        del self._calls[call.request_id]

    async def _send(self, call: Call, answer: tuple[bytes, bytes | Parts]) -> None:
        head, body = answer
        if not isinstance(body, bytes):
            await call.stream_parts(head, body)
        elif parts := answers.whole(call.request_id, head, body, call.timing(), self.bodies):
            self.write(*parts)
        else:
            await call.stream_whole(head, body)

    async def _answer_asgi(self, call: Call) -> None:
        assert self._function.asgi is not None
        if self._begin(call):
            try:
                scope = build_scope(call.head, self.state, call.client)
                await self._function.asgi(scope, call.receive, call.send)
            except BaseException as error:  # noqa: BLE001 -- the user's code may raise anything
                call.fail(error)
            else:
                call.finish()
        del self._calls[call.request_id]

    async def _answer_socket(self, call: SocketCall) -> None:
        assert self._function.asgi is not None
        if self._begin(call):
            try:
                if call.open():
                    await self._function.asgi(call.scope(self.state), call.receive, call.send)
            except BaseException as error:  # noqa: BLE001 -- the user's code may raise anything
                call.fail(error)
            else:
                call.finish()
        del self._calls[call.request_id]

    async def _health(self, frame: Frame) -> None:
        """Ask the user's `alive` or `ready` hook; without one, or when it says nothing, all is well."""
        well, text = await ask_health(self._function, frame.head.decode())
        body = json.dumps({"well": well, "text": text}).encode()
        self.write(frames.encode(Kind.HEALTH_ANSWER, frame.request_id, body=body))
