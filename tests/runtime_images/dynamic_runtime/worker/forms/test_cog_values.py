"""Inputs are converted and bounded whichever version of cog has described them."""

from types import SimpleNamespace
from typing import Any, Literal, Optional

import pytest

from runtime_images.dynamic_runtime.worker.forms.cog_values import Inputs, WrongInputError


class FieldInfo:
    """A description of an input, as pydantic's versions make it for cog."""

    def __init__(self, default: object, **places: object) -> None:
        self.default = default
        for name, value in places.items():
            setattr(self, name, value)


def described(info: object, kind: Any = str) -> Inputs:  # noqa: ANN401
    def predict(value: Any = info) -> None: ...  # noqa: ANN401

    predict.__annotations__["value"] = kind
    return Inputs(predict)


@pytest.mark.parametrize(
    "info",
    [
        FieldInfo("a", choices=["a", "b"]),
        FieldInfo("a", extra={"choices": ["a", "b"]}),
        FieldInfo("a", json_schema_extra={"enum": ["a", "b"]}, metadata=[]),
        FieldInfo("a", metadata=[SimpleNamespace(pattern="[ab]$")]),
        FieldInfo("a", metadata=[SimpleNamespace(max_length=1)], regex="a|b"),
    ],
)
def test_limits_are_read_where_each_version_keeps_them(info: object) -> None:
    assert described(info).read({"value": "b"}) == {"value": "b"}
    assert described(info).read({}) == {"value": "a"}
    with pytest.raises(WrongInputError):
        described(info).read({"value": "cc"})


@pytest.mark.parametrize(
    ("kind", "given", "value"),
    [
        (int, 1.0, 1),
        (int, "3", 3),
        (float, 1, 1.0),
        (str, 7, "7"),
        (bool, "true", True),
        (Optional[int], None, None),  # noqa: UP045 -- as predictors write it
        (int | str, "x", "x"),
        (list[int], [1, "2"], [1, 2]),
        (list, ["a"], ["a"]),
        (Literal["a", "b"], "b", "b"),
        (dict, {"a": 1}, {"a": 1}),
        (Any, [1], [1]),
    ],
)
def test_values_are_converted_to_what_is_annotated(kind: Any, given: object, value: object) -> None:  # noqa: ANN401
    assert described(..., kind).read({"value": given}) == {"value": value}


@pytest.mark.parametrize(
    ("kind", "given"),
    [
        (int, 1.5),
        (int, True),
        (int, "x"),
        (str, ["x"]),
        (bool, "maybe"),
        (list[int], 3),
        (Literal["a"], "b"),
        (int, None),
    ],
)
def test_what_does_not_fit_is_told_with_its_name(kind: Any, given: object) -> None:  # noqa: ANN401
    with pytest.raises(WrongInputError) as raised:
        described(..., kind).read({"value": given})

    assert raised.value.details[0]["loc"] == ["body", "input", "value"]
