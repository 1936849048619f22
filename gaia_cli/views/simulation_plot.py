"""The picture of a simulation: who served when, how long requests took, and what had been spent by then.

A row for each policy, on the same axes so that they can be compared, and one for the cost. This is the one module that
imports plotly, which comes with an extra.
"""

from math import floor, isfinite, log10
from typing import Any

from gaia_cli.errors import UsageError
from gaia_cli.simulator.results.comparison import Comparison
from gaia_cli.simulator.results.picture import Band, bands, buckets, cost_so_far
from gaia_cli.simulator.world.node import Supply
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

INK, FAINT = "#1b1b1b", "#767676"
COLOURS = {Backend.CPU: "#0072b2", Backend.GPU: "#d55e00"}
"""Blue and vermilion of Okabe and Ito's palette, which colour-blind people can distinguish."""

SERVING, STARTING, AWAY = 0.22, 0.09, 0.16
"""How strongly a backend's colour shows behind the latencies while it serves or starts, and black with no GPU there."""

LINES = {
    "gaia": {"color": INK, "width": 3},
    "reference": {"color": "#aa4499", "width": 2},
    "static-cpu": {"color": COLOURS[Backend.CPU], "width": 2},
    "static-gpu": {"color": COLOURS[Backend.GPU], "width": 2},
    "oracle": {"color": "#00785a", "width": 2, "dash": "dot"},
}
ROW_PX, GAP_PX, ABOVE_PX, BELOW_PX = 150, 46, 84, 50
TICKS_MOST = 8
STEPS_S = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400)
LEAST_MS = 0.1
"""A logarithmic axis has no place for 0."""

Shape = dict[str, Any]


def picture(comparison: Comparison, *, with_library: bool) -> str:
    """Return the picture as HTML; one of a page must bring the library along."""
    text: str = plotly.io.to_html(
        draw(comparison), full_html=False, include_plotlyjs=with_library,
        config={"displayModeBar": False, "responsive": True},
    )  # fmt: skip
    return text


def draw(comparison: Comparison) -> "go.Figure":
    """Draw a row for each policy and one for what each had spent by then, over one axis of time."""
    names = list(comparison.replays)
    rows = len(names) + 1
    inner_px = rows * ROW_PX + (rows - 1) * GAP_PX
    figure = make_subplots(
        rows=rows, cols=1, shared_xaxes=True, vertical_spacing=GAP_PX / inner_px,
        subplot_titles=[*(_title(comparison, name) for name in names), "cost so far"],
    )  # fmt: skip
    figure.update_annotations(x=0, xanchor="left", font={"size": 14})
    shapes: list[Shape] = []
    for row, name in enumerate(names, start=1):
        shapes += _draw_policy(figure, row, comparison, name)
    _draw_costs(figure, rows, comparison)
    _draw_key(figure)
    _lay_out_axes(figure, rows, comparison)
    figure.update_layout(
        shapes=shapes, height=inner_px + ABOVE_PX + BELOW_PX, template="plotly_white", hovermode="x unified",
        margin={"l": 70, "r": 85, "t": ABOVE_PX, "b": BELOW_PX}, font={"family": "system-ui, sans-serif", "color": INK},
        legend={"orientation": "h", "y": 1 + 30 / inner_px, "yanchor": "bottom", "x": 0},
        legend2={"orientation": "h", "y": (ROW_PX + 18) / inner_px, "yanchor": "bottom", "x": 1, "xanchor": "right"},
    )  # fmt: skip
    return figure


def _title(comparison: Comparison, name: str) -> str:
    one, ratio = comparison.outcomes[name], comparison.versus_oracle(name)
    versus = "" if ratio is None else f"{ratio:.2f} times the optimum, "
    return f"<b>{name}</b>: {versus}cost {one.cost:.4g}, {one.avoidable_violations:,} avoidable violations"


def _draw_policy(figure: "go.Figure", row: int, comparison: Comparison, name: str) -> list[Shape]:
    """Draw the latencies of a policy; return the shapes behind them."""
    replay, slo_ms = comparison.replays[name], 1000 * comparison.scenario.slo_p95_s
    points = buckets(replay)
    times = [point.at_s for point in points]
    lines = (
        ("slowest request", [point.worst_ms for point in points], {"color": FAINT, "width": 1}),
        ("median latency", [point.median_ms for point in points], {"color": INK, "width": 2}),
    )
    for title, values, line in lines:
        figure.add_scatter(
            x=times, y=[max(value, LEAST_MS) for value in values], name=title, legendgroup=title, line=line,
            mode="lines", showlegend=row == 1, customdata=[latency(value) for value in values],
            hovertemplate="%{customdata}", row=row, col=1,
        )  # fmt: skip
    target = _slo_line(figure, row, slo_ms) if isfinite(slo_ms) else []
    held = [_band(row, band) for band in bands(replay.timeline, replay.ended_at)]
    outages = Supply(comparison.trace, comparison.scenario).outages
    away = [
        _span(row, one.begin_s, min(one.end_s, replay.ended_at), INK, AWAY)
        for one in outages if one.begin_s < replay.ended_at
    ]  # fmt: skip
    return [*held, *away, *target]


def _slo_line(figure: "go.Figure", row: int, slo_ms: float) -> list[Shape]:
    """Name the SLO beside a row, and return its line."""
    x, y = _axes(row)
    figure.add_annotation(
        text=f"SLO {latency(slo_ms)}", xref=f"{x} domain", x=1, xanchor="left", yref=y, y=log10(slo_ms),
        showarrow=False, font={"color": "#00664a", "size": 12},
    )  # fmt: skip
    slo = {"type": "line", "x0": 0, "x1": 1, "xref": f"{x} domain", "y0": slo_ms, "y1": slo_ms, "yref": y}
    return [{**slo, "line": {"color": "#00785a", "dash": "dash", "width": 2}}]


def _axes(row: int) -> tuple[str, str]:
    """Return plotly's names of a row's axes."""
    return ("x", "y") if row == 1 else (f"x{row}", f"y{row}")


def _band(row: int, band: Band) -> Shape:
    """Colour a band like its backend; pale while that is only starting."""
    return _span(row, band.begin_s, band.end_s, COLOURS[band.backend], STARTING if band.starting else SERVING)


def _span(row: int, begin_s: float, end_s: float, colour: str, opacity: float) -> Shape:
    x, y = _axes(row)
    place = {"xref": x, "yref": f"{y} domain", "x0": begin_s, "x1": end_s, "y0": 0, "y1": 1}
    look = {"fillcolor": colour, "opacity": opacity, "line": {"width": 0}, "layer": "below"}
    return {"type": "rect", **place, **look}


def _draw_costs(figure: "go.Figure", row: int, comparison: Comparison) -> None:
    supply = Supply(comparison.trace, comparison.scenario)
    for name, replay in comparison.replays.items():
        times, costs = zip(*cost_so_far(replay.timeline, supply), strict=True)
        figure.add_scatter(
            x=times, y=costs, name=name, mode="lines", line=LINES[name], legend="legend2", row=row, col=1,
            hovertemplate="%{y:.4g}",
        )  # fmt: skip


def _draw_key(figure: "go.Figure") -> None:
    """Explain the bands: entries of the legend without a line in the picture."""
    meanings = [(f"{backend.upper()} serves", COLOURS[backend], 2 * SERVING) for backend in Backend]
    for title, colour, opacity in (*meanings, ("pale: starting", FAINT, STARTING * 2), ("no GPU", INK, 2 * AWAY)):
        marker = {"symbol": "square", "size": 14, "color": colour, "opacity": opacity}
        figure.add_scatter(x=[None], y=[None], mode="markers", marker=marker, name=title, row=1, col=1)


def _lay_out_axes(figure: "go.Figure", rows: int, comparison: Comparison) -> None:
    """Give all policies the same axes, with times and latencies as people write them."""
    slo_ms = 1000 * comparison.scenario.slo_p95_s
    targets = [slo_ms] if isfinite(slo_ms) else []
    points = [point for replay in comparison.replays.values() for point in buckets(replay)]
    low = log10(max(min([*targets, *(point.median_ms for point in points)]), LEAST_MS)) - 0.15
    high = log10(max([*targets, LEAST_MS, *(point.worst_ms for point in points)])) + 0.15
    marks = _marks_ms(low, high)
    figure.update_yaxes(
        type="log", range=[low, high], tickvals=marks, ticktext=[_round(mark) for mark in marks], minor={"nticks": 0}
    )
    figure.update_yaxes(
        type="linear", range=None, tickvals=None, ticktext=None, rangemode="tozero", title_text="cost", row=rows
    )
    ended_at = max(replay.ended_at for replay in comparison.replays.values())
    step = next((step for step in STEPS_S if ended_at / step <= TICKS_MOST), 86400 * (1 + int(ended_at / 86400 / 8)))
    moments = range(0, int(ended_at) + 1, step)
    figure.update_xaxes(range=[0, ended_at], tickvals=list(moments), ticktext=[clock(at) for at in moments])
    figure.update_xaxes(title_text="time", row=rows)


def _marks_ms(low: float, high: float) -> list[float]:
    """Return round latencies between two logarithms: powers of ten, and more where there would be few."""
    factors = (1, 2, 5) if high - low < 2 else (1,)
    marks = [factor * 10.0**power for power in range(floor(low), floor(high) + 1) for factor in factors]
    return [mark for mark in marks if low <= log10(mark) <= high]


def _round(ms: float) -> str:
    return f"{ms:g} ms" if ms < 1000 else f"{ms / 1000:,g} s"
