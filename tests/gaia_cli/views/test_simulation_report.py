"""The page of `gaia simulate --report`, and its pictures."""

import errno
import re
from pathlib import Path

import pytest

from gaia_cli.errors import UsageError
from gaia_cli.simulator.results.comparison import compare, standings
from gaia_cli.simulator.traces.trace import Outage
from gaia_cli.simulator.world.scenario import Scenario
from gaia_cli.views.simulation_plot import draw
from gaia_cli.views.simulation_report import Page
from tests.gaia_cli.simulator.support import closed

POLICIES = ("gaia", "static-gpu", "oracle")
COMPARED = compare(closed(120, cpu_s=2.0, away=[Outage(15.0, 18.0)]), Scenario(), POLICIES)


def page(path: Path, times: int = 1) -> str:
    report = Page(path)
    for _ in range(times):
        report.add(COMPARED)
    report.write(standings([COMPARED] * times, POLICIES))
    return path.read_text("utf-8")


def test_every_policy_has_a_row_with_its_figures_and_the_slo() -> None:
    figure = draw(COMPARED)

    texts = [annotation.text for annotation in figure.layout.annotations]
    assert [text.split("<b>")[1].split("</b>")[0] for text in texts if "<b>" in text] == list(POLICIES)
    assert texts.count("SLO 1.00 s") == len(POLICIES)


def test_latencies_of_all_policies_are_drawn_on_the_same_axes() -> None:
    layout = draw(COMPARED).layout

    assert layout.yaxis.range == layout.yaxis2.range == layout.yaxis3.range
    assert layout.xaxis.range == layout.xaxis3.range
    assert "1 s" in layout.yaxis.ticktext


def test_the_outage_and_who_served_are_behind_the_latencies() -> None:
    shapes = [shape for shape in draw(COMPARED).layout.shapes if shape.type == "rect"]

    assert sum((shape.x0, shape.x1) == (15.0, 18.0) for shape in shapes) == len(POLICIES)
    assert {shape.layer for shape in shapes} == {"below"}


def test_the_key_says_what_every_colour_means() -> None:
    shown = [trace.name for trace in draw(COMPARED).data if trace.showlegend is not False]

    assert shown[:2] == ["slowest request", "median latency"]
    assert shown[-4:] == ["CPU serves", "GPU serves", "pale: starting", "no GPU"]


def test_the_library_is_in_the_page_once_however_many_traces_there_are(tmp_path: Path) -> None:
    one, two = page(tmp_path / "one.html"), page(tmp_path / "two.html", times=2)

    assert (one.count("plotly.js v"), two.count("plotly.js v")) == (1, 1)
    assert "All 2 traces" in two
    assert re.findall(r'href="#(t\d)"', two) == re.findall(r'<h2 id="(t\d)"', two) == ["t0", "t1"]


def test_the_first_sentence_says_who_is_near_the_optimum(tmp_path: Path) -> None:
    assert re.search(
        r"<b>[\w-]+</b> is nearest to the optimum, at \d\.\d\d times its objective; farthest is [\w-]+, at",
        page(tmp_path / "out.html"),
    )


def test_a_page_that_could_not_be_written_whole_is_not_left_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "out.html"

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("os.replace", full)  # the last step

    with pytest.raises(UsageError, match="No space left on device"):
        page(path)
    assert list(tmp_path.iterdir()) == []
