"""The summary of a run, printed when it has ended."""

from collections.abc import Iterable
from itertools import zip_longest

from rich.console import Console
from rich.text import Text

from gaia_cli.running.summary import RunSummary, SwitchSummary, WhatIf
from gaia_cli.views.glyphs import BAD, DIM, OK, SLO_STYLE, STRONG, Glyphs
from gaia_cli.views.units import clock, latency, money, share

NAME_WIDTH = 12


def print_fields(console: Console, fields: Iterable[tuple[str, Text]], indent: str = "") -> None:
    """Print names and values, one pair a row; a long value continues below itself."""
    for name, value in fields:
        lines = value.wrap(console, max(20, console.width - NAME_WIDTH - len(indent)))
        for lead, line in zip_longest([name], lines, fillvalue=""):
            line.rstrip()
            console.print(Text.assemble((f"{indent}{lead:<{NAME_WIDTH}}", DIM), line), soft_wrap=True)


def show_summary(console: Console, summary: RunSummary, glyphs: Glyphs) -> None:
    """Print the summary to `console`."""
    console.print(Text("summary", STRONG))
    print_fields(console, _rows(summary, glyphs), indent="  ")


def _rows(summary: RunSummary, glyphs: Glyphs) -> list[tuple[str, Text]]:
    rows = [("requests", _requests(summary, glyphs))]
    if summary.slo_p95_ms is not None:
        rows.append(("SLO", _slo(summary, glyphs)))
    rows += [("switch", _switch(switch, glyphs)) for switch in summary.switches]
    if not summary.switches:
        rows.append(("switches", Text("none")))
    modes = ", ".join(f"{name} {seconds:.1f} s" for name, seconds in summary.mode_seconds.items())
    label = " (emulated)" if summary.accelerator == "emulated" else ""
    held = f"CPU {summary.cpu_seconds:.1f} s, GPU {summary.gpu_seconds:.1f} s{label}"
    rows += [("modes", Text(modes or glyphs.none)), ("held", Text(held)), ("cost", _cost(summary, glyphs))]
    if summary.what_if is not None:
        rows += _what_if(summary.what_if, summary.currency, glyphs)
    return rows


def _requests(summary: RunSummary, glyphs: Glyphs) -> Text:
    text = Text(f"{summary.requests:,}")
    text.append(f" {glyphs.dot} ", DIM).append(f"failures {summary.failures}", BAD if summary.failures else OK)
    if summary.p95_ms is not None:
        text.append(f" {glyphs.dot} p95 {latency(summary.p95_ms)} as the client saw it")
    return text.append(f" {glyphs.dot} {summary.duration_s:.1f} s", DIM)


def _slo(summary: RunSummary, glyphs: Glyphs) -> Text:
    text = Text(f"p95 {glyphs.at_most} {latency(summary.slo_p95_ms)}: ")
    why = f" ({summary.slo_reason})" if summary.slo_reason else ""
    text.append(f"{summary.slo_state} at the end{why}", SLO_STYLE.get(summary.slo_state, DIM))
    if summary.slo_met_share is not None:
        text.append(f", met in {share(summary.slo_met_share)} of the seconds with traffic", DIM)
    return text


def _switch(switch: SwitchSummary, glyphs: Glyphs) -> Text:
    before, after = latency(switch.p95_before_ms, glyphs.none), latency(switch.p95_after_ms, glyphs.none)
    return Text.assemble(
        (f"{glyphs.mark(switch.kind)} {switch.kind}", STRONG), f" at {clock(switch.at_s)}",
        (f" ({switch.took_s:.1f} s after the decision)", DIM), f"  p95 {before} before, {after} after",
        (f"\n{switch.reason}" if switch.reason else "", DIM),
    )  # fmt: skip


def _cost(summary: RunSummary, glyphs: Glyphs) -> Text:
    alone = [money(cost, summary.currency) for cost in (summary.cost_cpu_only, summary.cost_gpu_only)]
    text = Text(money(summary.cost, summary.currency), STRONG)
    return text.append(f"  CPU only {alone[0]} {glyphs.dot} GPU only {alone[1]}, over the same time", DIM)


def _what_if(found: WhatIf, currency: str, glyphs: Glyphs) -> list[tuple[str, Text]]:
    """Return a row for each policy, replayed on the requests of this run."""
    if not found.alternatives:
        return [("what if", Text(found.note, DIM))]
    rows = []
    for number, one in enumerate(found.alternatives):
        text = Text(f"{one.policy:<11}{money(one.cost, currency)}")
        text.append(f" {glyphs.dot} late {one.late:,} {glyphs.dot} switches {one.switches}")
        if one.versus_optimum is not None:
            text.append(f" {glyphs.dot} {one.versus_optimum:.2f} x the optimum", DIM)
        rows.append(("" if number else "what if", text))
    return rows
