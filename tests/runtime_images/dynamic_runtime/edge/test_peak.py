"""The running runtime under clients that hold all they can: how much memory its front takes, and what is left of it."""

import socket
import time
from pathlib import Path

import pytest

from tests.support.half_sent import half_sent_bodies
from tests.support.serving import Serving, serving, write_function

MIB = 2**20
FUNCTION = """
import time

def handler(payload):
    time.sleep(payload.get("s", 0) if isinstance(payload, dict) else 0)
    return "ok"
"""


def private_bytes(running: Serving) -> int:
    """What the front has for itself, the arena left out."""
    status = Path(f"/proc/{running.process.pid}/status").read_text("ascii")
    return int(status.partition("RssAnon:")[2].split()[0]) * 1024


def test_half_sent_bodies_stay_within_their_share_and_the_memory_goes_back(tmp_path: Path) -> None:
    with serving(write_function(tmp_path, FUNCTION), GAIA_MEMORY_BYTES=str(256 * MIB)) as running:
        before = private_bytes(running)
        with half_sent_bodies(running.port, 40):
            assert private_bytes(running) - before < (32 + 16 + 16 + 8) * MIB  # the share, a half, one beyond, the rest
            assert running.request("GET", "/health/liveness").status == 200
            assert running.request(body=b"{}", headers={"content-type": "application/json"}).status == 200
        deadline = time.monotonic() + 15  # those that were not read from are noticed when they would be refused
        while private_bytes(running) - before > 8 * MIB and time.monotonic() < deadline:
            time.sleep(0.2)

        assert private_bytes(running) - before <= 8 * MIB


@pytest.mark.parametrize("framing", ["Content-Length: 1000000", "Transfer-Encoding: chunked"])
def test_while_the_queue_is_full_a_body_is_refused_before_it_comes(tmp_path: Path, framing: str) -> None:
    with serving(write_function(tmp_path, FUNCTION), GAIA_QUEUE_SIZE="1", GAIA_CONCURRENCY="1") as running:
        busy = [socket.create_connection(("127.0.0.1", running.port)) for _ in range(6)]
        for client in busy:
            client.sendall(b"POST / HTTP/1.1\r\nHost: t\r\nContent-Type: application/json\r\nContent-Length: 8\r\n\r\n")
            client.sendall(b'{"s": 3}')
        time.sleep(0.5)
        late = socket.create_connection(("127.0.0.1", running.port))
        late.settimeout(2)
        late.sendall(b"POST / HTTP/1.1\r\nHost: t\r\n" + framing.encode() + b"\r\n\r\n")
        answer = late.recv(65536)

        assert answer.startswith(b"HTTP/1.1 503 ")
        assert b"retry-after: 1" in answer
        assert running.request("GET", "/health/readiness").status == 200
        for client in (*busy, late):
            client.close()
