"""Processes that die, stop, hang or run out of something: real signals, real limits, and the front serves on."""

import asyncio
import contextlib
import http.client
import json
import os
import resource
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.processes import eventually, is_gone
from tests.support.serving import Serving, free_port, load, serving, serving_quickly, write_function

ECHO = "def handler(payload):\n    return payload\n"


def test_an_idle_worker_that_is_stopped_is_replaced(tmp_path: Path) -> None:
    with serving(write_function(tmp_path, ECHO), GAIA_MODE="cpu") as running:
        worker = running.worker_pid("cpu")
        os.kill(worker, signal.SIGSTOP)
        died = running.event("worker_exit")
        ended = running.event("worker", lambda event: event["pid"] == worker and event["state"] == "exited")
        answer = running.post({"id": 1})

    assert died["pid"] == worker
    assert ended["reason"].endswith("it was stopped and did not continue")
    assert answer.json() == {"id": 1}


def test_a_worker_that_is_stopped_in_a_request_costs_an_idempotent_function_nothing(
    tmp_path: Path,
) -> None:
    source = f"""
        import os, pathlib, signal

        FIRST = pathlib.Path({str(tmp_path / "first")!r})

        def handler(payload):
            if not FIRST.exists():
                FIRST.touch()
                os.kill(os.getpid(), signal.SIGSTOP)
            return payload
    """
    with serving(write_function(tmp_path, source), GAIA_MODE="cpu", GAIA_IDEMPOTENT="1") as running:
        answer = running.post({"id": 1})

    assert answer.json() == {"id": 1}


def test_an_interrupt_does_not_wait_long_for_a_stopped_worker(tmp_path: Path) -> None:
    with serving(write_function(tmp_path, ECHO), GAIA_MODE="cpu") as running:
        os.kill(running.worker_pid("cpu"), signal.SIGSTOP)
        running.process.send_signal(signal.SIGINT)
        code = running.process.wait(timeout=10)  # half of what draining and stopping may take

    assert code == 0


def test_an_exit_in_the_import_is_told_with_the_last_lines(tmp_path: Path) -> None:
    source = """
        import os

        print("about to leave")
        os._exit(3)

        def handler(payload): ...
    """
    with serving(write_function(tmp_path, source), wait=False) as running:
        failed = running.event("setup_failed")

    assert (failed["kind"], failed["log"]) == ("exit", ["about to leave"])
    assert "exit code 3 while it started" in failed["message"]


def test_a_start_hook_that_exits_is_the_start_hooks_failure(tmp_path: Path) -> None:
    source = """
        import sys

        class Function:
            def start(self, cfg):
                sys.exit("no licence")

            async def handle(self, scope, receive, send): ...

        def new():
            return Function()
    """
    with serving(write_function(tmp_path, source), wait=False) as running:
        failed = running.event("setup_failed")

    assert failed["kind"] == "start_hook"
    assert "no licence" in failed["message"]


def readiness(port: int) -> tuple[int, dict[str, object]]:
    """The answer of the readiness probe, before there is a `ready` event."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("GET", "/health/readiness")
        reply = connection.getresponse()
        return reply.status, json.loads(reply.read())
    finally:
        connection.close()


def post(port: int) -> tuple[int, dict[str, object]]:
    """The answer to a request, before there is a `ready` event."""
    with socket.create_connection(("127.0.0.1", port), timeout=30) as client:
        client.sendall(b"POST / HTTP/1.1\r\nHost: t\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
        head, _, body = client.makefile("rb").read().partition(b"\r\n\r\n")
    return int(head.split()[1]), json.loads(body)


def wait_unavailable(running: Serving) -> None:
    running.event("worker")
    deadline = time.monotonic() + 30
    while not running.state()["unavailable"] and time.monotonic() < deadline:
        time.sleep(0.05)


def test_readiness_of_what_never_became_ready_is_setup_failed_with_the_log(tmp_path: Path) -> None:
    port = free_port()
    source = 'print("weights: none")\n\ndef handler(): ...\n'
    with serving(write_function(tmp_path, source), wait=False, GAIA_MODE="cpu", PORT=str(port)) as running:
        wait_unavailable(running)
        status, answer = readiness(port)

    assert (status, answer["status"], answer["log"]) == (503, "SETUP_FAILED", ["weights: none"])
    assert str(answer["error"]).startswith("the function cannot be started: func.py:3 handler() must accept one")


def test_what_a_broken_function_has_said_is_told_to_the_operator_and_not_to_the_public(tmp_path: Path) -> None:
    port = free_port()
    function = write_function(tmp_path, 'print("s3cret")\n\ndef handler(): ...\n')
    open_to_all = {"LISTEN_ADDRESS": "0.0.0.0", "PORT": str(port)}
    with serving(function, wait=False, GAIA_MODE="cpu", **open_to_all) as running:
        wait_unavailable(running)
        probed = readiness(port)
        refused = post(port)
        told = running.admin("GET", "/health/readiness")

    assert probed == (503, {"status": "SETUP_FAILED", "error": "the function cannot be started"})
    assert refused == (503, {"error": "the function cannot be started"})
    assert (told.status, told.json()["status"], told.json()["log"]) == (503, "SETUP_FAILED", ["s3cret"])
    assert "func.py:3 handler() must accept" in told.json()["error"]


def test_readiness_on_the_admin_address_is_that_of_the_public_one(tmp_path: Path) -> None:
    with serving(write_function(tmp_path, ECHO), GAIA_MODE="cpu") as running:
        public, told = running.request("GET", "/health/readiness"), running.admin("GET", "/health/readiness")

    assert (public.status, public.json()) == (told.status, told.json()) == (200, {"status": "ready"})


CRASHING = """
    import os

    def handler(payload):
        if payload.get("crash"):
            os._exit(5)
        return payload
"""


@pytest.mark.parametrize("good_between", [False, True])
def test_requests_that_end_worker_after_worker_never_put_the_function_out_of_service(
    tmp_path: Path, good_between: bool
) -> None:
    with serving(write_function(tmp_path, CRASHING), GAIA_MODE="cpu") as running:
        crashed, good = [], []
        for number in range(12):
            crashed.append(running.post({"crash": True}).status)
            if good_between:
                good.append(running.post({"id": number}).status)
        begun_s = time.monotonic()
        after = running.post({"id": 1})
        took_s = time.monotonic() - begun_s
        status, _ = readiness(running.port)
        pauses = {event["restart_in_s"] for event in running.named("worker_exit")}

    assert crashed == [502] * 12
    assert set(good) <= {200}
    assert (after.status, status, pauses) == (200, 200, {0.0})
    assert took_s < 10.0  # one start, on a busy machine


def test_a_worker_that_leaves_children_with_its_output_is_replaced_at_once_all_the_same(tmp_path: Path) -> None:
    source = """
        import os, time

        def handler(payload):
            if payload.get("crash"):
                if not os.fork():
                    os.setsid()
                    time.sleep(3600)
                print("last words", flush=True)
                os._exit(5)
            return payload
    """
    with serving(write_function(tmp_path, source), GAIA_MODE="cpu") as running:
        begun_s = time.monotonic()
        statuses = [running.post({"crash": number % 2}).status for number in range(20)]
        took_s = time.monotonic() - begun_s
        said = running.event("log", lambda event: event["line"] == "last words")

    assert statuses == [200, 502] * 10
    assert took_s < 10.0, "ten starts, and no wait for what the children print"
    assert said["request"] is not None


def test_a_worker_that_dies_of_itself_is_replaced_ever_later_and_requests_are_told_when_to_come_back(
    tmp_path: Path,
) -> None:
    source = """
        import os, pathlib, threading

        def handler(payload):
            return payload

        if not pathlib.Path("well").exists():
            print("out of weights")
            threading.Timer(0.02, os._exit, (5,)).start()
    """
    with serving_quickly(write_function(tmp_path, source), GAIA_MODE="cpu") as running:
        port = running.port
        wait_unavailable(running)
        status, answer = readiness(port)
        refused = running.post({})
        alive = running.request("GET", "/health/liveness").status
        (tmp_path / "well").touch()
        assert eventually(lambda: running.post({"id": 1}).status == 200)
        failures = [event for event in running.events if event["event"] in ("worker_exit", "setup_failed")][:6]
        pauses = {place: event["restart_in_s"] for place, event in enumerate(failures) if "restart_in_s" in event}

    assert (status, answer["status"], answer["log"]) == (503, "SETUP_FAILED", ["out of weights"])
    assert "exit code 5" in str(answer["error"])
    assert (refused.status, refused.headers["retry-after"]) == (503, "1")
    assert alive == 200
    assert len(failures) == 6
    assert pauses, "on a busy machine some die before they are ready: failures of the same row"
    for place, pause_s in pauses.items():
        assert pause_s == [0.0, 0.02, 0.04, 0.08, 0.16, 0.32][place]


def test_a_function_that_could_not_be_imported_is_served_once_it_can(tmp_path: Path) -> None:
    port = free_port()
    with serving_quickly(
        write_function(tmp_path, "import weights\n\ndef handler(payload):\n    return payload\n"),
        wait=False, GAIA_MODE="cpu", PORT=str(port),
    ) as running:  # fmt: skip
        wait_unavailable(running)
        before = post(port)
        (tmp_path / "weights.py").touch()
        running.event("ready")
        after = running.post({"id": 1})
        failures = running.named("setup_failed")

    assert before[0] == 503
    assert after.json() == {"id": 1}
    assert len(failures) > 5
    assert {event["kind"] for event in failures} == {"import"}


@pytest.mark.parametrize(
    ("host", "told"),
    [
        ("localhost", True), ("LOCALHOST:8080", True), ("127.0.0.1", True), ("127.9.9.9:1", True), ("[::1]:8080", True),
        ("evil.example:8080", False), ("localhost.evil.example", False), ("127.0.0.1.evil.example", False),
        ("10.0.0.1", False), ("[::2]", False), ("0.0.0.0", False), (None, False),
    ],
)  # fmt: skip
def test_on_a_loopback_address_only_a_host_of_its_own_is_told_what_a_broken_function_has_said(
    broken_port: int, host: str | None, told: bool
) -> None:
    line = f"Host: {host}\r\n" if host is not None else ""
    version = "1.1" if host is not None else "1.0"
    with socket.create_connection(("127.0.0.1", broken_port), timeout=30) as client:
        client.sendall(f"GET /health/readiness HTTP/{version}\r\n{line}Connection: close\r\n\r\n".encode())
        head, _, body = client.makefile("rb").read().partition(b"\r\n\r\n")

    assert head.split()[1] == b"503"
    assert json.loads(body)["status"] == "SETUP_FAILED"
    assert (b"s3cret" in body, b"func.py" in body) == (told, told)


@pytest.fixture(scope="module")
def broken_port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    port = free_port()
    function = write_function(tmp_path_factory.mktemp("broken"), 'print("s3cret")\n\ndef handler(): ...\n')
    with serving(function, wait=False, GAIA_MODE="cpu", PORT=str(port)) as running:
        wait_unavailable(running)
        yield port


def test_a_crowd_of_connections_does_not_end_the_watch_over_them(tmp_path: Path) -> None:
    with serving(write_function(tmp_path, ECHO), GAIA_MODE="cpu") as running:
        port, pid = running.port, running.process.pid
        in_use = max(int(path.name) for path in Path(f"/proc/{pid}/fd").iterdir())
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (in_use + 2, 4096))
        crowd = [socket.create_connection(("127.0.0.1", port)) for _ in range(12)]
        seen = len(running.named("window"))
        during = eventually(lambda: len(running.named("window")) >= seen + 3)
        for connection in crowd:
            connection.close()
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (4096, 4096))
        after = running.post({"id": 3})

    assert during, "the loop that measures, and ends slow connections, goes on"
    assert after.json() == {"id": 3}


def test_what_a_function_has_started_ends_with_the_runtime_wherever_it_has_gone(tmp_path: Path) -> None:
    source = """
        import os, time

        def handler(payload):
            reading, writing = os.pipe()
            if not os.fork():
                os.setsid()
                os.write(writing, str(os.getpid()).encode()) if not os.fork() else None
                time.sleep(3600)
            return int(os.read(reading, 20))
    """
    with serving(write_function(tmp_path, source), GAIA_MODE="cpu") as running:
        grandchild = running.post({}).json()
        there = not is_gone(grandchild)
        running.stop()
        gone = is_gone(grandchild)

    assert (there, gone) == (True, True)


def test_a_worker_that_served_well_is_replaced_at_once_however_often_it_dies(tmp_path: Path) -> None:
    with serving(write_function(tmp_path, ECHO), GAIA_MODE="cpu", GAIA_IDEMPOTENT="1") as running:
        for _ in range(7):
            assert asyncio.run(load(running.port, 4, 150)).failures == []
            worker = running.worker_pid("cpu")
            os.kill(worker, signal.SIGKILL)
            died = running.event("worker_exit", lambda event, pid=worker: event["pid"] == pid)  # type: ignore[misc]

            assert died["restart_in_s"] == 0
            running.post({"id": 1})


def test_the_start_of_a_successor_is_the_one_that_is_reported(tmp_path: Path) -> None:
    source = f"""
        import pathlib, time

        SLOW = pathlib.Path({str(tmp_path / "slow")!r})
        if SLOW.exists():
            time.sleep(1.5)

        def handler(payload):
            return payload
    """
    with serving(write_function(tmp_path, source), GAIA_MODE="cpu") as running:
        first = started_in_s(running)
        (tmp_path / "slow").touch()
        os.kill(running.worker_pid("cpu"), signal.SIGKILL)
        running.event("worker_exit")
        running.post({"id": 1})
        second = started_in_s(running)

    assert first < 1.5 <= second


def started_in_s(running: Serving) -> float:
    """What the metrics say of the start of the CPU's worker."""
    lines = running.admin("GET", "/metrics").body.decode().splitlines()
    return next(float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith("gaia_backend_start_seconds{"))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGQUIT])
def test_a_second_interrupt_ends_at_once_what_a_request_keeps(tmp_path: Path, number: signal.Signals) -> None:
    source = """
        import subprocess, time

        def handler(payload):
            child = subprocess.Popen(["sleep", "4716"], start_new_session=True)
            print(child.pid, flush=True)
            time.sleep(1000)
    """
    with serving(write_function(tmp_path, source), GAIA_MODE="cpu") as running:
        threading.Thread(target=suppressed_post, args=(running,), daemon=True).start()
        child = int(running.event("log")["line"])
        running.process.send_signal(signal.SIGINT)
        running.event("worker", lambda event: event["state"] == "ready")
        begun = time.monotonic()
        while running.process.poll() is None and time.monotonic() - begun < 5.0:
            running.process.send_signal(number)
            time.sleep(0.05)

    assert time.monotonic() - begun < 5.0
    assert is_gone(child)


def suppressed_post(running: Serving) -> None:
    with contextlib.suppress(OSError, http.client.HTTPException):
        running.post({})


def test_a_memory_limit_is_an_error_of_the_request_that_meets_it(tmp_path: Path) -> None:
    source = """
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (2**29, 2**29))

        def handler(payload):
            return len(bytearray(payload["bytes"]))
    """
    with serving(write_function(tmp_path, source), GAIA_MODE="cpu") as running:
        answers = [running.post({"bytes": size}) for size in (1000, 2**31, 1000)]

    assert [answer.status for answer in answers] == [200, 500, 200]
    assert answers[1].json() == {"error": "the function raised MemoryError"}


def test_a_full_disk_for_the_events_stops_nothing(tmp_path: Path) -> None:
    function = write_function(tmp_path, 'def handler(payload):\n    print("x" * 1000)\n    return payload\n')
    port = free_port()
    environment = {**os.environ, "GAIA_FUNCTION_DIR": str(function), "PORT": str(port), "GAIA_MODE": "cpu"}
    with Path("/dev/full").open("wb") as full:
        command = [sys.executable, "-m", "runtime_images.dynamic_runtime"]
        process = subprocess.Popen(command, env=environment, stdout=full, stderr=full, stdin=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            try:
                result = asyncio.run(load(port, 4, 200))
            except ConnectionError:
                time.sleep(0.05)
            else:
                break
        process.terminate()
        code = process.wait(timeout=20)
    finally:
        process.kill()
        process.wait()

    assert result.failures == []
    assert code == 0


def test_a_front_without_descriptors_serves_who_is_connected_and_recovers(tmp_path: Path) -> None:
    with serving(write_function(tmp_path, ECHO), GAIA_MODE="cpu") as running:
        port, pid = running.port, running.process.pid
        early = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        early.request("POST", "/", '{"id": 1}')
        early.getresponse().read()
        in_use = max(int(path.name) for path in Path(f"/proc/{pid}/fd").iterdir())
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (in_use + 4, 4096))
        crowd = [socket.create_connection(("127.0.0.1", port)) for _ in range(12)]
        early.request("POST", "/", '{"id": 2}')
        served = json.loads(early.getresponse().read())
        early.close()
        for connection in crowd:
            connection.close()
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (4096, 4096))
        after = running.post({"id": 3})

    assert served == {"id": 2}
    assert after.json() == {"id": 3}


def test_a_worker_that_cannot_be_started_for_want_of_descriptors_is_tried_again(tmp_path: Path) -> None:
    with serving(write_function(tmp_path, ECHO), GAIA_MODE="cpu") as running:
        pid, worker = running.process.pid, running.worker_pid("cpu")
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (10, 4096))
        os.kill(worker, signal.SIGKILL)
        failed = running.event("setup_failed")
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (4096, 4096))
        answer = running.post({"id": 1})

    assert "cannot be started" in failed["message"]
    assert answer.json() == {"id": 1}


def test_an_answer_after_its_client_has_left_goes_nowhere(tmp_path: Path) -> None:
    source = f"""
        import pathlib, time

        def handler(payload):
            if payload.get("slow"):
                pathlib.Path({str(tmp_path / "begun")!r}).touch()
                time.sleep(0.5)
            return payload
    """
    with serving(write_function(tmp_path, source), GAIA_MODE="cpu") as running:
        leaver = socket.create_connection(("127.0.0.1", running.port))
        body = b'{"slow": 1, "secret": "of the leaver"}'
        leaver.sendall(b"POST / HTTP/1.1\r\nhost: t\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body))
        assert eventually((tmp_path / "begun").exists)
        leaver.close()
        answers = [running.post({"id": number}).json() for number in range(5)]
        exits = running.named("worker_exit")

    assert answers == [{"id": number} for number in range(5)]
    assert exits == []


def test_half_a_response_and_a_death_is_not_passed_off_as_whole(tmp_path: Path) -> None:
    source = """
        import os

        async def handle(scope, receive, send):
            if scope["path"] == "/die":
                headers = [(b"content-type", b"text/plain")]
                await send({"type": "http.response.start", "status": 200, "headers": headers})
                await send({"type": "http.response.body", "body": b"half", "more_body": True})
                import asyncio
                await asyncio.sleep(0.1)
                os._exit(9)
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b"ok"})
    """
    with serving(write_function(tmp_path, source), GAIA_MODE="cpu", GAIA_IDEMPOTENT="1") as running:
        connection = http.client.HTTPConnection("127.0.0.1", running.port, timeout=30)
        connection.request("GET", "/die")
        with pytest.raises(http.client.IncompleteRead):
            connection.getresponse().read()
        connection.close()
        after = running.request("GET", "/")

    assert after.body == b"ok"


GARBAGE = {
    "noise": b"\xff" * 4096,
    "a frame without end": b"\xff\xff\xff\x7f" + bytes(60),
    "an answer to nobody": None,
}


@pytest.mark.parametrize("what", GARBAGE)
def test_a_worker_that_sends_garbage_is_ended_and_replaced(tmp_path: Path, what: str) -> None:
    source = f"""
        import contextlib, os, stat
        from runtime_images.dynamic_runtime.wire import frames

        GARBAGE = {GARBAGE[what]!r} or frames.encode(frames.Kind.RESPONSE, 4_000_000_000, flags=frames.FINAL)

        def handler(payload):
            if payload.get("garbage"):
                for fd in range(3, 64):
                    with contextlib.suppress(OSError):
                        if stat.S_ISSOCK(os.fstat(fd).st_mode):
                            os.write(fd, GARBAGE)
            return payload
    """
    with serving(write_function(tmp_path, source), GAIA_MODE="cpu") as running:
        worker = running.worker_pid("cpu")
        hurt = threading.Thread(target=running.post, args=({"garbage": True},))
        hurt.start()
        died = running.event("worker_exit")
        ended = running.event("worker", lambda event: event["state"] == "exited")
        hurt.join()
        after = running.post({"id": 1})

    assert died["pid"] == worker
    assert "it broke the protocol of its socket: " in ended["reason"]
    assert after.json() == {"id": 1}
