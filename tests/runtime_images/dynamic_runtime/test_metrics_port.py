"""The metrics port: what it shows to whoever can reach it, and that this is all it does."""

import http.client
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.support.serving import Answer, Serving, free_port, serving, write_function

GATED = """
    import pathlib, time

    def handler(payload):
        while "until" in payload and not pathlib.Path(payload["until"]).exists():
            time.sleep(0.01)
        return payload
"""


@contextmanager
def scraped(tmp_path: Path) -> Iterator[tuple[Serving, int]]:
    port = free_port()
    function = write_function(tmp_path / "function", GATED)
    with serving(function, GAIA_METRICS_PORT=str(port), GAIA_MODE="gpu", GAIA_CONCURRENCY="1") as running:
        yield running, port


def ask(port: int, method: str, path: str) -> Answer:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request(method, path)
        reply = connection.getresponse()
        return Answer(reply.status, {k.lower(): v for k, v in reply.getheaders()}, reply.read())
    finally:
        connection.close()


def numbers(port: int) -> dict[str, float]:
    """Every sample but the buckets, by name and labels in braces."""
    families = text_string_to_metric_families(ask(port, "GET", "/metrics").body.decode())
    return {
        sample.name + "".join(f"{{{value}}}" for value in sample.labels.values()): sample.value
        for family in families
        for sample in family.samples
        if not sample.name.endswith("_bucket")
    }


def test_it_serves_metrics_and_nothing_else(tmp_path: Path) -> None:
    others = [("GET", "/"), ("GET", "/state"), ("POST", "/drain"), ("GET", "/health/readiness"), ("POST", "/switch")]
    with scraped(tmp_path) as (running, port):
        statuses = [ask(port, method, path).status for method, path in others]
        written = ask(port, "POST", "/metrics")
        metrics = ask(port, "GET", "/metrics")
        still_serves = running.post({}).status

    assert statuses == [404] * len(others)
    assert (written.status, written.headers["allow"]) == (405, "GET, HEAD")
    assert (metrics.status, metrics.headers["content-type"]) == (200, "text/plain; version=0.0.4; charset=utf-8")
    assert still_serves == 200


def test_it_shows_what_a_policy_outside_needs(tmp_path: Path) -> None:
    with scraped(tmp_path) as (running, port):
        answered, gate = [running.post({}).status for _ in range(3)], tmp_path / "gate"
        clients = [threading.Thread(target=running.post, args=({"until": str(gate)},)) for _ in range(3)]
        for client in clients:
            client.start()
        # The front gives one worker a request ahead once its answers were seen to be short: two of three may be there.
        waiting = seen(port, lambda found: found["gaia_queue_depth"] + found["gaia_requests_in_flight{gpu}"] == 3)
        seen(port, lambda found: "gaia_cpu_share{gpu}" in found)  # measured once in a window, while there is work
        gate.touch()
        for client in clients:
            client.join()
        after = numbers(port)

    assert answered == [200] * 3
    assert waiting["gaia_queue_depth"] in (1, 2)
    assert waiting["gaia_requests_in_flight{cpu}"] == 0
    assert 0 < waiting["gaia_queue_oldest_seconds"] < 60
    assert 0 < waiting["gaia_in_flight_oldest_seconds{gpu}"] < 60
    assert waiting["gaia_idle_seconds"] == 0
    assert waiting["gaia_slots"] == 1
    assert waiting["gaia_requests_total"] == 6
    assert after["gaia_service_duration_seconds_count{gpu}{200}"] == 6
    served_s, in_all_s = (after[f"gaia_{what}_duration_seconds_sum{{gpu}}{{200}}"] for what in ("service", "request"))
    assert 0 < served_s < in_all_s, "the wait in the queue counts in a request's time only"
    assert after["gaia_failures_total"] == 0
    assert after["gaia_gpu_available{emulated}"] == 1
    assert 0 < after["gaia_backend_start_seconds{gpu}{ready}"] < 60
    assert 0 <= after["gaia_cpu_share{gpu}"] < 0.5
    assert "gaia_cpu_share{cpu}" not in after, "what is not known is no zero"


def seen(port: int, holds: Callable[[dict[str, float]], bool]) -> dict[str, float]:
    """Return the numbers of the first scrape of which something holds."""
    deadline = time.monotonic() + 60
    while not holds(found := numbers(port)):
        assert time.monotonic() < deadline, found
    return found


def test_a_port_that_is_taken_is_named_before_anything_starts(tmp_path: Path) -> None:
    with scraped(tmp_path) as (_, port):
        function = write_function(tmp_path / "other", GATED)
        with serving(function, wait=False, GAIA_METRICS_PORT=str(port)) as second:
            failed, code = second.event("setup_failed"), second.process.wait(timeout=60)

    assert (failed["kind"], code) == ("port", 2)
    assert str(port) in failed["message"]


def test_a_function_without_accelerator_says_nothing_of_a_gpu(tmp_path: Path) -> None:
    port = free_port()
    function = write_function(tmp_path, GATED)
    with serving(function, GAIA_METRICS_PORT=str(port), GAIA_ACCELERATOR="none", GAIA_MODE="cpu"):
        found = numbers(port)

    assert not [name for name in found if name.startswith("gaia_gpu_available")]


@pytest.mark.parametrize("value", ["-1", "65536", "some"])
def test_a_port_that_is_none_is_refused_by_name(tmp_path: Path, value: str) -> None:
    with serving(write_function(tmp_path, GATED), wait=False, GAIA_METRICS_PORT=value) as running:
        code = running.process.wait(timeout=60)
        running.all_told.wait(30)

    assert code == 2
    assert f"GAIA_METRICS_PORT='{value}'".encode() in b"".join(running.stderr)
