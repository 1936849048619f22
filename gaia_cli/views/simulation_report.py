"""The report of a simulation: one HTML file with everything in it that opens without a network.

First what all traces say together, then each with its figures and its picture (`simulation_plot`).
"""

import html
import os
from collections.abc import Sequence
from pathlib import Path

from gaia_cli.errors import UsageError
from gaia_cli.simulator.results.comparison import ORACLE, Comparison, Standing
from gaia_cli.simulator.world.scenario import Scenario
from gaia_cli.views.simulation_plot import picture
from gaia_cli.views.units import clock, latency

COLUMNS = (
    "policy", "&times;&nbsp;optimum", "objective", "cost", "late", "late without&nbsp;need", "p50", "p95",
    "CPU held", "GPU held", "switches",
)  # fmt: skip
STYLE = """
:root { color-scheme: light; } * { box-sizing: border-box; }
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 1200px; padding: 0 1rem;
  color: #1b1b1b; background: #fff; overflow-wrap: anywhere; }
h1 { font-size: 1.7rem; margin: 0 0 .5rem; } h2 { font-size: 1.3rem; margin: 3rem 0 .3rem; }
p { margin: .3rem 0; max-width: 75ch; } .note { color: #555; } a { color: #005a8c; }
.wide { overflow-x: auto; margin: .7rem 0 1rem; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th { font-weight: 600; border-bottom: 1px solid #999; vertical-align: bottom; }
tr + tr td { border-top: 1px solid #eee; }
th, td { padding: .2rem 1.2rem .2rem 0; text-align: right; white-space: nowrap; }
th { white-space: normal; max-width: 7rem; overflow-wrap: normal; } th:first-child, td:first-child { text-align: left; }
td:has(a) { white-space: normal; min-width: 12rem; }
@media (max-width: 800px) { th, td { padding-right: .7rem; font-size: 13px; } }
.good { color: #00664a; font-weight: 600; } .fair { color: #7a5200; } .bad { color: #a3260f; }
"""
POLICY = "default-src 'none'; script-src 'unsafe-inline' 'unsafe-eval'; style-src 'unsafe-inline'; img-src data: blob:"
"""Nothing may be loaded from anywhere: the page holds all it needs."""

INTRODUCTION = """<p>The same requests, served under several policies on paper. A policy chooses when a CPU and when a
GPU serves. <b>&times; optimum</b> says how many times its objective is that of the best choice which anybody could have
made who knew the requests in advance: 1 is perfect. The objective is what the backends cost, plus 30 seconds of GPU for
each request that was late without need, beyond the 5&nbsp;% that a p95 allows.</p>"""
READING = """<p class=note>Pictures: the colour behind a latency says who served. The time axis is the same for all;
drag to look closer, double-click to go back.</p>"""


class Page:
    """A report that grows by a trace at a time."""

    def __init__(self, path: Path) -> None:
        """Look at the place now, so that one that cannot be written is told before the work begins.

        Raises:
            UsageError: no file can be written at `path`.
        """
        self._path = path
        self._sections: list[str] = []
        self._ratios: list[tuple[str, dict[str, float | None]]] = []
        if path.is_dir() or not os.access(path if path.exists() else path.parent, os.W_OK):
            raise UsageError(f"cannot write the report {path}", "give --report a file in a directory of yours")

    def add(self, comparison: Comparison) -> None:
        """Draw one trace."""
        drawing = picture(comparison, with_library=not self._sections)
        name = html.escape(comparison.trace.name)
        facts = f"{len(comparison.trace):,} requests, {_conditions(comparison.scenario)}"
        self._sections.append(
            f'<h2 id="t{len(self._sections)}">{name}</h2><p>{_verdict(comparison)}</p><p class=note>{facts}</p>'
            f"{_figures(comparison)}{drawing}"
        )
        self._ratios.append((name, {policy: comparison.versus_oracle(policy) for policy in comparison.outcomes}))

    def write(self, summary: Sequence[Standing]) -> None:
        """Write the file, or leave none.

        Raises:
            UsageError: it cannot be written.
        """
        head = (
            '<!doctype html><html lang="en"><head><meta charset="utf-8">'
            '<meta name="viewport" content="width=device-width, initial-scale=1">'
            f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
            f"<title>gaia simulate</title><style>{STYLE}</style></head><body><h1>gaia simulate</h1>{INTRODUCTION}"
        )
        overview = self._overview(summary) if len(self._sections) > 1 else ""
        text = f"{head}{overview}{READING}{''.join(self._sections)}</body></html>\n"
        try:
            self._path.write_text(text, encoding="utf-8")
        except OSError as error:
            if self._path.is_file():
                self._path.unlink()
            raise UsageError(f"cannot write the report {self._path}: {error.strerror}", "give another file") from None

    def _overview(self, summary: Sequence[Standing]) -> str:
        """Every trace in a line, and what they say together."""
        policies = [one.policy for one in summary]
        rows = [
            [f'<a href="#t{number}">{name}</a>', *(_ratio(policy, ratios.get(policy)) for policy in policies)]
            for number, (name, ratios) in enumerate(self._ratios)
        ]
        rows.append(["<b>geometric mean</b>", *(_ratio(one.policy, one.geometric_mean) for one in summary)])
        rows.append(["<b>worst</b>", *(_ratio(one.policy, one.worst) for one in summary)])
        return f"<h2>All {len(self._sections)} traces: &times; optimum</h2>" + _table(["trace", *policies], rows)


def _verdict(comparison: Comparison) -> str:
    """The one sentence for who reads only one."""
    ratios = {name: comparison.versus_oracle(name) for name in comparison.outcomes}
    known = {name: ratio for name, ratio in ratios.items() if ratio is not None and name != ORACLE}
    if not known:
        return "The optimum costs nothing here, so nothing can be compared with it."
    best, worst = min(known, key=known.__getitem__), max(known, key=known.__getitem__)
    sentence = f"<b>{best}</b> is nearest to the optimum, at {known[best]:.2f} times its objective"
    return sentence + (f"; farthest is {worst}, at {known[worst]:.2f}." if worst != best else ".")


def _conditions(scenario: Scenario) -> str:
    cpu = f"a CPU starts in {scenario.start_cpu_s:g} s and costs {_price(scenario.cpu_price)} a second"
    gpu = f"a GPU in {scenario.start_gpu_s:g} s and costs {_price(scenario.gpu_price)}"
    return f"p95 to be at most {latency(1000 * scenario.slo_p95_s)}; {cpu}, {gpu}; {scenario.slots} at once"


def _price(price: float) -> str:
    return f"{price:.9f}".rstrip("0").rstrip(".")


def _figures(comparison: Comparison) -> str:
    rows = [
        [
            name, _ratio(name, comparison.versus_oracle(name)), f"{one.objective:.5f}", f"{one.cost:.5f}",
            f"{one.violations:,}", f"{one.avoidable_violations:,}", latency(one.p50_ms), latency(one.p95_ms),
            clock(one.cpu_seconds), clock(one.gpu_seconds), str(one.switches),
        ]
        for name, one in comparison.outcomes.items()
    ]  # fmt: skip
    if not any(one.energy_j for one in comparison.outcomes.values()):
        return _table(COLUMNS, rows)
    energies = [f"{one.energy_j / 3600:,.1f} Wh" for one in comparison.outcomes.values()]
    return _table([*COLUMNS, "energy"], [[*row, energy] for row, energy in zip(rows, energies, strict=True)])


def _ratio(policy: str, ratio: float | None) -> str:
    """A distance from the optimum, marked as good or bad; the optimum itself is no achievement."""
    if ratio is None:
        return "-"
    mark = "note" if policy == ORACLE else "good" if ratio <= 1.12 else "fair" if ratio <= 1.5 else "bad"
    return f"<span class={mark}>{ratio:.3f}</span>"


def _table(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table of cells that are HTML already."""
    head = "".join(f"<th>{title}</th>" for title in titles)
    body = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>" for cells in rows)
    return f"<div class=wide><table><tr>{head}</tr>{body}</table></div>"
