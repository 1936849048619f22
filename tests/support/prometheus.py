"""A real Prometheus for tests: it scrapes what it is told to, and is asked over its own API."""

import contextlib
import json
import shutil
import socket
import subprocess
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest


class Prometheus:
    """A running Prometheus."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"

    def get(self, path: str, **parameters: str) -> Any:  # noqa: ANN401 -- JSON's own type
        query = urllib.parse.urlencode(parameters)
        with urllib.request.urlopen(f"{self.url}{path}?{query}", timeout=30) as answer:  # noqa: S310 -- it is http
            return json.load(answer)["data"]

    def values(self, expression: str, at_s: float | None = None) -> list[tuple[dict[str, str], float]]:
        """The labels and values at one moment, without the labels that Prometheus adds."""
        rows = self.get("/api/v1/query", query=expression, time=str(at_s or time.time()))["result"]
        added = ("__name__", "instance", "job")
        return [
            ({k: v for k, v in row["metric"].items() if k not in added}, float(row["value"][1]))
            for row in sorted(rows, key=lambda row: sorted(row["metric"].items()))
        ]

    def wait_until(self, expression: str, value: float) -> None:
        """Wait until a scrape has brought this value."""
        deadline = time.monotonic() + 60
        seen: object = None
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError):  # it is not up yet
                seen = self.values(expression)
                if [number for _, number in self.values(expression)] == [value]:
                    return
            time.sleep(0.1)
        raise AssertionError(f"{expression} is {seen}, not {value}; {self.get('/api/v1/targets')}")


def program(name: str) -> str:
    """Return a program of Prometheus, or skip the test."""
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"there is no {name} here: apt-get install prometheus")
    return found


@contextmanager
def scraping(directory: Path, jobs: Sequence[Mapping[str, object]], rules: Sequence[Path] = ()) -> Iterator[Prometheus]:
    """Run a Prometheus that asks these jobs five times a second, until the block ends."""
    config = directory / "prometheus.yml"
    settings = {
        "global": {"scrape_interval": "200ms", "scrape_timeout": "200ms", "evaluation_interval": "1s"},
        "scrape_configs": list(jobs),
        "rule_files": [str(path) for path in rules],
    }
    config.write_text(json.dumps(settings), "utf-8")  # which is YAML, too
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [program("prometheus"), f"--config.file={config}", f"--storage.tsdb.path={directory / 'data'}"]
    command += [f"--web.listen-address=127.0.0.1:{port}", "--log.level=error"]
    process = subprocess.Popen(command, cwd=directory, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield Prometheus(port)
    finally:
        process.terminate()
        process.wait(timeout=20)
