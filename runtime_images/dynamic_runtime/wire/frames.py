"""Frames: how the front and a worker speak over their Unix socket.

A frame is a 38-byte header and a payload: the head, then the body. The header, little-endian:

    payload length u32 | request id u32 | kind u8 | flags u8 | head length u32 | begun u64 | service u64 | cpu u64

The last three are the timing of a final answer in ns, or the client of a request (`client_address.py`), else 0. A
request's payload is the request as it stood on the wire, checked by the front: its head through the empty line, then
its body, without any coding. An answer's head is its status line and header lines, unchecked: the front trusts nothing
that a worker sends. A GIVE_BACK has a page in place of the request's id: the answer's body that begins there is freed.
"""

import struct
from enum import IntEnum
from http import HTTPStatus
from typing import NamedTuple

HEADER = struct.Struct("<IIBBIQQQ")
_HEADER_BYTES = HEADER.size
_unpack = HEADER.unpack_from
MAX_HEAD_BYTES = 0xFFFF
"""Of a request's head, and of an answer's that may be remembered."""

LONGEST_HEAD_BYTES = 1024 * 1024
"""Of an answer's head: functions may send many headers, and what servers and clients make of them is their business."""

MAX_CHUNK_BYTES = 64 * 1024
"""A worker cuts response bodies into chunks of this size, so that one response cannot fill the socket for all."""

CREDIT_CHUNKS = 8
"""How many chunks of one response may be on their way before the worker waits for the client to have taken some."""

LONGEST_TEXT = 2000  # of what a worker says of itself: an exception's text may be as long as a body
MAX_PACKET_BYTES = 64 * 1024  # the longest message between front and zygote, JSON in a packet of its own


class Kind(IntEnum):
    """What a frame says; below 16 from the front to the worker, from 16 on back."""

    REQUEST = 1
    CANCEL = 2
    CREDIT = 3
    HEALTH = 4
    STOP = 5
    GIVE_BACK = 6
    SETTINGS = 7
    RECEIVED = 8
    CLOSED = 9
    READY = 16
    FAILED = 17
    RESPONSE = 18
    CHUNK = 19
    HEALTH_ANSWER = 20
    WARMING = 21
    ENDING = 22
    ACCEPT = 23
    SEND = 24
    TAKEN = 25
    CLOSE = 26


REQUEST = int(Kind.REQUEST)
RESPONSE = int(Kind.RESPONSE)
CHUNK = int(Kind.CHUNK)
"""Plain numbers for what every request needs: looking a member of an enumeration up costs more than a comparison."""

FINAL = 1  # flag: the last frame of a response
ABORTED = 2  # flag: the response can't be completed
FORCE = 4  # flag: cancel even if begun
IN_ARENA = 8  # flag: the body is not here, but at the place in shared memory that stands here (`arenas.py`)
LONG_HEAD = 16  # flag that the front's parser sets: the head is a long one, and has to be handled with care
TEXT = 32  # flag: a message of a WebSocket is text, else bytes
MORE = 64  # flag: the message goes on in the next frame
WEB_SOCKET = 128  # flag: the request asks for a WebSocket; a worker whose function speaks none of it serves it as it is
FAILED_HEADER = b"x-gaia-failed"
"""With any value but `false`: the answer says that the function has failed, whatever its status is."""

REFUSED = b"\0"  # how a head begins that a worker has found to be wrong: the reason follows, a sentence in UTF-8

_STATUS_LINES = {status.value: b"HTTP/1.1 %d %b\r\n" % (status, status.phrase.encode()) for status in HTTPStatus}

RawFrame = tuple[int, int, int, bytes, bytes, int, int, int]
"""The fields of a `Frame` as a plain tuple: one is made for every request and every answer, and has to cost nothing."""


class Frame(NamedTuple):
    """One frame as received. `begun_ns` is a moment of CLOCK_MONOTONIC, which is the same in both processes."""

    request_id: int
    kind: int
    flags: int
    head: bytes
    body: bytes
    begun_ns: int
    service_ns: int
    cpu_ns: int


class FrameError(Exception):
    """The peer sent something that is no frame."""


def encode(
    kind: int,
    request_id: int = 0,
    head: bytes = b"",
    body: bytes = b"",
    flags: int = 0,
    timing: tuple[int, int, int] = (0, 0, 0),
) -> bytes:
    """Encode one frame; `timing` is begun, service and cpu in ns."""
    return HEADER.pack(len(head) + len(body), request_id, kind, flags, len(head), *timing) + head + body


class FrameParser:
    """Cuts a byte stream into frames; `limit` bounds the payload of one frame in bytes.

    A head of up to `longest_head` bytes is let through where it makes the payload longer than that.
    """

    def __init__(self, limit: int, longest_head: int = 0) -> None:
        self._limit = limit
        self._longest_head = longest_head
        self._parts: list[bytes] = []
        self._size = 0
        self._needed = 0

    def feed(self, data: bytes) -> list[RawFrame]:
        """Return the frames that `data` completes.

        Raises:
            FrameError: a frame announces more than the limit, or a head longer than its payload.
        """
        if self._parts:
            self._parts.append(data)
            self._size += len(data)
            if self._size < self._needed:
                return []  # joining is put off until it completes something, else a long body would be copied often
            data = b"".join(self._parts)
            self._parts = []
        size, start = len(data), 0
        complete: list[RawFrame] = []
        while size - start >= _HEADER_BYTES:
            length, request_id, kind, flags, head_length, begun, service, cpu = _unpack(data, start)
            if length > self._limit or head_length > length:
                self._allow(length, head_length)
                flags |= LONG_HEAD
            head_start = start + _HEADER_BYTES
            body_start = head_start + head_length
            end = head_start + length
            if end > size:
                break
            head, body = data[head_start:body_start], data[body_start:end]
            complete.append((request_id, kind, flags, head, body, begun, service, cpu))
            start = end
        if start < size:
            self._parts = [data[start:]]
            self._size = size - start
            self._needed = _HEADER_BYTES + (_unpack(data, start)[0] if self._size >= _HEADER_BYTES else 0)
        return complete

    def _allow(self, length: int, head_length: int) -> None:
        """Let a frame through that is longer than others because its head is, or raise FrameError."""
        if not length - self._limit <= head_length <= min(length, self._longest_head):
            raise FrameError(f"a frame of {length} bytes with a head of {head_length}")


def status_line(status: int) -> bytes:
    """Return the first line of an answer's head."""
    line = _STATUS_LINES.get(status)
    return line if line is not None else b"HTTP/1.1 %d Status\r\n" % status
