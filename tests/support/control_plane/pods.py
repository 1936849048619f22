"""What all played pods say of themselves, on all their addresses at once: queue-proxy's numbers for the autoscaler.

A pod has no requests under way, unless the file `concurrency/ADDRESS` in the plane's directory says how many.
"""

import asyncio
import struct
import time
from pathlib import Path

_METRICS_PORT = 9090


def stat(pod: bytes, concurrency: float) -> bytes:
    """Encode a Stat (knative.dev/serving, stat.proto): pod, concurrency, requests, uptime, time."""
    doubles = ((2, concurrency), (4, concurrency * 10), (6, time.monotonic()))
    fields = b"".join(bytes([field << 3 | 1]) + struct.pack("<d", value) for field, value in doubles)
    return b"\x0a" + _varint(len(pod)) + pod + fields + bytes([7 << 3]) + _varint(int(time.time()))


def _varint(number: int) -> bytes:
    encoded = b""
    while number > 127:
        encoded, number = encoded + bytes([number & 127 | 128]), number >> 7
    return encoded + bytes([number])


def _concurrency(address: str) -> float:
    try:
        return float(Path("concurrency", address).read_text() or 0)
    except FileNotFoundError:
        return 0.0


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while True:
            await reader.readuntil(b"\r\n\r\n")
            address = writer.get_extra_info("sockname")[0]
            body = stat(address.encode(), _concurrency(address))
            head = f"HTTP/1.1 200 OK\r\nContent-Type: application/protobuf\r\nContent-Length: {len(body)}\r\n\r\n"
            writer.write(head.encode() + body)
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()


async def _serve() -> None:
    server = await asyncio.start_server(_answer, "0.0.0.0", _METRICS_PORT)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve())
