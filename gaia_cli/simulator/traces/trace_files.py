"""Reads traces from CSV files."""

from functools import partial
from pathlib import Path

from gaia_cli.simulator.traces.csv_files import LONGEST_S, Rows, moment, number, read_csv
from gaia_cli.simulator.traces.trace import Row, Trace

COLUMNS = ("arrival_s", "cpu_ms", "gpu_ms", "cpu_time_ms", "think_s")
_HINT = f"a trace is a CSV file with the columns {', '.join(COLUMNS)} (docs/simulate.md)"


def read_trace(path: Path) -> Trace:
    """Return the trace in the file at `path`, named after it.

    Raises:
        UsageError: it cannot be read, or is no trace; the message names the line.
    """
    return read_csv(path, "trace", _HINT, partial(_make, path))


def _make(path: Path, names: list[str], rows: Rows) -> Trace:
    """Return the trace of these rows; columns of other names are passed over."""
    missing = [name for name in COLUMNS if name not in names]
    if missing:
        raise ValueError(f"no column {' and none '.join(missing)}")
    places = [names.index(name) for name in COLUMNS]
    trace, last_s, longest_s = Trace(path.stem, source=str(path)), 0.0, 0.0
    for fields in rows:
        row = _row(*[fields[place] for place in places])
        if row.arrival_s is not None:
            if row.arrival_s < last_s:
                raise ValueError(f"arrival_s {row.arrival_s:g} is before the row above it ({last_s:g})")
            last_s = row.arrival_s
        longest_s += max(row.cpu_s, row.gpu_s) + row.think_s
        if longest_s > LONGEST_S:
            raise ValueError("the requests up to here take over a year one after the other: is a unit wrong?")
        trace.add(row)
    if not len(trace):
        raise ValueError("the trace has no rows")
    return trace


def _row(arrival_s: str, cpu_ms: str, gpu_ms: str, cpu_time_ms: str, think_s: str) -> Row:
    """Return the request that these texts describe; without an arrival it is a closed loop's."""
    return Row(
        moment("arrival_s", arrival_s) if arrival_s.strip() else None,
        number("cpu_ms", cpu_ms) / 1000.0,
        number("gpu_ms", gpu_ms) / 1000.0,
        number("cpu_time_ms", cpu_time_ms) / 1000.0,
        number("think_s", think_s) if think_s.strip() else 0.0,
    )
