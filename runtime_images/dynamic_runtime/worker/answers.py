"""Answers as frames, for both ways in which a worker calls functions (`event_loop.py`, `threads.py`).

A short answer is one frame. A long one lies in the worker's arena, and its frame says where; where there is no space,
it leaves in chunks, as fast as its client takes them: else slow clients would fill the front's memory with copies.
"""

import json
import time
from collections.abc import Sequence

from runtime_images.dynamic_runtime.wire import arenas, frames
from runtime_images.dynamic_runtime.wire.frames import ABORTED, CHUNK, FINAL, IN_ARENA, MAX_CHUNK_BYTES, RESPONSE, Kind

_pack = frames.HEADER.pack

Timing = tuple[int, int, int]
"""When a request was begun, its service time and its CPU time, in ns."""


class Bodies:
    """A worker's ends of the arenas of requests and answers; without descriptors of none."""

    def __init__(self, descriptors: Sequence[int] = ()) -> None:
        self._requests = self._answers = None
        if descriptors:
            requests, answers = descriptors
            self._requests, self._answers = arenas.Reader(requests), arenas.Writer(answers)

    def take(self, flags: int, body: bytes) -> bytes:
        """Return the body of a request, whose frame holds it or says where it is."""
        if not flags & IN_ARENA or self._requests is None:
            return body
        return bytes(self._requests.part(body))

    def place(self, body: bytes) -> bytes | None:
        """Place a long answer in the arena; return what its frame says of that, None if there is no space."""
        if self._answers is None or len(body) <= arenas.LEAST_BYTES:
            return None
        slot = self._answers.place(body)
        return None if slot is None else slot.place

    def give_back(self, page: int) -> None:
        """Free what begins on this page: the front needs it no more."""
        if self._answers is not None:
            self._answers.give_back(page * arenas.PAGE_BYTES)


def whole(request_id: int, head: bytes, body: bytes, timing: Timing, bodies: Bodies) -> Sequence[bytes]:
    """Return the frame of a whole answer, in parts; nothing if the answer needs a stream."""
    if len(body) > MAX_CHUNK_BYTES:
        place = bodies.place(body)
        if place is None:
            return ()
        return (frames.encode(RESPONSE, request_id, head, place, FINAL | IN_ARENA, timing),)
    begun_ns, service_ns, cpu_ns = timing
    header = _pack(len(head) + len(body), request_id, RESPONSE, FINAL, len(head), begun_ns, service_ns, cpu_ns)
    return header, head, body


def dropped(request_id: int) -> bytes:
    """Return the answer to a request that was cancelled: nobody reads it, but the front counts the request off."""
    return frames.encode(CHUNK, request_id, flags=ABORTED | FINAL, timing=(time.monotonic_ns(), 0, 0))


def ending(what: str, *, cut_off: bool = False) -> bytes:
    """Return the frame that says what keeps a worker that was asked to end: the front may have to cut it off.

    `cut_off` says that the worker itself waits for that no longer.
    """
    return frames.encode(Kind.ENDING, body=json.dumps({"what": what, "cut_off": cut_off}).encode())


ENDING = ending("its exit hooks, or threads of its own that are no daemons")


class Stream:
    """One answer that leaves in chunks. How to wait for the client is the engine's business: it overrides `changed`.

    The thread that answers counts what is sent, the one that reads the socket what the client has taken of it, so no
    counter has two writers. `left` is set once nobody waits for the answer.
    """

    left = False
    streaming = False
    bytes_sent = 0
    _sent = _taken = 0

    def __init__(self, request_id: int) -> None:
        self.request_id = request_id

    @property
    def chunks_under_way(self) -> int:
        """How many chunks the client has not taken yet."""
        return self._sent - self._taken

    def take_credit(self) -> None:
        self._taken += 1
        self.changed()

    def leave(self) -> None:
        """Note that nobody waits for the answer any more."""
        self.left = True
        self.changed()

    def changed(self) -> None:
        """Wake whoever waits for the client."""

    def chunk(self, head: bytes, body: bytes) -> bytes:
        self._sent += 1
        self.bytes_sent += len(body)
        kind, head = self.next_kind(head)
        return frames.encode(kind, self.request_id, head, body)

    def next_kind(self, head: bytes) -> tuple[int, bytes]:
        """Return kind and head of the next frame: the head goes with the first one only."""
        if self.streaming:
            return CHUNK, b""
        self.streaming = True
        return RESPONSE, head


def with_length(head: bytes, body: bytes) -> bytes:
    """Return the head of a streamed answer whose length is known."""
    return head + b"content-length: %d\r\n" % len(body)
