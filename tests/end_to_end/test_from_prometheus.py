"""`gaia simulate --from-prometheus`: a real Prometheus has scraped a real runtime, and its load is replayed."""

import json
import time
from pathlib import Path

import pytest

from tests.support.cli import run_gaia
from tests.support.prometheus import scraping
from tests.support.serving import free_port, serving, write_function

HANDLER = """
    import time

    def handler(payload):
        time.sleep(payload["seconds"])
        if payload.get("fail"):
            raise ValueError
        return {}
"""


def test_what_a_function_saw_is_replayed_from_its_metrics(tmp_path: Path) -> None:
    port = free_port()
    job = {"job_name": "shop", "static_configs": [{"targets": [f"127.0.0.1:{port}"]}]}
    (tmp_path / "function").mkdir()
    function = write_function(tmp_path / "function", HANDLER)
    with serving(function, GAIA_METRICS_PORT=str(port)) as running, scraping(tmp_path, [job]) as prometheus:
        running.admin("POST", "/pin")
        prometheus.wait_until("gaia_requests_total", 0)
        begun_s = time.monotonic()
        for number in range(30):
            running.post({"seconds": 0.1 if number % 3 == 0 else 0.02})
            time.sleep(0.1)  # the client thinks: without that it would be replayed as a stream that overloads
        running.post({"seconds": 0.5, "fail": True})
        took_s = time.monotonic() - begun_s
        prometheus.wait_until("gaia_requests_total", 31)
        asked = ("simulate", "--from-prometheus", prometheus.url, "--slo-p95-ms", "300", "--policy", "static-cpu")
        said = run_gaia(*asked, "--select", 'job="shop"', "--last-s", "120", "-o", "json")
        none = run_gaia(*asked, "--select", 'job="other"')
        bad = run_gaia(*asked, "--select", "no selector {")

    assert said.returncode == 0, said.stderr
    assert "approximation" in said.stderr
    policy = json.loads(said.stdout)["policies"][0]
    assert policy["requests"] == 30, "the failed one is no evidence of a service time"
    assert 15 < policy["p50_ms"] < 90
    assert policy["p95_ms"] >= 95
    assert policy["cpu_seconds"] < took_s + 20
    assert none.returncode == 2
    assert "has no requests of a function" in none.stderr
    assert bad.returncode == 2
    assert "400" in bad.stderr


@pytest.mark.parametrize(
    ("address", "why"),
    [("ftp://x/", "no http or https address"), ("http://user:secret@127.0.0.1:1", "cannot ask http://127.0.0.1:1")],
)
def test_a_prometheus_that_is_not_there_is_said_without_its_password(address: str, why: str) -> None:
    said = run_gaia("simulate", "--from-prometheus", address)

    assert said.returncode == 2
    assert why in said.stderr
    assert "secret" not in said.stderr


def test_without_a_trace_there_is_nothing_to_replay() -> None:
    said = run_gaia("simulate")

    assert said.returncode == 2
    assert "--from-prometheus" in said.stderr
