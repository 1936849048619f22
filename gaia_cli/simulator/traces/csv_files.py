"""Reads CSV files line by line, and says of a bad one which line is bad and why."""

import csv
from collections.abc import Callable, Iterable, Iterator
from math import inf
from pathlib import Path
from typing import TextIO, TypeVar

from gaia_cli.errors import UsageError

Made = TypeVar("Made")
Rows = Iterator[list[str]]

LONGEST_S = 366 * 86400.0
"""A policy is asked several times a second, so a replay of seconds since 1970 would never end."""

LARGEST = 1e12
"""No figure of a trace or a node is larger: results would overflow."""

GZIP = b"\x1f\x8b"


def read_csv(path: Path, what: str, hint: str, make: Callable[[list[str], Rows], Made]) -> Made:
    """Return what `make` makes of the columns' names and the rows of the file at `path`, which is meant to be a `what`.

    A `ValueError` of `make` says what is wrong with the row that it took last.

    Raises:
        UsageError: it cannot be read or makes no sense; the message names the line.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            return _parse(path, file, hint, make)
    except OSError as error:
        raise UsageError(f"cannot read the {what} {path}: {error.strerror}", hint) from None


def _parse(path: Path, file: TextIO, hint: str, make: Callable[[list[str], Rows], Made]) -> Made:
    reader = csv.reader(file)
    try:
        names = [name.strip() for name in next(reader, [])]
        twice = [name for name in names if names.count(name) > 1]
        if twice:
            raise ValueError(f"there are {names.count(twice[0])} columns {twice[0] or 'without a name'}")
        return make(names, _rows(reader, len(names)))
    except UnicodeDecodeError:
        raise _no_text(path, hint) from None
    except (ValueError, csv.Error) as error:
        raise UsageError(f"{path}, line {max(reader.line_num, 1)}: {error}", hint) from None


def _rows(lines: Iterable[list[str]], width: int) -> Rows:
    for fields in lines:
        if len(fields) == width:
            yield fields
        elif fields:
            raise ValueError(f"{len(fields)} fields instead of {width}")


def _no_text(path: Path, hint: str) -> UsageError:
    """Say where it is that a file is no text, which is read again for it: text is decoded ahead of the lines."""
    data = path.read_bytes() if path.is_file() else b""
    if data.startswith(GZIP):
        return UsageError(f"{path} is compressed", f"unpack it first: gunzip {path}")
    try:
        data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        return UsageError(f"{path}, line {line}: no text in UTF-8", hint)
    return UsageError(f"{path}: no text in UTF-8", hint)


def number(column: str, text: str) -> float:
    """The number of 0 or more that `text` says.

    Raises:
        ValueError: it says none.
    """
    try:
        value = float(text.replace("_", "x"))  # Python alone takes 1_000 for a number
    except ValueError:
        raise ValueError(f"{column} is no number: {text[:40]!r}") from None
    if not 0.0 <= value <= LARGEST:
        wanted = f"at most {LARGEST:g}" if LARGEST < value < inf else "a number of 0 or more"
        raise ValueError(f"{column} must be {wanted}, not {text[:40].strip()}")
    return value


def moment(column: str, text: str) -> float:
    """The seconds from the start that `text` says.

    Raises:
        ValueError: it says none, or more than a year.
    """
    seconds = number(column, text)
    if seconds > LONGEST_S:
        raise ValueError(f"{column} {seconds:g} is over a year after the start: is it a date?")
    return seconds
