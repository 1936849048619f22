"""Reads traces and nodes from CSV files, and says of a bad file which line is bad and why."""

import csv
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from io import TextIOWrapper
from pathlib import Path
from typing import TypeVar

from analyzers.lean.files import DATA_BYTES, open_named, read_named
from gaia_cli.errors import UsageError, shell_word
from gaia_cli.places import working_tree
from gaia_cli.simulator.traces.conditions import Conditions, read_conditions
from gaia_cli.simulator.traces.trace import Row, Trace
from runtime_images.node.stretch import Stretch
from runtime_images.node.table import LONGEST_S, NODE_COLUMNS, Rows, moment, names_of, number, rows_of, stretches_of

Made = TypeVar("Made")

COLUMNS = ("arrival_s", "cpu_ms", "gpu_ms", "cpu_time_ms", "think_s")
CLIENT_COLUMN = "client"
"""May be missing: then all rows are of one client."""
CONDITIONS_COLUMN = "conditions"
"""May be missing; else its first row says under which conditions the trace was recorded."""

TRACE_HINT = f"a trace is a CSV file with the columns {', '.join(COLUMNS)} (docs/simulate.md)"
NODE_HINT = f"a node is a CSV file with the column from_s and any of {', '.join(NODE_COLUMNS[1:])} (docs/simulate.md)"

_LONGEST_LINE = 64 * 1024
"""Characters; a longer one comes in pieces, none of which is a row."""

GZIP = b"\x1f\x8b"


def read_trace(path: Path) -> Trace:
    """Return the trace in the file at `path`, named after it.

    Raises:
        UsageError: it cannot be read, or is no trace; the message names the line.
    """
    return _read_csv(path, "trace", TRACE_HINT, partial(_make_trace, path))


def _make_trace(path: Path, names: list[str], rows: Rows) -> Trace:
    """Return the trace of these rows; columns of other names are passed over."""
    missing = [name for name in COLUMNS if name not in names]
    if missing:
        raise ValueError(f"missing columns: {', '.join(missing)}")
    places = [names.index(name) for name in COLUMNS]
    of_client = names.index(CLIENT_COLUMN) if CLIENT_COLUMN in names else None
    of_run = names.index(CONDITIONS_COLUMN) if CONDITIONS_COLUMN in names else None
    trace, order = Trace(path.stem, source=str(path)), _Order()
    conditions = Conditions()
    for fields in rows:
        if of_run is not None and not len(trace) and fields[of_run].strip():
            conditions = read_conditions(fields[of_run])
        row = _row([fields[place] for place in places], "" if of_client is None else fields[of_client].strip())
        order.check(row)
        trace.add(row)
    if not len(trace):
        raise ValueError("the trace has no rows")
    return replace(trace, conditions=conditions)


class _Order:
    """Checks that each client's rows follow one another, and that a replay of all of them ends."""

    def __init__(self) -> None:
        self._last_s: dict[str, float] = {}
        self._think_s: dict[str, float] = {}
        self._served_s = 0.0

    def check(self, row: Row) -> None:
        """Take the next row.

        Raises:
            ValueError: it is before the client's last one, or all take over a year.
        """
        if row.arrival_s is not None:
            last_s = self._last_s.get(row.client, 0.0)
            if row.arrival_s < last_s:
                above = "the row above it" + (" of the same client" if row.client else "")
                raise ValueError(f"arrival_s {row.arrival_s:g} is before {above} ({last_s:g})")
            self._last_s[row.client] = row.arrival_s
        self._served_s += max(row.cpu_s, row.gpu_s)
        self._think_s[row.client] = self._think_s.get(row.client, 0.0) + row.think_s
        if self._served_s + self._think_s[row.client] > LONGEST_S:
            raise ValueError("the requests up to here take over a year one after the other: is a unit wrong?")


def _row(texts: list[str], client: str) -> Row:
    """Return the request that the texts of COLUMNS describe; without an arrival it is a closed loop's."""
    arrival_s, cpu_ms, gpu_ms, cpu_time_ms, think_s = texts
    return Row(
        moment("arrival_s", arrival_s) if arrival_s.strip() else None,
        number("cpu_ms", cpu_ms) / 1000.0,
        number("gpu_ms", gpu_ms) / 1000.0,
        number("cpu_time_ms", cpu_time_ms) / 1000.0,
        number("think_s", think_s) if think_s.strip() else 0.0,
        client,
    )


def read_node(path: Path) -> tuple[Stretch, ...]:
    """Return the stretches of the node in the file at `path`.

    Raises:
        UsageError: it cannot be read, or makes no sense; the message names the line.
    """
    return _read_csv(path, "node", NODE_HINT, _make_node)


def _make_node(names: list[str], rows: Rows) -> tuple[Stretch, ...]:
    stretches = stretches_of(names, rows)
    if not stretches[-1].gpu or stretches[-1].lacks_power:  # some policies would wait for it
        raise ValueError("the last row leaves the node without a GPU: add a row for when it is back")
    return stretches


def _read_csv(path: Path, what: str, hint: str, make: Callable[[list[str], Rows], Made]) -> Made:
    """Pass the names of the columns and the rows of the file at `path`, a `what`, to `make`, and return what it makes.

    A `ValueError` of `make` says what is wrong with the row that it took last.

    Raises:
        UsageError: it cannot be read or makes no sense; the message names the line.
    """
    try:
        with TextIOWrapper(open_named(working_tree(), str(path)), "utf-8-sig", newline="") as file:
            reader = csv.reader(iter(partial(file.readline, _LONGEST_LINE), ""))
            names = names_of(next(reader, []))
            return make(names, rows_of(reader, len(names)))
    except OSError as error:
        raise UsageError(f"cannot read the {what} {path}: {error.strerror}", hint) from None
    except UnicodeDecodeError:
        raise _no_text(path, hint) from None
    except (ValueError, csv.Error) as error:
        raise UsageError(f"{path}, line {max(reader.line_num, 1)}: {error}", hint) from None


def _no_text(path: Path, hint: str) -> UsageError:
    """Find the line that is not text; reads the file again, since text is decoded ahead of the lines."""
    try:
        data = read_named(working_tree(), str(path), DATA_BYTES) if path.is_file() else b""
    except OSError:  # it is longer than to be looked through
        data = b""
    if data.startswith(GZIP):
        return UsageError(f"{path} is compressed", f"unpack it first: gunzip {shell_word(path)}")
    try:
        data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        return UsageError(f"{path}, line {line}: not UTF-8 text", hint)
    return UsageError(f"{path}: not UTF-8 text", hint)
