"""Latency on the run's time axis: a bar a second, the SLO a line, the axis coloured by who served.

The scale is logarithmic: a backend that falls behind is ten or a hundred times slower than one that keeps up,
and both must be seen in the same picture. Blocks above the SLO's row change their colour, and so does the
axis where traffic moved.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from rich.text import Text

from gaia_cli.running.history import RunHistory, Second
from gaia_cli.views.glyphs import DIM, LANE_STYLE, OK, WARN, Glyphs
from gaia_cli.views.units import clock, latency
from runtime_images.events.decisions import SwitchPhase, SwitchStep
from runtime_images.policy.model import Backend

GUTTER = 12
LABEL_EVERY_S = 10
DEPTH = 100.0
"""How far below the SLO the scale reaches at most; differences below that do not matter."""

SPAN_S = 60
"""Seconds that a chart shows at least; a wide one gives each second several columns."""


@dataclass(frozen=True, slots=True)
class _Axis:
    """Which column shows which second: `first` is the second of the left end, `per_second` columns each."""

    first: int
    columns: int
    per_second: int

    @classmethod
    def over(cls, history: RunHistory, columns: int) -> "_Axis":
        per_second = max(1, columns // SPAN_S)
        return cls(max(0, int(history.uptime_s) + 1 - columns // per_second), columns, per_second)

    def column(self, seconds: float) -> int:
        """Where a moment, in seconds after the start, lies; outside of the axis too."""
        return int((seconds - self.first) * self.per_second)


@dataclass(frozen=True, slots=True)
class _Scale:
    """Milliseconds to eighths of a row, on a logarithmic axis."""

    low: float
    high: float
    rows: int

    def eighths(self, ms: float) -> int:
        span = math.log(self.high) - math.log(self.low)
        share = (math.log(max(ms, self.low)) - math.log(self.low)) / span
        return max(1, min(self.rows * 8, round(share * self.rows * 8)))

    def row(self, ms: float) -> int:
        return min(self.rows - 1, (self.eighths(ms) - 1) // 8)


def latency_chart(history: RunHistory, width: int, rows: int, glyphs: Glyphs) -> list[Text]:
    """`rows` rows of columns, the axis and its labels: `rows + 2` lines, none wider than `width`."""
    axis = _Axis.over(history, width - GUTTER)
    seconds = _by_column(history, axis)
    scale = _scale(seconds, history.slo.latency_p95_ms, rows)
    lines = [_row(row, seconds, scale, history.slo.latency_p95_ms, glyphs) for row in reversed(range(rows))]
    return [*lines, _track(history, seconds, axis, glyphs), _labels(axis)]


def legend(glyphs: Glyphs) -> Text:
    """What the signs of the chart mean."""
    text = Text()
    for backend in Backend:
        text.append(glyphs.tracks[backend] * 2, LANE_STYLE[backend]).append(f" {backend.upper()}  ", DIM)
    text.append(glyphs.promote, LANE_STYLE[Backend.GPU]).append(" promote  ", DIM)
    return text.append(glyphs.demote, LANE_STYLE[Backend.CPU]).append(" demote", DIM)


def _by_column(history: RunHistory, axis: _Axis) -> list[Second | None]:
    placed: list[Second | None] = [None] * axis.columns
    for second in history.seconds:
        begin = axis.column(int(history.at(second.t)))
        if begin >= 0:
            for column in range(begin, min(begin + axis.per_second, axis.columns)):
                placed[column] = second
    return placed


def _scale(seconds: Sequence[Second | None], slo_ms: float | None, rows: int) -> _Scale:
    measured = [second.worst_p95_ms for second in seconds if second is not None]
    values = [value for value in measured if value] + ([slo_ms] if slo_ms else [])
    low, high = min(values, default=1.0) / 1.6, max(values, default=100.0) * 1.15
    return _Scale(max(low, (slo_ms or high) / DEPTH), high, rows)


def _row(row: int, seconds: Sequence[Second | None], scale: _Scale, slo_ms: float | None, glyphs: Glyphs) -> Text:
    slo_row = scale.row(slo_ms) if slo_ms else None
    text = _gutter(row, slo_row, slo_ms, scale, glyphs)
    for second in seconds:
        value = second.worst_p95_ms if second is not None else None
        filled = min(8, max(0, scale.eighths(value) - row * 8)) if value else 0
        if filled and second is not None:
            above = slo_row is not None and slo_ms is not None and row >= slo_row and (value or 0) > slo_ms
            text.append(glyphs.blocks[filled], WARN if above else LANE_STYLE[second.active])
        elif row == slo_row:
            text.append(glyphs.slo, OK)
        else:
            text.append(" ")
    return text


def _gutter(row: int, slo_row: int | None, slo_ms: float | None, scale: _Scale, glyphs: Glyphs) -> Text:
    if row == slo_row:
        return Text(f"{'SLO ' + latency(slo_ms):>{GUTTER - 1}} "[-GUTTER:], OK)
    if row == scale.rows - 1:
        return Text(f"{latency(scale.high):>{GUTTER - 2}} {glyphs.box.mid_left}", DIM)
    if row == 0:
        return Text(f"{latency(scale.low):>{GUTTER - 2}} {glyphs.box.mid_left}", DIM)
    return Text(" " * (GUTTER - 1) + glyphs.box.mid_left, DIM)


def _track(history: RunHistory, seconds: Sequence[Second | None], axis: _Axis, glyphs: Glyphs) -> Text:
    """The active backend's stroke along the axis, dotted while the other starts, a sign where traffic moved."""
    cells = [
        (glyphs.tracks[second.active], LANE_STYLE[second.active]) if second is not None else (" ", DIM)
        for second in seconds
    ]
    for switch in history.switches:
        _draw_switch(cells, switch, history, axis, glyphs)
    text = Text(" " * (GUTTER - 1) + glyphs.box.bottom_left, DIM)
    for character, style in cells:
        text.append(character, style)
    return text


def _draw_switch(
    cells: list[tuple[str, str]], switch: SwitchStep, history: RunHistory, axis: _Axis, glyphs: Glyphs
) -> None:
    style = LANE_STYLE[switch.to]
    begin = axis.column(history.at(switch.ordered))
    end = axis.column(history.at(switch.moved or history.now))
    if switch.phase is SwitchPhase.FAILED:
        end = begin
    for column in range(max(0, begin), min(end, len(cells))):
        cells[column] = (glyphs.starting, style)
    if 0 <= end < len(cells):
        if switch.phase is SwitchPhase.FAILED:
            cells[end] = (glyphs.failed, WARN)
        elif switch.moved is not None:
            cells[end] = (glyphs.mark(switch.kind), f"bold {style}")


def _labels(axis: _Axis) -> Text:
    line = [" "] * (GUTTER + axis.columns)
    start = -(-axis.first // LABEL_EVERY_S) * LABEL_EVERY_S
    for moment in range(start, axis.first + axis.columns, LABEL_EVERY_S):
        label, at = clock(moment), GUTTER + axis.column(moment)
        if at + len(label) <= len(line):
            line[at : at + len(label)] = label
    return Text("".join(line).rstrip(), DIM)
