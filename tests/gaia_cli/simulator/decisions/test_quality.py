"""How far from the optimum on loads that nobody chose: random ones, replayed by the simulator.

A policy fitted to some traces is worth nothing, so hypothesis draws the load, the hardware and the prices. Nobody who
does not know the future can be near the optimum on every short load: the first late requests are late before anything
can be known. So the bounds allow for a number of late requests, and say how many.
"""

from dataclasses import replace
from math import exp
from random import Random
from typing import NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gaia_cli.simulator.policies.registry import POLICIES
from gaia_cli.simulator.results.comparison import Outcome, compare, judge
from gaia_cli.simulator.traces.generators import GENERATORS
from gaia_cli.simulator.traces.trace import Outage, Row, Trace, trace_of
from gaia_cli.simulator.world.scenario import Scenario
from gaia_cli.simulator.world.world import replay
from runtime_images.policy.model import Backend, ExecutionMode

LATE_S = 30.0
REACTION_S = 6.0

few = settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True)


class World(NamedTuple):
    """A load and the conditions under which it is served; `rate` is how many requests come a second."""

    trace: Trace
    scenario: Scenario
    rate: float

    @property
    def surprise(self) -> float:
        """The price of a surprise: some late requests, and those that arrive while both backends start once."""
        starts_s = self.scenario.start_cpu_s + self.scenario.start_gpu_s + REACTION_S
        return (3 + self.rate * starts_s) * LATE_S * self.scenario.gpu_price


def load(seed: int, rate: float, seconds: float, small_s: float, large_s: float, shape: str, ratio: float) -> Trace:
    """Poisson arrivals whose sizes keep, alternate, grow or are drawn between a small and a large one."""
    random = Random(seed)  # noqa: S311 -- a load, not a secret
    rows: list[Row] = []
    now = random.expovariate(rate)
    while now < seconds or not rows:
        size_s = {
            "steady": large_s,
            "square": large_s if now // 60 % 2 else small_s,
            "ramp": small_s + (large_s - small_s) * now / seconds,
            "mixed": large_s if random.random() < 0.2 else small_s,
        }[shape] * exp(random.gauss(0.0, 0.05))
        rows.append(Row(now, size_s, 0.01 + size_s / ratio, cpu_time_s=size_s))
        now += random.expovariate(rate)
    return trace_of(shape, rows)


@st.composite
def worlds(draw: st.DrawFn) -> World:
    rate, start_gpu_s = draw(st.floats(0.05, 2.0)), draw(st.floats(1.0, 30.0))
    small_s = draw(st.floats(0.05, 1.0))
    scenario = Scenario(
        start_gpu_s=start_gpu_s,
        start_cpu_s=start_gpu_s * draw(st.floats(0.1, 0.8)),
        gpu_price=0.000038 * draw(st.floats(1.2, 20.0)),
    )
    shape = draw(st.sampled_from(["steady", "square", "ramp", "mixed"]))
    seed, large_s, ratio = draw(st.integers(0, 999)), small_s + draw(st.floats(0.0, 3.0)), draw(st.floats(1.5, 12.0))
    return World(load(seed, rate, 200.0, small_s, large_s, shape, ratio), scenario, rate)


def outcome(policy: str, world: World) -> Outcome:
    trace, scenario, _ = world
    return judge(trace, scenario, replay(trace, scenario, POLICIES[policy](scenario)))


@given(worlds())
@few
def test_on_a_random_load_the_objective_is_twice_the_optimum_and_six_surprises_at_most(world: World) -> None:
    result = compare(world.trace, world.scenario, ("gaia",))

    assert result.outcomes["gaia"].objective <= 2 * result.optimal_objective + 6 * world.surprise


@given(worlds())
@few
def test_the_better_one_of_the_fixed_backends_is_never_better_by_more_than_four_surprises(world: World) -> None:
    better = min(outcome("static-cpu", world).objective, outcome("static-gpu", world).objective)

    assert outcome("gaia", world).objective <= better + 4 * world.surprise


@given(st.integers(0, 999), st.floats(0.05, 1.0), st.floats(0.02, 0.3), st.floats(1.0, 10.0))
@few
def test_a_function_whose_cpu_always_meets_the_slo_costs_what_the_cpu_costs(
    seed: int, rate: float, size_s: float, ratio: float
) -> None:
    world = World(load(seed, rate, 200.0, size_s, size_s, "steady", ratio), Scenario(slo_p95_s=5.0), rate)
    gaia, cpu = outcome("gaia", world), outcome("static-cpu", world)

    assert cpu.violations == 0
    assert gaia.cost == pytest.approx(cpu.cost)
    assert gaia.switches == 0


@given(st.integers(0, 999), st.floats(0.1, 1.0), st.floats(0.3, 3.0), st.floats(1.5, 10.0))
@few
def test_with_a_gpu_as_cheap_as_the_cpu_the_gpu_alone_is_better_by_the_start_ups_at_most(
    seed: int, rate: float, size_s: float, ratio: float
) -> None:
    scenario = Scenario(gpu_price=0.000038)
    world = World(load(seed, rate, 200.0, size_s, size_s, "steady", ratio), scenario, rate)
    gaia, gpu = outcome("gaia", world), outcome("static-gpu", world)

    starts_s = scenario.start_cpu_s + scenario.start_gpu_s
    late = 3 + rate * (starts_s + REACTION_S)
    assert gaia.cost <= gpu.cost + 2 * starts_s * scenario.gpu_price
    assert gaia.avoidable_violations <= gpu.avoidable_violations + 2 * late


@given(worlds(), st.floats(20.0, 100.0), st.floats(5.0, 100.0))
@few
def test_a_gpu_that_is_away_is_not_used(world: World, begin_s: float, lasts_s: float) -> None:
    away = Outage(begin_s, begin_s + lasts_s)
    trace = replace(world.trace, outages=(away,))

    timeline = replay(trace, world.scenario, POLICIES["gaia"](world.scenario)).timeline

    for change in timeline:
        if change.backend is Backend.GPU and change.event in ("start", "active"):
            assert not away.begin_s <= change.t < away.end_s


@given(worlds(), st.sampled_from([ExecutionMode.CPU, ExecutionMode.GPU]))
@few
def test_a_fixed_mode_never_leaves_its_backend(world: World, mode: ExecutionMode) -> None:
    scenario = Scenario(mode=mode, start_gpu_s=world.scenario.start_gpu_s)

    timeline = replay(world.trace, scenario, POLICIES["gaia"](scenario)).timeline

    assert sum(change.event == "active" for change in timeline) == 1


@given(worlds())
@few
def test_the_same_load_gives_the_same_switches(world: World) -> None:
    once, again = (replay(world.trace, world.scenario, POLICIES["gaia"](world.scenario)) for _ in range(2))

    assert once.timeline == again.timeline


@pytest.mark.parametrize("name", ["ramp", "random-sizes", "sleeper", "outage"])
def test_a_shipped_load_costs_a_quarter_more_than_the_optimum_at_most(name: str) -> None:
    result = compare(GENERATORS[name](7), Scenario(), ("gaia",))

    ratio = result.versus_oracle("gaia")
    assert ratio is not None
    assert ratio <= 1.25


def test_a_function_that_sleeps_gets_no_second_of_gpu() -> None:
    scenario = Scenario()

    assert replay(GENERATORS["sleeper"](3), scenario, POLICIES["gaia"](scenario)).held_s[Backend.GPU] == 0.0
