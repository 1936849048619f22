"""Answers that threads send in parts: long ones for which there is no space in shared memory, and those of generators.

The thread that answers waits for its client; meanwhile whoever has the turn at the socket reads what the front says.
"""

import contextlib
import threading
import time
import traceback
from typing import TYPE_CHECKING, Any, Protocol, cast

from runtime_images.dynamic_runtime.wire import frames
from runtime_images.dynamic_runtime.wire.frames import ABORTED, CHUNK, FINAL, MAX_CHUNK_BYTES, RESPONSE
from runtime_images.dynamic_runtime.worker import answers, exchange, plain
from runtime_images.dynamic_runtime.worker.answers import Stream, Timing, with_length
from runtime_images.dynamic_runtime.worker.exchange import Parts, octets

if TYPE_CHECKING:
    from collections.abc import Iterator

_CHUNKS_AHEAD = 2
"""Chunks of one answer that are under way at once, so that the next one is there when the client has taken one."""

_NO_MORE = object()


class ThreadStream(Stream):
    """A stream whose thread waits while another may read the socket."""

    def __init__(self, request_id: int) -> None:
        super().__init__(request_id)
        self._changed = threading.Event()

    def changed(self) -> None:
        self._changed.set()

    def at_most(self, chunks: int) -> bool:
        """Return whether so few chunks are under way, or none need be sent any more."""
        return self.left or self.chunks_under_way <= chunks

    def wait(self, timeout_s: float) -> None:
        self._changed.wait(timeout_s)
        self._changed.clear()


class Port(Protocol):
    """The threads' end of the socket, as a stream uses it."""

    def send(self, data: bytes) -> None: ...
    def look(self) -> None: ...
    def wait_for_client(self, stream: ThreadStream, most: int) -> None: ...


class ThreadStreams:
    """The streams under way in a worker's threads, `by_id` of their requests."""

    def __init__(self, port: Port) -> None:
        self.by_id: dict[int, ThreadStream] = {}
        self._port = port

    def send_whole(self, request_id: int, head: bytes, body: bytes, timing: Timing) -> None:
        """Send an answer that is at hand, as fast as its client takes it."""
        stream = self.by_id[request_id] = ThreadStream(request_id)
        try:
            with contextlib.suppress(OSError):  # the front is gone, and the watch sees it, too
                self._send(stream, with_length(head, body), body)
                self._port.wait_for_client(stream, 0)
                end = frames.encode(CHUNK, request_id, flags=FINAL, timing=timing)
                self._port.send(answers.dropped(request_id) if stream.left else end)
        finally:
            del self.by_id[request_id]

    def send_parts(self, request_id: int, head: bytes, parts: Parts, begun_ns: int, cpu_ns: int) -> None:
        """Send an answer as its iterator makes it, and close that; a client that has left ends it at its next part.

        `cpu_ns` is the process's clock at the start, 0 where it is not asked for.
        """
        stream = self.by_id[request_id] = ThreadStream(request_id)
        try:
            with contextlib.suppress(OSError):  # the front is gone, and the watch sees it, too
                failure = self._send_each(stream, head, parts)
                _close(parts)
                if failure is None:
                    self._port.wait_for_client(stream, 0)
                now_ns = time.monotonic_ns()
                timing = (begun_ns, now_ns - begun_ns, time.process_time_ns() - cpu_ns if cpu_ns else 0)
                self._port.send(_end(stream, head, failure, timing))
        finally:
            del self.by_id[request_id]

    def _send_each(self, stream: ThreadStream, head: bytes, parts: Parts) -> tuple[bytes, bytes] | None:
        """Send the parts; return head and body of the answer to a failure on the way."""
        iterator = cast("Iterator[Any]", parts)
        while not stream.left:
            try:
                part = next(iterator, _NO_MORE)
                if part is _NO_MORE:
                    return None
                data = part if type(part) is bytes else octets(part, "a part of the body")
            except BaseException as error:  # noqa: BLE001 -- the user's code may raise anything
                return plain.failed(error)
            if data:
                self._send(stream, head, data)
            self._port.look()
        return None

    def _send(self, stream: ThreadStream, head: bytes, body: bytes) -> None:
        for start in range(0, len(body), MAX_CHUNK_BYTES):
            self._port.wait_for_client(stream, _CHUNKS_AHEAD - 1)
            if stream.left:
                break
            self._port.send(stream.chunk(head, body[start : start + MAX_CHUNK_BYTES]))


def _end(stream: ThreadStream, head: bytes, failure: tuple[bytes, bytes] | None, timing: Timing) -> bytes:
    """Return the last frame: a failure before the first part is an answer, a later one breaks the answer off."""
    if stream.left or (failure is not None and stream.streaming):
        return frames.encode(CHUNK, stream.request_id, flags=ABORTED | FINAL, timing=timing)
    if failure is not None:
        return frames.encode(RESPONSE, stream.request_id, *failure, FINAL, timing)
    kind, head = stream.next_kind(head)
    return frames.encode(kind, stream.request_id, head, b"", FINAL, timing)


def _close(parts: Parts) -> None:
    """Let the function give up what it holds for the answer; what goes wrong there is for its log."""
    try:
        exchange.close(parts)
    except BaseException:  # noqa: BLE001 -- the user's code may raise anything
        with contextlib.suppress(Exception):
            traceback.print_exc()
