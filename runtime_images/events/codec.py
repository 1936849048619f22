"""Events to JSON and back: the only module that knows their names in JSON.

Writing rounds every number to what is known of it, by the unit in its annotation (`model`): milliseconds to one
decimal, a recorded request's to three; seconds, shares and rates to three; moments to six; money to seven. Reading is
tolerant, since a newer runtime may report more: an unknown field is kept in `extra` and written again, one of a part is
ignored, and an event whose name or values are unknown becomes an `UnknownEvent`.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields, is_dataclass
from enum import Enum
from functools import cache, partial
from math import isfinite
from types import UnionType
from typing import Annotated, Any, NamedTuple, TypeVar, Union, get_args, get_origin, get_type_hints

from runtime_images.events import decisions, lifecycle, traffic
from runtime_images.events.model import Digits, Event, LeftOutIfNone, UnknownEvent, WireName

EVENT_SCHEMA = 1

EVENTS: dict[str, type[Event]] = {
    event.NAME: event
    for event in (
        lifecycle.Started, lifecycle.Ready, lifecycle.WorkerChanged, traffic.Window, decisions.DecisionMade,
        decisions.SwitchStep, lifecycle.WorkerExit, lifecycle.CutOff, lifecycle.SetupFailed, decisions.GpuLost,
        decisions.Fallback, lifecycle.ZygoteChanged, traffic.LogLine, traffic.BadAnswer, traffic.Requests,
        traffic.Dropped, lifecycle.Stopped,
    )
}  # fmt: skip
"""Every event of the runtime by its name in JSON, in the order of the documentation."""

_LAST_MOMENT = 1e12
"""No event happens later, in seconds since the epoch."""

_ENVELOPE = frozenset(("schema_version", "t", "event", "extra"))

Convert = Callable[[Any], Any]
_Marker = TypeVar("_Marker")


class FieldPlan(NamedTuple):
    """How one field is written and read; `write` None: as it is."""

    name: str
    wire_name: str
    left_out_if_none: bool
    required: bool
    write: Convert | None
    read: Convert


def to_json(event: Event, t: float | None = None) -> dict[str, Any]:
    """Return an event as JSON values, its own fields after those of every event; `t` is its own moment by default."""
    head = {"schema_version": EVENT_SCHEMA, "t": round(event.t if t is None else t, 6)}
    if isinstance(event, UnknownEvent):
        return {**head, "event": event.name, **dict(event.extra)}
    return {**head, "event": event.NAME, **part_to_json(event), **dict(event.extra)}


def encode(event: Event, t: float) -> bytes:
    """Return the line of an event that happens at `t`, in seconds since the epoch: printable ASCII and a line end.

    Runners of CI take two number signs and a bracket for a command, so the second one is escaped.
    """
    text = json.dumps(to_json(event, t)).replace("\x7f", "\\u007f")  # JSON leaves DEL as it is
    return text.replace("##", "#\\u0023").encode() + b"\n"


def part_to_json(part: Any) -> dict[str, Any]:  # noqa: ANN401 -- any of the dataclasses, which have no common type
    """Return the fields of an event, or of a part of one, as JSON values."""
    written = {}
    for name, wire_name, left_out_if_none, _, write, _ in plan_of(type(part)):
        value = getattr(part, name)
        if value is not None or not left_out_if_none:
            written[wire_name] = value if write is None else write(value)
    return written


def decode(line: bytes | str) -> Event | None:
    """Return the event in `line`; None for a line that holds none, such as one that a crash has cut off."""
    try:
        value = _DECODER.decode(line if isinstance(line, str) else line.decode())
    except (ValueError, RecursionError):
        return None
    return from_json(value) if isinstance(value, dict) and isinstance(value.get("event"), str) else None


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON")


def _finite(number: str) -> float:
    """Return the number; one that no float can hold would become what JSON has no word for."""
    value = float(number)
    if not isfinite(value):
        _refuse(number)
    return value


_DECODER = json.JSONDecoder(parse_constant=_refuse, parse_float=_finite)


def from_json(value: Mapping[str, Any]) -> Event:
    """Return the event that a JSON object holds."""
    name, t = value["event"], _read_moment(value.get("t"))
    if kind := EVENTS.get(name):
        try:
            known = _read_fields(kind, value)
            wire_names = {plan.wire_name for plan in plan_of(kind)}
            extra = tuple(one for one in value.items() if one[0] not in wire_names and one[0] not in _ENVELOPE)
            return kind(**known, t=t, extra=extra)
        except (TypeError, ValueError, OverflowError):
            pass
    return UnknownEvent(name, t=t, extra=tuple(one for one in value.items() if one[0] not in _ENVELOPE))


def _read_moment(value: object) -> float:
    """Return an event's `t`; 0 where it is none, such as a whole number that no float can hold."""
    return float(value) if isinstance(value, int | float) and abs(value) < _LAST_MOMENT else 0.0


def plan_of(kind: type[Any]) -> tuple[FieldPlan, ...]:
    """Return how each field of a dataclass is written and read, without the fields of every event."""
    if kind not in _plans:
        hints = get_type_hints(kind, include_extras=True)
        _plans[kind] = tuple(
            _field_plan(one.name, hints[one.name], required=one.default is MISSING and one.default_factory is MISSING)
            for one in fields(kind)
            if not (issubclass(kind, Event) and one.name in _ENVELOPE)
        )
    return _plans[kind]


_plans: dict[type[Any], tuple[FieldPlan, ...]] = {}  # mypy has dataclasses' types for unhashable: no functools.cache


def marker(hint: object, kind: type[_Marker]) -> _Marker | None:
    """Return the marker of `kind` among a field's annotations."""
    return next((mark for mark in getattr(hint, "__metadata__", ()) if isinstance(mark, kind)), None)


def _field_plan(name: str, hint: object, *, required: bool) -> FieldPlan:
    wire_name = marker(hint, WireName)
    left_out = marker(hint, LeftOutIfNone) is not None
    return FieldPlan(name, wire_name.name if wire_name else name, left_out, required, *_converters(hint))


def _read_fields(kind: Any, value: Mapping[str, Any]) -> dict[str, Any]:  # noqa: ANN401 -- as above
    """Return the arguments of the dataclass `kind`; a missing or null field that has a default keeps it.

    Raises:
        TypeError, ValueError, OverflowError: the value does not fit.
    """
    return {
        plan.name: plan.read(value.get(plan.wire_name))
        for plan in plan_of(kind)
        if plan.required or value.get(plan.wire_name) is not None
    }


@cache
def _converters(hint: Any) -> tuple[Convert | None, Convert]:  # noqa: ANN401 -- a type as `typing` has them
    """Return how a value of type `hint` is written (None: as it is) and read."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Annotated:
        write, read = _converters(arguments[0])
        digits = marker(hint, Digits)
        return (write, read) if digits is None else (lambda value: round(value, digits.count), read)
    if origin in (Union, UnionType):
        write_some, read_some = _converters(next(one for one in arguments if one is not type(None)))
        write = (lambda value: None if value is None else write_some(value)) if write_some else None
        return write, lambda value: None if value is None else read_some(value)
    if origin is tuple:
        write_item, read_item = _converters(arguments[0])
        write = (lambda items: [write_item(item) for item in items]) if write_item else list
        return write, partial(_read_all, read_item)
    if origin is dict:
        return _mapping(*arguments) if issubclass(arguments[0], Enum) else (_rounded_by_name, _object)
    if isinstance(hint, type) and is_dataclass(hint):
        return part_to_json, lambda value: hint(**_read_fields(hint, _object(value)))
    if issubclass(hint, tuple):
        return _row(hint)
    return None, hint if issubclass(hint, Enum) else partial(_read_plain, hint)


def _mapping(key: Any, item: Any) -> tuple[Convert, Convert]:  # noqa: ANN401 -- as above
    write, read = _converters(item)
    assert write is not None, "a dict of an event holds parts"
    return (
        lambda items: {name: write(value) for name, value in items.items()},
        lambda items: {key(name): read(value) for name, value in _object(items).items()},
    )


def _row(kind: Any) -> tuple[Convert, Convert]:  # noqa: ANN401 -- as above
    """Return the converters of a row: a list in JSON; a newer runtime may put more at its end."""
    columns = [_converters(hint) for hint in get_type_hints(kind, include_extras=True).values()]
    writes, reads = zip(*columns, strict=True)
    return (
        lambda row: [value if write is None else write(value) for write, value in zip(writes, row, strict=True)],
        lambda row: kind(*(read(value) for read, value in zip(reads, row, strict=False))),
    )


def _rounded_by_name(numbers: Mapping[str, float | str | None]) -> dict[str, float | str | None]:
    """Round the numbers to the decimals of their names' units: `_ms` to one, every other to three."""
    return {
        name: round(value, 1 if name.endswith("_ms") else 3) if isinstance(value, float) else value
        for name, value in numbers.items()
    }


def _object(value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise TypeError("an object is needed")
    return value


def _read_all(read: Convert, value: object) -> tuple[Any, ...]:
    if not isinstance(value, list):
        raise TypeError("a list is needed")
    return tuple(map(read, value))


def _read_plain(kind: type, value: Any) -> Any:  # noqa: ANN401 -- as above
    fitting: Any = (int, float) if kind is float else kind
    if not isinstance(value, fitting) or isinstance(value, bool) is not (kind is bool):
        raise TypeError(f"a value of type {kind.__name__} is needed")
    if kind is not float:
        return value
    if not isfinite(value):
        raise ValueError("a finite number is needed")
    return float(value)
