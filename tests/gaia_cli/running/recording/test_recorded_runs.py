"""A run that is recorded and replayed makes its switches again, though a recording has measured each request only once.

The run is one of the simulator's own, so that nothing is left to chance; test_what_if.py of end_to_end has a real one.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from gaia_cli.running.recording.recorder import TraceRecorder
from gaia_cli.simulator.policies.registry import POLICIES
from gaia_cli.simulator.results.comparison import compare
from gaia_cli.simulator.traces.generators import GENERATORS
from gaia_cli.simulator.traces.trace import NONE_FOLLOWS, Row, Trace, trace_of
from gaia_cli.simulator.traces.trace_files import read_trace
from gaia_cli.simulator.world.scenario import Scenario
from gaia_cli.simulator.world.world import Replay, replay
from runtime_images.events.traffic import RequestRow, Requests
from runtime_images.policy.model import Backend

NEAR_S = 1.0


def run(trace: Trace) -> Replay:
    return replay(trace, Scenario(), POLICIES["gaia"](Scenario()))


def rows_after(trace: Trace, first: int) -> Iterator[int]:
    """Yield a client's rows."""
    row = first
    while row != NONE_FOLLOWS:
        yield row
        row = trace.following[row]


def record(trace: Trace, done: Replay, path: Path) -> Trace:
    """The trace that `gaia run --record` would have written of a run; the node is that of `trace`."""
    recorder = TraceRecorder(path, Path())
    clients = {row: number for number, first in enumerate(trace.firsts, start=1) for row in rows_after(trace, first)}
    for row, (arrived, finished) in enumerate(zip(done.arrived, done.finished, strict=True)):
        backend = Backend.GPU if done.on_gpu[row] else Backend.CPU
        service_s = trace.service_s(backend)[row]
        cpu_s = trace.cpu_time_s[row] if backend is Backend.CPU else service_s
        measured = RequestRow(arrived, backend, 1000 * service_s, 1000 * (finished - arrived), 1000 * cpu_s, 200)
        if trace.waiting:
            measured = measured._replace(client=clients[row])
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


@pytest.mark.parametrize("clients", [1, 4])
def test_what_a_recorded_loop_would_have_cost_on_the_gpu_is_what_it_costs_there(clients: int, tmp_path: Path) -> None:
    random = Random(3)  # noqa: S311 -- a load, not a secret
    times_s = [1.5 * random.lognormvariate(0.0, 0.02) for _ in range(120 * clients)]
    rows = [Row(None, cpu_s, cpu_s / 10, cpu_s, 0.1, str(number % clients)) for number, cpu_s in enumerate(times_s)]
    truth = trace_of("loop", rows)

    recorded = record(truth, run(truth), tmp_path / "trace.csv")

    assert len(recorded.waiting) == clients
    costs = [compare(trace, Scenario(), ("static-cpu", "static-gpu")).outcomes for trace in (truth, recorded)]
    for policy in ("static-cpu", "static-gpu"):
        assert costs[1][policy].cost == pytest.approx(costs[0][policy].cost, rel=0.05)
