"""A trace for `gaia simulate`: collects what a run has served, and writes it when the run ends.

Failed requests are left out: the time of an error says nothing about a backend.
"""

import csv
from dataclasses import replace
from io import StringIO
from pathlib import Path

from analyzers.lean.writing import check_named, write_named
from gaia_cli.errors import UsageError
from gaia_cli.running.recording.circumstances import Circumstances
from gaia_cli.running.recording.rows import trace_rows
from gaia_cli.simulator.traces.trace import Row, Trace, trace_of
from gaia_cli.simulator.traces.trace_files import CLIENT_COLUMN, COLUMNS, CONDITIONS_COLUMN
from runtime_images.events.model import Event
from runtime_images.events.traffic import RequestRow, Requests
from runtime_images.policy.model import Backend


class TraceRecorder:
    """Collects the `requests` events of a run and writes them as a trace, where a path is given."""

    def __init__(self, path: Path | None, function: Path, *, slots: int = 1, waits: bool | None = None) -> None:
        """Check that `path` can be written, before the run of the `function` starts.

        It serves `slots` requests at once. `waits` says whether its clients are known to wait for their answers; None
        where that is to be found.

        Raises:
            UsageError: no file can be written at `path`.
        """
        self._path = path
        self._tree = str(function.parent if function.is_file() else function)
        self._waits = waits
        self._circumstances = Circumstances(slots)
        self._served: list[RequestRow] = []
        if path is not None:
            try:
                check_named(self._tree, str(path))
            except OSError as error:
                raise _cannot_write(path, error) from None

    def apply(self, event: Event) -> None:
        """Take the rows of a `requests` event, and what other events say of the run's conditions."""
        self._circumstances.apply(event)
        if isinstance(event, Requests):
            self._served += [row for row in event.rows if row.status < 500]

    def trace(self) -> Trace:
        """Return the trace so far, in the order of arrival, with the conditions that it was recorded under."""
        rows = self._rows()
        return replace(trace_of("run", rows), conditions=self._circumstances.known)

    def _rows(self) -> list[Row]:
        return trace_rows(self._served, self._circumstances.cpu_shares, waits=self._waits)

    def backends(self) -> set[Backend]:
        """Return the backends that have served."""
        return {one.backend for one in self._served}

    def write(self) -> int:
        """Write the trace, sorted by arrival, and return its number of rows; without a path, write nothing.

        Raises:
            UsageError: the file cannot be written.
        """
        if self._path is None:
            return 0
        rows = self._rows()
        text = StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow((*COLUMNS, CLIENT_COLUMN, CONDITIONS_COLUMN))
        for number, row in enumerate(rows):
            writer.writerow((*_in_columns(row), "" if number else self._circumstances.known.text()))
        try:
            write_named(self._tree, str(self._path), text.getvalue().encode())
        except OSError as error:
            raise _cannot_write(self._path, error) from None
        return len(rows)


def _in_columns(row: Row) -> tuple[float | str, ...]:
    """Return a row as it is written: to a microsecond, which adds up over thousands of requests."""
    arrival_s = "" if row.arrival_s is None else round(row.arrival_s, 6)
    times_ms = [round(1000 * seconds, 3) for seconds in (row.cpu_s, row.gpu_s, row.cpu_time_s)]
    return (arrival_s, *times_ms, round(row.think_s, 6), row.client)


def _cannot_write(path: Path, error: OSError) -> UsageError:
    return UsageError(f"cannot write the trace {path}: {error.strerror}", "give --record a writable file")
