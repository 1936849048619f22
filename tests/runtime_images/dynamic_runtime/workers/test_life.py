"""A full queue, a taken port, a backend that only fails, a drain: the life of a runtime to its end."""

import http.client
import json
import os
import signal
import socket
import time
from pathlib import Path

from tests.support.serving import free_port, serving, write_function


def test_a_full_queue_says_when_to_come_back(tmp_path: Path) -> None:
    source = """
        import time

        def handler(payload):
            time.sleep(0.6)
            return "ok"
    """
    with serving(write_function(tmp_path, source), GAIA_QUEUE_SIZE="1") as running:
        waiting = [_send(running.port) for _ in range(2)]
        time.sleep(0.2)
        refused = running.post({})
        answers = [_receive(connection) for connection in waiting]

    assert refused.status == 503
    assert refused.headers["retry-after"] == "1"
    assert answers == [200, 200]


def _send(port: int) -> http.client.HTTPConnection:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    connection.request("POST", "/", json.dumps({}), {"content-type": "application/json"})
    return connection


def _receive(connection: http.client.HTTPConnection) -> int:
    try:
        return connection.getresponse().status
    finally:
        connection.close()


def test_a_client_that_leaves_frees_its_place_in_the_queue(tmp_path: Path) -> None:
    source = f"""
        import time

        def handler(payload):
            with open({str(tmp_path / "runs")!r}, "a") as runs:
                runs.write(payload["name"] + "\\n")
            time.sleep(0.5)
            return "ok"
    """
    with serving(write_function(tmp_path, source)) as running:
        first = http.client.HTTPConnection("127.0.0.1", running.port, timeout=20)
        first.request("POST", "/", '{"name": "first"}', {"content-type": "application/json"})
        time.sleep(0.15)
        leaver = http.client.HTTPConnection("127.0.0.1", running.port, timeout=20)
        leaver.request("POST", "/", '{"name": "leaver"}', {"content-type": "application/json"})
        time.sleep(0.05)
        leaver.close()
        last = running.post({"name": "last"})
        first.getresponse().read()
        first.close()

    assert last.status == 200
    assert (tmp_path / "runs").read_text().split() == ["first", "last"]


def test_a_worker_that_keeps_dying_at_the_start_is_reported_and_requests_are_refused(tmp_path: Path) -> None:
    with serving(write_function(tmp_path, "def handler(): pass\n"), wait=False, PORT=str(free_port())) as running:
        running.event("setup_failed")
        deadline = time.monotonic() + 10
        while not running.state()["unavailable"] and time.monotonic() < deadline:
            time.sleep(0.05)
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
    assert _gone(child)
    assert not running.admin_path.exists()


def _gone(pid: int) -> bool:
    """Whether a process is dead; one that waits to be reaped by its new parent is."""
    for _ in range(50):
        try:
            if "\nState:\tZ" in Path(f"/proc/{pid}/status").read_text():
                return True
        except FileNotFoundError:
            return True
        time.sleep(0.05)
    return False


def test_a_runtime_that_is_killed_takes_its_worker_with_it(tmp_path: Path) -> None:
    with serving(write_function(tmp_path, "def handler(payload): return 1\n")) as running:
        worker = running.worker_pid("cpu")
        os.kill(running.process.pid, signal.SIGKILL)

        assert _gone(worker)


def test_a_drain_finishes_what_was_begun(tmp_path: Path) -> None:
    source = """
        import time

        def handler(payload):
            time.sleep(0.5)
            return "done"
    """
    with serving(write_function(tmp_path, source)) as running:
        begun = _send(running.port)
        time.sleep(0.2)
        running.process.send_signal(signal.SIGTERM)
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
        starts = [event for event in running.named("switch") if event["phase"] == "ordered"]

    assert set(answers) == {200}
    assert failed["to"] == "gpu"
    assert len(starts) == 1
