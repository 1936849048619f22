"""What all played pods say, on all their addresses at once: queue-proxy's numbers for the autoscaler, and answers.

Whatever is asked of one on queue-proxy's port gets 200: a probe as queue-proxy answers it, all else with "played".

A pod has no requests under way, unless the file `concurrency/ADDRESS` in the plane's directory says how many.
"""

import asyncio
import struct
import time
from pathlib import Path

from tests.support.control_plane.stand_ins.messages import body_of, read_head

_METRICS_PORT, _QUEUE_PORT = 9090, 8012


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


def _say(address: str, port: int, question: bytes) -> tuple[str, bytes]:
    if port == _METRICS_PORT:
        return "application/protobuf", stat(address.encode(), _concurrency(address))
    return "text/plain", b"queue" if b"k-network-probe" in question.lower() else b"played"


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    address, port = writer.get_extra_info("sockname")
    try:
        while True:
            head = await read_head(reader)
            async for _ in body_of(reader, head):
                pass
            kind, body = _say(address, port, head.encode())
            said = f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n"
            writer.write(said.encode() + body)
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()


async def _serve() -> None:
    servers = [await asyncio.start_server(_answer, "0.0.0.0", port) for port in (_METRICS_PORT, _QUEUE_PORT)]
    await asyncio.gather(*(server.serve_forever() for server in servers))


if __name__ == "__main__":
    asyncio.run(_serve())
