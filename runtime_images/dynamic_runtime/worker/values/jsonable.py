"""What JSON has no word for, turned into what it has: the values that FastAPI's encoder takes, numbers and images.

No library is imported for it. A value is known by what it can do: `model_dump` of pydantic's models, `tolist` of the
arrays and numbers of NumPy, PyTorch and pandas. Whatever is left is an error that says of which type it is, and where:
`result['users'][3]['photo']`.
"""

import base64
import dataclasses
import datetime as dt
import io
import ipaddress
import json
import math
import pathlib
import re
import sys
import types
import uuid
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from enum import Enum
from typing import Any

_LONGEST_KEY = 60  # of what an error shows of a key
_IMAGE_FORMATS = ("GIF", "JPEG", "PNG", "WEBP")
_LISTS = (list, tuple, set, frozenset, deque, types.GeneratorType)
_NO_DATA = (type, types.FunctionType, types.BuiltinFunctionType, types.MethodType, types.ModuleType, BaseException)
"""What has attributes, but is not a value that somebody meant to return."""


class ResultError(ValueError):
    """What a plain handler returned cannot be sent."""


def jsonable(value: Any) -> Any:  # noqa: ANN401 -- JSON's own type
    """Return what JSON can hold for what a handler has returned, or raise ResultError."""
    try:
        return _converted(value, "result")
    except RecursionError:
        raise ResultError(f"the function returned {_kind(value)} that is nested too deeply, or holds itself") from None


def image_format(value: Any) -> str | None:  # noqa: ANN401 -- anything
    """Return the format in which to send an image of PIL; None if `value` is none."""
    library = sys.modules.get("PIL.Image")
    if library is None or not isinstance(value, library.Image):
        return None
    return value.format if value.format in _IMAGE_FORMATS else "PNG"


def image_bytes(image: Any, kind: str) -> bytes:  # noqa: ANN401 -- a library's own class
    """Return an image of PIL as a file of this format."""
    file = io.BytesIO()
    image.save(file, kind)
    return file.getvalue()


def _converted(value: Any, place: str) -> Any:  # noqa: ANN401
    if isinstance(value, Enum):
        return _converted(value.value, place)
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return _finite(value, place)
    if isinstance(value, Mapping):
        return _mapping(value.items(), place)
    if isinstance(value, _LISTS):
        return [_converted(item, f"{place}[{number}]") for number, item in enumerate(value)]
    for kinds, convert in _CONVERTERS:
        if isinstance(value, kinds):
            return convert(value, place)
    return _by_ability(value, place)


def _finite(value: float, place: str) -> float:
    if not math.isfinite(value):
        raise ResultError(f"the function returned what JSON cannot hold: {place} is {value}")
    return value


def _mapping(items: Iterable[tuple[Any, Any]], place: str) -> dict[Any, Any]:
    return {_key(key, place): _converted(item, f"{place}[{_shown(key)}]") for key, item in items}


def _key(key: Any, place: str) -> Any:  # noqa: ANN401 -- what JSON takes for a key
    converted = _converted(key, f"a key of {place}")
    if isinstance(converted, list | dict):
        raise ResultError(f"the function returned what JSON cannot hold: {_kind(key)} as a key of {place}")
    return converted


def _shown(key: object) -> str:
    return ascii(key)[:_LONGEST_KEY] if isinstance(key, str | int | float) else type(key).__name__


def _number(value: Decimal, place: str) -> float:
    exponent = value.as_tuple().exponent
    return int(value) if isinstance(exponent, int) and exponent >= 0 else _finite(float(value), place)


def _text(value: bytes | bytearray | memoryview, place: str) -> str:
    try:
        return bytes(value).decode()
    except UnicodeDecodeError:
        hint = "encode them, as with base64.b64encode"
        raise ResultError(f"the function returned bytes in JSON that are no text: {place} ({hint})") from None


_ADDRESSES = (
    ipaddress.IPv4Address | ipaddress.IPv6Address | ipaddress.IPv4Interface | ipaddress.IPv6Interface
    | ipaddress.IPv4Network | ipaddress.IPv6Network
)  # fmt: skip
_CONVERTERS: tuple[tuple[Any, Callable[[Any, str], Any]], ...] = (
    (dt.date | dt.time, lambda value, _: value.isoformat()),
    (dt.timedelta, lambda value, _: value.total_seconds()),
    (Decimal, _number),
    (uuid.UUID | pathlib.PurePath | _ADDRESSES, lambda value, _: str(value)),
    (re.Pattern, lambda value, _: value.pattern),
    (bytes | bytearray | memoryview, _text),
)
"""How FastAPI writes the values of the standard library."""


def _by_ability(value: Any, place: str) -> Any:  # noqa: ANN401
    """Convert what a library has made, by what it can do."""
    if isinstance(value, _NO_DATA):
        raise _error(value, place)
    if callable(dump := getattr(value, "model_dump", None)):  # a model of pydantic
        return _converted(dump(mode="json", by_alias=True), place)
    if type(value).__module__.startswith("pydantic"):  # its addresses, and its secrets, which hide themselves
        return json.loads(value.json(by_alias=True)) if hasattr(value, "__fields__") else str(value)
    if (kind := image_format(value)) is not None:
        return f"data:image/{kind.lower()};base64,{base64.b64encode(image_bytes(value, kind)).decode()}"
    if callable(to_list := getattr(value, "tolist", None)):  # NumPy, PyTorch, pandas, array
        return _listed(to_list(), value, place)
    return _by_attributes(value, place)


def _listed(listed: Any, value: Any, place: str) -> Any:  # noqa: ANN401
    """Return an array as lists. Those of numbers are not looked at one by one: the encoder sees what is no number."""
    kind = getattr(getattr(value, "dtype", None), "kind", "")
    return listed if isinstance(listed, list) and kind in ("b", "f", "i", "u") else _converted(listed, place)


def _by_attributes(value: Any, place: str) -> Any:  # noqa: ANN401
    if dataclasses.is_dataclass(value):
        names: Iterable[str] = [field.name for field in dataclasses.fields(value)]
    elif attributes := getattr(value, "__attrs_attrs__", None):
        names = [attribute.name for attribute in attributes]
    elif fields := getattr(value, "__struct_fields__", None):  # msgspec
        names = fields
    elif callable(getattr(value, "keys", None)) and hasattr(value, "__getitem__"):
        return _mapping(((key, value[key]) for key in value.keys()), place)  # noqa: SIM118 -- it need not iterate
    elif hasattr(value, "__dict__") and type(value).__module__ != "builtins":
        names = [name for name in vars(value) if not name.startswith("_")]
    else:
        raise _error(value, place)
    return _mapping(((name, getattr(value, name)) for name in names), place)


def _error(value: object, place: str) -> ResultError:
    return ResultError(f"the function returned what JSON cannot hold: {place} is {_kind(value)}")


def _kind(value: object) -> str:
    return f"an object of type {type(value).__qualname__}"
