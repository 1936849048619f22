import io
import sys
from itertools import count
from pathlib import Path

import pytest

from analyzers import analyze
from analyzers.linting.results import FileResult
from gaia_cli.commands.lint import with_progress
from tests.analyzers.support import project

RESULTS = [FileResult(f"{number}.py", ()) for number in range(5)]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def _outside_of_ci(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)


def test_a_long_run_says_how_far_it_is_and_clears_the_line(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)

    assert list(with_progress(RESULTS, 5, clock=count().__next__)) == RESULTS
    assert "linted 2 of 5 files" in terminal.getvalue()
    assert terminal.getvalue().endswith("\r\x1b[2K")


def test_a_short_run_and_a_pipe_show_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    for stream, clock in ((Terminal(), lambda: 0.0), (io.StringIO(), count().__next__)):
        monkeypatch.setattr(sys, "stderr", stream)
        list(with_progress(RESULTS, 5, clock=clock))

        assert stream.getvalue() == ""


def test_in_ci_and_beside_a_report_for_programs_in_a_pipe_nothing_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)

    list(with_progress(RESULTS, 5, for_programs=True, clock=count().__next__))
    monkeypatch.setenv("CI", "true")
    list(with_progress(RESULTS, 5, clock=count().__next__))

    assert terminal.getvalue() == ""


def test_an_analysis_says_how_far_it_is(tmp_path: Path) -> None:
    project(
        tmp_path, {"func.py": "import helper\n\n\ndef handler(event):\n    return helper.x\n", "helper.py": "x = 1\n"}
    )
    told: list[str] = []

    analyze(tmp_path, tell=told.append)

    assert told == ["read 1 files", "read 2 files", "followed 1 of 2 files", "followed 2 of 2 files"]
