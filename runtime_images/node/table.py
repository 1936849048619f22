"""Rows of text become stretches: the table that says how a node is, for the simulator and for a runtime that is there.

The first line names the columns, in any order; a field that is empty is as in the row above. What is wrong is said in
a ValueError, in words for whoever wrote the row that was taken last.
"""

import csv
from collections.abc import Iterable, Iterator
from dataclasses import fields as fields_of
from dataclasses import replace
from math import inf
from typing import Any

from runtime_images.node.stretch import AS_EVER, Stretch

Rows = Iterator[list[str]]

NODE_COLUMNS = tuple(field.name for field in fields_of(Stretch))
LONGEST_S = 366 * 86400.0
"""A policy is asked several times a second, so a replay of seconds since 1970 would never end."""

LARGEST = 1e12
"""No figure of a trace or a node is larger: results would overflow."""


def names_of(first: list[str]) -> list[str]:
    """Return the names of the columns.

    Raises:
        ValueError: one is there twice.
    """
    names = [name.strip() for name in first]
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        raise ValueError(f"there are {names.count(twice[0])} columns {twice[0] or 'without a name'}")
    return names


def rows_of(lines: Iterable[list[str]], width: int) -> Rows:
    """Yield the rows that are not empty.

    Raises:
        ValueError: one has another number of fields.
    """
    for fields in lines:
        if len(fields) == width:
            yield fields
        elif fields:
            raise ValueError(f"{len(fields)} fields instead of {width}")


def stretches_of(names: list[str], rows: Rows) -> tuple[Stretch, ...]:
    """Return the stretches of these rows; no column may be unknown, since a slip would go unnoticed.

    Raises:
        ValueError: a row, or the columns, make no sense.
    """
    unknown = [name for name in names if name not in NODE_COLUMNS]
    if unknown:
        raise ValueError(f"there is no column {unknown[0] or 'without a name'}")
    if "from_s" not in names:
        raise ValueError("missing columns: from_s")
    stretches: list[Stretch] = []
    for fields in rows:
        stretches.append(_stretch(dict(zip(names, fields, strict=True)), stretches))
    if not stretches:
        raise ValueError("the node has no rows")
    return tuple(stretches)


def _stretch(fields: dict[str, str], before: list[Stretch]) -> Stretch:
    """Return the stretch of a row, which changes the last one of `before` where the row says so."""
    begin_s = moment("from_s", fields.pop("from_s"))
    above = before[-1] if before else AS_EVER
    if before and begin_s <= above.from_s:
        raise ValueError(f"from_s {begin_s:g} is not after the row above it ({above.from_s:g})")
    changed: dict[str, Any] = {name: _value(name, text) for name, text in fields.items() if text.strip()}
    stretch = replace(above, from_s=begin_s, **changed)
    if stretch.power_w is not None and stretch.cpu_w > stretch.power_w:
        raise ValueError(
            f"power_w {stretch.power_w:g} is too little for the CPU backend, which draws {stretch.cpu_w:g}"
        )
    return stretch


def _value(name: str, text: str) -> float | bool:
    if name != "gpu":
        return number(name, text)
    if text.strip() not in ("yes", "no"):
        raise ValueError(f"gpu must be yes or no, not {text[:40]!r}")
    return text.strip() == "yes"


def number(column: str, text: str) -> float:
    """Parse a number of 0 or more.

    Raises:
        ValueError: it says none.
    """
    try:
        value = float(text.replace("_", "x"))  # Python alone takes 1_000 for a number
    except ValueError:
        raise ValueError(f"{column} is not a number: {text[:40]!r}") from None
    if not 0.0 <= value <= LARGEST:
        wanted = f"at most {LARGEST:g}" if LARGEST < value < inf else "a number of 0 or more"
        raise ValueError(f"{column} must be {wanted}, not {text[:40].strip()}")
    return value


def moment(column: str, text: str) -> float:
    """Parse seconds from the start.

    Raises:
        ValueError: it says none, or more than a year.
    """
    seconds = number(column, text)
    if seconds > LONGEST_S:
        raise ValueError(f"{column} {seconds:g} is over a year after the start: is it a date?")
    return seconds


def read_table(data: bytes) -> tuple[Stretch, ...]:
    """Return the stretches that a table says, the first of them first.

    Raises:
        ValueError: it is no such table; the message names the line.
    """
    reader = csv.reader(data.decode("utf-8-sig").splitlines())
    try:
        names = names_of(next(reader, []))
        return stretches_of(names, rows_of(reader, len(names)))
    except (ValueError, csv.Error) as error:
        raise ValueError(f"line {max(reader.line_num, 1)}: {error}") from None
