import io
from dataclasses import replace

import pytest
from rich.console import Console

from gaia_cli.running.choose import Choice
from gaia_cli.running.history import RunHistory
from gaia_cli.running.plan import RunPlan
from gaia_cli.running.summary import Alternative, WhatIf, summarize
from gaia_cli.simulator.results.comparison import compare, standings
from gaia_cli.simulator.world.scenario import Scenario
from gaia_cli.views.glyphs import ASCII, UNICODE
from gaia_cli.views.simulation import show_summary as show_standings
from gaia_cli.views.simulation import show_trace
from gaia_cli.views.summary import show_summary
from runtime_images.policy.model import ExecutionMode, Slo
from tests.gaia_cli.simulator.support import closed
from tests.support.synthetic_run import matmul_run


def console(width: int) -> Console:
    return Console(file=io.StringIO(), width=width, color_system=None)


def text_of(terminal: Console) -> str:
    assert isinstance(terminal.file, io.StringIO)
    return terminal.file.getvalue()


def test_a_wide_table_has_a_row_for_each_policy_and_shows_who_served() -> None:
    terminal = console(140)

    show_trace(terminal, compare(closed(60, cpu_s=2.0), Scenario()), UNICODE)

    lines = text_of(terminal).splitlines()
    assert lines[0] == "closed  60 requests · p95 ≤ 1.00 s"
    assert [line.split()[0] for line in lines[2:7]] == ["gaia", "reference", "static-cpu", "static-gpu", "oracle"]
    assert lines[1].split()[-2:] == ["who", "served"]
    assert "╌" in lines[2]
    assert "━" in lines[2]
    assert max(map(len, lines)) <= 140


def test_a_very_narrow_table_cuts_no_figure() -> None:
    terminal = console(40)

    show_trace(terminal, compare(closed(60, cpu_s=2.0), Scenario()), UNICODE)

    lines = text_of(terminal).splitlines()
    assert lines[1].split() == ["policy", "x", "optimum", "late", "avoidable"]
    assert "…" not in text_of(terminal)
    assert max(map(len, lines)) <= 40


@pytest.mark.parametrize("width", [60, 80])
def test_a_narrow_table_leaves_out_what_it_can(width: int) -> None:
    terminal = console(width)

    show_trace(terminal, compare(closed(60, cpu_s=2.0), Scenario()), ASCII)

    lines = text_of(terminal).splitlines()
    assert "objective" not in lines[1]
    assert "avoidable" in lines[1]
    assert ("p95" in lines[1]) is (width == 80)
    assert max(map(len, lines)) <= width
    assert text_of(terminal).isascii()


def test_the_standings_name_the_worst_trace() -> None:
    terminal = console(80)
    compared = [compare(closed(60, cpu_s=2.0), Scenario())]

    show_standings(terminal, 1, standings(compared, ("static-cpu", "oracle")))

    assert text_of(terminal).splitlines()[2].split()[0::3] == ["static-cpu", "closed"]


def summary_with(found: WhatIf) -> str:
    terminal = console(100)
    history = RunHistory()
    for event in matmul_run():
        history.apply(event)
    here = Choice("process", "")
    plan = RunPlan("matmul", ExecutionMode.CPU_PREFERRED, "no framework", here, Choice("emulated", ""), Slo(250.0))
    show_summary(terminal, replace(summarize(plan, history), what_if=found), UNICODE)
    return text_of(terminal)


def test_the_summary_of_a_run_has_a_line_for_each_alternative() -> None:
    shown = summary_with(WhatIf((Alternative("gaia", 0.0012, 3, 2, 1.04), Alternative("static-gpu", 0.5, 0, 0, None))))

    assert "what if     gaia       0.00120 USD · late 3 · switches 2 · 1.04 x the optimum" in shown
    assert "            static-gpu 0.5000 USD · late 0 · switches 0\n" in shown


def test_where_nothing_can_be_said_the_summary_says_why() -> None:
    assert "what if     the GPU has served no request" in summary_with(WhatIf(note="the GPU has served no request"))
