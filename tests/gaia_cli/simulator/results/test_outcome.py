import pytest

from gaia_cli.simulator.policies.registry import POLICIES
from gaia_cli.simulator.results.comparison import judge
from gaia_cli.simulator.traces.trace import Outage
from gaia_cli.simulator.world.scenario import Scenario
from gaia_cli.simulator.world.world import replay
from runtime_images.policy.model import Backend
from tests.gaia_cli.simulator.support import at, closed, planned

SCENARIO = Scenario(start_cpu_s=0.0, start_gpu_s=0.0, cpu_price=0.001, gpu_price=0.01)


def test_a_violation_is_avoidable_if_the_faster_backend_would_have_met_the_slo() -> None:
    slow = planned(closed(10, cpu_s=2.0, gpu_s=0.5), SCENARIO, Backend.CPU)
    hopeless = planned(closed(10, cpu_s=2.0, gpu_s=1.5), SCENARIO, Backend.CPU)

    assert (slow.violations, slow.avoidable_violations) == (10, 10)
    assert (hopeless.violations, hopeless.avoidable_violations) == (10, 0)


def test_a_latency_of_exactly_the_slo_is_no_violation() -> None:
    assert planned(closed(3, cpu_s=1.0), SCENARIO, Backend.CPU).violations == 0


def test_the_wait_in_the_queue_counts() -> None:
    assert planned(at(0.0, 0.0, 0.0, cpu_s=0.5), SCENARIO, Backend.CPU).violations == 1


def test_the_objective_is_the_cost_and_thirty_gpu_seconds_for_each_violation_over_five_percent() -> None:
    result = planned(closed(10, cpu_s=2.0, gpu_s=0.5), SCENARIO, Backend.CPU)

    assert result.cost == pytest.approx(20.0 * 0.001)
    assert result.objective == pytest.approx(0.02 + 30 * 0.01 * (10 - 0.5))


def test_quantiles_are_those_of_nearest_rank() -> None:
    result = planned(at(*[10.0 * row for row in range(20)]), SCENARIO, Backend.CPU)

    assert result.p50_ms == pytest.approx(500.0)
    assert result.p95_ms == pytest.approx(500.0)


@pytest.mark.parametrize("policy", ["static-cpu", "static-gpu"])
def test_one_backend_for_ever_never_switches(policy: str) -> None:
    trace = closed(100, cpu_s=2.0)
    result = judge(trace, SCENARIO, replay(trace, SCENARIO, POLICIES[policy](SCENARIO)))

    assert result.switches == 0
    assert [result.cpu_seconds, result.gpu_seconds].count(0.0) == 1


def test_a_gpu_that_comes_back_is_no_switch() -> None:
    trace = closed(100, gpu_s=1.0, away=[Outage(20.0, 30.0)])

    assert planned(trace, SCENARIO, Backend.GPU).switches == 0
