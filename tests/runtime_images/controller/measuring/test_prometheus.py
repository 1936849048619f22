"""A real Prometheus that has scraped each dialect gives the numbers back; a stale or missing one is unknown."""

import asyncio
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import promql_parser
import pytest

from runtime_images.controller.measuring import prometheus as reading
from runtime_images.controller.measuring.dialects import DIALECTS, Dialect, Role
from runtime_images.controller.measuring.numbers import PodNumbers
from runtime_images.controller.measuring.pods import Pod, PodId
from runtime_images.dynamic_runtime.telemetry.metrics import Metrics
from runtime_images.policy.model import CPU
from tests.runtime_images.controller.measuring.expositions import Served, open_census, open_telemetry
from tests.support.prometheus import Prometheus, scraping

PODS = ("resize-cpu-00002-deployment-5b6c-aaaaa", "resize-cpu-00002-deployment-5b6c-bbbbb")
OTHER = "resize-cpu-00001-deployment-77aa-ccccc"
SERVED: dict[str, Served] = {
    PODS[0]: [(200, 0.2, 0.0)] * 8 + [(500, 0.01, 0.0)] * 2,
    PODS[1]: [(200, 0.03, 0.3)] * 5 + [(404, 0.002, 0.0)],
    OTHER: [(200, 9.0, 0.0)] * 100,
}


def runtime(_: str, served: Served) -> str:
    metrics = Metrics()
    metrics.answered(CPU, [(code, 100.0, 100.0 + a + b, round(1e9 * a), 0, 1) for code, a, b in served])
    gauges = f"gaia_requests_total {len(served) + 3}\ngaia_queue_depth 2\ngaia_queue_oldest_seconds 0.4\n"
    return metrics.render().decode() + gauges + 'gaia_requests_in_flight{backend="cpu"} 1\ngaia_slots 4\n'


SPOKEN = {
    "runtime": runtime,
    "promoted": lambda pod, served: open_telemetry(pod, served, promoted=True),
    "opentelemetry": lambda pod, served: open_telemetry(pod, served, promoted=False),
    "opentelemetry of 1.19.0": lambda pod, served: open_telemetry(
        pod, served, promoted=False, name="kn_queueproxy_app_duration_seconds"
    ),
    "opencensus": open_census,
}


@contextmanager
def showing(texts: Mapping[str, str]) -> Iterator[int]:
    """Serve each text at its path."""

    class Pages(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = texts[self.path.removeprefix("/")].encode()
            self.send_response(200)
            self.send_header("content-type", "text/plain; version=0.0.4")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Pages)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def jobs(port: int, names: Mapping[str, Mapping[str, str]]) -> list[dict[str, object]]:
    return [
        {
            "job_name": name,
            "metrics_path": f"/{name}",
            "static_configs": [{"targets": [f"127.0.0.1:{port}"], "labels": dict(labels)}],
        }
        for name, labels in names.items()
    ]


def pod(name: str) -> Pod:
    return Pod(PodId("faces", name, name), CPU, name.rpartition("-deployment-")[0], "198.18.0.7", ready=True)


def read(prometheus: Prometheus) -> Mapping[PodId, PodNumbers]:
    source = reading.Prometheus(reading.asking(prometheus.url))
    return asyncio.run(source.read([pod(name) for name in PODS]))


@pytest.mark.parametrize("dialect", SPOKEN)
def test_what_a_dialect_tells_of_two_pods_is_read_of_a_real_prometheus(dialect: str, tmp_path: Path) -> None:
    texts = {name: SPOKEN[dialect](name, served) for name, served in SERVED.items()}
    labels = {name: {"namespace": "faces", "pod": name} if dialect == "runtime" else {} for name in texts}
    with showing(texts) as port, scraping(tmp_path, jobs(port, labels)) as prometheus:
        prometheus.wait_until("count(up == 1)", 3)
        found = read(prometheus)

    first, second = (found[pod(name).id] for name in PODS)
    assert (first.service.count, first.failed) == (8, 2)
    assert (second.service.count, second.failed) == (6, 0)
    assert first.service.sum_s == pytest.approx(1.6)
    assert second.service.sum_s == pytest.approx(0.152)
    assert second.latency.sum_s == pytest.approx(1.652)
    assert first.latency.quantile(0.95) == pytest.approx(0.2, rel=0.3)
    assert (second.waiting, second.in_flight, second.slots) == ((2, 1, 4) if dialect == "runtime" else (0, 0, None))


def test_what_prometheus_does_not_know_is_unknown(tmp_path: Path) -> None:
    texts = {"other": SPOKEN["opencensus"](OTHER, SERVED[OTHER])}
    with showing(texts) as port, scraping(tmp_path, jobs(port, {"other": {}})) as prometheus:
        prometheus.wait_until("count(up == 1)", 1)
        found = read(prometheus)

    assert found == {}


def test_a_prometheus_that_is_gone_says_nothing() -> None:
    source = reading.Prometheus(reading.asking("http://127.0.0.1:9"))

    assert asyncio.run(source.read([pod(PODS[0])])) == {}


def test_a_sample_that_is_old_is_in_no_answer() -> None:
    for dialect in DIALECTS:
        queries = dialect.queries("faces", ["resize-cpu-00002"])
        queries.pop(Role.AGE)
        for query in queries.values():
            assert query.count("{") == query.count("last_over_time({") + query.count("last_over_time(target_info{")
            assert query.count("[45s]") == query.count("last_over_time(")


@pytest.mark.parametrize("dialect", SPOKEN)
def test_a_pod_whose_scrape_has_failed_is_unknown_at_once_however_lately_it_was_heard(
    dialect: str, tmp_path: Path
) -> None:
    texts = {name: SPOKEN[dialect](name, SERVED[name]) for name in PODS}
    labels = {name: {"namespace": "faces", "pod": name} if dialect == "runtime" else {} for name in texts}
    with showing(texts) as port, scraping(tmp_path, jobs(port, labels)) as prometheus:
        prometheus.wait_until("count(up == 1)", 2)
        before = read(prometheus)
        texts[PODS[1]] = "it has failed"
        prometheus.wait_until("count(up == 0)", 1)
        after = read(prometheus)

    assert {one.name for one in before} == set(PODS)
    assert max(numbers.age_s for numbers in before.values()) < 10
    assert {one.name for one in after} == {PODS[0]}


@pytest.mark.parametrize(("age_s", "is_known"), [(20, True), (60, False)])
def test_how_old_a_sample_is_that_prometheus_did_not_take_itself_is_known(
    age_s: int, is_known: bool, tmp_path: Path
) -> None:
    at_ms = round(1000 * (time.time() - age_s))
    lines = open_census(PODS[0], SERVED[PODS[0]]).splitlines()
    text = "\n".join(line if line.startswith("#") else f"{line} {at_ms}" for line in lines) + "\n"
    with showing({PODS[0]: text}) as port, scraping(tmp_path, jobs(port, {PODS[0]: {}})) as prometheus:
        prometheus.wait_until("count(up == 1)", 1)
        found = read(prometheus)

    assert {one.name for one in found} == ({PODS[0]} if is_known else set())
    assert all(age_s <= numbers.age_s < age_s + 20 for numbers in found.values())


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: dialect.name)
def test_every_query_is_promql(dialect: Dialect) -> None:
    queries = dialect.queries("faces", ["resize-cpu-00002", "resize.v2-gpu-00001"])

    assert {Role.SERVICE, Role.SERVICE_SUM, Role.LATENCY, Role.LATENCY_SUM} <= queries.keys()
    for query in queries.values():
        promql_parser.parse(query)


@pytest.mark.parametrize("name", ['a"} or vector(1) or x{y="', "", "a|b", "Faces", "a" + chr(10)])
def test_a_name_that_is_none_of_a_clusters_gets_into_no_query(name: str) -> None:
    with pytest.raises(ValueError, match="no name in a cluster"):
        DIALECTS[0].queries("faces", [name])


def test_the_dialect_is_remembered_while_it_answers() -> None:
    asked: list[str] = []

    async def ask(query: str) -> list[reading.Row]:
        asked.append(query)
        if "revision_app" not in query:
            return []
        labels = {"pod_name": PODS[0], "response_code": "200"}
        if "timestamp(" in query:
            return [(labels, 3.0)]
        return [({**labels, "le": "+Inf"}, 3.0), ({**labels, "le": "5"}, 3.0)]

    source = reading.Prometheus(ask)
    first = asyncio.run(source.read([pod(PODS[0])]))
    tried, asked[:] = len(asked), []
    second = asyncio.run(source.read([pod(PODS[0])]))

    assert first.keys() == second.keys() == {pod(PODS[0]).id}
    assert tried == 5 * len(DIALECTS) + 1
    assert len(asked) == 5
