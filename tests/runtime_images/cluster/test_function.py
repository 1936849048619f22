"""What stands on a Route is written by whoever may write there: it is settings in every value, or none at all."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime_images.cluster.function import FunctionSettings, Power, Scale, Window
from runtime_images.policy.model import Accelerator, ExecutionMode, Prices, Slo

SETTINGS = FunctionSettings(
    "hello",
    ExecutionMode.CPU_PREFERRED,
    slo=Slo(latency_p95_ms=250, error_rate=0.01),
    prices=Prices(0.1, 0.4),
    accelerator=Accelerator.EMULATED,
    scale=Scale(1, 5, 10),
    power=Power(20.0, 60.0, 75.0),
    gpu_windows=(Window(60, 120), Window(1380, 30)),
    network_ms=12.5,
)
NO_NUMBERS: list[Any] = ["7", True, [], {}, -1, -0.5, float("nan"), float("inf"), 10**400]


def test_settings_are_read_as_they_were_written_and_what_is_new_is_left_out() -> None:
    assert FunctionSettings.from_json(SETTINGS.to_json()) == SETTINGS
    newer = json.loads(SETTINGS.to_json())
    newer["slo"]["novel"] = newer["novel"] = [1]
    assert FunctionSettings.from_json(json.dumps(newer)) == SETTINGS


@pytest.mark.parametrize("wrong", NO_NUMBERS, ids=lambda one: repr(one)[:9])
@pytest.mark.parametrize(
    "where",
    ["network_ms", "gpus", "slo latency_p95_ms", "slo window_s", "scale min", "scale concurrency", "power budget_w",
     "prices gpu_per_hour", "gpu_windows 0 begin_min"],
)  # fmt: skip
def test_a_value_that_is_none_of_its_field_makes_them_no_settings(where: str, wrong: Any) -> None:  # noqa: ANN401
    said = json.loads(SETTINGS.to_json())
    *path, last = where.split()
    part = said
    for name in path:
        part = part[int(name) if name.isdecimal() else name]
    part[last] = wrong

    with pytest.raises(ValueError, match=r"cannot be|not the settings"):
        FunctionSettings.from_json(json.dumps(said))


@pytest.mark.parametrize("wrong", ["name", "mode", "slo", "prices", "accelerator", "scale", "power", "gpu_windows"])
def test_a_part_that_is_something_else_makes_them_no_settings(wrong: str) -> None:
    values: list[Any] = [7, None, "x", [7], ["x"], [[]]]
    for value in values:
        if (wrong, value) == ("name", "x"):
            continue
        said = json.loads(SETTINGS.to_json()) | {wrong: value}
        with pytest.raises(ValueError, match=r"."):
            FunctionSettings.from_json(json.dumps(said))


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "7", "{}", '"a"', "[" * 100_000, '{"mode":"cpu"}'])
def test_what_is_no_json_of_settings_is_a_value_error(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        FunctionSettings.from_json(text)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=2), inner, max_size=2),
    max_leaves=4,
)


@given(st.dictionaries(st.sampled_from(sorted(json.loads(SETTINGS.to_json()))), _JSON, max_size=4))
def test_whatever_stands_there_is_settings_or_a_value_error(said: dict[str, Any]) -> None:
    try:
        read = FunctionSettings.from_json(json.dumps(json.loads(SETTINGS.to_json()) | said))
    except ValueError:
        return
    assert FunctionSettings.from_json(read.to_json()) == read
