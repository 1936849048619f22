"""How long something may take, as it is typed: one reader, so that a time that one verb takes is taken by all."""

import re
from typing import Annotated

import typer

_PART = re.compile(r"(\d{1,9}+(?:\.\d{1,9}+)?+)(ms|s|m|h)", re.ASCII)
_NUMBER = re.compile(r"(?:\d{1,9}+(?:\.\d{0,18}+)?+|\.\d{1,18}+)(?:[eE][+-]?\d{1,2}+)?+", re.ASCII)
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_DAY_S = 86400.0


def duration_s(text: str | float) -> float:
    """Return a time such as 60s, 2m or 1h30m in seconds; a number alone counts seconds.

    Raises:
        typer.BadParameter: it is none, is zero, or is longer than a day.
    """
    seconds = _in_seconds(str(text))
    if not 0 < seconds <= _DAY_S:
        raise typer.BadParameter(f"{text} is no time of up to a day: write 60s, 2m or 1h30m")
    return seconds


def _in_seconds(text: str) -> float:
    """Return the seconds, 0 for what is no time."""
    if _NUMBER.fullmatch(text):
        return float(text)
    parts = _PART.findall(text)
    if "".join(number + unit for number, unit in parts) != text:
        return 0.0
    return sum(float(number) * _SECONDS[unit] for number, unit in parts)


Timeout = Annotated[
    float,
    typer.Option("--timeout", metavar="TIME", parser=duration_s, help="How long to wait, such as 60s or 2m."),
]
Since = Annotated[
    float | None,
    typer.Option("--since", metavar="TIME", parser=duration_s, help="Lines no older than this, such as 5m."),
]
