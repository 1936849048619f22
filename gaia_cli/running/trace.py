"""A trace for `gaia simulate`, from the requests that a run has served.

A row needs the service time on both backends, but a request is served by one. The other is estimated: its
measured time times the ratio of the medians of the NEAREST requests (by arrival) that each backend served
around the same time, so the estimate follows a load whose requests grow. A backend that never served is taken
to be equal, which claims nothing. `cpu_time_ms` of a request that the GPU served is estimated by the share of
processor time of the nearest CPU requests. Requests that failed are left out: how long an error took says
nothing about a backend.
"""

import csv
from bisect import bisect_left
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from gaia_cli.errors import UsageError
from gaia_cli.simulator.traces.trace_files import COLUMNS
from runtime_images.events.model import Event
from runtime_images.events.traffic import RequestRow, Requests
from runtime_images.policy.model import Backend

NEAREST = 5
"""Requests on each side of a comparison: few enough to follow a load, enough to forget one slow request."""


class TraceRecorder:
    """Collects the `requests` events of a run and writes them as a trace, where a path is given."""

    def __init__(self, path: Path | None) -> None:
        """Look at the place now, so that a path that cannot be written stops the run before it starts.

        Raises:
            UsageError: no file can be written at `path`.
        """
        self._path = path
        self.served: list[RequestRow] = []
        if path is not None:
            try:
                _try_to_open(path)
            except OSError as error:
                raise _cannot_write(path, error) from None

    def apply(self, event: Event) -> None:
        """Take the rows of a `requests` event; other events hold none."""
        if isinstance(event, Requests):
            self.served += [row for row in event.rows if row.status < 500]

    def write(self) -> int:
        """Write the trace, sorted by arrival, and return its number of rows; without a path, write nothing.

        Raises:
            UsageError: the place cannot be written to any more.
        """
        if self._path is None:
            return 0
        rows = trace_rows(self.served)
        try:
            with self._path.open("w", newline="", encoding="utf-8") as file:
                writer = csv.writer(file, lineterminator="\n")
                writer.writerow(COLUMNS)
                writer.writerows(rows)
        except OSError as error:
            raise _cannot_write(self._path, error) from None
        return len(rows)


def _try_to_open(path: Path) -> None:
    """Open the file for writing and leave everything as it was."""
    is_new = not path.exists()
    with path.open("a"):
        pass
    if is_new:
        path.unlink()


def _cannot_write(path: Path, error: OSError) -> UsageError:
    return UsageError(
        f"cannot write the trace {path}: {error.strerror}", "give --record a file in a directory of yours"
    )


def trace_rows(served: Sequence[RequestRow]) -> list[tuple[float, float, float, float, int]]:
    """The rows of a trace, in the order of arrival; pure."""
    ordered = sorted(served, key=lambda one: one.arrival_s)
    lanes = {backend: _Measured([one for one in ordered if one.backend is backend]) for backend in Backend}
    rows = []
    for one in ordered:
        other = round(one.service_ms * _ratio(one, lanes[one.backend], lanes[one.backend.other]), 3)
        cpu_ms, gpu_ms = (one.service_ms, other) if one.backend is Backend.CPU else (other, one.service_ms)
        rows.append((round(one.arrival_s, 6), cpu_ms, gpu_ms, _cpu_time(one, cpu_ms, lanes[Backend.CPU]), 0))
    return rows


class _Measured:
    """The requests that one backend served, in the order of arrival."""

    def __init__(self, served: list[RequestRow]) -> None:
        self._served = served
        self._arrivals = [one.arrival_s for one in served]

    def nearest(self, arrival_s: float) -> list[RequestRow]:
        """The requests that arrived nearest to `arrival_s`, as many as there are up to NEAREST."""
        at = bisect_left(self._arrivals, arrival_s)
        around = self._served[max(0, at - NEAREST) : at + NEAREST]
        return sorted(around, key=lambda one: abs(one.arrival_s - arrival_s))[:NEAREST]


def _ratio(one: RequestRow, own: _Measured, other: _Measured) -> float:
    """How many times as long the other backend takes, judged where both have served around the same time."""
    there = other.nearest(one.arrival_s)
    if not there:
        return 1.0
    here = own.nearest(median(near.arrival_s for near in there))
    measured = median(near.service_ms for near in here)
    return median(near.service_ms for near in there) / measured if measured > 0 else 1.0


def _cpu_time(one: RequestRow, cpu_ms: float, cpu: _Measured) -> float:
    if one.backend is Backend.CPU:
        return one.cpu_time_ms
    near = [served for served in cpu.nearest(one.arrival_s) if served.service_ms > 0]
    if not near:
        return one.cpu_time_ms
    return round(cpu_ms * median(served.cpu_time_ms / served.service_ms for served in near), 3)
