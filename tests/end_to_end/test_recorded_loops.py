"""What a real run records of clients that it does not know: loops where they wait for their answers, else times."""

import http.client
import json
import os
import signal
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path
from random import Random
from urllib.parse import urlsplit

import pytest

from gaia_cli.running.playing.load import Load, PlannedRequest
from gaia_cli.running.playing.player import Player
from gaia_cli.simulator.traces.trace import Trace
from gaia_cli.simulator.traces.trace_files import read_trace
from tests.support.cli import GAIA, run_gaia
from tests.support.serving import write_function

NAP = """
    import time

    def handler(payload):
        time.sleep(payload["seconds"])
        return {}
"""
PROCESS = ("--engine", "process", "--accelerator", "emulated", "--port", "0", "--output-format", "json-lines")
SETTINGS = '[function]\nname = "nap"\n\n[mode]\npin = "cpu"\n'
EACH = 60


def naps(seed: int, count: int = EACH) -> list[bytes]:
    random = Random(seed)  # noqa: S311 -- a load, not a secret
    return [json.dumps({"seconds": random.uniform(0.002, 0.02)}).encode() for _ in range(count)]


def ask_in_turn(url: str, bodies: list[bytes], *, keep: bool) -> None:
    """Send each request after the answer to the one before, on one connection or on a new one each."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=30)
    for body in bodies:
        connection.request("POST", "/", body)
        connection.getresponse().read()
        if not keep:
            connection.close()
    connection.close()


def recorded(directory: Path, send: Callable[[str], None]) -> Trace:
    """Record a run that serves what `send` sends to its URL."""
    write_function(directory, NAP)
    (directory / "gaia.toml").write_text(SETTINGS)
    path = directory / "trace.csv"
    arguments = [GAIA, "run", str(directory), *PROCESS, "--record", str(path)]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True, env=os.environ) as process:
        assert process.stdout is not None
        events = map(json.loads, process.stdout)
        url = next(event["url"] for event in events if event["event"] == "ready")
        send(url)
        process.send_signal(signal.SIGINT)
        process.stdout.read()
    return read_trace(path)


@pytest.mark.parametrize(("clients", "keep"), [(1, True), (4, True), (4, False)])
def test_clients_that_wait_are_recorded_in_their_loops(tmp_path: Path, clients: int, keep: bool) -> None:
    def send(url: str) -> None:
        threads = [
            threading.Thread(target=ask_in_turn, args=(url, naps(seed)), kwargs={"keep": keep})
            for seed in range(clients)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    trace = recorded(tmp_path, send)

    assert (len(trace), len(trace.waiting)) == (clients * EACH, clients)


def test_a_stream_of_chance_is_recorded_with_its_times(tmp_path: Path) -> None:
    random, at_s, requests = Random(5), 0.0, []  # noqa: S311 -- a load, not a secret
    for body in naps(6, 200):
        at_s += random.expovariate(40.0)
        requests.append(PlannedRequest(at_s, body=body))

    def send(url: str) -> None:
        ended = threading.Event()
        Player(Load(tuple(requests)), ended.set).start(url)
        assert ended.wait(60)

    trace = recorded(tmp_path, send)

    assert (len(trace), trace.waiting) == (200, set())


def test_a_played_loop_is_recorded_and_replayed_as_one(tmp_path: Path) -> None:
    write_function(tmp_path, NAP)
    (tmp_path / "gaia.toml").write_text(SETTINGS)
    load, path = tmp_path / "load.jsonl", tmp_path / "trace.csv"
    entry = {"after": "answer", "clients": 3, "think_s": 0.05}
    load.write_text("\n".join([json.dumps(entry), *(f'{{"json": {body.decode()}}}' for body in naps(1, 30))]))

    run_gaia("run", str(tmp_path), *PROCESS, "--play", str(load), "--record", str(path))

    trace = read_trace(path)
    assert (len(trace), trace.waiting) == (30, {"1", "2", "3"})
    later = set(range(30)) - set(trace.firsts)
    assert all(0.05 <= trace.think_s[row] < 1.0 for row in later)
    replayed = json.loads(run_gaia("simulate", str(path), "--policy", "gaia", "--output-format", "json").stdout)
    assert (replayed["clients"], replayed["mode"], replayed["slo_p95_ms"]) == (3, "cpu", None)
