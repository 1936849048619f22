"""A node that changes: what is there when, what it costs, and what the policy is told."""

from dataclasses import replace

import pytest

from gaia_cli.simulator.policies.labels import Plan
from gaia_cli.simulator.policies.oracle import Planned
from gaia_cli.simulator.policies.registry import POLICIES
from gaia_cli.simulator.traces.generators import GENERATORS
from gaia_cli.simulator.traces.trace import Outage
from gaia_cli.simulator.world.node import Accrual, Supply
from gaia_cli.simulator.world.scenario import Scenario
from gaia_cli.simulator.world.world import replay
from runtime_images.node.stretch import Stretch
from runtime_images.policy.model import Backend
from tests.gaia_cli.simulator.policies.test_observing import Recorder, shown
from tests.gaia_cli.simulator.support import closed, outcome, planned, story

SUN = Stretch(0.0, power_w=60.0, cpu_w=10.0, gpu_w=40.0, joule_price=1e-6)
SHADOW = replace(SUN, from_s=20.0, power_w=25.0, joule_price=3e-6)
NODE = (SUN, SHADOW, replace(SUN, from_s=50.0))
SCENARIO = Scenario(start_cpu_s=1.0, start_gpu_s=2.0, cpu_price=0.001, gpu_price=0.01)


def test_an_accrual_sums_up_a_rate_that_changes() -> None:
    accrual = Accrual([(0.0, 2.0), (10.0, 0.0), (20.0, 1.0)])

    assert [accrual.by(now) for now in (0.0, 5.0, 10.0, 15.0, 22.0)] == [0.0, 10.0, 20.0, 20.0, 22.0]


def test_a_gpu_that_the_node_has_no_power_for_is_not_to_be_had() -> None:
    supply = Supply(replace(closed(1), node=NODE), SCENARIO)

    assert supply.outages == (Outage(20.0, 50.0, planned=True),)
    assert [supply.lacks_power_only(now) for now in (10.0, 30.0, 60.0)] == [False, True, False]


@pytest.mark.parametrize(
    ("outages", "merged"),
    [
        ([Outage(10, 20), Outage(20, 30)], (Outage(10, 30),)),
        ([Outage(15, 25), Outage(10, 20, planned=True)], (Outage(10, 25, planned=True),)),
        ([Outage(10, 40), Outage(15, 20)], (Outage(10, 40),)),
        ([Outage(30, 40), Outage(10, 20)], (Outage(10, 20), Outage(30, 40))),
    ],
)
def test_outages_that_touch_or_overlap_are_one(outages: list[Outage], merged: tuple[Outage, ...]) -> None:
    assert Supply(closed(1, away=outages), SCENARIO).outages == merged


def test_energy_and_changing_prices_are_in_the_cost() -> None:
    trace = replace(closed(10, cpu_s=3.0), node=(*NODE[:2], replace(SUN, from_s=25.0, cpu_price=0.002)))

    result = planned(trace, SCENARIO, Backend.CPU)

    assert result.cpu_seconds == pytest.approx(31.0)
    assert result.energy_j == pytest.approx(310.0)
    assert result.cost == pytest.approx(25 * 0.001 + 6 * 0.002 + 10 * (20 * 1e-6 + 5 * 3e-6 + 6 * 1e-6))


def test_a_gpu_is_lost_with_the_power_and_started_again_with_it() -> None:
    result = planned(replace(closed(50, gpu_s=1.0), node=NODE), SCENARIO, Backend.GPU)

    assert story(result)[2:4] == [(20.0, "release", "gpu"), (50.0, "start", "gpu")]
    assert result.energy_j == pytest.approx(40.0 * result.gpu_seconds)


def test_the_policy_is_told_of_power_prices_and_what_is_to_come() -> None:
    seen = shown(replace(closed(100), node=(*NODE[:2], replace(SUN, from_s=50.0, gpu_price=0.5))), Recorder())

    early, dark, late = (seen[moment] for moment in (10.0, 30.0, 50.5))
    gpus = [one.lanes[Backend.GPU] for one in (early, dark, late)]
    assert [gpu.available_for_s for gpu in gpus] == [10.0, None, None]
    assert [gpu.price_per_s for gpu in gpus] == [None, None, 0.5]
    assert [(gpu.available, gpu.watts) for gpu in gpus] == [(True, 40.0)] * 3
    assert [(one.power_budget_w, one.energy_price_per_j) for one in (early, dark)] == [(60.0, 1e-6), (25.0, 3e-6)]


def test_gaia_leaves_the_gpu_before_the_power_is_gone_and_comes_back_with_it() -> None:
    trace = replace(closed(200, cpu_s=2.0), node=NODE)

    told = story(outcome(trace, SCENARIO, POLICIES["gaia"](SCENARIO)))

    served = [(at, backend) for at, event, backend in told if event == "active"]
    assert [backend for _, backend in served] == ["cpu", "gpu", "cpu", "gpu"]
    assert 19.0 <= served[2][0] <= 20.0
    assert 50.0 < served[3][0] < 60.0


@pytest.mark.parametrize("name", ["orbit", "handover"])
def test_the_nodes_that_are_generated_take_the_gpu_away_as_planned(name: str) -> None:
    trace = GENERATORS[name](5)
    supply = Supply(trace, Scenario())

    assert supply.varies
    assert len(supply.outages) >= 2
    assert all(one.planned for one in supply.outages)


def test_a_backend_is_never_held_where_there_is_no_power_for_it() -> None:
    trace = replace(closed(200, cpu_s=2.0), node=NODE)

    for policy in (POLICIES["gaia"](SCENARIO), Planned(Plan(Backend.GPU)), Planned(Plan(Backend.CPU, (21.0,)))):
        for change in replay(trace, SCENARIO, policy).timeline:
            assert change.backend is Backend.CPU or change.event == "release" or not 20.0 <= change.t < 50.0
