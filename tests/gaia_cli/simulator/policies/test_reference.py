from gaia_cli.simulator.policies.registry import POLICIES
from gaia_cli.simulator.traces.trace import Outage, Row, trace_of
from gaia_cli.simulator.world.scenario import Scenario
from tests.gaia_cli.simulator.support import closed, outcome, story

SCENARIO = Scenario()


def reference(trace_cpu_s: float, trace_gpu_s: float, count: int) -> list[tuple[float, str, str]]:
    trace = closed(count, cpu_s=trace_cpu_s, gpu_s=trace_gpu_s)
    return story(outcome(trace, SCENARIO, POLICIES["reference"](SCENARIO)))


def test_it_promotes_at_the_first_tick_after_the_slo_is_missed() -> None:
    assert (30.0, "start", "gpu") in reference(2.0, 0.2, 100)


def test_it_promotes_a_function_that_only_sleeps_and_takes_it_back_after_two_minutes_for_good() -> None:
    events = reference(2.0, 2.0, 300)

    assert [event for event in events if event[1] == "start"] == [
        (0.0, "start", "cpu"),
        (30.0, "start", "gpu"),
        (180.0, "start", "cpu"),
    ]


def test_it_leaves_a_gpu_that_hardly_anybody_asks() -> None:
    busy = [Row(float(2 * row), 1.5, 0.1, 1.5) for row in range(60)]
    rare = [Row(4000.0, 1.5, 0.1, 1.5)]

    events = story(outcome(trace_of("rare", [*busy, *rare]), SCENARIO, POLICIES["reference"](SCENARIO)))

    starts = [event for event in events if event[1] == "start"]
    assert [backend for _, _, backend in starts] == ["cpu", "gpu", "cpu"]
    assert 1800.0 < starts[-1][0] < 2000.0


def test_it_waits_for_a_gpu_that_is_lost() -> None:
    trace = closed(300, cpu_s=2.0, gpu_s=0.5, away=[Outage(100.0, 200.0)])

    result = outcome(trace, SCENARIO, POLICIES["reference"](SCENARIO))

    assert (100.0, "release", "gpu") in story(result)
    assert (200.0, "start", "gpu") in story(result)
