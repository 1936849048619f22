"""The optimum against every plan that anybody may think of, and against its own account."""

from dataclasses import replace

from hypothesis import example, given, settings
from hypothesis import strategies as st

from gaia_cli.simulator.policies import search
from gaia_cli.simulator.policies.oracle import SHORT, Planned, optimum
from gaia_cli.simulator.policies.registry import POLICIES
from gaia_cli.simulator.policies.search import Search
from gaia_cli.simulator.results.comparison import Outcome, judge
from gaia_cli.simulator.traces.generators import GENERATORS
from gaia_cli.simulator.traces.trace import Outage, Row, Trace, trace_of
from gaia_cli.simulator.world.node import Supply
from gaia_cli.simulator.world.scenario import Scenario
from gaia_cli.simulator.world.world import replay
from runtime_images.node.stretch import Stretch
from runtime_images.policy.model import Backend
from tests.gaia_cli.simulator.support import at, beginning, closed, outcome, planned

GRACE = 1.05
"""How much cheaper a plan may be: the search looks at a few moments for each switch, and keeps a few ways only."""

WAITS_FOR_THE_CPU = trace_of(
    "waits", [Row(t, c, g, c) for t, c, g in ((0.1, 0.05, 0.05), (1.1, 0.05, 4.0), (1.2, 1.5, 4.0), (6.2, 0.05, 0.05))]
)
"""The CPU must take over from the cheaper GPU while a request waits there, not as soon as that one has come."""

times = st.sampled_from((0.05, 0.4, 1.5, 4.0))
gaps = st.sampled_from((0.1, 1.0, 5.0, 30.0))
scenarios = st.builds(
    Scenario,
    start_cpu_s=st.sampled_from((0.0, 0.5, 4.0)),
    start_gpu_s=st.sampled_from((0.0, 1.0, 10.0)),
    gpu_price=st.sampled_from((0.00002, 0.000038, 0.000133)),
)


@st.composite
def nodes(draw: st.DrawFn) -> tuple[Stretch, ...]:
    """Draw a node with too little power, or other prices, for a while."""
    begin_s, lasts_s = draw(st.floats(0.0, 60.0)), draw(st.sampled_from((3.0, 20.0, 60.0)))
    usual = Stretch(0.0, power_w=60.0, cpu_w=10.0, gpu_w=40.0, joule_price=1e-7)
    dark, dear = replace(usual, power_w=20.0), replace(usual, joule_price=1e-5)
    changed = draw(st.sampled_from((dark, dear, replace(usual, gpu_price=1e-6), replace(usual, cpu_price=1e-2))))
    return usual, replace(changed, from_s=begin_s + 0.1), replace(usual, from_s=begin_s + lasts_s)


@st.composite
def traces(draw: st.DrawFn) -> Trace:
    is_closed, now, rows = draw(st.booleans()), 0.0, []
    clients = st.sampled_from(draw(st.sampled_from(("a", "ab", "abc"))))
    for cpu_s, gpu_s, gap, client in draw(st.lists(st.tuples(times, times, gaps, clients), min_size=1, max_size=15)):
        now += gap
        rows.append(Row(None if is_closed else now, cpu_s, gpu_s, cpu_s, gap if is_closed else 0.0, client))
    begin = draw(st.none() | st.floats(0.0, 60.0))
    outages = () if begin is None else (Outage(begin, begin + 20.0),)
    return trace_of("drawn", rows, outages, draw(st.just(()) | nodes()))


@given(traces(), scenarios, st.sampled_from(list(Backend)), st.lists(st.floats(0.0, 120.0), max_size=4).map(sorted))
@example(WAITS_FOR_THE_CPU, Scenario(start_cpu_s=4.0, start_gpu_s=0.0, gpu_price=2e-5), Backend.GPU, [1.0])
@settings(max_examples=150, derandomize=True)
def test_no_plan_of_these_is_better(trace: Trace, scenario: Scenario, initial: Backend, orders: list[float]) -> None:
    if Supply(trace, scenario).outages:  # nothing is cheaper than to wait for a GPU that is away, and not looked for
        scenario = replace(scenario, gpu_price=0.000133)
    best = judge(trace, scenario, optimum(trace, scenario).replay)

    assert best.objective <= planned(trace, scenario, initial, *orders).objective * GRACE + 1e-9


@given(traces(), scenarios)
@settings(max_examples=100, derandomize=True)
def test_the_plan_costs_in_the_replay_what_it_was_said_to_cost(trace: Trace, scenario: Scenario) -> None:
    found = Search(trace, scenario).best(None)

    result = judge(trace, scenario, replay(trace, scenario, Planned(found.plan)))
    is_away = bool(Supply(trace, scenario).outages)
    assert abs(result.cost - found.cost) <= 1e-6 + 0.05 * is_away * result.cost
    assert result.avoidable_violations == found.late or is_away


def test_it_starts_the_gpu_just_in_time_and_drops_it_at_once() -> None:
    light, heavy = Row(None, 0.1, 0.1, 0.1, 1.0), Row(None, 5.0, 0.2, 5.0, 1.0)
    trace = trace_of("phases", [light] * 100 + [heavy] * 50 + [light] * 100)

    result = optimum(trace, Scenario())

    assert result.plan.initial is Backend.CPU
    assert len(result.plan.orders) == 2
    arrived = result.replay.arrived
    ready = result.plan.orders[0] + 10.0
    assert arrived[99] < ready < arrived[112], "up to 12 requests may be late"


def test_it_uses_the_violations_that_are_allowed() -> None:
    trace = trace_of("one slow", [Row(None, 0.1, 0.1, 0.1)] * 30 + [Row(None, 3.0, 0.2, 3.0)])

    assert optimum(trace, Scenario(start_cpu_s=0.0)).plan.orders == ()


def test_it_releases_the_gpu_over_a_long_pause() -> None:
    trace = at(*[20.0 + row for row in range(20)], *[900.0 + row for row in range(20)], cpu_s=4.0)

    result = outcome_of(trace)

    assert result.gpu_seconds < 100


def outcome_of(trace: Trace) -> Outcome:
    return judge(trace, Scenario(), optimum(trace, Scenario()).replay)


def test_a_long_trace_is_solved_within_half_a_percent_of_the_bound_or_its_hull() -> None:
    trace = GENERATORS["random-sizes"](0)
    assert len(trace) > SHORT

    found = optimum(trace, Scenario())
    objective = judge(trace, Scenario(), found.replay).objective

    assert found.bound <= objective <= 1.03 * found.bound


def test_it_finds_the_gpu_that_several_clients_need_together_and_none_of_them_alone() -> None:
    rows = [Row(None, 0.4, 0.05, 0.4, 0.1, str(number % 4)) for number in range(200)]
    scenario = Scenario(gpu_price=0.000133)

    together = trace_of("four", rows)
    alone = trace_of("one", rows[::4])

    assert judge(together, scenario, optimum(together, scenario).replay).cpu_seconds == 0.0
    assert judge(alone, scenario, optimum(alone, scenario).replay).gpu_seconds == 0.0


def test_the_policies_stay_above_it_on_every_generator() -> None:
    for name in ("ramp", "random-sizes", "sleeper", "outage"):
        trace = beginning(GENERATORS[name](2))
        best = judge(trace, Scenario(), optimum(trace, Scenario()).replay).objective
        for policy in POLICIES:
            assert outcome(trace, Scenario(), POLICIES[policy](Scenario())).objective >= 0.99 * best


def test_it_considers_fewer_moments_in_a_very_long_trace() -> None:
    trace = closed(3 * search.STEPS_MOST, cpu_s=0.1)

    assert optimum(trace, Scenario()).plan.orders == ()
