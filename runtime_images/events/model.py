"""What every event has, and the units in which fields are known.

A field is annotated with its type, its unit and a sentence: `Annotated[Milliseconds | None, "the median latency"]`.
The codec rounds by the unit, so no module that emits or reads an event rounds anything itself.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar, TypeVar, dataclass_transform

_Kind = TypeVar("_Kind", bound="Event")


@dataclass(frozen=True, slots=True)
class Digits:
    """Decimals to which a number is known."""

    count: int


@dataclass(frozen=True, slots=True)
class WireName:
    """The field's name in JSON, where Python keeps that word for itself."""

    name: str


@dataclass(frozen=True, slots=True)
class LeftOutIfNone:
    """The field is missing in JSON, not null, where it is None."""


@dataclass(frozen=True, slots=True)
class Known:
    """The values that an open set of strings has today."""

    values: tuple[str, ...]


Moment = Annotated[float, Digits(6)]
"""Seconds since the epoch."""
Seconds = Annotated[float, Digits(3)]
Milliseconds = Annotated[float, Digits(1)]
ExactSeconds = Annotated[float, Digits(6)]
ExactMilliseconds = Annotated[float, Digits(3)]
"""Of a recorded request: a replay adds up thousands of them."""
Money = Annotated[float, Digits(7)]
"""A millisecond of the cheapest backend still counts."""
Share = Annotated[float, Digits(3)]
"""Between 0 and 1."""
Ratio = Annotated[float, Digits(3)]
PerSecond = Annotated[float, Digits(3)]
Megabytes = Annotated[float, Digits(1)]
Watts = Annotated[float, Digits(1)]


@dataclass(frozen=True, slots=True)
class Event:
    """What every event has. The event log sets `t`, when the event is emitted."""

    NAME: ClassVar[str] = ""

    t: Annotated[Moment, "seconds since the epoch"] = field(default=0.0, kw_only=True)
    extra: Annotated[tuple[tuple[str, Any], ...], "fields that this version does not know"] = field(
        default=(), kw_only=True
    )


@dataclass_transform(frozen_default=True)
def event(name: str) -> Callable[[type[_Kind]], type[_Kind]]:
    """Return the decorator that makes a class an event, called `name` in JSON."""

    def decorate(kind: type[_Kind]) -> type[_Kind]:
        kind.NAME = name
        return dataclass(frozen=True, slots=True)(kind)

    return decorate


@dataclass(frozen=True, slots=True)
class UnknownEvent(Event):
    """An event of a newer runtime that this version does not know; `extra` holds all of it."""

    name: Annotated[str, "its name"]
