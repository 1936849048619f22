"""A real Prometheus scrapes the admin address: what it stores is what DESIGN promises, in type, labels and value."""

import json
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.prometheus import Prometheus, program, scraping
from tests.support.serving import Serving, serving, write_function

TOKEN = "s3cret"
FUNCTION = """
    def handler(payload):
        if payload.get("fail"):
            raise ValueError
        return "ok"
"""
TYPES = {
    "gaia_request_duration_seconds": "histogram",
    "gaia_service_duration_seconds": "histogram",
    "gaia_requests_total": "counter",
    "gaia_failures_total": "counter",
    "gaia_requests_in_flight": "gauge",
    "gaia_in_flight_oldest_seconds": "gauge",
    "gaia_websockets_open": "gauge",
    "gaia_queue_depth": "gauge",
    "gaia_queue_oldest_seconds": "gauge",
    "gaia_idle_seconds": "gauge",
    "gaia_slots": "gauge",
    "gaia_cpu_share": "gauge",
    "gaia_gpu_available": "gauge",
    "gaia_mode_info": "gauge",
    "gaia_switches_total": "counter",
    "gaia_fallback_total": "counter",
    "gaia_backend_start_seconds": "gauge",
    "gaia_backend_seconds_total": "counter",
    "gaia_cost_total": "counter",
}
"""Every metric of docs/admin.md."""


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Serving]:
    function = write_function(tmp_path / "function", FUNCTION)
    environment = {"GAIA_ADMIN": "127.0.0.1:0", "GAIA_ADMIN_TOKEN": TOKEN, "GAIA_PINNED": "1"}
    environment |= {"GAIA_CPU_PER_HOUR": "3600", "GAIA_GPU_PER_HOUR": "7200"}
    with serving(function, wait=True, **environment) as started:
        yield started


@pytest.fixture
def prometheus(running: Serving, tmp_path: Path) -> Iterator[Prometheus]:
    job = {
        "job_name": "gaia",
        "authorization": {"credentials": TOKEN},
        "static_configs": [{"targets": [admin_address(running)]}],
    }
    with scraping(tmp_path, [job]) as started:
        yield started


def admin_address(running: Serving) -> str:
    return str(running.event("ready")["admin"]).removeprefix("http://")


def admin(running: Serving, method: str, path: str, body: object = None) -> bytes:
    request = urllib.request.Request(
        f"http://{admin_address(running)}{path}",
        None if body is None else json.dumps(body).encode(),
        {"Authorization": f"Bearer {TOKEN}"},
        method=method,
    )
    with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 -- it is http
        return bytes(answer.read())


def test_prometheus_stores_every_metric_with_its_type_and_value(running: Serving, prometheus: Prometheus) -> None:
    statuses = [running.post({"fail": number == 2}).status for number in range(3)]
    admin(running, "POST", "/switch", {"backend": "gpu"})
    running.post({})
    counted = 'gaia_request_duration_seconds_count{backend="gpu",code="200"}'
    prometheus.wait_until(counted, 1)
    told = prometheus.get("/api/v1/targets/metadata")

    types = {entry["metric"]: entry["type"] for entry in told if entry["metric"].startswith("gaia_")}

    assert statuses == [200, 200, 500]
    assert {name: kind for name, kind in types.items() if not name.endswith("_created")} == TYPES
    assert prometheus.values("gaia_request_duration_seconds_count") == [
        ({"backend": "cpu", "code": "200"}, 2),
        ({"backend": "cpu", "code": "500"}, 1),
        ({"backend": "gpu", "code": "200"}, 1),
    ]
    assert prometheus.values('gaia_request_duration_seconds_bucket{backend="cpu",code="200",le=~"600.0|[+]Inf"}') == [
        ({"backend": "cpu", "code": "200", "le": "+Inf"}, 2),
        ({"backend": "cpu", "code": "200", "le": "600.0"}, 2),
    ]
    assert prometheus.values("gaia_queue_depth") == [({}, 0)]
    assert prometheus.values("gaia_mode_info") == [
        ({"mode": "cpu"}, 0),
        ({"mode": "cpu_preferred"}, 0),
        ({"mode": "gpu"}, 0),
        ({"mode": "gpu_preferred"}, 1),
    ]
    assert prometheus.values("gaia_switches_total") == [({"from": "cpu", "reason": "promote", "to": "gpu"}, 1)]
    assert prometheus.values("gaia_fallback_total") == [({}, 0)]


def test_prometheus_sees_times_and_cost_grow_as_they_must(running: Serving, prometheus: Prometheus) -> None:
    began = time.monotonic()
    admin(running, "POST", "/switch", {"backend": "gpu"})
    prometheus.wait_until('gaia_mode_info{mode="gpu_preferred"}', 1)
    time.sleep(1)
    now_s = time.time()
    (starts, held, cost) = (
        prometheus.values(name, now_s)
        for name in ("gaia_backend_start_seconds", "gaia_backend_seconds_total", "gaia_cost_total")
    )

    assert [labels for labels, _ in starts] == [
        {"backend": "cpu", "phase": "ready"},
        {"backend": "gpu", "phase": "ready"},
    ]
    assert all(0 < seconds < 30 for _, seconds in starts)
    (on_cpu, on_gpu) = (seconds for _, seconds in held)
    assert 1 <= on_gpu <= time.monotonic() - began
    assert on_cpu > 0
    assert [value for _, value in cost] == pytest.approx([on_cpu + 2 * on_gpu], rel=0.01)


def test_a_histogram_gives_prometheus_quantiles(running: Serving, prometheus: Prometheus) -> None:
    prometheus.wait_until('gaia_mode_info{mode="cpu_preferred"}', 1)
    for _ in range(20):
        running.post({})
    counted = "gaia_request_duration_seconds"
    prometheus.wait_until(counted + '_count{code="200"}', 20)
    quantile = f"histogram_quantile(0.95, {counted}_bucket)"
    ((_, p95),) = prometheus.values(quantile)
    ((_, mean),) = prometheus.values(f"{counted}_sum / {counted}_count")

    assert 0 < mean < 5
    assert 0 < p95 < 10


def test_promtool_finds_nothing_to_complain_of(running: Serving) -> None:
    promtool = program("promtool")
    running.post({})
    admin(running, "POST", "/switch", {"backend": "gpu"})
    text = admin(running, "GET", "/metrics")
    checked = subprocess.run([promtool, "check", "metrics"], input=text, capture_output=True, check=False)

    assert (checked.returncode, checked.stdout + checked.stderr) == (0, b"")


def test_a_scrape_without_the_token_is_refused(running: Serving) -> None:
    with pytest.raises(urllib.error.HTTPError, match="401") as refusal:
        urllib.request.urlopen(f"http://{admin_address(running)}/metrics", timeout=30)

    assert json.loads(refusal.value.read())["error"] == "a bearer token is needed"
    refusal.value.close()
