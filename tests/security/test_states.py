"""There is no state of the runtime that a client or a function can reach and that nobody leaves.

Each function here does something to its own runtime; after it another client is served soon, or the probes say why not.
"""

import asyncio
import contextlib
import http.client
import signal
import socket
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from runtime_images.dynamic_runtime.workers import process
from runtime_images.dynamic_runtime.workers.process import UNKILLABLE_S, WorkerProcess
from runtime_images.policy.model import Backend
from tests.support.serving import Serving, free_port, serving, serving_quickly, write_function

SOON_S = 10.0


def is_served_soon(running: Serving) -> bool:
    """Whether a client that asks again and again is answered well in time."""
    deadline = time.monotonic() + SOON_S
    while time.monotonic() < deadline:
        with (
            contextlib.suppress(OSError, http.client.HTTPException),
            contextlib.closing(http.client.HTTPConnection("127.0.0.1", running.port, timeout=SOON_S)) as connection,
        ):
            connection.request("POST", "/", '{"do": "nothing"}')
            if connection.getresponse().status == 200:
                return True
        time.sleep(0.05)
    return False


def test_a_worker_that_stops_its_zygote_and_dies_is_missed_and_replaced(tmp_path: Path) -> None:
    source = """
        import os, signal

        def handler(payload):
            if payload["do"] == "stop":
                os.kill(os.getppid(), signal.SIGSTOP)
                os._exit(1)
    """
    with serving_quickly(write_function(tmp_path, source)) as running:
        zygote = running.state()["zygote"]
        answer = running.post({"do": "stop"})
        served = is_served_soon(running)
        gone = running.event("zygote")

    assert (answer.status, served, gone["pid"]) == (502, True, zygote)


@pytest.mark.parametrize("raised", ["KeyboardInterrupt", "Ctrl", "GeneratorExit", "Silent", "Endless"])
@pytest.mark.parametrize("where", ["import", "start", "warmup"])
def test_a_start_that_raises_anything_fails_at_once_whatever_threads_it_leaves(
    tmp_path: Path, where: str, raised: str
) -> None:
    source = f"""
        import threading, time

        class Ctrl(BaseException): ...

        class Silent(Exception):
            def __str__(self):
                raise RuntimeError

        class Endless(BaseException):
            def __str__(self):
                raise KeyError

        def fail(at):
            if at == {where!r}:
                threading.Thread(target=time.sleep, args=(60,)).start()
                raise {raised}

        fail("import")

        class Function:
            def start(self, environ):
                fail("start")

            async def handle(self, scope, receive, send):
                fail("warmup")

        def new():
            return Function()
    """
    warm_up = '{"method": "GET", "path": "/", "body": ""}'
    with serving_quickly(write_function(tmp_path, source), wait=False, GAIA_WARMUP=warm_up) as running:
        begun = time.monotonic()
        failed = running.event("setup_failed")
        took_s = time.monotonic() - begun

    assert took_s < SOON_S
    assert failed["kind"] == {"import": "import", "start": "start_hook", "warmup": "warmup"}[where]
    assert raised in failed["message"]


@pytest.mark.parametrize("raised", ["KeyboardInterrupt", "GeneratorExit", "asyncio.CancelledError"])
def test_a_health_hook_that_raises_anything_says_no(tmp_path: Path, raised: str) -> None:
    source = f"""
        import asyncio

        class Function:
            async def handle(self, scope, receive, send): ...

            async def ready(self):
                raise {raised}

        def new():
            return Function()
    """
    with serving(write_function(tmp_path, source)) as running:
        worker = running.worker_pid("cpu")
        answers = [running.request("GET", "/health/readiness").status for _ in range(3)]
        same = running.worker_pid("cpu") == worker

    assert (answers, same) == ([503] * 3, True)


def test_an_application_that_shuts_down_well_is_not_blamed_for_it(tmp_path: Path) -> None:
    source = """
        class App:
            async def __call__(self, scope, receive, send):
                while True:
                    message = await receive()
                    await send({"type": message["type"] + ".complete"})

        handle = App()
    """
    with serving(write_function(tmp_path, source)) as running:
        running.stop()
        printed = [event["line"] for event in running.named("log")]

    assert not printed


@pytest.mark.parametrize("deed", ["raise asyncio.CancelledError", "asyncio.current_task().cancel()"])
@pytest.mark.parametrize("form", ["async def handler(payload)", "async def handle(scope, receive, send)"])
def test_a_request_that_the_function_gives_up_is_answered_with_500(tmp_path: Path, form: str, deed: str) -> None:
    source = f"""
        import asyncio

        {form}:
            {deed}
            await asyncio.sleep(0)
    """
    with serving(write_function(tmp_path, source)) as running:
        answers = [running.post(1).status for _ in range(2)]
        worker_exits = running.named("worker_exit")

    assert (answers, worker_exits) == ([500, 500], [])


def test_a_client_whose_text_is_printed_as_millions_of_lines_stops_nobody(tmp_path: Path) -> None:
    source = """
        import sys

        def handler(payload):
            if payload["do"] == "print":
                sys.stdout.write("\\n" * 3_000_000)
                print("the end")
    """
    with serving(write_function(tmp_path, source)) as running:
        printing = threading.Thread(target=running.post, args=({"do": "print"},))
        printing.start()
        longest_s = 0.0
        while printing.is_alive():
            begun = time.monotonic()
            assert running.request("GET", "/health/liveness").status == 200
            longest_s = max(longest_s, time.monotonic() - begun)
            time.sleep(0.02)
        served = is_served_soon(running)
        running.event("log", lambda event: "lines were left out here" in event["line"])
        running.event("log", lambda event: event["line"] == "the end")

    assert served
    assert longest_s < 1.0, "a probe has a second, by default"


def test_requests_that_came_before_the_first_worker_are_answered_though_the_runtime_was_asked_to_end(
    tmp_path: Path,
) -> None:
    source = """
        import time

        time.sleep(2)

        def handler(payload):
            return "served"
    """
    port = free_port()
    with serving(write_function(tmp_path, source), wait=False, PORT=str(port)) as running:
        running.event("worker")
        with socket.create_connection(("127.0.0.1", port), timeout=SOON_S) as client:
            client.sendall(b"POST / HTTP/1.1\r\nhost: h\r\ncontent-length: 0\r\n\r\n")
            while running.state()["totals"]["requests"] < 1:
                time.sleep(0.02)
            begun = time.monotonic()
            running.process.send_signal(signal.SIGTERM)
            answer = client.recv(4096)
        code = running.stop()
        took_s = time.monotonic() - begun

    assert (answer[9:12], code) == (b"200", 0)
    assert took_s < SOON_S


class _Stuck:
    """A process that SIGKILL does not end, as one that waits for a driver."""

    pid = 2**24

    async def wait(self) -> int:
        await asyncio.Event().wait()
        return 0

    def kill(self) -> None: ...


def test_a_worker_that_cannot_be_killed_counts_as_killed_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "UNKILLABLE_S", UNKILLABLE_S / 100)

    async def scene() -> tuple[bool, int]:
        nothing: Any = None
        worker = WorkerProcess(Backend.CPU, _Stuck(), nothing, nothing, 0.0, nothing)
        ended = asyncio.ensure_future(worker.wait())
        await asyncio.sleep(0.2)
        early = ended.done()
        worker.kill()
        return early, await ended

    assert asyncio.run(scene()) == (False, -signal.SIGKILL)
