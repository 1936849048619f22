"""The report of a simulation: one HTML file with everything in it, drawn by plotly, that opens without a network.

For each trace a table, and a picture for each policy: the latencies over time above the band of who served, and
what had been spent by then. This is the one module that imports plotly, which comes with an extra.
"""

import html
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from gaia_cli.errors import UsageError
from gaia_cli.simulator.comparison import Comparison, Standing
from gaia_cli.simulator.node import Supply
from gaia_cli.simulator.picture import Band, bands, buckets, cost_so_far
from gaia_cli.views.units import clock, latency
from runtime_images.policy.model import Backend

try:
    import plotly.graph_objects as go
    import plotly.io
    from plotly.subplots import make_subplots
except ImportError:
    raise UsageError(
        "plotly, which draws the report, is not installed", "pip install 'gaia-faas[report]', or leave --report out"
    ) from None

COLOURS = {Backend.CPU: "#0072b2", Backend.GPU: "#d55e00"}
"""Blue and vermilion of Okabe and Ito's palette, which colour-blind people tell apart."""

ROW_PX, COST_PX = 190, 220
COLUMNS = (
    "policy", "x optimum", "objective", "cost", "late", "avoidable", "p50", "p95", "CPU held", "GPU held", "switches",
)  # fmt: skip
STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 1200px; padding: 0 1rem; color: #1b1b1b; }
table { border-collapse: collapse; margin: .5rem 0 1rem; } th { font-weight: 600; border-bottom: 1px solid #999; }
th, td { padding: .15rem .9rem .15rem 0; text-align: right; } th:first-child, td:first-child { text-align: left; }
h2 { margin-top: 2.5rem; } .note { color: #555; }
"""
POLICY = "default-src 'none'; script-src 'unsafe-inline' 'unsafe-eval'; style-src 'unsafe-inline'; img-src data: blob:"
"""Nothing may be loaded from anywhere: the page holds all it needs."""


class Page:
    """A report that grows by a trace at a time."""

    def __init__(self, path: Path) -> None:
        """Look at the place now, so that one that cannot be written is told before the work begins.

        Raises:
            UsageError: no file can be written at `path`.
        """
        self._path = path
        self._sections: list[str] = []
        if path.is_dir() or not os.access(path if path.exists() else path.parent, os.W_OK):
            raise UsageError(f"cannot write the report {path}", "give --report a file in a directory of yours")

    def add(self, comparison: Comparison) -> None:
        """Draw one trace."""
        first = not self._sections
        picture = plotly.io.to_html(
            draw(comparison), full_html=False, include_plotlyjs=first, config={"displaylogo": False, "responsive": True}
        )
        slo = latency(1000 * comparison.scenario.slo_p95_s)
        note = f"{len(comparison.trace):,} requests, p95 to be at most {slo}"
        self._sections.append(
            f"<h2>{html.escape(comparison.trace.name)}</h2><p class=note>{note}</p>{_figures(comparison)}{picture}"
        )

    def write(self, summary: Sequence[Standing]) -> None:
        """Write the file.

        Raises:
            UsageError: it cannot be written.
        """
        head = (
            '<!doctype html><html lang="en"><head><meta charset="utf-8">'
            f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
            f"<title>gaia simulate</title><style>{STYLE}</style></head><body><h1>gaia simulate</h1>"
        )
        overview = _overview(summary) if len(self._sections) > 1 else ""
        try:
            self._path.write_text(f"{head}{overview}{''.join(self._sections)}</body></html>\n", encoding="utf-8")
        except OSError as error:
            raise UsageError(f"cannot write the report {self._path}: {error.strerror}", "give another file") from None


def draw(comparison: Comparison) -> "go.Figure":
    """A row for each policy, and one for what each had spent by then, over one axis of time."""
    names, supply = list(comparison.replays), Supply(comparison.trace, comparison.scenario)
    heights = [ROW_PX] * len(names) + [COST_PX]
    figure = make_subplots(
        rows=len(heights), cols=1, shared_xaxes=True, vertical_spacing=0.035, row_heights=heights,
        subplot_titles=[f"{name}: latency" for name in names] + ["cost so far"],
    )  # fmt: skip
    for row, name in enumerate(names, start=1):
        _draw_policy(figure, row, comparison, name)
        line = cost_so_far(comparison.replays[name].timeline, supply)
        times, costs = zip(*line, strict=True)
        figure.add_scatter(x=times, y=costs, name=f"{name}: cost", mode="lines", row=len(heights), col=1)
    figure.update_yaxes(type="log", title_text="ms", row=None)
    figure.update_yaxes(type="linear", title_text="cost", row=len(heights))
    figure.update_xaxes(title_text="seconds", row=len(heights))
    figure.update_layout(
        height=sum(heights) + 120, template="plotly_white", margin={"l": 70, "r": 20, "t": 40, "b": 50},
        legend={"orientation": "h", "y": -0.06}, hovermode="x unified",
    )  # fmt: skip
    return figure


def _draw_policy(figure: "go.Figure", row: int, comparison: Comparison, name: str) -> None:
    replay = comparison.replays[name]
    points = buckets(replay)
    times = [point.at_s for point in points]
    shown = {"row": row, "col": 1, "mode": "lines", "showlegend": row == 1}
    worst, median = [point.worst_ms for point in points], [point.median_ms for point in points]
    figure.add_scatter(x=times, y=worst, name="worst", legendgroup="worst", line={"color": "#999", "width": 1}, **shown)
    figure.add_scatter(x=times, y=median, name="median", legendgroup="median", line={"color": "#111"}, **shown)
    slo_ms = 1000 * comparison.scenario.slo_p95_s
    figure.add_hline(y=slo_ms, line={"color": "#009e73", "dash": "dash", "width": 1}, row=row, col=1)
    for band in bands(replay.timeline, replay.ended_at):
        figure.add_vrect(**_band(band), row=row, col=1)
    for outage in Supply(comparison.trace, comparison.scenario).outages:
        figure.add_vrect(
            x0=outage.begin_s, x1=outage.end_s, fillcolor="#000", opacity=0.12, line_width=0, row=row, col=1
        )


def _band(band: Band) -> dict[str, Any]:
    """A band of the colour of its backend; pale while that is only being started."""
    opacity = 0.08 if band.starting else 0.18
    colour = COLOURS[band.backend]
    return {"x0": band.begin_s, "x1": band.end_s, "fillcolor": colour, "opacity": opacity, "line_width": 0}


def _figures(comparison: Comparison) -> str:
    rows = []
    for name, one in comparison.outcomes.items():
        ratio = comparison.versus_oracle(name)
        rows.append(
            [
                name, "-" if ratio is None else f"{ratio:.3f}", f"{one.objective:.5f}", f"{one.cost:.5f}",
                f"{one.violations:,}", f"{one.avoidable_violations:,}", latency(one.p50_ms), latency(one.p95_ms),
                clock(one.cpu_seconds), clock(one.gpu_seconds), str(one.switches),
            ]
        )  # fmt: skip
    return _table(COLUMNS, rows)


def _overview(summary: Sequence[Standing]) -> str:
    rows = [[one.policy, f"{one.geometric_mean:.3f}", f"{one.worst:.3f}", one.worst_trace] for one in summary]
    note = "<p class=note>Objective over the offline optimum's, over all traces.</p>"
    return note + _table(("policy", "geometric mean", "worst", "on"), rows)


def _table(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    head = "".join(f"<th>{html.escape(title)}</th>" for title in titles)
    body = "".join("<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><tr>{head}</tr>{body}</table>"
