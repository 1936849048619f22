"""Latency on the run's time axis: a bar a second, the SLO a line, the axis coloured by the backend that served.

The scale is logarithmic: a backend that falls behind is ten or a hundred times slower than one that keeps up, and the
picture must show both. Blocks above the SLO's row change their colour, and so does the axis where traffic moved.
"""

import math

from rich.text import Text

from gaia_cli.running.history import RunHistory, Second
from gaia_cli.views.glyphs import DIM, LANE_STYLE, OK, WARN, Glyphs
from gaia_cli.views.units import clock, latency
from runtime_images.events.decisions import ENDED_BEFORE_IT_MOVED, SwitchPhase, SwitchStep
from runtime_images.policy.model import Backend

GUTTER = 12
LABEL_EVERY_S = 10
DEPTH = 100.0
"""How far below the SLO the scale reaches at most; differences below that do not matter."""

SPAN_S = 60
"""Seconds that a chart shows at least; a wide one gives each second several columns."""


def latency_chart(history: RunHistory, width: int, rows: int, glyphs: Glyphs) -> list[Text]:
    """Draw `rows` rows of columns, the axis and its labels: `rows + 2` lines, none wider than `width`."""
    chart = _Chart(history, width - GUTTER, rows, glyphs)
    return [*(chart.row(row) for row in reversed(range(rows))), chart.axis(), chart.labels()]


def legend(glyphs: Glyphs) -> Text:
    """Explain the signs of the chart."""
    text = Text()
    for backend in Backend:
        text.append(glyphs.tracks[backend] * 2, LANE_STYLE[backend]).append(f" {backend.upper()}  ", DIM)
    text.append(glyphs.promote, LANE_STYLE[Backend.GPU]).append(" promote  ", DIM)
    return text.append(glyphs.demote, LANE_STYLE[Backend.CPU]).append(" demote", DIM)


class _Chart:
    """The seconds of a run in columns, `per_second` each, from the second `first`; rows count from the bottom."""

    def __init__(self, history: RunHistory, columns: int, rows: int, glyphs: Glyphs) -> None:
        self.history, self.rows, self.glyphs = history, rows, glyphs
        self.per_second = max(1, columns // SPAN_S)
        self.first = max(0, int(history.uptime_s) + 1 - columns // self.per_second)
        self.seconds: list[Second | None] = [None] * columns
        for second in history.seconds:
            begin = self._column(int(history.at(second.t)))
            if begin >= 0:
                for column in range(begin, min(begin + self.per_second, columns)):
                    self.seconds[column] = second
        self.slo_ms = history.slo.latency_p95_ms
        measured = (second.worst_p95_ms for second in self.seconds if second is not None)
        values = [value for value in (*measured, self.slo_ms) if value]
        self.high = max(values, default=100.0) * 1.15
        self.low = max(min(values, default=1.0) / 1.6, (self.slo_ms or self.high) / DEPTH)
        self.slo_row = min(rows - 1, (self._eighths(self.slo_ms) - 1) // 8) if self.slo_ms else None

    def row(self, row: int) -> Text:
        text = self._gutter(row)
        for second in self.seconds:
            value = second.worst_p95_ms if second is not None else None
            filled = min(8, max(0, self._eighths(value) - row * 8)) if value else 0
            if second is not None and value and filled:
                above = self.slo_row is not None and row >= self.slo_row and value > (self.slo_ms or 0)
                text.append(self.glyphs.blocks[filled], WARN if above else LANE_STYLE[second.active])
            elif row == self.slo_row:
                text.append(self.glyphs.slo, OK)
            else:
                text.append(" ")
        return text

    def axis(self) -> Text:
        """Draw the active backend's stroke, dotted while the other starts, with a sign where traffic moved."""
        tracks = self.glyphs.tracks
        cells = [
            (tracks[one.active], LANE_STYLE[one.active]) if one is not None else (" ", DIM) for one in self.seconds
        ]
        for switch in self.history.switches:
            self._mark(cells, switch)
        return Text.assemble((" " * (GUTTER - 1) + self.glyphs.box.bottom_left, DIM), *cells)

    def labels(self) -> Text:
        columns = len(self.seconds)
        line = [" "] * (GUTTER + columns)
        start = -(-self.first // LABEL_EVERY_S) * LABEL_EVERY_S
        for moment in range(start, self.first + columns, LABEL_EVERY_S):
            label, at = clock(moment), GUTTER + self._column(moment)
            if at + len(label) <= len(line):
                line[at : at + len(label)] = label
        return Text("".join(line).rstrip(), DIM)

    def _column(self, seconds: float) -> int:
        """Return the column of a moment, in seconds after the start; it may lie outside of the chart."""
        return int((seconds - self.first) * self.per_second)

    def _eighths(self, ms: float) -> int:
        """Return the height of a bar in eighths of a row."""
        span = math.log(self.high) - math.log(self.low)
        part = (math.log(max(ms, self.low)) - math.log(self.low)) / span
        return max(1, min(self.rows * 8, round(part * self.rows * 8)))

    def _gutter(self, row: int) -> Text:
        if row == self.slo_row:
            return Text(f"{'SLO ' + latency(self.slo_ms):>{GUTTER - 1}} "[-GUTTER:], OK)
        ends = {0: latency(self.low), self.rows - 1: latency(self.high)}
        return Text(f"{ends.get(row, ''):>{GUTTER - 2}} {self.glyphs.box.mid_left}", DIM)

    def _mark(self, cells: list[tuple[str, str]], switch: SwitchStep) -> None:
        style, is_in_vain = LANE_STYLE[switch.to], switch.phase in ENDED_BEFORE_IT_MOVED
        begin = self._column(self.history.at(switch.ordered))
        end = begin if is_in_vain else self._column(self.history.at(switch.moved or self.history.now))
        for column in range(max(0, begin), min(end, len(cells))):
            cells[column] = (self.glyphs.starting, style)
        if 0 <= end < len(cells):
            if is_in_vain:
                cells[end] = (self.glyphs.failed, WARN if switch.phase is SwitchPhase.FAILED else DIM)
            elif switch.moved is not None:
                cells[end] = (self.glyphs.mark(switch.kind), f"bold {style}")
