"""Frames: how the front and a worker speak over their Unix socket.

A frame is a 12-byte header (payload length u32, request id u32, kind u8, flags u8, head length u16, little-endian)
and a payload: the head, then the body. Heads are lists of byte fields joined by NUL, a byte that HTTP allows
nowhere in a method, target, header name or value, so splitting needs no parser. The last frame of a response ends
with a `Timing`, by which the front tells the wait inside the worker from the service itself.

Standard library only: the worker side runs in the function's own environment.
"""

import struct
import time
from collections.abc import Sequence
from enum import IntEnum
from typing import NamedTuple

HEADER = struct.Struct("<IIBBH")
TIMING = struct.Struct("<QQQ")
MAX_HEAD_BYTES = 0xFFFF
MAX_CHUNK_BYTES = 256 * 1024
"""A worker cuts response bodies into chunks of this size, so that one response cannot fill the socket for all."""

CREDIT_CHUNKS = 8
"""How many chunks of one response may be on their way before the worker waits for the client to have taken some."""


class Kind(IntEnum):
    """What a frame says; below 16 from the front to the worker, from 16 on back."""

    REQUEST = 1
    CANCEL = 2
    CREDIT = 3
    HEALTH = 4
    STOP = 5
    READY = 16
    FAILED = 17
    RESPONSE = 18
    CHUNK = 19
    HEALTH_ANSWER = 20


FINAL = 1
"""Flag: the last frame of a response."""

ABORTED = 2
"""Flag: the response can't be completed."""

FORCE = 4
"""Flag: cancel even if begun."""


class Frame(NamedTuple):
    """One frame as received. `head` is the joined fields, `body` everything after it."""

    kind: int
    flags: int
    request_id: int
    head: bytes
    body: bytes


class Timing(NamedTuple):
    """When a request was begun and ended (CLOCK_MONOTONIC, the same in both processes) and its CPU time, in ns."""

    begun_ns: int
    ended_ns: int
    cpu_ns: int


class Stopwatch:
    """Measures the `Timing` of one call, begun when it is made."""

    def __init__(self) -> None:
        self._begun_ns = time.monotonic_ns()
        self._cpu_ns = time.process_time_ns()

    def stop(self) -> Timing:
        """The timing until now."""
        return Timing(self._begun_ns, time.monotonic_ns(), time.process_time_ns() - self._cpu_ns)


class FrameError(Exception):
    """The peer sent something that is no frame."""


def encode(kind: int, request_id: int = 0, head: bytes = b"", body: bytes = b"", flags: int = 0) -> bytes:
    """Encode one frame.

    Raises:
        FrameError: the head is longer than `MAX_HEAD_BYTES`.
    """
    if len(head) > MAX_HEAD_BYTES:
        raise FrameError(f"a head of {len(head)} bytes is longer than {MAX_HEAD_BYTES}")
    return HEADER.pack(len(head) + len(body), request_id, kind, flags, len(head)) + head + body


def encode_final(
    kind: int, request_id: int, timing: Timing, head: bytes = b"", body: bytes = b"", flags: int = 0
) -> bytes:
    """Encode the last frame of a response, the timing behind its body."""
    return encode(kind, request_id, head, body + TIMING.pack(*timing), flags | FINAL)


def split_final(frame: Frame) -> tuple[bytes, Timing]:
    """The body and the timing of a final frame.

    Raises:
        FrameError: the frame is too short to hold a timing.
    """
    if len(frame.body) < TIMING.size:
        raise FrameError("a final frame without its timing")
    return frame.body[: -TIMING.size], Timing(*TIMING.unpack_from(frame.body, len(frame.body) - TIMING.size))


def join_fields(fields: Sequence[bytes]) -> bytes:
    """Join byte fields into a head; none of them may hold a NUL."""
    return b"\0".join(fields)


def split_fields(head: bytes) -> list[bytes]:
    """The fields of a head."""
    return head.split(b"\0")


class FrameParser:
    """Cuts a byte stream into frames; `limit` bounds the payload of one frame in bytes."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._parts: list[bytes] = []
        self._size = 0
        self._needed = HEADER.size

    def feed(self, data: bytes) -> list[Frame]:
        """The frames that `data` completes.

        Raises:
            FrameError: a frame announces more than the limit, or a head longer than its payload.
        """
        self._parts.append(data)
        self._size += len(data)
        if self._size < self._needed:
            return []
        buffer = b"".join(self._parts) if len(self._parts) > 1 else data
        size, start, complete = len(buffer), 0, []
        while size - start >= HEADER.size:
            length, request_id, kind, flags, head_length = HEADER.unpack_from(buffer, start)
            if length > self._limit or head_length > length:
                raise FrameError(f"a frame of {length} bytes with a head of {head_length}")
            head_start = start + HEADER.size
            end = head_start + length
            if end > size:
                self._needed = end - start
                break
            body_start = head_start + head_length
            complete.append(Frame(kind, flags, request_id, buffer[head_start:body_start], buffer[body_start:end]))
            start = end
        else:
            self._needed = HEADER.size
        self._parts = [buffer[start:]] if start < size else []
        self._size = size - start
        return complete
