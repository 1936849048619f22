"""The walks of docs/architecture.md are what really runs: the rooms that work passes, in the order of first entry."""

import re
import subprocess
import sys
import sysconfig
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.architecture.sources import ROOT
from tests.support.cli import run_gaia
from tests.support.serving import serving, write_function

PAGE = "docs/architecture.md"
TRACER = ROOT / "tests" / "support" / "room_trace"
ROOMS_MOST = 12
REQUESTS = 9
FUNCTION = """
    import os, time

    def handler(payload):
        until = time.process_time() + (payload if os.environ["GAIA_BACKEND"] == "cpu" else 0)
        while time.process_time() < until:
            pass
"""

Rooms = tuple[str, ...]


@dataclass(frozen=True, order=True)
class Entry:
    """A room was entered; times in ns of CLOCK_MONOTONIC."""

    at_ns: int
    began_ns: int
    """When the event loop's callback began that it belongs to."""
    room: str
    process: str


def entries(trace: Path) -> list[Entry]:
    """Read what every process has written to `trace`, in order of time."""
    found = []
    for file in trace.iterdir():
        for line in file.read_text().splitlines():
            at_ns, began_ns, room = line.split()
            found.append(Entry(int(at_ns), int(began_ns), room, file.name))
    return sorted(found)


def in_order(found: Iterable[Entry]) -> Rooms:
    return tuple(dict.fromkeys(entry.room for entry in found))


def most_common(walks: Iterable[Rooms]) -> Rooms:
    """Return the walk that most took: beside some of them something else ran."""
    return Counter(walks).most_common(1)[0][0]


@pytest.fixture(scope="module")
def trace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("trace")


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, trace: Path) -> tuple[list[Entry], list[tuple[int, int]]]:
    """Run a runtime through quick requests, and slow ones until it starts a GPU; return trace and times."""
    directory = tmp_path_factory.mktemp("served")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", directory / "environment"], check=True)
    packages = next((directory / "environment" / "lib").glob("python*/site-packages"))
    (packages / "beside.pth").write_text(f"{sysconfig.get_path('purelib')}\n{TRACER}\n")  # for the worker
    traced = {"TRACE_ROOMS": str(trace), "PYTHONPATH": str(TRACER), "GAIA_SLO_LATENCY_P95_MS": "50"}
    traced["GAIA_FUNCTION_PYTHON"] = str(directory / "environment" / "bin" / "python")
    times = []
    with serving(write_function(directory / "function", FUNCTION), wait=True, **traced) as running:
        for _ in range(REQUESTS):
            began_ns = time.monotonic_ns()
            running.post(0)
            times.append((began_ns, time.monotonic_ns()))
            time.sleep(0.05)
        for _ in range(100):
            if running.named("switch"):
                break
            running.post(0.1)
        assert running.named("switch"), running.events[-3:]
    return entries(trace), times


def one_analyzed_file(trace: Path) -> Rooms:
    environment = {"TRACE_ROOMS": str(trace), "PYTHONPATH": str(TRACER)}
    ended = run_gaia("analyze", "samples/02-matmul", cwd=ROOT, env=environment)
    assert ended.returncode == 0, ended.stderr
    return in_order(entries(trace))


def one_request(found: list[Entry], times: list[tuple[int, int]]) -> Rooms:
    """Of each request all that ran until it was answered, and what had begun until then, but for decisions."""
    decisions = {(entry.process, entry.began_ns) for entry in found if "/policy" in entry.room}
    own = [entry for entry in found if (entry.process, entry.began_ns) not in decisions]
    return most_common(
        in_order(entry for entry in own if from_ns <= entry.at_ns <= to_ns or from_ns <= entry.began_ns <= to_ns)
        for from_ns, to_ns in times
    )


def one_decision(found: list[Entry], times: list[tuple[int, int]]) -> Rooms:
    """Of each decision since the requests began all that ran in the one callback, but for a report of it."""
    callbacks: dict[tuple[str, int], list[Entry]] = {}
    for entry in found:
        if entry.began_ns > times[0][0] and entry.room != "runtime_images/events":
            callbacks.setdefault((entry.process, entry.began_ns), []).append(entry)
    walks = map(in_order, callbacks.values())
    return most_common(walk for walk in walks if "runtime_images/policy/learning" in walk)


def on_the_page(title: str) -> Rooms:
    """Return the rooms of the numbered list under a heading of the page."""
    _, _, section = (ROOT / PAGE).read_text("utf-8").partition(f"\n### {title}\n")
    return tuple(re.findall(r"^\d+\. `([^`]+)`", section.partition("\n#")[0], re.MULTILINE))


def compare(title: str, ran: Rooms) -> None:
    listed = "\n".join(f"{number}. `{room}`" for number, room in enumerate(ran, 1))

    assert on_the_page(title) == ran, f'write under "### {title}" in {PAGE}, each with what happens there:\n{listed}'
    assert len(ran) <= ROOMS_MOST, f"a newcomer can follow {ROOMS_MOST} rooms, not {len(ran)}:\n{listed}"


def test_one_analyzed_file_passes_these_rooms(tmp_path: Path) -> None:
    compare("One analyzed file", one_analyzed_file(tmp_path))


def test_one_request_passes_these_rooms(served: tuple[list[Entry], list[tuple[int, int]]]) -> None:
    compare("One request", one_request(*served))


def test_one_decision_passes_these_rooms(served: tuple[list[Entry], list[tuple[int, int]]]) -> None:
    compare("One decision", one_decision(*served))
