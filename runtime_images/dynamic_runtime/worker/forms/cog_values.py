"""The inputs and outputs of cog's predictors: JSON on one side, annotated parameters and files on the other.

What cog's own types can do they do themselves: `cog.Path.validate` fetches a URL. Limits are read from what `Input()`
has made, which differs between cog's versions.
"""

import base64
import dataclasses
import inspect
import io
import os
import re
import types
import typing
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, Union

from runtime_images.dynamic_runtime.worker.values.jsonable import jsonable

_UNIONS = (Union, types.UnionType)
_LISTS = (list, tuple, set, frozenset)
_KNOWN_AS = {"choices": ("choices", "enum"), "regex": ("regex", "pattern")}
_LIMITS = ("ge", "le", "min_length", "max_length", "regex", "choices")


class WrongInputError(ValueError):
    """Inputs do not fit the predictor; `details` are in the words of cog's server."""

    def __init__(self, details: list[dict[str, Any]]) -> None:
        super().__init__(str(details))
        self.details = details


class Inputs:
    """What `predict()` takes: names, types, defaults and limits, read once."""

    def __init__(self, predict: Callable[..., Any]) -> None:
        hints = typing.get_type_hints(predict)
        parameters = inspect.signature(predict).parameters.values()
        self._all = {one.name: _Input(one.default, hints.get(one.name, Any)) for one in parameters}

    def read(self, given: Any) -> dict[str, Any]:  # noqa: ANN401 -- JSON
        """Return the arguments for what a client has given.

        Raises:
            WrongInputError: an input is missing, or of another type or size.
        """
        if not isinstance(given, dict):
            raise WrongInputError([_detail("input", "must be an object")])
        arguments: dict[str, Any] = {}
        details = []
        for name, wanted in self._all.items():
            if name not in given and wanted.is_required:
                details.append(_detail(name, "Field required"))
                continue
            try:
                arguments[name] = wanted.value_of(given[name]) if name in given else wanted.default
            except (ValueError, TypeError, OSError) as error:
                details.append(_detail(name, str(error)))
        if details:
            raise WrongInputError(details)
        return arguments


class _Input:
    def __init__(self, default: Any, kind: Any) -> None:  # noqa: ANN401
        is_described = type(default).__name__ == "FieldInfo"
        self._kind = kind
        limits = {name: _limit(default, name) for name in _LIMITS if is_described}
        self._limits = {name: limit for name, limit in limits.items() if limit is not None}
        self.default = default.default if is_described else default
        is_missing = self.default in (inspect.Parameter.empty, ...) or "Undefined" in type(self.default).__name__
        may_be_none = kind is Any or type(None) in typing.get_args(kind)
        self.is_required = is_missing or (is_described and self.default is None and not may_be_none)

    def value_of(self, given: Any) -> Any:  # noqa: ANN401
        value = _converted(given, self._kind)
        for name, limit in self._limits.items():
            if not _keeps(name, limit, value):
                raise ValueError(f"must have {name} {limit}")
        return value


def _limit(info: Any, name: str) -> Any:  # noqa: ANN401
    """Return a limit from the description of an input: an attribute, or among the metadata of pydantic's versions."""
    extras = [one for one in (getattr(info, "extra", None), getattr(info, "json_schema_extra", None)) if one]
    for known in _KNOWN_AS.get(name, (name,)):
        for place in (info, *(getattr(info, "metadata", None) or ())):
            if (value := getattr(place, known, None)) is not None:
                return value
        for extra in extras:
            if isinstance(extra, dict) and known in extra:
                return extra[known]
    return None


def _keeps(name: str, limit: Any, value: Any) -> bool:  # noqa: ANN401
    if value is None:
        return True
    match name:
        case "ge":
            return bool(value >= limit)
        case "le":
            return bool(value <= limit)
        case "min_length":
            return bool(len(value) >= limit)
        case "max_length":
            return bool(len(value) <= limit)
        case "regex":
            return re.match(limit, value) is not None
    return bool(value in limit or getattr(value, "value", value) in limit)


def _converted(given: Any, kind: Any) -> Any:  # noqa: ANN401 -- one way for each kind of type
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    if origin in _UNIONS:
        return _first_that_fits(given, inner)
    if origin is Literal:
        if given not in inner:
            raise ValueError(f"must be one of {', '.join(map(repr, inner))}")
        return given
    if kind in _LISTS or origin in _LISTS:
        if not isinstance(given, list):
            raise TypeError("must be a list")
        made: Any = origin or kind
        return made(_converted(item, inner[0] if inner else Any) for item in given)
    if kind in (bool, int, float, str):
        return _simple(given, kind)
    make: Any = kind
    if hasattr(kind, "get_secret_value"):
        return make(given)
    if hasattr(kind, "validate") and issubclass(kind, os.PathLike | io.IOBase):
        file = kind.validate(given)
        return file.convert() if hasattr(file, "convert") else file
    if isinstance(given, dict) and inspect.isclass(kind) and not issubclass(kind, dict):
        return make(**given)
    return make(given) if inspect.isclass(kind) and hasattr(kind, "__members__") else given


def _first_that_fits(given: Any, kinds: tuple[Any, ...]) -> Any:  # noqa: ANN401
    if given is None and type(None) in kinds:
        return None
    problem: Exception = TypeError("fits none of the types")
    for kind in kinds:
        try:
            if kind is not type(None):
                return _converted(given, kind)
        except (ValueError, TypeError) as error:
            problem = error
    raise problem


def _simple(given: Any, kind: type[Any]) -> Any:  # noqa: ANN401
    if kind is bool:
        known = {True: True, False: False, "true": True, "false": False}
        if isinstance(given, bool | str) and given in known:
            return known[given]
        raise TypeError("must be a boolean")
    if isinstance(given, bool | dict | list) or given is None:
        raise TypeError(f"must be of type {kind.__name__}")
    if kind is int and isinstance(given, float) and not given.is_integer():
        raise ValueError("must be an integer")
    return kind(given)


def _detail(name: str, problem: str) -> dict[str, Any]:
    return {"loc": ["body", "input", name], "msg": problem, "type": "value_error"}


def output_of(value: Any) -> Any:  # noqa: ANN401 -- one way for each kind of value
    """Return what JSON can hold for an output: files become data URLs, iterators lists."""
    if isinstance(value, os.PathLike):
        return _data_url(Path(value).read_bytes(), Path(value).name)
    if isinstance(value, io.IOBase):
        value.seek(0)
        return _data_url(value.read(), getattr(value, "name", ""))
    if isinstance(value, Mapping):
        return {str(name): output_of(item) for name, item in value.items()}
    if isinstance(value, Iterator) or type(value) in _LISTS:
        return [output_of(item) for item in value]
    for dump in ("model_dump", "dict"):
        if hasattr(value, dump) and not inspect.isclass(value):
            return output_of(getattr(value, dump)())
    if dataclasses.is_dataclass(value) and not inspect.isclass(value):
        return {one.name: output_of(getattr(value, one.name)) for one in dataclasses.fields(value)}
    if hasattr(value, "__cog_fields__") or type(value).__module__.startswith("cog."):
        return output_of(vars(value))
    return jsonable(value)


def _data_url(content: bytes, name: str) -> str:
    import mimetypes  # reads the system's tables, which few functions need

    kind = mimetypes.guess_type(str(name))[0] or "application/octet-stream"
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"
