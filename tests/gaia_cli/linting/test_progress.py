import io
import sys
from itertools import count

import pytest

from analyzers.linting.results import FileResult
from gaia_cli.commands.lint import with_progress

RESULTS = [FileResult(f"{number}.py", ()) for number in range(5)]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


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
