"""A function that means harm: it has the worker's socket, its shared memory and its output, and the front serves on.

What it does to itself and to its own requests is its own affair; here is what it must not do to the front, to the
memory of the front, and to requests that another worker has.
"""

import http.client
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from runtime_images.dynamic_runtime.telemetry.event_log import EventLog
from runtime_images.dynamic_runtime.wire import frames
from runtime_images.dynamic_runtime.wire.frames import CHUNK, RESPONSE, Frame, FrameError, Kind
from runtime_images.dynamic_runtime.workers import reports
from runtime_images.events.traffic import LogLine
from runtime_images.policy.model import CPU
from tests.runtime_images.dynamic_runtime.front.test_router import GET, OK, Stage, play
from tests.runtime_images.dynamic_runtime.workers.test_process_faults import wait_unavailable
from tests.support.clock import FakeClock
from tests.support.serving import Answer, Serving, serving, serving_quickly, write_function

__all__ = ["play"]

TOOLS = """
import contextlib, json, os, signal, socket, stat, sys, threading, time
from runtime_images.dynamic_runtime.wire import frames
from runtime_images.dynamic_runtime.wire.frames import Kind

def descriptors():
    for fd in range(3, 128):
        with contextlib.suppress(OSError):
            yield fd, os.fstat(fd).st_mode

def tell_front(data):
    for fd, mode in descriptors():
        if stat.S_ISSOCK(mode):
            with contextlib.suppress(OSError):
                os.write(fd, data)
"""
DEEDS = {
    "cuts its shared memory short": """
        for fd, _ in descriptors():
            with contextlib.suppress(OSError):
                os.ftruncate(fd, 0)
        os._exit(1)
    """,
    "grows its shared memory": """
        for fd, mode in descriptors():
            with contextlib.suppress(OSError):
                os.ftruncate(fd, 1 << 40)
        os._exit(1)
    """,
    "answers for requests that it does not have": """
        for number in range(4096, 4196):
            tell_front(frames.encode(frames.RESPONSE, number, b"HTTP/1.1 200 OK\\r\\n", b"forged", frames.FINAL))
    """,
    "announces a frame of four gigabytes": "tell_front(frames.HEADER.pack(0xFFFFFFFF, 1, 18, 1, 10, 0, 0, 0))",
    "says absurd times": """
        tell_front(frames.encode(Kind.HEALTH_ANSWER, 0, b"", b"{}", 0, (2**64 - 1, 2**64 - 1, 2**64 - 1)))
    """,
    "says that it is ready and failed, again and again": """
        for kind in (Kind.READY, Kind.FAILED, Kind.WARMING, Kind.HEALTH_ANSWER) * 100:
            tell_front(frames.encode(kind, 0, b"", b'{"kind": "import", "message": "x", "blocking": true}'))
    """,
    "says facts of another type": """
        tell_front(frames.encode(Kind.READY, 0, b"", b'{"hooks": 5, "blocking": [], "entry": {}}'))
    """,
    "nests its facts deeply": 'tell_front(frames.encode(Kind.READY, 0, b"", b"[" * 60000))',
    "closes all its descriptors": """
        for fd in range(128):
            with contextlib.suppress(OSError):
                os.close(fd)
    """,
    "takes the lines of other requests for its own": """
        for number in range(5000):
            os.write(1, b"\\x1e%d\\x1fforged\\n" % number)
    """,
    "prints without end and without a line end": "os.write(2, b'x' * 3_000_000)",
    "leaves children that hold its descriptors": """
        for _ in range(3):
            if not os.fork():
                os.setsid()
                time.sleep(3600)
        os._exit(1)
    """,
    "ends its own group": "os.killpg(0, signal.SIGKILL)",
}


def hostile(directory: Path, deed: str) -> Path:
    lines = [line.strip("\n") for line in deed.split("\n") if line.strip()]
    least = min(len(line) - len(line.lstrip()) for line in lines)
    body = "\n".join("        " + line[least:] for line in lines)
    return write_function(
        directory, f"{TOOLS}\ndef handler(payload):\n    if payload.get('harm'):\n{body}\n    return payload\n"
    )


def harm(running: Serving) -> Answer | None:
    try:
        return running.post({"harm": True})
    except (OSError, http.client.HTTPException):
        return None  # the connection broke off: an honest end


def serves_again(running: Serving) -> bool:
    """Whether a request is answered well, once the worker that did harm is replaced if it must be."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        answer = running.post({"id": 7})
        if answer.status == 200:
            return bool(answer.json() == {"id": 7})
        time.sleep(0.1)
    return False


@pytest.mark.parametrize("deed", DEEDS)
def test_the_front_serves_on_whatever_a_function_does(tmp_path: Path, deed: str) -> None:
    with serving(hostile(tmp_path, DEEDS[deed]), GAIA_MODE="cpu", GAIA_REQUEST_TIMEOUT_S="2") as running:
        before = running.process.pid
        answer = harm(running)
        again = serves_again(running)
        alive = running.process.poll() is None
        state = running.state()

    assert answer is None or answer.body != b"forged"
    assert alive
    assert again
    assert state["workers"]
    assert running.process.pid == before
    assert b"Traceback" not in b"".join(running.stderr)


@pytest.mark.parametrize("size", [60_000, 65_536, 70_000, 120_000, 2_000_000])
def test_a_head_that_is_too_long_is_a_500_at_once_and_ends_no_worker(tmp_path: Path, size: int) -> None:
    """Functions send in headers what clients have sent: a client alone can make a head that long."""
    source = """
        async def handle(scope, receive, send):
            size = int(scope["query_string"])
            await send({"type": "http.response.start", "status": 200, "headers": [(b"x-a", b"a" * (size // 2))] * 2})
            await send({"type": "http.response.body", "body": b"o", "more_body": size % 7 == 0})
            await send({"type": "http.response.body", "body": b"k"})
    """
    with serving(write_function(tmp_path, source), GAIA_MODE="cpu") as running:
        worker = running.worker_pid("cpu")
        began_s = time.monotonic()
        answer = running.request("GET", f"/?{size}")
        took_s = time.monotonic() - began_s
        same = running.worker_pid("cpu")

    assert answer.status == (200 if size < 2**20 else 500)
    assert took_s < 10.0
    assert same == worker


@pytest.mark.parametrize(
    "form", ["def handler(p):", "async def handler(p):", "async def handle(scope, receive, send):"]
)
@pytest.mark.parametrize(
    "raised", ["KeyboardInterrupt", "GeneratorExit", "SystemExit(3)", "type('Own', (BaseException,), {})"]
)
def test_whatever_a_function_raises_is_answered_with_500(tmp_path: Path, form: str, raised: str) -> None:
    with serving(write_function(tmp_path, f"{form}\n    raise {raised}\n"), GAIA_CONCURRENCY="2") as running:
        answers = [running.post({}).status for _ in range(4)]
        exits = running.named("worker_exit")

    assert (answers, exits) == ([500] * 4, [])


@pytest.mark.parametrize(
    "body", [b'{"hooks": 5}', b'{"kind": ["x"], "message": 1}', b'{"kind": "import"}', b"[" * 60_000, b"[]", b"\xff"]
)
def test_a_start_that_lies_in_its_frames_is_a_failed_start(tmp_path: Path, body: bytes) -> None:
    kind = Kind.FAILED if b"kind" in body else Kind.READY
    source = f"{TOOLS}\ntell_front(frames.encode({int(kind)}, 0, b'', {body!r}))\ntime.sleep(60)\ndef handler(p): ...\n"
    with serving_quickly(write_function(tmp_path, source), wait=False, GAIA_MODE="cpu") as running:
        failed = running.event("setup_failed")
        wait_unavailable(running)
        unavailable = running.state()["unavailable"]

    assert failed["kind"] == "exit"
    assert "cannot be started" in unavailable
    assert b"Traceback" not in b"".join(running.stderr)


@pytest.mark.parametrize("kind", [Kind.READY, Kind.FAILED, Kind.HEALTH_ANSWER, Kind.WARMING])
def test_only_known_facts_of_the_right_type_are_taken(kind: Kind) -> None:
    facts = {"kind": "k" * 5000, "message": "m", "well": True, "text": "t", "other": 1, "hooks": [], "line": 3}
    taken = reports.facts_of(Frame(0, kind, 0, b"", json.dumps(facts).encode(), 0, 0, 0))

    assert "other" not in taken
    assert all(len(value) <= 2000 for value in taken.values() if isinstance(value, str))
    if kind is not Kind.WARMING:
        wrong: dict[str, object] = dict.fromkeys(taken, 1.5)
        with pytest.raises(FrameError):
            reports.facts_of(Frame(0, kind, 0, b"", json.dumps(wrong).encode(), 0, 0, 0))


def test_a_worker_that_sends_chunks_that_nobody_takes_is_cut_off(play: Callable[..., None]) -> None:
    async def scene(stage: Stage) -> None:
        await stage.client(GET)
        (connection,) = stage.server.connections
        connection.pause_writing()
        (request_id,) = stage.requests()
        stage.answer(frames.encode(RESPONSE, request_id, OK, b"x"))
        for _ in range(frames.CREDIT_CHUNKS - 1):
            stage.answer(frames.encode(CHUNK, request_id, b"", b"x"))
        before = stage.lost
        stage.answer(frames.encode(CHUNK, request_id, b"", b"x"))

        assert (before, stage.lost) == (False, True)
        assert "more chunks" in stage.link.fault

    play(scene)


def test_lines_that_grow_as_json_do_not_fill_the_memory_of_the_front() -> None:
    reading, writing = os.pipe()
    events = EventLog(FakeClock(), writing)
    for _ in range(2000):
        events.emit(LogLine(CPU, 1, "stdout", "\1" * 8192, None))  # 48 KB each
    kept: list[bytes] = []
    events.subscribe(kept.append, replay=True)()

    assert 1_000_000 < sum(map(len, kept)) < 10_000_000
    assert events._dropped > 1000
    os.close(reading)
    events.close()
    os.close(writing)


def test_the_front_keeps_its_memory_and_environment_from_other_processes_of_its_user() -> None:
    """What the kernel checks before it lets a process of the same user read /proc/PID/environ or attach to it."""
    check = (
        "import ctypes; from runtime_images.dynamic_runtime.workers.orphans import keep_to_itself as k;"
        "d = lambda: ctypes.CDLL(None).prctl(3, 0, 0, 0, 0); before = d(); k(); print(before, d())"
    )
    ended = subprocess.run([sys.executable, "-c", check], capture_output=True, timeout=30, check=True)

    assert ended.stdout == b"1 0\n"
