"""The live view: one calm picture of a run, redrawn from its history a few times a second.

From the top: what runs and whether its SLO is met; the two lanes; latency on one time axis with the switches
marked; the last decisions with their reasons; what it has cost. Everything is laid out here line by line, so
that nothing is ever wrapped or cut off by the terminal: a part that does not fit gives up rows, then itself,
the least important first.
"""

import textwrap
import time
from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.live import Live
from rich.text import Text

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

_NOTE_STYLE = {
    "promote": f"{STRONG} {LANE_STYLE[Backend.GPU]}", "demote": f"{STRONG} {LANE_STYLE[Backend.CPU]}",
    "failed": WARN, "fallback": WARN, "worker_exit": BAD, "setup_failed": BAD, "gpu_lost": BAD,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class LiveView:
    """A run drawn to the size of the console that it is printed on."""

    plan: RunPlan
    history: RunHistory

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Draw; the height is the console's, for the view fills the screen."""
        height = options.height or console.height
        yield from frame(self.plan, self.history, options.max_width, height, glyphs_for(console))


def frame(plan: RunPlan, history: RunHistory, width: int, height: int, glyphs: Glyphs) -> list[RenderableType]:
    """The picture: at most `height` lines, none wider than `width`."""
    head, totals = _header(plan, history, width, glyphs), _totals(history, width, glyphs)
    lanes, lanes_height = _lanes(plan, history, width, height, glyphs)
    room = height - len(head) - lanes_height - len(totals)
    chart = _chart(history, width, room, glyphs)
    notes = _notes(history, width, room - len(chart), glyphs)
    lines = [*head, *lanes, *chart, *notes, *totals][:height]
    for line in lines:
        if isinstance(line, Text):
            shorten(line, width, glyphs)
    return lines


class LiveScreen:
    """Shows a run on a terminal: the live view while it serves, the summary after it."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._live: Live | None = None
        self._drawn = 0.0
        self._plan: RunPlan | None = None

    def address(self, url: str) -> None:
        """Say where the function will be served."""
        print_fields(self._console, [("address", Text(url, STRONG))])

    def step(self, text: str) -> None:
        """Say one thing before the live view is there."""
        self._console.print(text, style=DIM, markup=False)

    def plan(self, plan: RunPlan) -> None:
        """Say what is going to run, where and why."""
        self._plan = plan
        print_fields(self._console, ((name, Text(sentence)) for name, sentence in plan.sentences()))

    def event(self, event: Event, history: RunHistory) -> None:
        """Take an event; the view begins when the function is ready, after its address has been printed."""
        if isinstance(event, Ready):
            print_fields(self._console, [("serving", Text(history.url, STRONG))])
            self._live = Live(console=self._console, screen=True, auto_refresh=False, vertical_overflow="crop")
            self._live.start()
        elif isinstance(event, LogLine) and self._live is None:
            self._console.print(event.line, style=DIM, markup=False)
        self.tick(history)

    def tick(self, history: RunHistory) -> None:
        """Draw again, if the last drawing is old enough."""
        if self._live is None or self._plan is None or time.monotonic() - self._drawn < REFRESH_S:
            return
        self._drawn = time.monotonic()
        self._live.update(LiveView(self._plan, history), refresh=True)

    def summary(self, summary: RunSummary, history: RunHistory) -> None:
        """Leave the live view and print what the run came to, with its latency chart."""
        self.close()
        glyphs = glyphs_for(self._console)
        for line in _titled_chart(history, min(self._console.width, 120), SUMMARY_CHART_ROWS, glyphs):
            self._console.print(line)
        show_summary(self._console, summary, glyphs)

    def close(self) -> None:
        """Give the terminal back."""
        if self._live is not None:
            self._live.stop()
            self._live = None


def _header(plan: RunPlan, history: RunHistory, width: int, glyphs: Glyphs) -> list[Text]:
    name = Text.assemble((history.function or plan.function, STRONG), "  ", (history.mode, LANE_STYLE[history.active]))
    if history.switching_to is not None:
        name.append(f" {glyphs.dot} starting {history.switching_to.upper()}", WARN)
    place = _place(plan, history, glyphs)
    address = Text(history.url, DIM)
    slo = _slo(history, glyphs)
    if width >= BESIDE_WIDTH and name.cell_len + slo.cell_len + 2 <= width:
        return [spread(name, slo, width), spread(place, address, width), Text()]
    return [name, slo, place, address]


def _slo(history: RunHistory, glyphs: Glyphs) -> Text:
    target = history.slo.latency_p95_ms
    if target is None:
        return Text("no SLO", DIM)
    state = SLO_STYLE.get(history.slo_state, DIM)
    now = history.lanes[history.active].p95_ms
    text = Text.assemble((f"{glyphs.state} SLO {history.slo_state}", f"{STRONG} {state}"), "  ")
    text.append(f"p95 {latency(now, glyphs.none)}", state)
    sign = ">" if now is not None and now > target else glyphs.at_most
    return text.append(f" {sign} {latency(target)}", DIM)


def _place(plan: RunPlan, history: RunHistory, glyphs: Glyphs) -> Text:
    text = Text(f"{plan.engine.name} {glyphs.dot} GPU lane: {plan.accelerator.name}", DIM)
    if plan.emulated:
        text.stylize(WARN, len(text) - len(plan.accelerator.name))
    return text.append(f" {glyphs.dot} up {clock(history.uptime_s)}", DIM)


def gpu_label(plan: RunPlan) -> str:
    """The GPU lane's title; an emulated lane is always called so."""
    if plan.emulated:
        return "GPU EMULATED"
    return "GPU none" if plan.accelerator.name == Accelerator.NONE else "GPU"


def _lanes(
    plan: RunPlan, history: RunHistory, width: int, height: int, glyphs: Glyphs
) -> tuple[Sequence[RenderableType], int]:
    """The lanes, and how many lines they take."""
    if width >= BESIDE_WIDTH and height >= BOXED_ROWS:
        return [boxed_lanes(history, width, gpu_label(plan), glyphs)], BOX_HEIGHT
    lines = plain_lanes(history, width, gpu_label(plan), glyphs, sparks=height >= SPARK_ROWS)
    return lines, len(lines)


def _chart(history: RunHistory, width: int, room: int, glyphs: Glyphs) -> list[Text]:
    """The chart with its title, in at most about half of the room; nothing where two rows do not fit."""
    rows = min(12, max(2, (room - 3) * 3 // 5))
    return _titled_chart(history, width, rows, glyphs) if room >= rows + 3 else []


def _titled_chart(history: RunHistory, width: int, rows: int, glyphs: Glyphs) -> list[Text]:
    title, signs = Text("p95 of each second", DIM), legend(glyphs)
    fits = title.cell_len + signs.cell_len + 2 <= width
    return [spread(title, signs, width) if fits else title, *latency_chart(history, width, rows, glyphs)]


def _notes(history: RunHistory, width: int, room: int, glyphs: Glyphs) -> list[Text]:
    """The last decisions and faults, the newest first; then what the function wrote, where there is room."""
    lines: list[Text] = []
    for note in reversed(history.notes):
        if len(lines) < room - 1:
            lines += _note(note, history, width, room - 1 - len(lines), glyphs)
    written = room - len(lines) - 3
    if written >= 2 and history.log:
        lines += [Text(), Text("function output", DIM)]
        lines += [Text(f"  {line}") for line in list(history.log)[-written:]]
    return [*lines, *[Text()] * (room - len(lines))] if room > 0 else []


def _note(note: Note, history: RunHistory, width: int, room: int, glyphs: Glyphs) -> list[Text]:
    when = f"{clock(history.at(note.t)):>7}  "
    mark = f"{glyphs.mark(note.kind)} " if note.kind in ("promote", "demote") else ""
    parts = textwrap.wrap(
        mark + note.text, max(20, width - len(when)), max_lines=min(2, room), placeholder=glyphs.ellipsis
    )
    style = _NOTE_STYLE.get(note.kind, "")
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
        Text(f"CPU only {alone[Backend.CPU]}", DIM),
        Text(f"GPU only {alone[Backend.GPU]}", DIM),
    ]
    return _flow(parts, width, Text(f" {glyphs.dot} ", DIM))


def _flow(parts: list[Text], width: int, between: Text) -> list[Text]:
    """The parts one after the other, on as few lines as they need."""
    lines: list[Text] = []
    for part in parts:
        if lines and lines[-1].cell_len + between.cell_len + part.cell_len <= width:
            lines[-1] = Text.assemble(lines[-1], between, part)
        else:
            lines.append(part)
    return lines
