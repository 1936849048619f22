"""Small traces and replays for the simulator's tests."""

from collections.abc import Iterable
from itertools import islice
from math import isnan

from gaia_cli.simulator.policies.labels import Plan
from gaia_cli.simulator.policies.oracle import Planned
from gaia_cli.simulator.results.comparison import Outcome, judge
from gaia_cli.simulator.traces.trace import Outage, Row, Trace, trace_of
from gaia_cli.simulator.world.scenario import Scenario
from gaia_cli.simulator.world.world import Policy, replay
from runtime_images.policy.model import Backend


def at(*arrivals: float, cpu_s: float = 0.5, gpu_s: float = 0.1) -> Trace:
    """Equal requests that arrive at these moments."""
    return trace_of("open", (Row(arrival, cpu_s, gpu_s, cpu_s) for arrival in arrivals))


def closed(
    count: int, *, cpu_s: float = 0.5, gpu_s: float = 0.1, think_s: float = 0.0, away: Iterable[Outage] = ()
) -> Trace:
    """One client that sends equal requests, each after the answer to the one before."""
    return trace_of("closed", (Row(None, cpu_s, gpu_s, cpu_s, think_s) for _ in range(count)), away)


def planned(trace: Trace, scenario: Scenario, initial: Backend, *orders: float) -> Outcome:
    """Replay a plan and judge it."""
    return outcome(trace, scenario, Planned(Plan(initial, orders)))


def outcome(trace: Trace, scenario: Scenario, policy: Policy) -> Outcome:
    """Replay a policy and judge it."""
    return judge(trace, scenario, replay(trace, scenario, policy))


def story(result: Outcome) -> list[tuple[float, str, str]]:
    """Return the timeline in plain values."""
    return [(round(change.t, 3), change.event, str(change.backend)) for change in result.timeline]


def beginning(trace: Trace, count: int = 250) -> Trace:
    """Return the first rows of a trace of one client, for tests that need no more."""
    columns = (trace.arrival_s, trace.cpu_s, trace.gpu_s, trace.cpu_time_s, trace.think_s)
    rows = (
        Row(None if isnan(arrival_s) else arrival_s, cpu_s, gpu_s, cpu_time_s, think_s)
        for arrival_s, cpu_s, gpu_s, cpu_time_s, think_s in zip(*columns, strict=True)
    )
    return trace_of(trace.name, islice(rows, count), trace.outages, trace.node)
