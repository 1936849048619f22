"""The dashboard and the alerts of docs/monitoring: a real Prometheus has data for each panel, and alerts that fire."""

import json
import re
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import promql_parser
import pytest
import yaml

from runtime_images.controller.telemetry import Metrics
from tests.support.prometheus import Prometheus, program, scraping
from tests.support.serving import Serving, free_port, serving, write_function

MONITORING = Path(__file__).resolve().parents[2] / "docs" / "monitoring"
DASHBOARD: dict[str, Any] = json.loads((MONITORING / "gaia-dashboard.json").read_text("utf-8"))
ALERTS: dict[str, Any] = yaml.safe_load((MONITORING / "gaia-alerts.yml").read_text("utf-8"))
PANELS = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
RULES = {rule["alert"]: rule["expr"] for group in ALERTS["groups"] for rule in group["rules"]}
VARIABLES = {"$__rate_interval": "5s", "$namespace": ".+", "$function": ".+"}
HANDLER = """
    import time

    def handler(payload):
        time.sleep(0.01)
        if payload.get("fail"):
            raise ValueError
        return payload
"""


def filled(expression: str) -> str:
    """Return a query as Grafana sends it."""
    for name, value in VARIABLES.items():
        expression = expression.replace(name, value)
    assert "$" not in expression
    return expression


def queries() -> list[tuple[str, str]]:
    return [(panel["title"], filled(target["expr"])) for panel in PANELS for target in panel["targets"]]


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    """Two runtimes under load and a controller, scraped as in a cluster, with the alerts loaded."""
    directory, ports = tmp_path_factory.mktemp("monitoring"), {"cpu": free_port(), "gpu": free_port()}
    rules = directory / "alerts.yml"
    quick = re.sub(r"for: \S+", "for: 0s", (MONITORING / "gaia-alerts.yml").read_text("utf-8"))
    rules.write_text(quick, "utf-8")
    with both(directory, ports) as runtimes, controller() as port:
        jobs = [job("runtime", port, {"namespace": "faces", "pod": pod(name)}) for name, port in ports.items()]
        with loaded(runtimes), scraping(directory, merged(jobs, port), [rules]) as started:
            started.wait_until("count(gaia_cpu_share)", 2)
            started.wait_until('count(rate(gaia_request_duration_seconds_count{code="500"}[5s]) > 0)', 2)
            time.sleep(3)  # so that every rate has two samples
            yield started


def pod(backend: str) -> str:
    return f"resize-{backend}-00001-deployment-6c5d-aaaaa"


def job(name: str, port: int, labels: dict[str, str]) -> dict[str, Any]:
    return {"job_name": name, "static_configs": [{"targets": [f"127.0.0.1:{port}"], "labels": labels}]}


def merged(jobs: list[dict[str, Any]], port: int) -> list[dict[str, Any]]:
    runtimes = {"job_name": "runtime", "static_configs": [one for job in jobs for one in job["static_configs"]]}
    return [runtimes, job("controller", port, {})]


@contextmanager
def both(directory: Path, ports: dict[str, int]) -> Iterator[list[Serving]]:
    function = {name: write_function(directory / name, HANDLER) for name in ports}
    common = {"GAIA_CPU_PER_HOUR": "1", "GAIA_GPU_PER_HOUR": "2"}
    cpu = serving(function["cpu"], True, GAIA_MODE="cpu", GAIA_METRICS_PORT=str(ports["cpu"]), **common)
    gpu = serving(function["gpu"], True, GAIA_MODE="gpu", GAIA_METRICS_PORT=str(ports["gpu"]), **common)
    with cpu as one, gpu as other:
        yield [one, other]


@contextmanager
def loaded(runtimes: list[Serving]) -> Iterator[None]:
    """Keep requests coming, some of which fail."""
    stop = threading.Event()

    def load(running: Serving) -> None:
        number = 0
        while not stop.wait(0.02):
            number += 1
            running.post({"fail": number % 5 == 0})

    threads = [threading.Thread(target=load, args=(running,)) for running in runtimes]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join()


@contextmanager
def controller() -> Iterator[int]:
    """Serve the controller's own metrics, of a controller that does something of everything at each scrape."""
    metrics = Metrics()

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            metrics.leader.set(1)
            metrics.functions.labels("at_rest").set(3)
            metrics.observation_age_s.set(0.5)
            metrics.switches.labels("faces", "resize", "gpu", "slo_breach", "rolled_back").inc()
            metrics.decisions.labels("slo_breach").inc()
            metrics.writes.labels("apply", "Route", "ok").inc()
            metrics.errors.labels("move").inc()
            metrics.pass_s.observe(0.01)
            self.send_response(200)
            self.send_header("content-type", "text/plain; version=0.0.4")
            self.end_headers()
            with suppress(OSError):  # a scrape that has not waited
                self.wfile.write(metrics.text())

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Page)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_every_panel_has_data_of_real_metrics(prometheus: Prometheus) -> None:
    empty = [(title, query) for title, query in queries() if not prometheus.values(query)]

    assert empty == []


def test_every_alert_is_loaded_without_an_error_and_those_that_should_fire_do(prometheus: Prometheus) -> None:
    prometheus.wait_until('count(ALERTS{alertname="GaiaAnswersFail",alertstate="firing"})', 2)
    prometheus.wait_until('count(ALERTS{alertname="GaiaSwitchTakenBack",alertstate="firing"})', 1)
    groups = prometheus.get("/api/v1/rules")["groups"]
    rules = {rule["name"]: rule for group in groups for rule in group["rules"]}
    firing = {name for name, rule in rules.items() if rule["state"] == "firing"}

    assert rules.keys() == RULES.keys()
    assert {name: rule["lastError"] for name, rule in rules.items() if rule.get("lastError")} == {}
    assert not firing & {"GaiaControllerAbsent", "GaiaControllerWithoutLeader", "GaiaControllerTwoLeaders",
                         "GaiaGpuLost", "GaiaMeasurementsOld", "GaiaPassesSlow", "GaiaRequestsWait"}  # fmt: skip


def test_promtool_finds_nothing_to_complain_of() -> None:
    command = [program("promtool"), "check", "rules", str(MONITORING / "gaia-alerts.yml")]
    checked = subprocess.run(command, capture_output=True, text=True, check=False)

    assert checked.returncode == 0, checked.stdout + checked.stderr


@pytest.mark.parametrize("query", [*[query for _, query in queries()], *RULES.values()])
def test_every_query_is_promql(query: str) -> None:
    promql_parser.parse(query)


def test_every_metric_that_is_asked_for_is_one_that_is_documented() -> None:
    docs = Path(MONITORING).parent
    known = (docs / "admin.md").read_text("utf-8") + (docs / "controller.md").read_text("utf-8")
    asked = {name for _, query in queries() for name in re.findall(r"\bgaia_\w+", query)}
    asked |= {name for query in RULES.values() for name in re.findall(r"\bgaia_\w+", query)}
    unknown = {name for name in asked if f"`{re.sub('_(bucket|count|sum)$', '', name)}`" not in known}

    assert unknown == set()
