"""Reads traces from CSV files, and says of a bad one which line is bad and why."""

import csv
from math import inf, nan
from pathlib import Path
from typing import TextIO

from gaia_cli.errors import UsageError
from gaia_cli.simulator.traces import Trace

COLUMNS = ("arrival_s", "cpu_ms", "gpu_ms", "cpu_time_ms", "think_s")
LONGEST_S = 366 * 86400.0
"""A policy is asked four times a second, so seconds since 1970 would never end."""

_HINT = f"a trace is a CSV file with the columns {', '.join(COLUMNS)} (docs/simulate.md)"


def read_trace(path: Path) -> Trace:
    """The trace in the file at `path`, named after it.

    Raises:
        UsageError: it cannot be read, or is no trace; the message names the line.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            return _parse(path, file)
    except OSError as error:
        raise UsageError(f"cannot read the trace {path}: {error.strerror}", _HINT) from None


def _parse(path: Path, file: TextIO) -> Trace:
    reader = csv.reader(file)
    trace = _Builder(path)
    try:
        trace.find_columns(next(reader, []))
        for fields in reader:
            if fields:
                trace.take(fields)
        return trace.finished()
    except UnicodeDecodeError:
        raise UsageError(f"{path}, after line {reader.line_num}: no text in UTF-8", _HINT) from None
    except (ValueError, csv.Error) as error:
        raise UsageError(f"{path}, line {max(reader.line_num, 1)}: {error}", _HINT) from None


class _Builder:
    """A trace that grows by a line at a time; a `ValueError` says what is wrong with the line."""

    def __init__(self, path: Path) -> None:
        self._trace = Trace(path.stem, source=str(path))
        self._places: tuple[int, ...] = ()
        self._width = 0
        self._last_arrival = -inf

    def find_columns(self, names: list[str]) -> None:
        """Read the header."""
        found = [name.strip() for name in names]
        missing = [name for name in COLUMNS if name not in found]
        if missing:
            raise ValueError(f"no column {' and none '.join(missing)}")
        self._places, self._width = tuple(found.index(name) for name in COLUMNS), len(found)

    def take(self, fields: list[str]) -> None:
        """Read a row."""
        if len(fields) != self._width:
            raise ValueError(f"{len(fields)} fields instead of {self._width}")
        arrival, cpu, gpu, cpu_time, think = [fields[place] for place in self._places]
        trace = self._trace
        trace.arrival_s.append(self._arrival(arrival))
        trace.cpu_s.append(_number("cpu_ms", cpu) / 1000.0)
        trace.gpu_s.append(_number("gpu_ms", gpu) / 1000.0)
        trace.cpu_time_s.append(_number("cpu_time_ms", cpu_time) / 1000.0)
        trace.think_s.append(_number("think_s", think) if think.strip() else 0.0)

    def finished(self) -> Trace:
        """The trace, which must have rows."""
        if not len(self._trace):
            raise ValueError("the trace has no rows")
        return self._trace

    def _arrival(self, text: str) -> float:
        """The arrival; nan, which means a closed loop, where the field is empty."""
        if not text.strip():
            return nan
        arrival = _number("arrival_s", text)
        if arrival < self._last_arrival:
            raise ValueError(f"arrival_s {arrival:g} is before the row above it ({self._last_arrival:g})")
        if arrival > LONGEST_S:
            raise ValueError(f"arrival_s {arrival:g} is over a year after the start: is it a date?")
        self._last_arrival = arrival
        return arrival


def _number(column: str, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        raise ValueError(f"{column} is no number: {text[:40]!r}") from None
    if not 0.0 <= value < inf:
        raise ValueError(f"{column} must be a number of 0 or more, not {text[:40].strip()}")
    return value
