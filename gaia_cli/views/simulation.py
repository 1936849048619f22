"""What a simulation came to: a table for each trace, one for all of them, and who served when."""

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from gaia_cli.simulator.results.as_json import as_object
from gaia_cli.simulator.results.comparison import ORACLE, Comparison, Standing
from gaia_cli.simulator.results.picture import bands
from gaia_cli.views import console
from gaia_cli.views.glyphs import BAD, DIM, LANE_STYLE, OK, STRONG, WARN, Glyphs, glyphs_for
from gaia_cli.views.units import clock, latency

PIPE_WIDTH = 120
"""How wide a table is where no terminal says how much room there is."""

BAND_LEAST = 12
TITLES = [
    Text(title)
    for title in ("policy", "x optimum", "objective", "cost", "late", "avoidable", "p95", "CPU", "GPU", "switches")
]
SPARED = ("objective", "switches", "p95", "CPU", "cost", "GPU", "avoidable")
"""What a narrow terminal does without, first to last."""


class SimulationView:
    """Shows comparisons one after the other, for a person, or all of them at the end, for a program."""

    def __init__(self, *, as_json: bool) -> None:
        self._as_json = as_json
        self._console = console.rich_console()
        if not self._console.is_terminal:
            self._console.width = PIPE_WIDTH

    def trace(self, comparison: Comparison) -> None:
        """Show one trace, as soon as it is known."""
        if not self._as_json:
            show_trace(self._console, comparison, glyphs_for(self._console))

    def end(self, comparisons: Sequence[Comparison], summary: Sequence[Standing]) -> None:
        """Show what the traces say together."""
        if self._as_json:
            console.json_line(as_object(comparisons, summary))
        elif len(comparisons) > 1:
            show_summary(self._console, len(comparisons), summary)


def show_trace(terminal: Console, comparison: Comparison, glyphs: Glyphs) -> None:
    """The policies on one trace: as many columns as there is room for, and who served in what is left."""
    trace, slo_ms = comparison.trace, 1000 * comparison.scenario.slo_p95_s
    head = Text(trace.name, STRONG)
    head.append(f"  {len(trace):,} requests {glyphs.dot} p95 {glyphs.at_most} {latency(slo_ms)}", DIM)
    terminal.print(head)
    titles, rows = TITLES, [_row(comparison, name, glyphs) for name in comparison.outcomes]
    for spared in SPARED:
        if _width(titles, rows) <= terminal.width:
            break
        place = [str(title) for title in titles].index(spared)
        titles, *rows = ([*cells[:place], *cells[place + 1 :]] for cells in (titles, *rows))
    room = terminal.width - _width(titles, rows)
    table = _table(*(str(title) for title in titles))
    if room >= BAND_LEAST:
        table.add_column("who served", no_wrap=True)
    for name, row in zip(comparison.outcomes, rows, strict=True):
        table.add_row(*row, *([_band(comparison, name, room, glyphs)] if room >= BAND_LEAST else []))
    terminal.print(table)
    terminal.print()


def _row(comparison: Comparison, name: str, glyphs: Glyphs) -> list[Text]:
    outcome, ratio = comparison.outcomes[name], comparison.versus_oracle(name)
    cells = [
        f"{outcome.objective:.5f}",
        f"{outcome.cost:.5f}",
        f"{outcome.violations:,}",
        f"{outcome.avoidable_violations:,}",
        latency(outcome.p95_ms),
        clock(outcome.cpu_seconds),
        clock(outcome.gpu_seconds),
        str(outcome.switches),
    ]
    versus = Text(glyphs.none if ratio is None else f"{ratio:.3f}", _style(name, ratio))
    return [Text(name), versus, *(Text(cell) for cell in cells)]


def _width(titles: list[Text], rows: list[list[Text]]) -> int:
    """How wide a table of these is, with two spaces after each column."""
    return sum(max(cell.cell_len for cell in column) + 2 for column in zip(titles, *rows, strict=True))


def show_summary(terminal: Console, traces: int, summary: Sequence[Standing]) -> None:
    """How far each policy is from the optimum over all traces."""
    terminal.print(Text(f"all {traces} traces", STRONG))
    table = _table("policy", "mean", "worst", "on")
    table.columns[3].justify = "left"
    for one in summary:
        mean = Text(f"{one.geometric_mean:.3f}", _style(one.policy, one.geometric_mean))
        table.add_row(one.policy, mean, Text(f"{one.worst:.3f}", _style(one.policy, one.worst)), one.worst_trace)
    terminal.print(table)
    terminal.print(Text("mean: geometric mean of the objective over the offline optimum's", DIM))


def _table(first: str, *others: str) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style=DIM, pad_edge=False)
    table.add_column(first, no_wrap=True)
    for title in others:
        table.add_column(title, justify="right", no_wrap=True)
    return table


def _style(policy: str, ratio: float | None) -> str:
    """The optimum itself is no achievement; near it is good, far from it is not."""
    if policy == ORACLE or ratio is None:
        return DIM
    return OK if ratio <= 1.12 else WARN if ratio <= 1.5 else BAD


def _band(comparison: Comparison, policy: str, width: int, glyphs: Glyphs) -> Text:
    """Who took the traffic over time, and when a backend was being started."""
    replay = comparison.replays[policy]
    cells: list[tuple[str, str]] = [(" ", "")] * width
    for one in sorted(bands(replay.timeline, replay.ended_at), key=lambda one: one.starting):
        begin, end = (round(width * moment / replay.ended_at) for moment in (one.begin_s, one.end_s))
        sign = glyphs.starting if one.starting else glyphs.tracks[one.backend]
        for column in range(begin, min(end, width)):
            cells[column] = (sign, LANE_STYLE[one.backend])
    return Text.assemble(*cells)
