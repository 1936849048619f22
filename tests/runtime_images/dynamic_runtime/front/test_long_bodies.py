"""Bodies over 64 KB through the whole runtime: whole in both directions, in every form, and across a worker's death."""

import hashlib
import http.client
import os
import signal
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from runtime_images.dynamic_runtime.wire import arenas
from tests.runtime_images.dynamic_runtime.edge.test_long_bodies import body_of, digest
from tests.support.serving import Serving, serving, write_function

ASGI = """
    async def handle(scope, receive, send):
        body, more = b"", True
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": body})
"""
PLAIN = """
    def handler(payload):
        return payload
"""
AWAITING = """
    async def handler(payload):
        return payload
"""
SIZES = [65_535, 65_536, 65_537, 200_000, 262_145, 1_000_000, 5_000_000]


@pytest.fixture(scope="module", params=[ASGI, PLAIN, AWAITING], ids=["asgi", "plain", "awaiting"])
def running(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    function = write_function(tmp_path_factory.mktemp("function"), request.param)
    with serving(function, GAIA_MODE="cpu") as runtime:
        yield runtime


def echo(running: Serving, body: bytes) -> bytes:
    answer = running.request(body=body, headers={"content-type": "application/octet-stream"})

    assert answer.status == 200
    assert answer.headers["content-length"] == str(len(answer.body))
    return answer.body


@pytest.mark.parametrize("size", SIZES)
def test_a_long_body_comes_back_as_it_was_sent(running: Serving, size: int) -> None:
    for seed in range(3):
        body = body_of(size, seed)
        assert digest(echo(running, body)) == digest(body)


def test_many_clients_with_long_bodies_each_get_their_own(running: Serving) -> None:
    wrong: list[int] = []

    def client(number: int) -> None:
        for turn in range(4):
            body = body_of(300_000 + 70_000 * number, 100 * number + turn)
            if echo(running, body) != body:
                wrong.append(number)

    threads = [threading.Thread(target=client, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert wrong == []


def test_a_long_body_in_chunks_or_behind_another_request_arrives_whole(running: Serving) -> None:
    body = body_of(700_000)
    head = b"POST / HTTP/1.1\r\nHost: t\r\nContent-Type: application/octet-stream\r\n"
    by_length = head + b"Content-Length: %d\r\n\r\n%b" % (len(body), body)
    pieces = [body[at : at + 50_000] for at in range(0, len(body), 50_000)]
    in_chunks = head + b"Transfer-Encoding: chunked\r\n\r\n"
    in_chunks += b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"
    with socket.create_connection(("127.0.0.1", running.port), timeout=20) as client:
        sender = threading.Thread(target=client.sendall, args=((by_length + in_chunks) * 2,))
        sender.start()
        with client.makefile("rb") as stream:
            for _ in range(4):
                assert stream.readline() == b"HTTP/1.1 200 OK\r\n"
                headers = http.client.parse_headers(stream)
                assert digest(stream.read(int(headers["content-length"]))) == digest(body)
        sender.join()


def test_head_is_answered_without_the_long_body(running: Serving) -> None:
    body = body_of(500_000)
    head = b"HEAD / HTTP/1.1\r\nHost: t\r\nContent-Type: application/octet-stream\r\nContent-Length: %d\r\n\r\n"
    with socket.create_connection(("127.0.0.1", running.port), timeout=20) as client:
        client.sendall(head % len(body) + body)
        reply = http.client.HTTPResponse(client, method="HEAD")
        reply.begin()

        assert reply.getheader("content-length") == str(len(body))
        assert reply.read() == b""
        reply.close()
    assert digest(echo(running, body)) == digest(body)


def test_a_slow_reader_of_a_long_answer_gets_its_own_bytes_while_others_are_served(running: Serving) -> None:
    body = body_of(12_000_000)
    head = b"POST / HTTP/1.1\r\nHost: t\r\nContent-Type: application/octet-stream\r\nContent-Length: %d\r\n\r\n"
    with socket.socket() as slow:
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        slow.settimeout(20)
        slow.connect(("127.0.0.1", running.port))
        slow.sendall(head % len(body) + body)
        reply = http.client.HTTPResponse(slow)
        reply.begin()
        for seed in range(20):
            other = body_of(1_000_000, seed + 1)
            assert digest(echo(running, other)) == digest(other)
        assert digest(reply.read()) == digest(body)
        reply.close()


def test_more_long_answers_than_the_arena_holds_are_all_delivered(running: Serving) -> None:
    size, count = 8_000_000, 12
    head = b"POST / HTTP/1.1\r\nHost: t\r\nContent-Type: application/octet-stream\r\nContent-Length: %d\r\n\r\n" % size
    clients = []
    for number in range(count):
        client = socket.socket()
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        client.settimeout(60)
        client.connect(("127.0.0.1", running.port))
        client.sendall(head + body_of(size, number))  # and reads nothing yet
        clients.append(client)
    time.sleep(0.5)
    for number, client in enumerate(clients):
        reply = http.client.HTTPResponse(client)
        reply.begin()
        assert digest(reply.read()) == digest(body_of(size, number))
        reply.close()
        client.close()


# what goes wrong

DYING = """
    import hashlib, os, pathlib, time

    def handler(payload):
        mark = pathlib.Path({mark!r})
        if not mark.exists():
            mark.write_text(str(os.getpid()))
            {death}
        return hashlib.sha256(payload).hexdigest()
"""


@pytest.mark.parametrize("death", ["os._exit(1)", "time.sleep(60)"], ids=["dies", "is-killed"])
def test_a_retry_after_a_workers_death_has_the_whole_body(tmp_path: Path, death: str) -> None:
    mark = tmp_path / "mark"
    function = write_function(tmp_path / "function", DYING.format(mark=str(mark), death=death))
    body = body_of(3_000_000)
    with serving(function, GAIA_MODE="cpu", GAIA_IDEMPOTENT="1") as running:
        if "sleep" in death:
            threading.Thread(target=_kill_when_marked, args=(mark,)).start()
        answer = running.request(body=body, headers={"content-type": "application/octet-stream"})
        again = running.request(body=body, headers={"content-type": "application/octet-stream"})

    assert answer.json() == again.json() == hashlib.sha256(body).hexdigest()
    assert running.named("worker_exit")


def _kill_when_marked(mark: Path) -> None:
    while not mark.exists() or not mark.read_text():
        time.sleep(0.01)
    os.kill(int(mark.read_text()), signal.SIGKILL)


def test_a_worker_that_dies_while_its_long_answer_leaves_costs_that_answer_nothing(tmp_path: Path) -> None:
    function = write_function(tmp_path, ASGI)
    body = body_of(14_000_000)
    head = b"POST / HTTP/1.1\r\nHost: t\r\nContent-Length: %d\r\n\r\n" % len(body)
    with serving(function, GAIA_MODE="cpu") as running, socket.socket() as slow:
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        slow.settimeout(20)
        slow.connect(("127.0.0.1", running.port))
        slow.sendall(head + body)
        reply = http.client.HTTPResponse(slow)
        reply.begin()
        first = reply.read(100_000)
        os.kill(running.worker_pid("cpu"), signal.SIGKILL)
        running.event("worker_exit")
        rest = reply.read()
        reply.close()
        other = running.request(body=body_of(2_000_000, 9))

    assert digest(first + rest) == digest(body)
    assert digest(other.body) == digest(body_of(2_000_000, 9))


MEDDLING = """
    import mmap, os

    def arenas():
        for name in os.listdir("/proc/self/fd"):
            try:
                target = os.readlink(f"/proc/self/fd/{name}")
            except OSError:
                continue
            if "memfd:gaia-" in target:
                yield int(name), target

    def handler(payload):
        results = {}
        for fd, target in arenas():
            kind = target.partition("gaia-")[2].split()[0]
            for what, attempt in {
                "map": lambda: mmap.mmap(fd, 0)[:1],
                "write": lambda: os.pwrite(fd, b"x", 0),
                "shrink": lambda: os.ftruncate(fd, 0),
                "grow": lambda: os.ftruncate(fd, 1 << 30),
                "reopen": lambda: mmap.mmap(os.open(f"/proc/self/fd/{fd}", os.O_RDWR), 0),
            }.items():
                try:
                    attempt()
                    results[f"{kind} {what}"] = True
                except (OSError, ValueError):
                    results[f"{kind} {what}"] = False
        return results
"""


def test_a_function_can_write_to_no_request_and_change_no_size(tmp_path: Path) -> None:
    with serving(write_function(tmp_path, MEDDLING), GAIA_MODE="cpu") as running:
        tried = running.post({}).json()

    assert {name for name, done in tried.items() if name.startswith("requests") and done} == set()
    assert [tried[f"answers {what}"] for what in ("shrink", "grow")] == [False, False]
    assert tried["requests map"] is False


LYING = """
    import os, socket, stat

    from runtime_images.dynamic_runtime.wire import frames, log_lines

    def handler(payload):
        if payload["lie"] is None:
            return "honest"
        channel = next(
            fd for fd in map(int, os.listdir("/proc/self/fd"))
            if fd > 2 and stat.S_ISSOCK(os.fstat(fd).st_mode)
        )
        place = bytes.fromhex(payload["lie"])
        head = b"HTTP/1.1 200 OK\\r\\n"
        flags = frames.FINAL | frames.IN_ARENA
        os.write(channel, frames.encode(frames.RESPONSE, log_lines.REQUEST.get(), head, place, flags))
"""


@pytest.mark.parametrize(
    "place",
    [
        arenas.PLACE.pack(arenas.ARENA_BYTES - 10, 11),
        arenas.PLACE.pack(2**64 - 1, 2**64 - 1),
        arenas.PLACE.pack(0, arenas.ARENA_BYTES + 1),
        b"short",
        b"",
    ],
    ids=["over-the-end", "overflow", "too-long", "short", "nothing"],
)
def test_a_worker_that_lies_about_a_place_is_replaced_and_no_memory_is_shown(tmp_path: Path, place: bytes) -> None:
    with serving(write_function(tmp_path, LYING), GAIA_MODE="cpu") as running:
        with pytest.raises((http.client.HTTPException, OSError)):
            running.post({"lie": place.hex()})
        honest = running.post({"lie": None})

        running.event("worker_exit")
    assert honest.json() == "honest"


MANNERS = """
    import asyncio, os

    async def handle(scope, receive, send):
        manner = scope["path"]
        message = await receive()
        if manner == "/dies":
            os._exit(1)
        if manner == "/hangs":
            await asyncio.sleep(60)
        if manner == "/fails":
            raise ValueError
        headers = [(b"x", b"a\\r\\nb")] if manner == "/splits" else []
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": message["body"] * 4})
"""
MANNERS_AND_TURNS = {
    # How often, and how many megabytes may be in use at a time.
    "ends": (20, 3),
    "dies": (2, 3),  # each death pauses longer
    "hangs": (6, 3),
    "fails": (20, 3),
    "splits": (20, 3),
    "leaves": (20, 3),
    "leaves-at-once": (20, 3),
    "half-sent": (20, 3),
}


@pytest.mark.parametrize("manner", MANNERS_AND_TURNS)
def test_no_manner_in_which_a_request_ends_keeps_its_memory(tmp_path: Path, manner: str) -> None:
    body, (turns, megabytes) = body_of(1_000_000), MANNERS_AND_TURNS[manner]
    head = b"POST /%b HTTP/1.1\r\nHost: t\r\nContent-Length: %d\r\n\r\n" % (manner.encode(), len(body))
    with serving(write_function(tmp_path, MANNERS), GAIA_MODE="cpu", GAIA_REQUEST_TIMEOUT_S="0.3") as running:
        running.request(body=body)
        for _ in range(turns):
            with socket.create_connection(("127.0.0.1", running.port), timeout=20) as client:
                client.sendall(head + (body[:400_000] if manner == "half-sent" else body))
                if manner == "leaves":
                    client.recv(1000)
                elif manner not in ("leaves-at-once", "half-sent"):
                    while client.recv(1_000_000)[-1:] not in (b"}", b"\n", b"", body[-1:]):
                        pass
            if manner == "leaves-at-once":
                running.request()  # the one that has left is served for nobody, and before this one
        running.event("worker", lambda event: event["state"] == "ready")
        time.sleep(0.5)
        deadline = time.monotonic() + 60
        while (answer := running.request(body=body)).status != 200 and time.monotonic() < deadline:
            time.sleep(0.1)  # the last one to die is being replaced
        held = resident(running.process.pid, "gaia-requests")
        answers = resident(running.worker_pid("cpu"), "gaia-answers")

    assert digest(answer.body) == digest(body * 4)
    assert held <= megabytes * 1_050_000
    assert answers <= 4 * megabytes * 1_050_000


def resident(pid: int, name: str) -> int:
    """Bytes of a process's mappings of this memory that were ever touched: what leaks is never used again."""
    kilobytes, inside = 0, False
    try:
        mappings = Path(f"/proc/{pid}/smaps").read_text()
    except PermissionError:
        pytest.skip("only root may look into the front's memory")
    for line in mappings.splitlines():
        if "-" in line.split(" ", 1)[0]:
            inside = name in line
        elif inside and line.startswith("Rss:"):
            kilobytes += int(line.split()[1])
    return kilobytes * 1024


LATE = """
    async def handle(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"ok"})
        message = await receive()
        print("received", message["type"], len(message.get("body", b"")))
"""


@pytest.mark.parametrize(("size", "seen"), [(10, "http.request 10"), (1_000_000, "http.disconnect 0")])
def test_a_function_that_wants_a_long_body_only_after_its_answer_is_too_late(
    tmp_path: Path, size: int, seen: str
) -> None:
    with serving(write_function(tmp_path, LATE), GAIA_MODE="cpu") as running:
        running.request(body=body_of(size))

        assert running.event("log")["line"] == f"received {seen}"


def test_a_system_without_shared_memory_files_serves_long_bodies_all_the_same(tmp_path: Path) -> None:
    site = tmp_path / "site"
    write_function(site, "import os\ndel os.memfd_create\n", "sitecustomize.py")
    function = write_function(tmp_path / "function", ASGI)
    path = os.pathsep.join([str(site), str(Path(__file__).resolve().parents[4])])
    with serving(function, GAIA_MODE="cpu", PYTHONPATH=path) as running:
        maps = Path(f"/proc/{running.worker_pid('cpu')}/maps").read_text()
        for size in (70_000, 3_000_000):
            assert digest(running.request(body=body_of(size)).body) == digest(body_of(size))

    assert "gaia-requests" not in maps
