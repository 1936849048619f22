"""A trace for `gaia simulate`, from the requests that a run has served.

A row needs the service time on both backends, but one backend serves a request. The other time is estimated: the
measured one times the ratio of the medians of the NEAREST requests (by arrival) that each backend served around the
same time, so that the estimate follows a load whose requests grow. A backend that never served counts as equal.
`cpu_time_ms` of a request that the GPU served is estimated by the share of processor time of the nearest CPU requests.
Failed requests are left out: the time of an error says nothing about a backend.
"""

import csv
from bisect import bisect_left
from collections.abc import Sequence
from io import StringIO
from operator import attrgetter
from pathlib import Path
from statistics import median

from analyzers.lean.writing import check_named, write_named
from gaia_cli.errors import UsageError
from gaia_cli.simulator.traces.trace_files import COLUMNS
from runtime_images.events.model import Event
from runtime_images.events.traffic import RequestRow, Requests
from runtime_images.policy.model import Backend

NEAREST = 5
"""Requests on each side of a comparison: few, to follow a load; enough, to outvote one slow request."""

_ARRIVAL = attrgetter("arrival_s")


class TraceRecorder:
    """Collects the `requests` events of a run and writes them as a trace, where a path is given."""

    def __init__(self, path: Path | None, function: Path) -> None:
        """Check that `path` can be written, before the run of the `function` starts.

        Raises:
            UsageError: no file can be written at `path`.
        """
        self._path = path
        self._tree = str(function.parent if function.is_file() else function)
        self.served: list[RequestRow] = []
        if path is not None:
            try:
                check_named(self._tree, str(path))
            except OSError as error:
                raise _cannot_write(path, error) from None

    def apply(self, event: Event) -> None:
        """Take the rows of a `requests` event; other events hold none."""
        if isinstance(event, Requests):
            self.served += [row for row in event.rows if row.status < 500]

    def write(self) -> int:
        """Write the trace, sorted by arrival, and return its number of rows; without a path, write nothing.

        Raises:
            UsageError: the file cannot be written.
        """
        if self._path is None:
            return 0
        rows = trace_rows(self.served)
        text = StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(rows)
        try:
            write_named(self._tree, str(self._path), text.getvalue().encode())
        except OSError as error:
            raise _cannot_write(self._path, error) from None
        return len(rows)


def _cannot_write(path: Path, error: OSError) -> UsageError:
    return UsageError(f"cannot write the trace {path}: {error.strerror}", "give --record a writable file")


def trace_rows(served: Sequence[RequestRow]) -> list[tuple[float, float, float, float, int]]:
    """Return the rows of a trace, sorted by arrival."""
    ordered = sorted(served, key=_ARRIVAL)
    lanes = {backend: [one for one in ordered if one.backend is backend] for backend in Backend}
    rows = []
    for one in ordered:
        other = round(one.service_ms * _ratio(one, lanes[one.backend], lanes[one.backend.other]), 3)
        cpu_ms, gpu_ms = (one.service_ms, other) if one.backend is Backend.CPU else (other, one.service_ms)
        rows.append((round(one.arrival_s, 6), cpu_ms, gpu_ms, _cpu_time(one, cpu_ms, lanes[Backend.CPU]), 0))
    return rows


def _nearest(served: list[RequestRow], arrival_s: float) -> list[RequestRow]:
    """Return the at most NEAREST requests that arrived nearest to `arrival_s`; `served` is sorted by arrival."""
    at = bisect_left(served, arrival_s, key=_ARRIVAL)
    around = served[max(0, at - NEAREST) : at + NEAREST]
    return sorted(around, key=lambda one: abs(one.arrival_s - arrival_s))[:NEAREST]


def _ratio(one: RequestRow, own: list[RequestRow], other: list[RequestRow]) -> float:
    """Return how many times as long the other backend takes, where both have served around the same time."""
    there = _nearest(other, one.arrival_s)
    if not there:
        return 1.0
    here = _nearest(own, median(map(_ARRIVAL, there)))
    measured = median(near.service_ms for near in here)
    return median(near.service_ms for near in there) / measured if measured > 0 else 1.0


def _cpu_time(one: RequestRow, cpu_ms: float, cpu: list[RequestRow]) -> float:
    nearest = [] if one.backend is Backend.CPU else _nearest(cpu, one.arrival_s)
    near = [served for served in nearest if served.service_ms > 0]
    if not near:
        return one.cpu_time_ms
    return round(cpu_ms * median(served.cpu_time_ms / served.service_ms for served in near), 3)
