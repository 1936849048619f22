"""The rows of a trace, from the requests that a run has served.

A row needs the service time on both backends, but one backend serves a request. The other time is estimated: the
measured one times the ratio of the medians of the NEAREST requests (by arrival) that each backend served around the
same time, so that the estimate follows a load whose requests grow. A backend that never served counts as equal.
What the CPU served while other programs took the processor from it has burnt less of it in its time than it would have:
the shares that the runtime has measured, waits for a processor taken out, put that right. The CPU time of a request
that the GPU served is estimated by the share of processor time of the nearest CPU requests.
A request that its client has sent after an answer (`loops`) has no time of its own.
"""

from bisect import bisect_left
from collections.abc import Sequence
from operator import attrgetter
from statistics import median

from gaia_cli.running.recording.loops import turns
from gaia_cli.simulator.traces.trace import Row
from runtime_images.events.traffic import RequestRow
from runtime_images.policy.model import Backend

NEAREST = 5
"""Requests on each side of a comparison: few, to follow a load; enough, to outvote one slow request."""

_ARRIVAL = attrgetter("arrival_s")


def trace_rows(
    served: Sequence[RequestRow], cpu_shares: Sequence[tuple[float, float]] = (), *, waits: bool | None = None
) -> list[Row]:
    """Return the rows of a trace in the order of arrival; `waits` as of `turns`.

    `cpu_shares` are moments, and how much of its busy time the CPU backend computed until then.
    """
    ordered = _without_waits(sorted(served, key=_ARRIVAL), cpu_shares)
    lanes = {backend: [one for one in ordered if one.backend is backend] for backend in Backend}
    taken = turns(ordered, waits=waits)
    rows = []
    for place, one in enumerate(ordered):
        other_ms = one.service_ms * _ratio(one, lanes[one.backend], lanes[one.backend.other])
        cpu_ms, gpu_ms = (one.service_ms, other_ms) if one.backend is Backend.CPU else (other_ms, one.service_ms)
        times_s = (cpu_ms / 1000.0, gpu_ms / 1000.0, _cpu_time(one, cpu_ms, lanes[Backend.CPU]) / 1000.0)
        if turn := taken.get(place):
            rows.append(Row(None, *times_s, turn.think_s, str(turn.client)))
        else:
            rows.append(Row(one.arrival_s, *times_s))
    return rows


def _without_waits(served: list[RequestRow], cpu_shares: Sequence[tuple[float, float]]) -> list[RequestRow]:
    """Return the requests with the processor time that they would have used, had they not waited for a processor."""
    moments = [at for at, _ in cpu_shares]
    spans: dict[int, list[RequestRow]] = {}
    for one in served:
        if one.backend is Backend.CPU:
            spans.setdefault(bisect_left(moments, one.arrival_s + one.latency_ms / 1000.0), []).append(one)
    kept = {span: _kept(rows, cpu_shares[span][1]) for span, rows in spans.items() if span < len(moments)}
    of_row = {id(one): kept.get(span, 1.0) for span, rows in spans.items() for one in rows}
    return [_less_wait(one, of_row.get(id(one), 1.0)) for one in served]


def _kept(rows: Sequence[RequestRow], share: float) -> float:
    """Return how much is left of the time in which these did not compute, where they computed for this share of all."""
    idle_ms = sum(one.service_ms - one.cpu_time_ms for one in rows)
    return min(1.0, (1.0 - share) * sum(one.service_ms for one in rows) / idle_ms) if idle_ms > 0 else 1.0


def _less_wait(one: RequestRow, kept: float) -> RequestRow:
    return one._replace(cpu_time_ms=one.service_ms - (one.service_ms - one.cpu_time_ms) * kept)


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
    return cpu_ms * median(served.cpu_time_ms / served.service_ms for served in near)
