"""A run that is recorded and replayed makes its switches again, though a recording has measured each request only once.

The run is one of the simulator's own, so that nothing is left to chance; test_what_if.py of end_to_end has a real one.
"""

from dataclasses import replace
from pathlib import Path

import pytest

from gaia_cli.running.recording.recorder import TraceRecorder
from gaia_cli.simulator.policies.registry import POLICIES
from gaia_cli.simulator.traces.generators import GENERATORS
from gaia_cli.simulator.traces.trace import Trace
from gaia_cli.simulator.traces.trace_files import read_trace
from gaia_cli.simulator.world.scenario import Scenario
from gaia_cli.simulator.world.world import Replay, replay
from runtime_images.events.traffic import RequestRow, Requests
from runtime_images.policy.model import Backend

NEAR_S = 1.0


def run(trace: Trace) -> Replay:
    return replay(trace, Scenario(), POLICIES["gaia"](Scenario()))


def record(trace: Trace, done: Replay, path: Path) -> Trace:
    """The trace that `gaia run --record` would have written of a run; the node is that of `trace`."""
    recorder = TraceRecorder(path, Path())
    for row, (arrived, finished) in enumerate(zip(done.arrived, done.finished, strict=True)):
        backend = Backend.GPU if done.on_gpu[row] else Backend.CPU
        service_s = trace.service_s(backend)[row]
        cpu_s = trace.cpu_time_s[row] if backend is Backend.CPU else service_s
        measured = RequestRow(arrived, backend, 1000 * service_s, 1000 * (finished - arrived), 1000 * cpu_s, 200)
        recorder.apply(Requests((measured,)))
    recorder.write()
    return replace(read_trace(path), node=trace.node, outages=trace.outages)


def switches(done: Replay) -> list[tuple[Backend, float]]:
    return [(change.backend, change.t) for change in done.timeline if change.event == "start"][1:]


@pytest.mark.parametrize("name", ["ramp", "drift", "burst", "square-wave", "random-sizes", "sleeper", "outage"])
def test_a_recorded_run_that_is_replayed_makes_its_switches_again(name: str, tmp_path: Path) -> None:
    trace = GENERATORS[name](1)
    first = run(trace)

    again = run(record(trace, first, tmp_path / "trace.csv"))

    assert [to for to, _ in switches(again)] == [to for to, _ in switches(first)]
    assert [at for _, at in switches(again)] == pytest.approx([at for _, at in switches(first)], abs=NEAR_S)
    assert any(switches(first)) or name == "sleeper"
