"""The admin address: what it tells, what it does, and whom it lets in."""

import http.client
import json
import socket
import stat
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.support.serving import Serving, serving, write_function

HANDLER = "def handler(payload):\n    return payload\n"


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Serving]:
    with serving(write_function(tmp_path, HANDLER), GAIA_SLO_LATENCY_P95_MS="250") as started:
        started.admin("POST", "/pin")
        yield started


def test_the_socket_is_the_owners_alone(running: Serving) -> None:
    assert stat.S_IMODE(running.admin_path.stat().st_mode) == 0o600


def test_the_state_tells_mode_backend_workers_and_slo(running: Serving) -> None:
    running.post({})
    state = running.state()

    assert state["mode"] == "cpu_preferred"
    assert state["backend"] == "cpu"
    assert state["pinned"] is True
    assert [(worker["backend"], worker["state"]) for worker in state["workers"]] == [("cpu", "ready")]
    assert state["slo"]["latency_p95_ms"] == 250
    assert state["totals"]["requests"] == 1


def test_a_switch_answers_when_traffic_has_moved(running: Serving) -> None:
    answer = running.switch("gpu")
    served_by = running.post({}).headers["x-gaia-backend"]
    state = running.state()

    assert answer.json() == {"backend": "gpu", "moved": True}
    assert served_by == "gpu"
    assert state["mode"] == "gpu_preferred"


@pytest.mark.parametrize("body", [None, {}, {"backend": "tpu"}, [1]])
def test_a_switch_to_nowhere_is_refused(running: Serving, body: object) -> None:
    answer = running.admin("POST", "/switch", body)

    assert answer.status == 400
    assert "backend" in answer.json()["error"]


def test_an_unknown_request_is_a_404_with_a_json_body(running: Serving) -> None:
    answer = running.admin("GET", "/nothing")

    assert answer.status == 404
    assert answer.json() == {"error": "there is no GET /nothing"}


def test_a_fixed_mode_refuses_to_switch(tmp_path: Path) -> None:
    with serving(write_function(tmp_path, HANDLER), GAIA_MODE="cpu") as running:
        answer = running.switch("gpu")

    assert answer.status == 400
    assert "never switches" in answer.json()["error"]


def test_the_events_are_replayed_from_the_start_and_followed(running: Serving) -> None:
    from tests.support.serving import _UnixConnection

    connection = _UnixConnection(running.admin_path)
    connection.request("GET", "/events?replay=1")
    reply = connection.getresponse()
    threading.Timer(0.2, running.post, ({},)).start()
    names: list[str] = []
    while not {"ready", "window"} <= set(names):
        names.append(json.loads(reply.readline())["event"])
    connection.close()

    others = [name for name in names if name != "window"]
    assert others[:4] == ["started", "worker", "worker", "ready"]


def test_metrics_count_what_was_served(running: Serving) -> None:
    for _ in range(3):
        running.post({})
    running.switch("gpu")
    running.post({})
    answer = running.admin("GET", "/metrics")
    families = {family.name: family for family in text_string_to_metric_families(answer.body.decode())}
    counts = {
        (sample.labels["backend"], sample.labels["code"]): sample.value
        for sample in families["gaia_request_duration_seconds"].samples
        if sample.name.endswith("_count")
    }
    switches = [sample for sample in families["gaia_switches"].samples if sample.name.endswith("_total")]
    modes = {sample.labels["mode"]: sample.value for sample in families["gaia_mode_info"].samples}

    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert counts == {("cpu", "200"): 3, ("gpu", "200"): 1}
    assert [(s.labels, s.value) for s in switches] == [({"from": "cpu", "to": "gpu", "reason": "promote"}, 1)]
    assert modes == {"cpu": 0, "cpu_preferred": 0, "gpu_preferred": 1, "gpu": 0}
    assert {"gaia_queue_depth", "gaia_backend_start_seconds", "gaia_backend_seconds", "gaia_cost"} <= families.keys()


def test_a_drain_that_is_asked_for_ends_the_runtime(running: Serving) -> None:
    answer = running.admin("POST", "/drain")
    code = running.process.wait(timeout=20)
    stopped = running.event("stopped")

    assert answer.status == 202
    assert code == 0
    assert stopped["reason"] == "asked for on the admin address"


def test_a_tcp_admin_address_asks_for_its_token(tmp_path: Path) -> None:
    function = write_function(tmp_path, HANDLER)
    with serving(function, GAIA_ADMIN="127.0.0.1:0", GAIA_ADMIN_TOKEN="s3cret") as running:
        port = int(running.event("ready")["admin"].rpartition(":")[2])
        statuses = [_state_status(port, token) for token in (None, "wrong", "s3cret")]
        told = json.dumps(running.events)

    assert statuses == [401, 401, 200]
    assert "s3cret" not in told


def test_who_has_no_token_is_refused_before_the_body_comes(tmp_path: Path) -> None:
    with serving(write_function(tmp_path, HANDLER), GAIA_ADMIN="127.0.0.1:0", GAIA_ADMIN_TOKEN="s3cret") as running:
        port = int(running.event("ready")["admin"].rpartition(":")[2])
        with socket.create_connection(("127.0.0.1", port), timeout=10) as client:
            client.sendall(b"POST /switch HTTP/1.1\r\nHost: t\r\nContent-Length: 60000\r\n\r\n")

            assert client.recv(65536).startswith(b"HTTP/1.1 401 ")


def test_a_tcp_admin_address_without_a_token_is_refused_at_the_start(tmp_path: Path) -> None:
    function = write_function(tmp_path, HANDLER)
    with serving(function, wait=False, GAIA_ADMIN="127.0.0.1:0") as running:
        code = running.process.wait(timeout=20)

    assert code == 2
    assert b"GAIA_ADMIN='127.0.0.1:0' needs a GAIA_ADMIN_TOKEN" in b"".join(running.stderr)


def _state_status(port: int, token: str | None) -> int:
    return _status(port, "GET", "/state", {"Authorization": f"Bearer {token}"} if token else {})


@pytest.mark.parametrize("header", [{"Origin": "http://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "none"}])
def test_a_page_in_a_browser_may_ask_for_nothing_even_with_the_token(tmp_path: Path, header: dict[str, str]) -> None:
    function = write_function(tmp_path, HANDLER)
    with serving(function, GAIA_ADMIN="127.0.0.1:0", GAIA_ADMIN_TOKEN="s3cret") as running:
        port = int(running.event("ready")["admin"].rpartition(":")[2])
        allowed = {"Authorization": "Bearer s3cret"}
        asked = [("GET", "/state"), ("POST", "/drain"), ("POST", "/switch"), ("OPTIONS", "/drain")]
        refused = [_status(port, method, path, {**allowed, **header}) for method, path in asked]
        served = _status(port, "GET", "/state", allowed)

    assert (refused, served) == ([403] * 4, 200)


def _status(port: int, method: str, path: str, headers: dict[str, str]) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request(method, path, headers=headers)
        return connection.getresponse().status
    finally:
        connection.close()


def test_the_function_never_sees_the_admin_token(tmp_path: Path) -> None:
    source = "import os\ndef handler(payload):\n    return os.environ.get('GAIA_ADMIN_TOKEN')\n"
    with serving(write_function(tmp_path, source), GAIA_ADMIN="127.0.0.1:0", GAIA_ADMIN_TOKEN="s3cret") as running:
        assert running.post({}).json() is None
