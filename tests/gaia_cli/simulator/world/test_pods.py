"""A backend of many pods widens after a start-up, narrows after a minute, keeps its bounds, and is paid by the pod."""

from dataclasses import replace

import pytest

from gaia_cli.simulator.policies.labels import Plan
from gaia_cli.simulator.policies.oracle import Planned
from gaia_cli.simulator.policies.registry import POLICIES
from gaia_cli.simulator.results.comparison import Outcome
from gaia_cli.simulator.traces.trace import Trace
from gaia_cli.simulator.world.scenario import Scenario
from runtime_images.policy.model import Backend
from tests.gaia_cli.simulator.support import at, outcome, planned, story

ONE = Scenario(start_cpu_s=1.0, start_gpu_s=2.0)
PODS = replace(ONE, pods_max=4)


def steady(rate: float, seconds: float, *, cpu_s: float = 0.5, gpu_s: float = 0.1, begin_s: float = 2.0) -> Trace:
    moments = [begin_s + number / rate for number in range(int(rate * seconds))]
    return at(*moments, cpu_s=cpu_s, gpu_s=gpu_s)


def held_most(result: Outcome) -> int:
    held = most = 0
    for change in result.timeline:
        held += {"start": 1, "widen": 1, "active": 0}.get(change.event, -1)
        most = max(most, held)
    return most


def test_what_one_pod_cannot_serve_several_do_after_a_start_up() -> None:
    load = steady(5.0, 60.0)
    one, many = (planned(load, scenario, Backend.CPU) for scenario in (ONE, PODS))
    (first, *_) = [change.t for change in many.timeline if change.event == "widen"]

    assert one.p95_ms > 50_000
    assert many.p95_ms < 5_000
    assert 2.0 <= first <= 4.0
    assert held_most(many) == 4


@pytest.mark.parametrize(("least", "most"), [(1, 2), (2, 3), (3, 3)])
def test_pods_keep_to_their_bounds(least: int, most: int) -> None:
    result = planned(steady(20.0, 30.0), replace(ONE, pods_min=least, pods_max=most), Backend.CPU)

    assert held_most(result) == most


def test_pods_that_are_not_needed_are_released_after_a_minute() -> None:
    load = at(*[2.0 + number / 5 for number in range(100)], 200.0)
    result = planned(load, PODS, Backend.CPU)
    widened = [t for t, event, _ in story(result) if event == "widen" and t < 200.0]
    narrowed = [t for t, event, _ in story(result) if event == "narrow" and t < 200.0]

    assert len(narrowed) == len(widened) > 0
    assert min(narrowed) >= max(widened) + 60.0
    assert max(narrowed) < 200.0


def test_every_pod_is_charged_from_its_order_to_its_release() -> None:
    result = planned(steady(5.0, 60.0), PODS, Backend.CPU)
    begun = sum(change.t for change in result.timeline if change.event in ("start", "widen"))
    ended = sum(change.t for change in result.timeline if change.event in ("release", "narrow", "cancel"))

    assert result.cpu_seconds == pytest.approx(ended - begun)
    assert result.cost == pytest.approx((ended - begun) * PODS.cpu_price)


def test_queueing_that_pods_end_is_a_reason_to_wait_for_pods() -> None:
    load = steady(6.0, 240.0, cpu_s=0.3, gpu_s=0.05)
    alone = replace(ONE, gpu_price=20 * ONE.cpu_price)
    one, many = (outcome(load, one, POLICIES["gaia"](one)) for one in (alone, replace(alone, pods_max=8)))

    assert one.switches >= 1, "one worker cannot do it"
    assert many.switches == 0
    assert many.gpu_seconds == 0


def test_a_gpu_that_costs_less_than_the_pods_that_it_saves_is_taken() -> None:
    load = steady(6.0, 900.0, cpu_s=0.3, gpu_s=0.05)
    scenario = replace(PODS, pods_max=8, gpu_price=2 * PODS.cpu_price)
    result = outcome(load, scenario, POLICIES["gaia"](scenario))

    assert result.switches == 1
    assert result.cost < planned(load, scenario, Backend.CPU).cost


def test_a_service_time_over_the_slo_is_a_reason_to_switch_however_many_pods_there_are() -> None:
    load = steady(1.0, 240.0, cpu_s=3.0, gpu_s=0.2)
    result = outcome(load, replace(PODS, pods_max=50), POLICIES["gaia"](replace(PODS, pods_max=50)))

    assert result.switches == 1
    assert result.timeline[-1].backend is Backend.GPU


def test_one_pod_at_most_is_the_simulation_of_before() -> None:
    load = steady(1.5, 120.0)
    policy = POLICIES["gaia"]

    assert outcome(load, ONE, policy(ONE)) == outcome(load, replace(ONE, pods_min=1, pods_max=1), policy(ONE))
    assert not [event for _, event, _ in story(planned(load, ONE, Backend.CPU)) if event in ("widen", "narrow")]


def test_a_gpu_that_is_lost_takes_all_its_pods_along() -> None:
    load = replace(steady(20.0, 40.0, gpu_s=0.2), outages=steady(1, 1).outages)
    result = outcome(load, PODS, Planned(Plan(Backend.GPU)))
    begun = [change.event for change in result.timeline].count
    assert begun("start") + begun("widen") == begun("release") + begun("narrow") + begun("cancel")
