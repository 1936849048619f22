"""Reads traces from CSV files."""

from math import inf, nan
from pathlib import Path

from gaia_cli.simulator.traces.csv_files import LONGEST_S, moment, number, read_csv
from gaia_cli.simulator.traces.trace import Trace

COLUMNS = ("arrival_s", "cpu_ms", "gpu_ms", "cpu_time_ms", "think_s")
_HINT = f"a trace is a CSV file with the columns {', '.join(COLUMNS)} (docs/simulate.md)"


def read_trace(path: Path) -> Trace:
    """The trace in the file at `path`, named after it.

    Raises:
        UsageError: it cannot be read, or is no trace; the message names the line.
    """
    return read_csv(path, "trace", _HINT, _Builder(path))


class _Builder:
    """A trace that grows by a line at a time."""

    def __init__(self, path: Path) -> None:
        self._trace = Trace(path.stem, source=str(path))
        self._places: tuple[int, ...] = ()
        self._last_arrival = -inf
        self._longest_s = 0.0

    def find_columns(self, names: list[str]) -> None:
        """Find where each column is; others are passed over."""
        missing = [name for name in COLUMNS if name not in names]
        if missing:
            raise ValueError(f"no column {' and none '.join(missing)}")
        self._places = tuple(names.index(name) for name in COLUMNS)

    def take(self, fields: list[str]) -> None:
        """Read a row."""
        arrival, cpu, gpu, cpu_time, think = [fields[place] for place in self._places]
        trace = self._trace
        trace.arrival_s.append(self._arrival(arrival))
        trace.cpu_s.append(number("cpu_ms", cpu) / 1000.0)
        trace.gpu_s.append(number("gpu_ms", gpu) / 1000.0)
        trace.cpu_time_s.append(number("cpu_time_ms", cpu_time) / 1000.0)
        trace.think_s.append(number("think_s", think) if think.strip() else 0.0)
        self._longest_s += max(trace.cpu_s[-1], trace.gpu_s[-1]) + trace.think_s[-1]
        if self._longest_s > LONGEST_S:
            raise ValueError("the requests up to here take over a year one after the other: is a unit wrong?")

    def finished(self) -> Trace:
        """The trace, which must have rows."""
        if not len(self._trace):
            raise ValueError("the trace has no rows")
        return self._trace

    def _arrival(self, text: str) -> float:
        """The arrival; nan, which means a closed loop, where the field is empty."""
        if not text.strip():
            return nan
        arrival = moment("arrival_s", text)
        if arrival < self._last_arrival:
            raise ValueError(f"arrival_s {arrival:g} is before the row above it ({self._last_arrival:g})")
        self._last_arrival = arrival
        return arrival
