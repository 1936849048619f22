"""A run on the real runtime, recorded, and replayed by the simulator."""

import json
from pathlib import Path
from typing import Any

import pytest

from gaia_cli.running.history import RunHistory
from gaia_cli.simulator.policies.registry import POLICIES
from gaia_cli.simulator.reading import read_slos, scenario_of
from gaia_cli.simulator.traces.trace_files import read_trace
from gaia_cli.simulator.world.world import replay
from runtime_images.events.codec import from_json
from tests.support.cli import run_gaia
from tests.support.serving import write_function

FUNCTION = """
    import os, time

    def handler(payload):
        speed = 10 if os.environ["GAIA_BACKEND"] == "gpu" else 1
        until = time.perf_counter() + payload["work_ms"] / 1000 / speed
        while time.perf_counter() < until:
            pass
        return {}
"""
SETTINGS = '[function]\nname = "phases"\n\n[mode]\npin = "cpu_preferred"\n\n[slo]\nlatency_p95_ms = 100\n'
HEAVY = [(number / 4, 200.0) for number in range(24)]
LIGHT = [(6.0 + number / 5, 4.0) for number in range(60)]
NEAR_S = 2.0
"""Between a decision of the run and the same one of the replay: a few ticks, since the ticks are not in step."""


def run(directory: Path) -> tuple[RunHistory, dict[str, Any], Path]:
    """Play a promotion and a demotion; return the history, the summary event, and the recorded trace."""
    write_function(directory, FUNCTION)
    (directory / "gaia.toml").write_text(SETTINGS)
    load, trace = directory / "load.jsonl", directory / "trace.csv"
    requests = [{"at_s": at_s, "method": "POST", "json": {"work_ms": work_ms}} for at_s, work_ms in HEAVY + LIGHT]
    load.write_text("\n".join(json.dumps(request) for request in requests))
    where = ("--engine", "process", "--accelerator", "emulated", "--port", "0", "--output-format", "json-lines")
    ended = run_gaia("run", str(directory), *where, "--play", str(load), "--record", str(trace), "--what-if")

    history = RunHistory()
    events = [json.loads(line) for line in ended.stdout.splitlines()]
    for event in events:
        history.apply(from_json(event))
    return history, events[-1], trace


def test_the_replay_of_a_recorded_run_makes_its_switches_and_the_summary_tells_the_alternatives(tmp_path: Path) -> None:
    history, summary, path = run(tmp_path)
    recorded = read_trace(path)
    scenario = scenario_of(recorded, read_slos([]))

    replayed = replay(recorded, scenario, POLICIES["gaia"](scenario))

    ordered = [(str(switch.to), history.at(switch.ordered)) for switch in history.switches]
    again = [(str(change.backend), change.t) for change in replayed.timeline if change.event == "start"][1:]
    assert [backend for backend, _ in ordered] == ["gpu", "cpu"]
    assert [backend for backend, _ in again] == ["gpu", "cpu"]
    assert [at for _, at in again] == pytest.approx([at for _, at in ordered], abs=NEAR_S)

    shown = json.loads(run_gaia("simulate", str(path), "--policy", "gaia", "--output-format", "json").stdout)
    starts = [change for change in shown["policies"][0]["timeline"] if change["event"] == "start"][1:]
    assert [one["backend"] for one in starts] == ["gpu", "cpu"], "without a flag"
    assert [one["t"] for one in starts] == pytest.approx([at for _, at in again], abs=0.001)

    alternatives = {one["policy"]: one for one in summary["what_if"]["alternatives"]}
    assert list(alternatives) == ["gaia", "reference", "static-cpu", "static-gpu", "oracle"]
    assert alternatives["gaia"]["cost"] == pytest.approx(summary["cost"], rel=0.3)
    assert alternatives["static-cpu"]["cost"] < alternatives["gaia"]["cost"] < alternatives["static-gpu"]["cost"]
    assert alternatives["static-cpu"]["late"] >= len(HEAVY)
    assert alternatives["oracle"]["versus_optimum"] == 1.0
