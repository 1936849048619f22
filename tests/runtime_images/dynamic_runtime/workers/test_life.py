"""A full queue, a taken port, a backend that only fails, a drain: the life of a runtime to its end."""

import http.client
import json
import os
import re
import signal
import socket
from pathlib import Path

from runtime_images.policy.pauses import FIRST_SWITCH_PAUSE_S
from tests.support.processes import eventually, is_gone
from tests.support.serving import Serving, free_port, serving, write_function

UNTIL_GO = """
    import pathlib, time

    def handler(payload):
        with open("begun", "a") as begun:
            begun.write(payload.get("name", "nameless") + "\\n")
        while not pathlib.Path("go").exists():
            time.sleep(0.01)
        return "done"
"""
"""Writes down who asks, and answers once there is a file of that name."""


def _waiting(running: Serving) -> float:
    """How many requests are in the queue."""
    (line,) = re.findall(rb"^gaia_queue_depth (.+)$", running.admin("GET", "/metrics").body, re.MULTILINE)
    return float(line)


def test_a_full_queue_says_when_to_come_back(tmp_path: Path) -> None:
    with serving(write_function(tmp_path, UNTIL_GO), GAIA_QUEUE_SIZE="1") as running:
        sent = [_send(running.port) for _ in range(2)]
        assert eventually(lambda: _waiting(running) == 1)
        refused = running.post({})
        (tmp_path / "go").touch()
        answers = [_receive(connection) for connection in sent]

    assert refused.status == 503
    assert refused.headers["retry-after"] == "1"
    assert answers == [200, 200]


def _send(port: int, name: str = "nameless") -> http.client.HTTPConnection:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request("POST", "/", json.dumps({"name": name}), {"content-type": "application/json"})
    return connection


def _receive(connection: http.client.HTTPConnection) -> int:
    try:
        return connection.getresponse().status
    finally:
        connection.close()


def test_a_client_that_leaves_frees_its_place_in_the_queue(tmp_path: Path) -> None:
    with serving(write_function(tmp_path, UNTIL_GO)) as running:
        first = _send(running.port, "first")
        assert eventually((tmp_path / "begun").exists)
        leaver = _send(running.port, "leaver")
        assert eventually(lambda: _waiting(running) == 1)
        leaver.close()
        assert eventually(lambda: _waiting(running) == 0)
        (tmp_path / "go").touch()
        last = running.post({"name": "last"})
        status = _receive(first)

    assert (status, last.status) == (200, 200)
    assert (tmp_path / "begun").read_text().split() == ["first", "last"]


def test_a_worker_that_keeps_dying_at_the_start_is_reported_and_requests_are_refused(tmp_path: Path) -> None:
    with serving(write_function(tmp_path, "def handler(): pass\n"), wait=False, PORT=str(free_port())) as running:
        running.event("setup_failed")
        eventually(lambda: bool(running.state()["unavailable"]))
        state = running.state()
        running.event("worker", lambda event: event["state"] == "exited")

    assert "must accept one argument" in state["unavailable"]
    assert running.named("ready") == []


def test_a_port_in_use_is_said_so_and_ends_with_2(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        with serving(write_function(tmp_path, "def handler(p): pass\n"), wait=False, PORT=port) as running:
            failed = running.event("setup_failed")
            code = running.process.wait(timeout=20)

    assert failed["kind"] == "port"
    assert "address already in use" in failed["message"]
    assert code == 2


def test_the_end_of_the_runtime_leaves_no_process_and_no_socket_file(tmp_path: Path) -> None:
    source = """
        import subprocess

        child = subprocess.Popen(["sleep", "300"])

        def handler(payload):
            return child.pid
    """
    with serving(write_function(tmp_path, source)) as running:
        child = running.post({}).json()
        worker = running.worker_pid("cpu")
        code = running.stop()

    assert code == 0
    assert not Path(f"/proc/{worker}").exists()
    assert eventually(lambda: is_gone(child))
    assert not running.admin_path.exists()


def test_a_runtime_that_is_killed_takes_its_worker_with_it(tmp_path: Path) -> None:
    with serving(write_function(tmp_path, "def handler(payload): return 1\n")) as running:
        worker = running.worker_pid("cpu")
        os.kill(running.process.pid, signal.SIGKILL)

        assert eventually(lambda: is_gone(worker))


def test_a_drain_finishes_what_was_begun(tmp_path: Path) -> None:
    with serving(write_function(tmp_path, UNTIL_GO)) as running:
        begun = _send(running.port)
        assert eventually((tmp_path / "begun").exists)
        running.process.send_signal(signal.SIGTERM)
        assert eventually(lambda: running.admin("GET", "/health/readiness").json() == {"status": "draining"})
        (tmp_path / "go").touch()
        reply = begun.getresponse()
        answer, closing = reply.read(), reply.getheader("connection")
        begun.close()
        code = running.process.wait(timeout=20)

    assert answer == b'"done"'
    assert closing == "close"
    assert code == 0


def test_a_gpu_backend_that_only_fails_is_left_for_the_cpu(tmp_path: Path) -> None:
    source = """
        import os

        def handler(payload):
            if os.environ["GAIA_BACKEND"] == "gpu":
                raise RuntimeError("CUDA error: no kernel image is available")
            return "ok"
    """
    function = write_function(tmp_path, source)
    with serving(function, GAIA_MODE="gpu_preferred", GAIA_SLO_LATENCY_P95_MS="200") as running:
        failed = [running.post({}).status for _ in range(6)]
        moved = running.event("switch", lambda event: event["phase"] == "moved")
        fallback = running.event("fallback")
        after = running.post({})

    assert failed[:5] == [500] * 5
    assert "errors" in fallback["reason"]
    assert "answers of the GPU are errors" in moved["reason"]
    assert after.json() == "ok"


def test_answers_that_are_errors_miss_the_slo_however_fast_they_are(tmp_path: Path) -> None:
    function = write_function(tmp_path, "def handler(payload):\n    raise ValueError\n")
    with serving(function, GAIA_MODE="cpu", GAIA_SLO_LATENCY_P95_MS="200") as running:
        running.post({})
        window = running.event("window", lambda event: event["slo_state"] != "unknown")

    assert window["slo_state"] == "missed"


def test_a_gpu_backend_that_cannot_start_is_not_tried_again_at_once(tmp_path: Path) -> None:
    source = """
        import os, time

        if os.environ["GAIA_BACKEND"] == "gpu":
            raise RuntimeError("no kernel image is available")

        def handler(payload):
            end = time.monotonic() + 0.3
            while time.monotonic() < end:
                pass
            return "ok"
    """
    with serving(write_function(tmp_path, source), GAIA_SLO_LATENCY_P95_MS="100") as running:
        answers = [running.post({}).status for _ in range(12)]
        failed = running.event("switch", lambda event: event["phase"] == "failed")
        starts = [event["t"] for event in running.named("switch") if event["phase"] == "ordered"]

    assert set(answers) == {200}
    assert failed["to"] == "gpu"
    assert all(at_s - failed["t"] > FIRST_SWITCH_PAUSE_S for at_s in starts[1:])
