"""A client of a WebSocket that keeps to no protocol: it sends the frames that a test spells, and reads what comes."""

import socket
import struct
from collections.abc import Mapping
from typing import NamedTuple, Self

_MASK = b"\x37\xfa\x21\x3d"

CONT, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
KEY = b"dGhlIHNhbXBsZSBub25jZQ=="
ACCEPT = b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
"""What the standard's own example makes of that key (RFC 6455, 1.3)."""

UPGRADE = {
    "Host": "t", "Upgrade": "websocket", "Connection": "Upgrade",
    "Sec-WebSocket-Key": KEY.decode(), "Sec-WebSocket-Version": "13",
}  # fmt: skip


class Received(NamedTuple):
    """A frame as the server has sent it."""

    opcode: int
    payload: bytes
    fin: bool = True

    @property
    def code(self) -> int:
        """The code of a close."""
        assert self.opcode == CLOSE, self
        return int(struct.unpack_from("!H", self.payload)[0])

    @property
    def reason(self) -> str:
        return self.payload[2:].decode()


def frame(opcode: int, payload: bytes = b"", *, fin: bool = True, rsv: int = 0, masked: bool = True) -> bytes:
    """Spell a frame, right or wrong."""
    first = (fin << 7) | (rsv << 4) | opcode
    mask_bit, size = masked << 7, len(payload)
    if size < 126:
        head = struct.pack("!BB", first, mask_bit | size)
    elif size < 2**16:
        head = struct.pack("!BBH", first, mask_bit | 126, size)
    else:
        head = struct.pack("!BBQ", first, mask_bit | 127, size)
    if not masked:
        return head + payload
    key = _MASK
    repeated = key * (size // 4 + 1)
    mixed = int.from_bytes(payload, "big") ^ int.from_bytes(repeated[:size], "big")
    return head + key + mixed.to_bytes(size, "big")


def closing(code: int, reason: bytes = b"") -> bytes:
    """Spell a frame that closes."""
    return frame(CLOSE, struct.pack("!H", code) + reason)


def handshake(path: str = "/", headers: Mapping[str, str] = UPGRADE) -> bytes:
    """Spell the request for a WebSocket."""
    lines = [f"GET {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode()


class FrameReader:
    """Cuts what a server sends into frames; `data` is what is not cut yet."""

    def __init__(self) -> None:
        self.data = b""

    def next(self) -> Received | None:
        """Return the next frame, if it is here."""
        if len(self.data) < 2:
            return None
        first, size = self.data[0], self.data[1]
        assert size < 128, "a server masks nothing"
        start = {126: 4, 127: 10}.get(size, 2)
        if len(self.data) < start:
            return None
        if start > 2:
            (size,) = struct.unpack_from("!H" if start == 4 else "!Q", self.data, 2)
        if len(self.data) < start + size:
            return None
        payload, self.data = self.data[start : start + size], self.data[start + size :]
        return Received(first & 15, payload, bool(first & 128))


class RawWebSocket:
    """One connection. `head` is that of the answer to the handshake, which `then` is sent with."""

    def __init__(self, port: int, path: str = "/", then: bytes = b"", headers: Mapping[str, str] = UPGRADE) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=30)
        self._frames = FrameReader()
        self.send(handshake(path, headers) + then)
        while b"\r\n\r\n" not in self._frames.data:
            self._read()
        self.head, _, self._frames.data = self._frames.data.partition(b"\r\n\r\n")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    @property
    def status(self) -> int:
        return int(self.head.split()[1])

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def say(self, text: str) -> None:
        self.send(frame(TEXT, text.encode()))

    def receive(self) -> Received:
        """Return the next frame, or raise EOFError."""
        while (found := self._frames.next()) is None:
            self._read()
        return found

    def hear(self) -> str:
        """Return the next text, whatever control frames stand before it."""
        while (got := self.receive()).opcode in (PING, PONG):
            pass
        assert got.opcode == TEXT, got
        return got.payload.decode()

    def until_closed(self) -> Received:
        """Return how the server closes, whatever it has said before."""
        while (got := self.receive()).opcode != CLOSE:
            pass
        return got

    def rest(self) -> bytes:
        """Return what comes until the end of the connection."""
        while True:
            try:
                self._read()
            except EOFError:
                return self._frames.data

    def _read(self) -> None:
        data = self.socket.recv(2**16)
        if not data:
            raise EOFError("the server has ended the connection")
        self._frames.data += data
