"""Handlers that block: threads that take turns at the socket, so that a request meets no event loop at all.

Whoever has the turn reads frames and takes one request, passes the turn on, and calls the handler; the thread that made
an answer sends it. While further requests are here, answers are held for up to half a millisecond and sent together,
because every system call on the socket wakes the front. Handing calls from an event loop to threads and back would take
51 us of CPU a request for front and worker together, this takes 31 us (`benchmarks.serving`, "trivial, c=64").

Locks, threads and polls are the system's own, taken by their names before the function is imported: what gevent or
eventlet put in their place later is for the function, and would have these threads wait for each other.
"""

import contextlib
import os
import socket
import threading
import time
import traceback
from _thread import LockType, allocate_lock, start_new_thread
from collections import deque
from collections.abc import Callable
from select import EPOLLIN, POLLIN, epoll, poll
from typing import Any

from runtime_images.dynamic_runtime.settings import Settings
from runtime_images.dynamic_runtime.wire import client_address, frames, log_lines
from runtime_images.dynamic_runtime.wire.frames import REQUEST, Kind, RawFrame
from runtime_images.dynamic_runtime.wire.in_flight import InFlightJournal
from runtime_images.dynamic_runtime.worker import answers, exchange_calls, plain
from runtime_images.dynamic_runtime.worker.answers import Bodies
from runtime_images.dynamic_runtime.worker.contract import LoadedFunction
from runtime_images.dynamic_runtime.worker.thread_streams import ThreadStream, ThreadStreams

HOLD_NS = 500_000
_LOOK_AGAIN_NS = 1_000_000
"""So old may the last look at the socket be before a waiting request is begun: it may have been cancelled since."""
_RECEIVE_BYTES = 64 * 1024
_JOIN_TIMEOUT_S = 600.0
_LOOK_S = 0.01  # how long a thread that waits for a client may keep the turn from threads that could take a request


class HandlerThreads:
    """As many threads as the declared concurrency, the calling one included, that answer request frames.

    `front_gone` ends the worker. It is called, in any thread, when the front has closed the socket: nobody waits for an
    answer then.
    """

    def __init__(
        self,
        channel: socket.socket,
        journal: InFlightJournal,
        bodies: Bodies,
        function: LoadedFunction,
        settings: Settings,
        front_gone: Callable[[], None],
    ) -> None:
        self._count = settings.concurrency or function.threads
        self._channel = channel
        self._journal = journal
        self._bodies = bodies
        self._plain: Any = function.plain
        self._exchange: Any = function.exchange
        self._front_gone = front_gone
        self._measure_cpu = settings.record_requests
        self._parser = frames.FrameParser(settings.max_body_bytes + frames.MAX_HEAD_BYTES)
        self._turn = allocate_lock()
        self._sending = allocate_lock()
        self._pending: deque[RawFrame] = deque()
        self._streams = ThreadStreams(self)
        self._looked_ns = 0
        self._stopping = False
        self._wake = os.eventfd(0, os.EFD_CLOEXEC)
        # A thread that sleeps in recv() is also woken whenever the front takes an answer (unix_write_space in the
        # kernel), for nothing, and in the front's way. One that sleeps in epoll_wait() is not.
        self._poll = epoll()
        self._poll.register(channel, EPOLLIN)
        self._poll.register(self._wake, EPOLLIN)
        self._poll_front = poll()
        self._poll_front.register(channel, POLLIN)

    def serve(self) -> None:
        """Answer requests until the front, or `stop`, says that it is enough; what had come by then is answered."""
        front = poll()
        front.register(self._channel, 0)  # a hang-up is reported unasked
        start_new_thread(self._watch_front, (front,))
        others = [self._begin(f"handler-{number}") for number in range(1, self._count)]
        self._work_or_leave()
        for working in others:
            working.acquire(timeout=_JOIN_TIMEOUT_S)

    def _begin(self, name: str) -> LockType:
        """Start another thread; return a lock that it holds as long as it works."""
        working = allocate_lock()
        working.acquire()

        def work() -> None:
            threading.current_thread().name = name
            self._work_or_leave()
            working.release()

        start_new_thread(work, ())
        return working

    def stop(self) -> None:
        """Answer what is here, then end. May be called in a signal handler."""
        self._stopping = True
        os.eventfd_write(self._wake, 1)

    def send(self, data: bytes) -> None:
        """Send whole frames; waits while the socket is full."""
        with self._sending:
            self._channel.sendall(data)

    def _watch_front(self, front: poll) -> None:
        """Notice that the front is gone even while every thread is in a handler."""
        front.poll()
        if not self._stopping:
            self._front_gone()

    def _work_or_leave(self) -> None:
        """Work; end the worker where that is not possible, as for want of memory: a new one is better than none."""
        try:
            self._work()
        except BaseException:  # noqa: BLE001 -- a thread that is missing would leave its request without an answer
            with contextlib.suppress(Exception):
                traceback.print_exc()
            self._front_gone()

    def _work(self) -> None:
        held: list[bytes] = []
        held_since_ns = ended_ns = 0
        while (frame := self._next(held, ended_ns)) is not None:
            request_id, _, flags, head, body, port, upper, lower = frame
            log_lines.REQUEST.set(request_id)
            self._journal.note(request_id)
            if flags:
                body = self._bodies.take(flags, body)
            cpu_ns = time.process_time_ns() if self._measure_cpu else 0
            begun_ns = time.monotonic_ns()
            answer_body: Any
            if self._plain is not None:
                answer_head, answer_body = plain.call_blocking(self._plain, head, body)
            else:
                client = client_address.unpack(port, upper, lower)
                answer_head, answer_body = exchange_calls.call_blocking(self._exchange, head, body, client)
            if type(answer_body) is not bytes:
                self._flush(held)
                self._streams.send_parts(request_id, answer_head, answer_body, begun_ns, cpu_ns)
                continue
            ended_ns = time.monotonic_ns()
            if self._measure_cpu:
                cpu_ns = time.process_time_ns() - cpu_ns
            timing = (begun_ns, ended_ns - begun_ns, cpu_ns)
            if not held:
                held_since_ns = begun_ns
            parts = answers.whole(request_id, answer_head, answer_body, timing, self._bodies)
            if not parts:
                self._flush(held)
                self._streams.send_whole(request_id, answer_head, answer_body, timing)
                continue
            held += parts
            if ended_ns - held_since_ns >= HOLD_NS:
                self._flush(held)
        self._flush(held)

    def _next(self, held: list[bytes], now_ns: int) -> RawFrame | None:
        """Return the next request, None at the end; whatever is held is sent before this waits."""
        looked_lately = now_ns - self._looked_ns < _LOOK_AGAIN_NS
        if looked_lately and self._pending and self._count == 1:
            return self._pending.popleft()
        if not self._turn.acquire(blocking=False):
            self._flush(held)
            self._turn.acquire()
        try:
            if self._pending and not looked_lately:
                self._read()
            while not self._pending:
                self._flush(held)
                if self._stopping:
                    return None
                self._poll.poll()
                self._read()
            return self._pending.popleft()
        finally:
            self._turn.release()

    def _read(self) -> None:
        try:
            data = self._channel.recv(_RECEIVE_BYTES, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return
        self._looked_ns = time.monotonic_ns()
        if not data and not self._stopping:
            self._front_gone()
        for frame in self._parser.feed(data):
            kind = frame[1]
            if kind == REQUEST:
                self._pending.append(frame)
            elif kind == Kind.CANCEL:
                self._cancel(frame[0])
            elif kind == Kind.GIVE_BACK:
                self._bodies.give_back(frame[0])
            elif kind == Kind.CREDIT:
                if (stream := self._streams.by_id.get(frame[0])) is not None:
                    stream.take_credit()
            elif kind == Kind.STOP:
                self._stopping = True

    def _cancel(self, request_id: int) -> None:
        """Drop a request that has not begun; a handler that has cannot be stopped."""
        kept = [frame for frame in self._pending if frame[0] != request_id]
        if len(kept) < len(self._pending):
            self._pending = deque(kept)
            self.send(answers.dropped(request_id))
        if (stream := self._streams.by_id.get(request_id)) is not None:
            stream.leave()

    def look(self) -> None:
        """Read what the front has said, unless another thread does."""
        if self._turn.acquire(blocking=False):
            try:
                self._read()
            finally:
                self._turn.release()

    def wait_for_client(self, stream: ThreadStream, most: int) -> None:
        """Wait until at most so many chunks are under way; whoever has the turn reads what the front says of them."""
        while not stream.at_most(most):
            others_want_it = self._count > 1 and bool(self._pending)
            if self._turn.acquire(blocking=False):
                try:
                    if not stream.at_most(most):
                        self._poll_front.poll(1000 * _LOOK_S if others_want_it else None)
                        self._read()
                finally:
                    self._turn.release()
                if not others_want_it:
                    continue
            stream.wait(_LOOK_S)

    def _flush(self, held: list[bytes]) -> None:
        if held:
            data = b"".join(held)
            held.clear()
            try:  # noqa: SIM105 -- contextlib.suppress costs each answer a tenth of its way through here
                self.send(data)
            except OSError:
                pass  # the front is gone, and the watch sees it, too
