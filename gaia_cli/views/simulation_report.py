"""The report of a simulation: one HTML file with everything in it that opens without a network.

First what all traces say together, then each with its figures and its picture (`simulation_plot`). The page is
`simulation_report.html`; here are the figures that it shows.
"""

import html
from collections.abc import Sequence
from math import isfinite
from pathlib import Path
from string import Template

from analyzers.lean.printable import printable
from analyzers.lean.writing import check_named, write_named
from gaia_cli.errors import UsageError
from gaia_cli.places import working_tree
from gaia_cli.simulator.results.comparison import ORACLE, Comparison, Standing
from gaia_cli.simulator.world.scenario import Scenario
from gaia_cli.views.simulation import figures, grade
from gaia_cli.views.simulation_plot import picture
from gaia_cli.views.units import latency
from runtime_images.policy.sampling import LATE_ALLOWED, VIOLATION_GPU_S

PAGE = Template(Path(__file__).with_name("simulation_report.html").read_text("utf-8"))
TRACE = """<h2 id="t{number}">{name}</h2>
<p>{verdict}</p>
<p class="note">{conditions}</p>
{figures}
{picture}
"""


class Page:
    """A report that grows by a trace at a time."""

    def __init__(self, path: Path) -> None:
        """Check the path now, before the work begins.

        Raises:
            UsageError: no file can be written at `path`.
        """
        self._path = path
        self._sections: list[str] = []
        self._ratios: list[tuple[str, dict[str, float | None]]] = []
        try:
            check_named(working_tree(), str(path))
        except OSError as error:
            hint = "choose a file in a directory that you may write to"
            raise UsageError(f"cannot write the report {path}: {error.strerror}", hint) from None

    def add(self, comparison: Comparison) -> None:
        """Draw one trace."""
        name = html.escape(printable(comparison.trace.name))
        section = TRACE.format(
            number=len(self._sections),
            name=name,
            verdict=_verdict(comparison),
            conditions=f"{len(comparison.trace):,} requests, {_conditions(comparison.scenario)}",
            figures=_figures(comparison),
            picture=picture(comparison, with_library=not self._sections),
        )
        self._sections.append(section)
        self._ratios.append((name, {policy: comparison.versus_oracle(policy) for policy in comparison.outcomes}))

    def write(self, summary: Sequence[Standing]) -> None:
        """Write the file, or leave none.

        Raises:
            UsageError: it cannot be written.
        """
        text = PAGE.substitute(
            violation_s=f"{VIOLATION_GPU_S:g}",
            allowed=f"{100 * LATE_ALLOWED:g}",
            overview=self._overview(summary) if len(self._sections) > 1 else "",
            traces="".join(self._sections),
        )
        try:
            write_named(working_tree(), str(self._path), text.encode())
        except OSError as error:
            raise UsageError(f"cannot write the report {self._path}: {error.strerror}", "choose another file") from None

    def _overview(self, summary: Sequence[Standing]) -> str:
        policies = [one.policy for one in summary]
        rows = [
            [f'<a href="#t{number}">{name}</a>', *(_ratio(policy, ratios.get(policy)) for policy in policies)]
            for number, (name, ratios) in enumerate(self._ratios)
        ]
        rows.append(["<b>geometric mean</b>", *(_ratio(one.policy, one.geometric_mean) for one in summary)])
        rows.append(["<b>worst</b>", *(_ratio(one.policy, one.worst) for one in summary)])
        return f"<h2>All {len(self._sections)} traces: &times; optimum</h2>" + _table(["trace", *policies], rows)


def _verdict(comparison: Comparison) -> str:
    """Say in one sentence who did best."""
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
    slo_ms = 1000 * scenario.slo_p95_s
    slo = f"p95 to be at most {latency(slo_ms)}" if isfinite(slo_ms) else "no latency is asked for"
    return f"{slo}; {cpu}, {gpu}; {scenario.slots} at once"


def _price(price: float) -> str:
    return f"{price:.9f}".rstrip("0").rstrip(".")


def _figures(comparison: Comparison) -> str:
    has_energy = any(one.energy_j for one in comparison.outcomes.values())
    rows = []
    for name, one in comparison.outcomes.items():
        row = {"policy": name, "&times;&nbsp;optimum": _ratio(name, comparison.versus_oracle(name)), **figures(one)}
        rows.append(row | ({"energy": f"{one.energy_j / 3600:,.1f} Wh"} if has_energy else {}))
    titles = {"CPU": "CPU held", "GPU": "GPU held"}
    return _table([titles.get(title, title) for title in rows[0]], [list(row.values()) for row in rows])


def _ratio(policy: str, ratio: float | None) -> str:
    return "-" if ratio is None else f'<span class="{grade(policy, ratio)}">{ratio:.3f}</span>'


def _table(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table of cells that are HTML already."""
    head = "".join(f"<th>{title}</th>" for title in titles)
    body = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>" for cells in rows)
    return f'<div class="wide"><table><tr>{head}</tr>{body}</table></div>'
