"""What a simulation came to: a table for each trace, one for all of them, and who served when."""

from collections.abc import Sequence
from math import isfinite

from rich.console import Console
from rich.table import Table
from rich.text import Text

from analyzers.lean.printable import printable
from gaia_cli.simulator.results.as_json import as_object
from gaia_cli.simulator.results.comparison import ORACLE, Comparison, Outcome, Standing
from gaia_cli.simulator.results.picture import bands
from gaia_cli.views import console
from gaia_cli.views.glyphs import BAD, DIM, LANE_STYLE, OK, STRONG, WARN, Glyphs, glyphs_for
from gaia_cli.views.units import clock, latency

PIPE_WIDTH = 120
"""How wide a table is where no terminal says how much room there is."""

BAND_LEAST = 12
SPARED = ("objective", "switches", "p95", "CPU", "cost", "GPU", "avoidable")
"""What a narrow terminal does without, first to last."""

STYLES = {"note": DIM, "good": OK, "fair": WARN, "bad": BAD}


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
    """Show the policies on one trace: as many columns as fit, and who served in what is left."""
    trace, slo_ms = comparison.trace, 1000 * comparison.scenario.slo_p95_s
    head = Text(printable(trace.name), STRONG)
    clients = f" {glyphs.dot} {len(trace.waiting)} clients" if len(trace.waiting) > 1 else ""
    slo = f"p95 {glyphs.at_most} {latency(slo_ms)}" if isfinite(slo_ms) else "no SLO"
    head.append(f"  {len(trace):,} requests{clients} {glyphs.dot} {slo}", DIM)
    terminal.print(head)
    columns = _columns(comparison, glyphs)
    for spared in SPARED:
        if _width(columns) <= terminal.width:
            break
        del columns[spared]
    left = terminal.width - _width(columns)
    if left >= BAND_LEAST:
        columns["who served"] = [_band(comparison, name, left, glyphs) for name in comparison.outcomes]
    table = _table(*columns)
    if "who served" in columns:
        table.columns[-1].justify = "left"
    for row in zip(*columns.values(), strict=True):
        table.add_row(*row)
    terminal.print(table)
    terminal.print()


def figures(outcome: Outcome) -> dict[str, str]:
    """Return the figures of a policy by their titles."""
    return {
        "objective": f"{outcome.objective:.5f}",
        "cost": f"{outcome.cost:.5f}",
        "late": f"{outcome.violations:,}",
        "avoidable": f"{outcome.avoidable_violations:,}",
        "p50": latency(outcome.p50_ms),
        "p95": latency(outcome.p95_ms),
        "CPU": clock(outcome.cpu_seconds),
        "GPU": clock(outcome.gpu_seconds),
        "switches": str(outcome.switches),
    }


def _columns(comparison: Comparison, glyphs: Glyphs) -> dict[str, list[Text]]:
    """Return a cell for each policy by the titles of the columns."""
    ratios = {name: comparison.versus_oracle(name) for name in comparison.outcomes}
    versus = [_ratio(name, ratio) if ratio is not None else Text(glyphs.none, DIM) for name, ratio in ratios.items()]
    columns = {"policy": [Text(name) for name in ratios], "x optimum": versus}
    rows = [figures(outcome) for outcome in comparison.outcomes.values()]
    return columns | {title: [Text(row[title]) for row in rows] for title in rows[0] if title != "p50"}


def _width(columns: dict[str, list[Text]]) -> int:
    """Return the width of a table of these, with two spaces after each column."""
    return sum(max(len(title), *(cell.cell_len for cell in cells)) + 2 for title, cells in columns.items())


def show_summary(terminal: Console, traces: int, summary: Sequence[Standing]) -> None:
    """Show how far each policy is from the optimum over all traces."""
    terminal.print(Text(f"all {traces} traces", STRONG))
    table = _table("policy", "mean", "worst", "on")
    table.columns[3].justify = "left"
    for one in summary:
        ratios = _ratio(one.policy, one.geometric_mean), _ratio(one.policy, one.worst)
        table.add_row(one.policy, *ratios, Text(printable(one.worst_trace)))
    terminal.print(table)
    terminal.print(Text("mean: geometric mean of the objective over the offline optimum's", DIM))


def _table(first: str, *others: str) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style=DIM, pad_edge=False)
    table.add_column(first, no_wrap=True)
    for title in others:
        table.add_column(title, justify="right", no_wrap=True)
    return table


def _ratio(policy: str, ratio: float) -> Text:
    return Text(f"{ratio:.3f}", STYLES[grade(policy, ratio)])


def grade(policy: str, ratio: float) -> str:
    """Return good, fair or bad for a distance from the optimum; the optimum itself is no achievement."""
    if policy == ORACLE:
        return "note"
    return "good" if ratio <= 1.12 else "fair" if ratio <= 1.5 else "bad"


def _band(comparison: Comparison, policy: str, width: int, glyphs: Glyphs) -> Text:
    """Draw who took the traffic over time, and when a backend was starting."""
    replay = comparison.replays[policy]
    cells: list[tuple[str, str]] = [(" ", "")] * width
    for one in sorted(bands(replay.timeline, replay.ended_at), key=lambda one: one.starting):
        begin, end = (round(width * moment / replay.ended_at) for moment in (one.begin_s, one.end_s))
        sign = glyphs.starting if one.starting else glyphs.tracks[one.backend]
        for column in range(begin, min(end, width)):
            cells[column] = (sign, LANE_STYLE[one.backend])
    return Text.assemble(*cells)
