from dataclasses import replace

import pytest

from gaia_cli.errors import UsageError
from gaia_cli.simulator.options import Options
from gaia_cli.simulator.reading import asked_for, read_outages, read_policies, read_slos, scenario_of
from gaia_cli.simulator.results.comparison import POLICY_NAMES
from gaia_cli.simulator.traces.conditions import Conditions
from gaia_cli.simulator.traces.sources import find_traces
from gaia_cli.simulator.traces.trace import Outage
from gaia_cli.simulator.world.scenario import Scenario
from runtime_images.policy.model import ExecutionMode
from tests.gaia_cli.simulator.support import at


def test_an_slo_holds_for_all_traces_or_for_the_one_named() -> None:
    targets = read_slos(["500", "llm=3000"])

    assert (targets.seconds("llm"), targets.seconds("other")) == (3.0, 0.5)
    assert read_slos([]).seconds("any") == 1.0


@pytest.mark.parametrize("text", ["0", "-5", "nan", "inf", "fast", "=300", "llm=", "", "1e300"])
def test_what_is_no_latency_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="is not a latency"):
        read_slos([text])


def test_policies_are_taken_once_and_in_their_order() -> None:
    assert read_policies(["oracle", "gaia", "gaia"]) == ("gaia", "oracle")
    assert read_policies([]) == POLICY_NAMES


def test_an_unknown_policy_is_refused_with_the_known_ones() -> None:
    with pytest.raises(UsageError, match="no policy magic") as refused:
        read_policies(["gaia", "magic"])
    assert refused.value.hint == "the policies are gaia, reference, static-cpu, static-gpu, oracle"


def test_outages_are_spans_of_seconds() -> None:
    assert read_outages(["60:120.5", "7:8:planned"]) == (Outage(60.0, 120.5), Outage(7.0, 8.0, planned=True))


@pytest.mark.parametrize("text", ["60", "120:60", "a:b", "-1:5", "5:inf", "nan:7", "5:1e12", ""])
def test_what_is_no_span_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="is not a span of time"):
        read_outages([text])


@pytest.mark.parametrize("value", [-1.0, float("nan"), float("inf"), 1e300])
def test_numbers_are_finite_and_not_negative(value: float) -> None:
    with pytest.raises(UsageError, match="--start-cpu-s"):
        asked_for(Options(["ramp"], start_cpu_s=value))


RECORDED = Conditions(
    mode=ExecutionMode.GPU_PREFERRED, slo_p95_s=0.3, window_s=5.0, slots=2, cpu_price=0.5, gpu_price=2.0,
    cpu_starts_s=(0.4, 0.1, 0.2), gpu_starts_s=(),
)  # fmt: skip


def test_the_conditions_of_a_recording_are_those_of_its_replay() -> None:
    trace = replace(at(1.0), conditions=RECORDED)

    assert scenario_of(trace, read_slos([])) == Scenario(
        0.3, 0.2, 0.2, 2, 0.5, 2.0, ExecutionMode.GPU_PREFERRED, 5.0, cpu_starts_s=(0.4, 0.1, 0.2)
    )


def test_a_flag_goes_before_the_recording_though_it_says_what_is_usual() -> None:
    asked = asked_for(Options(["t.csv"], start_cpu_s=4.0, slots=1))
    scenario = scenario_of(replace(at(1.0), conditions=RECORDED), read_slos(["1000"]), {}, asked)

    assert (scenario.start_cpu_s, scenario.cpu_starts_s, scenario.slots, scenario.slo_p95_s) == (4.0, (), 1, 1.0)
    assert (scenario.start_gpu_s, scenario.gpu_price) == (0.2, 2.0)


def test_a_target_goes_before_the_recording_and_a_flag_before_the_target() -> None:
    trace = replace(at(1.0), conditions=RECORDED)

    scenario = scenario_of(trace, read_slos([]), {"gpu_price": 7.0, "slots": 3, "slo_p95_s": 0.1}, {"slots": 4})

    assert (scenario.gpu_price, scenario.slots, scenario.slo_p95_s, scenario.cpu_price) == (7.0, 4, 0.1, 0.5)


def test_an_unknown_name_is_refused_with_the_known_generators() -> None:
    with pytest.raises(UsageError, match="no file and no generator named rmap") as refused:
        find_traces(["rmap"])
    assert "ramp, drift, burst" in refused.value.hint
