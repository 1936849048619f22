"""HTTP/1.1 messages as the gateway passes them on: heads, and bodies of either form."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

_BODILESS = (204, 304)


@dataclass(frozen=True, slots=True)
class Head:
    """A message's first line and headers."""

    first: str
    headers: tuple[tuple[str, str], ...]

    def get(self, name: str) -> str:
        """Return a header's value, empty where there is none."""
        return next((value for key, value in self.headers if key.lower() == name), "")

    @property
    def is_last(self) -> bool:
        """Whether the connection ends after this message."""
        return self.get("connection").lower() == "close"

    @property
    def status(self) -> int:
        return int(self.first.split(" ")[1])

    def encode(self, extra: dict[str, str] | None = None) -> bytes:
        """Return the bytes of the head, with `extra` headers in place of those of the same names."""
        more = extra or {}
        kept = [(key, value) for key, value in self.headers if key.lower() not in {name.lower() for name in more}]
        lines = [self.first, *(f"{key}: {value}" for key, value in (*kept, *more.items())), "", ""]
        return "\r\n".join(lines).encode("latin-1")


async def read_head(reader: asyncio.StreamReader) -> Head:
    """Read a head.

    Raises:
        IncompleteReadError: the other side has closed; `partial` is empty if it did so between messages.
    """
    lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    pairs = (line.partition(":") for line in lines[1:-2])
    return Head(lines[0], tuple((name, value.strip()) for name, _, value in pairs))


async def body_of(reader: asyncio.StreamReader, head: Head, *, to: str = "") -> AsyncIterator[bytes]:
    """Yield a body as it comes, chunks as chunks; `to` is the method that an answer is for."""
    if head.get("transfer-encoding").lower() == "chunked":
        async for part in _chunks(reader):
            yield part
    elif length := head.get("content-length"):
        left = 0 if to == "HEAD" else int(length)
        while left:
            part = await reader.read(min(left, 65536))
            if not part:
                raise asyncio.IncompleteReadError(b"cut", left)
            left -= len(part)
            yield part
    elif to and to != "HEAD" and head.status not in _BODILESS:  # an answer that ends with its connection
        while part := await reader.read(65536):
            yield part


async def _chunks(reader: asyncio.StreamReader) -> AsyncIterator[bytes]:
    while True:
        size = await reader.readuntil(b"\r\n")
        content = await reader.readexactly(int(size.split(b";")[0], 16) + 2)
        yield size + content
        if content == b"\r\n":
            return
