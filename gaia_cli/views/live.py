"""The live view: one calm picture of a run, redrawn from its history a few times a second.

From the top: what runs and whether its SLO is met; the two lanes; latency on one time axis with the switches marked;
the last decisions with their reasons; the cost. The layout is made here line by line, so that the terminal never wraps
or cuts anything: a part that does not fit gives up rows, then itself, the least important first.
"""

import textwrap
import time
from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.live import Live
from rich.text import Text

from analyzers.lean.printable import harmless, printable
from gaia_cli.running.history import Note, RunHistory
from gaia_cli.running.plan import RunPlan
from gaia_cli.running.summary import RunSummary
from gaia_cli.views.chart import latency_chart, legend
from gaia_cli.views.glyphs import BAD, DIM, LANE_STYLE, OK, SLO_STYLE, STRONG, WARN, Glyphs, glyphs_for, shorten, spread
from gaia_cli.views.lanes import BOX_HEIGHT, boxed_lanes, plain_lanes
from gaia_cli.views.summary import print_fields, show_summary
from gaia_cli.views.units import clock, latency, money
from runtime_images.events.lifecycle import Ready
from runtime_images.events.model import Event
from runtime_images.events.traffic import LogLine
from runtime_images.policy.model import Accelerator, Backend

BESIDE_WIDTH = 60
"""Columns from which the lanes stand side by side."""

BOXED_ROWS = 18
"""Rows from which the lanes have boxes."""

SPARK_ROWS = 15
"""Rows from which plain lanes have a sparkline each."""

SUMMARY_CHART_ROWS = 6

REFRESH_S = 0.25

WRITTEN_LINES = 20
"""Lines of the function's output that stand above the summary: the live view takes with it what it has shown."""

_NOTE_STYLE = {
    "promote": f"{STRONG} {LANE_STYLE[Backend.GPU]}", "demote": f"{STRONG} {LANE_STYLE[Backend.CPU]}",
    "failed": WARN, "fallback": WARN, "worker_exit": BAD, "cut_off": WARN, "setup_failed": BAD, "gpu_lost": BAD,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class LiveView:
    """A run drawn to the size of the console that it is printed on."""

    plan: RunPlan
    history: RunHistory

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Draw; the view fills the screen."""
        height = options.height or console.height
        yield from frame(self.plan, self.history, options.max_width, height, glyphs_for(console))


def frame(plan: RunPlan, history: RunHistory, width: int, height: int, glyphs: Glyphs) -> list[RenderableType]:
    """Draw the picture: at most `height` lines, none wider than `width`."""
    head, totals = _header(plan, history, width, glyphs), _totals(history, width, glyphs)
    gpu_label = "GPU EMULATED" if plan.emulated else "GPU none" if plan.accelerator.name == Accelerator.NONE else "GPU"
    lanes: list[RenderableType]
    if width >= BESIDE_WIDTH and height >= BOXED_ROWS:
        lanes, lanes_height = [boxed_lanes(history, width, gpu_label, glyphs)], BOX_HEIGHT
    else:
        lanes = [*plain_lanes(history, width, gpu_label, glyphs, sparks=height >= SPARK_ROWS)]
        lanes_height = len(lanes)
    rows = height - len(head) - lanes_height - len(totals)
    chart_rows = min(12, max(2, (rows - 3) * 3 // 5))  # about half of what is left; no chart where two rows do not fit
    chart = _titled_chart(history, width, chart_rows, glyphs) if rows >= chart_rows + 3 else []
    notes = _notes(history, width, rows - len(chart), glyphs)
    lines = [*head, *lanes, *chart, *notes, *totals][:height]
    for line in lines:
        if isinstance(line, Text):
            shorten(line, width, glyphs)
    return lines


class LiveScreen:
    """Shows a run on a terminal: the live view while it serves, then the summary."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._live: Live | None = None
        self._drawn = 0.0
        self._plan: RunPlan | None = None

    def address(self, url: str) -> None:
        """Print where the function will be served."""
        print_fields(self._console, [("address", Text(printable(url), STRONG))])

    def step(self, text: str) -> None:
        """Print one step of the preparation."""
        self._console.print(Text(harmless(printable(text)), DIM))

    def plan(self, plan: RunPlan) -> None:
        """Print what will run, where and why."""
        self._plan = plan
        print_fields(self._console, ((name, Text(printable(sentence))) for name, sentence in plan.sentences()))

    def event(self, event: Event, history: RunHistory) -> None:
        """Take an event; the view begins when the function is ready, below its address."""
        if isinstance(event, Ready):
            print_fields(self._console, [("serving", Text(history.url, STRONG))])
            self._live = Live(console=self._console, screen=True, auto_refresh=False, vertical_overflow="crop")
            self._live.start()
        elif isinstance(event, LogLine) and self._live is None:
            self._console.print(Text(harmless(printable(f"  {event.line.expandtabs()}")), DIM))
        self.tick(history)

    def tick(self, history: RunHistory) -> None:
        """Draw again, if the last picture is old enough."""
        if self._live is None or self._plan is None or time.monotonic() - self._drawn < REFRESH_S:
            return
        self._drawn = time.monotonic()
        self._live.update(LiveView(self._plan, history), refresh=True)

    def summary(self, summary: RunSummary, history: RunHistory) -> None:
        """Leave the live view and print the latency chart and the summary."""
        self.close()
        glyphs = glyphs_for(self._console)
        for line in _written(history):
            self._console.print(line, soft_wrap=True)
        for line in _titled_chart(history, min(self._console.width, 120), SUMMARY_CHART_ROWS, glyphs):
            self._console.print(line)
        show_summary(self._console, summary, glyphs)

    def close(self) -> None:
        """Give the terminal back."""
        if self._live is not None:
            self._live.stop()
            self._live = None


def _written(history: RunHistory) -> list[Text]:
    """Return the last lines that the function has written, and its last error where that stands further up."""
    last = list(history.log)[-WRITTEN_LINES:]
    earlier = [history.last_error] if history.last_error and history.last_error not in last else []
    lines = [*(Text(harmless(f"  {line}"), BAD) for line in earlier), *(Text(harmless(f"  {line}")) for line in last)]
    return [Text("function output, its last lines", DIM), *lines] if lines else []


def _header(plan: RunPlan, history: RunHistory, width: int, glyphs: Glyphs) -> list[Text]:
    name = Text.assemble(
        (history.function or printable(plan.function), STRONG), "  ", (history.mode, LANE_STYLE[history.active])
    )
    if history.switching_to is not None:
        name.append(f" {glyphs.dot} starting {history.switching_to.upper()}", WARN)
    place = Text(f"{plan.engine.name} {glyphs.dot} GPU lane: {plan.accelerator.name}", DIM)
    if plan.emulated:
        place.stylize(WARN, len(place) - len(plan.accelerator.name))
    place.append(f" {glyphs.dot} up {clock(history.uptime_s)}", DIM)
    address, slo = Text(history.url, DIM), _slo(history, glyphs)
    if width >= BESIDE_WIDTH and name.cell_len + slo.cell_len + 2 <= width:
        return [spread(name, slo, width), spread(place, address, width), Text()]
    return [name, slo, place, address]


def _slo(history: RunHistory, glyphs: Glyphs) -> Text:
    target = history.slo.latency_p95_ms
    if target is None:
        return Text("no SLO", DIM)
    state = SLO_STYLE.get(history.slo_state, DIM)
    if history.slo_reason:
        return Text.assemble(
            (f"{glyphs.state} SLO {history.slo_state}", f"{STRONG} {state}"), f": {history.slo_reason}"
        )
    now = history.lanes[history.active].p95_ms
    text = Text.assemble((f"{glyphs.state} SLO {history.slo_state}", f"{STRONG} {state}"), "  ")
    text.append(f"p95 {latency(now, glyphs.none)}", state)
    sign = ">" if now is not None and now > target else glyphs.at_most
    return text.append(f" {sign} {latency(target)}", DIM)


def _titled_chart(history: RunHistory, width: int, rows: int, glyphs: Glyphs) -> list[Text]:
    title, signs = Text("p95 of each second", DIM), legend(glyphs)
    fits = title.cell_len + signs.cell_len + 2 <= width
    return [spread(title, signs, width) if fits else title, *latency_chart(history, width, rows, glyphs)]


def _notes(history: RunHistory, width: int, rows: int, glyphs: Glyphs) -> list[Text]:
    """Draw the last decisions and faults, the newest first; then what the function wrote, where it fits."""
    lines: list[Text] = []
    for note in reversed(history.notes):
        if len(lines) < rows - 1:
            lines += _note(note, history, width, rows - 1 - len(lines), glyphs)
    written = rows - len(lines) - 3
    if written >= 2 and history.log:
        lines += [Text(), Text("function output", DIM)]
        lines += [Text(harmless(f"  {line}")) for line in list(history.log)[-written:]]
    return [*lines, *[Text()] * (rows - len(lines))] if rows > 0 else []


def _note(note: Note, history: RunHistory, width: int, rows: int, glyphs: Glyphs) -> list[Text]:
    when = f"{clock(history.at(note.t)):>7}  "
    mark = f"{glyphs.mark(note.kind)} " if note.kind in ("promote", "demote") else ""
    wide, style = max(20, width - len(when)), _NOTE_STYLE.get(note.kind, "")
    parts = textwrap.wrap(mark + note.text, wide, max_lines=min(2, rows), placeholder=glyphs.ellipsis)
    lead = [when, *[" " * len(when)] * (len(parts) - 1)]
    return [Text.assemble((start, DIM), (part, style)) for start, part in zip(lead, parts, strict=True)]


def _totals(history: RunHistory, width: int, glyphs: Glyphs) -> list[Text]:
    totals, prices = history.totals, history.prices
    alone = {backend: money(history.uptime_s * prices.per_second(backend), "").strip() for backend in Backend}
    parts = [
        Text(f"requests {totals.requests:,}"),
        Text(f"failures {totals.failures}", BAD if totals.failures else OK),
        Text(f"GPU held {totals.gpu_seconds:.1f} s"),
        Text(f"cost {money(totals.cost, prices.currency)}"),
        *(Text(f"{backend.upper()} only {cost}", DIM) for backend, cost in alone.items()),
    ]
    lines: list[Text] = []
    for part in parts:  # on as few lines as they need
        if lines and lines[-1].cell_len + part.cell_len + 3 <= width:
            lines[-1] = Text.assemble(lines[-1], (f" {glyphs.dot} ", DIM), part)
        else:
            lines.append(part)
    error = [Text(harmless(f"last error  {history.last_error}"), BAD)] if history.last_error else []
    return [*error, *lines]
