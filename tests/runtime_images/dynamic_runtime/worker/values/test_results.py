"""What a handler returns is sent as what it is: all that FastAPI's encoder takes, else one error names the place."""

import dataclasses
import datetime as dt
import enum
import ipaddress
import json
import pathlib
import re
import uuid
from collections import deque, namedtuple
from decimal import Decimal
from typing import Any

import pytest

from runtime_images.dynamic_runtime.worker.values.jsonable import ResultError
from runtime_images.dynamic_runtime.worker.values.results import encode
from tests.support.libraries import python_with
from tests.support.serving import Serving, serving, write_function

Point = namedtuple("Point", "x y")  # noqa: PYI024 -- what functions return


class Color(enum.Enum):
    RED = "red"


class Level(enum.IntEnum):
    HIGH = 3


@dataclasses.dataclass
class Row:
    number: int
    when: dt.date


class Plain:
    def __init__(self) -> None:
        self.shown = {1}
        self._hidden = "secret"


class Keyed:
    def keys(self) -> list[str]:
        return ["a"]

    def __getitem__(self, key: str) -> int:
        return 1


@pytest.mark.parametrize(
    ("value", "as_json"),
    [
        ({3}, [3]),
        (frozenset({3}), [3]),
        ((1, (2,)), [1, [2]]),
        (deque([1]), [1]),
        ({"in": (n for n in range(2))}, {"in": [0, 1]}),
        (Point(1, 2), [1, 2]),
        (Color.RED, "red"),
        ([Level.HIGH], [3]),
        ({Color.RED: 1, 2: 3, None: 4}, {"red": 1, "2": 3, "null": 4}),
        (Row(1, dt.date(2026, 1, 2)), {"number": 1, "when": "2026-01-02"}),
        (dt.datetime(2026, 1, 2, 3, tzinfo=dt.UTC), "2026-01-02T03:00:00+00:00"),
        (dt.time(1, 2), "01:02:00"),
        (dt.timedelta(minutes=1), 60.0),
        (Decimal(5), 5),
        (Decimal("5.5"), 5.5),
        (uuid.UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        (pathlib.Path("a/b"), "a/b"),
        (ipaddress.ip_address("::1"), "::1"),
        (re.compile("a+"), "a+"),
        ({"text": b"as text"}, {"text": "as text"}),
        (Plain(), {"shown": [1]}),
        (Keyed(), {"a": 1}),
        ("half \ud83d", "half \ud83d"),
        ({uuid.UUID(int=1): dt.date(2026, 1, 2)}, {"00000000-0000-0000-0000-000000000001": "2026-01-02"}),
    ],
)
def test_what_fastapi_encodes_is_encoded(value: Any, as_json: Any) -> None:  # noqa: ANN401
    head, body = encode(value)

    assert json.loads(body) == as_json
    assert b"application/json" in head


@pytest.mark.parametrize("value", [b"\xff", bytearray(b"\xff"), memoryview(b"\xff")])
def test_bytes_are_sent_as_they_are(value: bytes) -> None:
    assert encode(value) == (b"HTTP/1.1 200 OK\r\ncontent-type: application/octet-stream\r\n", b"\xff")


def itself() -> list[Any]:
    value: list[Any] = []
    value.append(value)
    return value


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ({"a": [1, {"b": float("nan")}]}, "result['a'][1]['b'] is nan"),
        ([Decimal("Infinity")], "result[0] is inf"),
        ({"a": {"b": object()}}, "result['a']['b'] is an object of type object"),
        ({"a": b"\xff"}, "result['a']"),
        ({"a": len}, "result['a'] is an object of type builtin_function_or_method"),
        ([ValueError("x")], "result[0] is an object of type ValueError"),
        ({"a": Color}, "result['a'] is an object of type EnumType"),
        ({(1, 2): 3}, "an object of type tuple as a key of result"),
        (itself(), "holds itself"),
        ({"a": 1j}, "result['a'] is an object of type complex"),
    ],
)
def test_what_is_left_is_one_error_that_names_type_and_place(value: object, said: str) -> None:
    with pytest.raises(ResultError, match=re.escape(said)):
        encode(value)


LIBRARIES = ("numpy", "pydantic", "pillow")
RETURNED = {
    "array": ("numpy.arange(6).reshape(2, 3)", [[0, 1, 2], [3, 4, 5]]),
    "scalar": ("{'a': numpy.float32(0.5), 'b': numpy.int64(3), 'c': numpy.bool_(True)}", {"a": 0.5, "b": 3, "c": True}),
    "in a list": ("[{'x': numpy.ones(2)}]", [{"x": [1.0, 1.0]}]),
    "as a key": ("{numpy.int64(1): 2}", {"1": 2}),
    "moment": ("numpy.datetime64('2026-01-02')", "2026-01-02"),
    "model": ("Item(at=datetime.datetime(2026, 1, 2))", {"at": "2026-01-02T00:00:00", "tags": [], "secret": "*" * 10}),
    "models": ("{'a': [Item(at=None)]}", {"a": [{"at": None, "tags": [], "secret": "*" * 10}]}),
    "address": ("pydantic.TypeAdapter(pydantic.HttpUrl).validate_python('http://a/')", "http://a/"),
}  # fmt: skip


@pytest.fixture(scope="module")
def serving_libraries(tmp_path_factory: pytest.TempPathFactory) -> Any:  # noqa: ANN401
    source = """
        import datetime, io
        import numpy, pydantic
        from PIL import Image

        class Item(pydantic.BaseModel):
            at: datetime.datetime | None
            tags: set[str] = set()
            secret: pydantic.SecretStr = pydantic.SecretStr("x")

        def handler(payload):
            return eval(payload["value"])
    """
    function = write_function(tmp_path_factory.mktemp("function"), source)
    with serving(function, GAIA_MODE="cpu", GAIA_FUNCTION_PYTHON=python_with(*LIBRARIES)) as running:
        yield running


@pytest.mark.parametrize("name", RETURNED)
def test_values_of_the_functions_own_libraries_are_encoded(serving_libraries: Serving, name: str) -> None:
    value, as_json = RETURNED[name]
    answer = serving_libraries.post({"value": value})

    assert (answer.status, answer.json()) == (200, as_json)


def test_an_image_is_sent_as_an_image_and_within_json_as_a_data_url(serving_libraries: Serving) -> None:
    image = serving_libraries.post({"value": "Image.new('RGB', (2, 2))"})
    within = serving_libraries.post({"value": "{'image': Image.new('RGB', (2, 2))}"})

    assert (image.headers["content-type"], image.body[:4]) == ("image/png", b"\x89PNG")
    assert within.json()["image"].startswith("data:image/png;base64,")


def test_an_array_with_a_number_that_is_none_is_an_error_that_says_where(serving_libraries: Serving) -> None:
    answer = serving_libraries.post({"value": "{'a': numpy.array([1.0, numpy.nan])}"})
    serving_libraries.event("log", lambda event: "result['a'][1] is nan" in event["line"])

    assert answer.status == 500
