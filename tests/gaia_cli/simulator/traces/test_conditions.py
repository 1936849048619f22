import json
from math import inf

import pytest

from gaia_cli.simulator.traces.conditions import STARTS_MOST, Conditions, read_conditions
from gaia_cli.simulator.world.scenario import Scenario
from runtime_images.policy.model import ExecutionMode

ALL = Conditions(
    ExecutionMode.GPU_PREFERRED, 0.3, 60.0, 2, 0.0000306, 0.000133,
    (0.5, 0.25), (1.5,), (None, 0.2), (0.2, 1.25), 1.125,
    currency="EUR", version="1.2",
)  # fmt: skip


@pytest.mark.parametrize("conditions", [ALL, Conditions(slo_p95_s=inf, slots=1), Conditions(slo_p95_s=inf)])
def test_what_is_written_is_read_again(conditions: Conditions) -> None:
    assert read_conditions(conditions.text()) == conditions


def test_what_is_not_said_is_no_condition() -> None:
    assert Scenario(**read_conditions("{}").scenario) == Scenario()
    assert read_conditions('{"slo_p95_ms": null}').scenario["slo_p95_s"] == inf
    assert read_conditions('{"weather": "fine", "slots": 3}').slots == 3


def test_a_start_up_time_is_the_median_of_the_starts_or_that_of_the_other_backend() -> None:
    known = Conditions(cpu_starts_s=(5.0, 1.0, 2.0)).scenario

    assert (known["start_cpu_s"], known["start_gpu_s"]) == (2.0, 2.0)


def test_a_row_stays_short_however_often_backends_have_started() -> None:
    text = Conditions(cpu_starts_s=(123.456789,) * 100_000).text()

    assert len(json.loads(text)["start_cpu_s"]) == STARTS_MOST
    assert len(text) < 64 * 1024


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("fast", "conditions must be a JSON object"),
        ("[1]", "conditions must be a JSON object"),
        ("[" * 100_000, "conditions must be a JSON object"),
        ('{"mode": "warp"}', "conditions: mode makes no sense: 'warp'"),
        ('{"slo_p95_ms": 0}', "conditions: slo_p95_ms makes no sense: '0'"),
        ('{"slo_p95_ms": "300"}', "conditions: slo_p95_ms makes no sense: '300'"),
        ('{"slo_window_s": -1}', "conditions: slo_window_s makes no sense"),
        ('{"slots": 2.5}', "conditions: slots makes no sense"),
        ('{"slots": 100000}', "conditions: slots makes no sense"),
        ('{"cpu_price": NaN}', "conditions: cpu_price makes no sense"),
        ('{"gpu_price": 1e400}', "conditions: gpu_price makes no sense"),
        ('{"gpu_price": true}', "conditions: gpu_price makes no sense"),
        ('{"first_decision_s": -1}', "conditions: first_decision_s makes no sense"),
        ('{"start_cpu_s": 3}', "conditions: start_cpu_s makes no sense"),
        ('{"start_gpu_s": ["soon"]}', "conditions: start_gpu_s makes no sense"),
        ('{"expected_gpu_s": [null, "soon"]}', "conditions: expected_gpu_s makes no sense"),
        ('{"start_gpu_s": [1e9]}', "conditions: start_gpu_s makes no sense"),
    ],
)
def test_what_makes_no_sense_is_named(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        read_conditions(text)
