"""A file that Python's own parser would take too long for, or too much memory, is refused, and named."""

import subprocess
from pathlib import Path

import pytest

from analyzers import analyze, lint
from analyzers.project.parsing import AT_ONCE, Outcome, tried
from analyzers.project.reading import read_entry
from runtime_images.entrypoint import EntryError, find_entry
from tests.analyzers.support import project

ENDLESS = "import torch\nx = f'" + "{a}" * 300_000 + "'\ndef handler(payload):\n    return x\n"
"""The parser takes the square of the number of an f-string's fields: two minutes for these."""


@pytest.mark.timeout(300)  # five seconds of processor time, on a machine that may be busy
def test_one_file_that_the_parser_is_slow_with_holds_nobody_up(tmp_path: Path) -> None:
    project(tmp_path, {"func.py": ENDLESS, "other.py": "import torch\nx = torch.zeros(3).cuda()\n"})

    (slow, other) = lint(["func.py", "other.py"], root=tmp_path)
    (failure,) = analyze(tmp_path).failures
    with pytest.raises(EntryError, match=r"cannot read func\.py: it takes longer than 5 s to parse"):
        find_entry(tmp_path, "", read_entry)

    assert [(found.rule, found.message) for found in slow.findings] == [
        ("GA904", "the file takes longer than 5 s to parse")
    ]
    assert other.findings
    assert (failure.rule, failure.place.path) == ("GA904", "func.py")


def test_a_short_file_costs_no_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subprocess, "run", lambda *_arguments, **_options: pytest.fail("a process was started"))

    assert tried("x = 1\n" * (AT_ONCE // 6)) is Outcome.PARSED


@pytest.mark.parametrize(
    ("text", "outcome"),
    [
        ("x = 1\n" * AT_ONCE, Outcome.PARSED),
        ("name = 'é\ud800'\n" + "x = 1\n" * AT_ONCE, Outcome.NO_PYTHON),
        ("x = 1\n" * AT_ONCE + "def f(:\n", Outcome.NO_PYTHON),
        ("x = " + "+".join("a" * AT_ONCE) + "\n", Outcome.TOO_LARGE),
    ],
    ids=["long", "half a pair", "invalid", "deep"],
)
def test_a_long_file_is_tried_first(text: str, outcome: Outcome) -> None:
    assert tried(text) is outcome


@pytest.mark.parametrize("evidence", [True, False])
def test_a_long_file_that_is_no_python_still_has_its_place(tmp_path: Path, evidence: bool) -> None:
    project(tmp_path, {"func.py": "x = 1\n" * AT_ONCE + "def f(:\n"})

    (result,) = lint(["func.py"], root=tmp_path, evidence=evidence)

    assert [(found.rule, found.place.line) for found in result.findings] == [("GA901", AT_ONCE + 1)]


def test_a_symbol_table_of_many_names_is_not_even_built(tmp_path: Path) -> None:
    names = ";".join(f"a{number}=1" for number in range(AT_ONCE // 8))
    project(tmp_path, {"func.py": f"def f():\n {names}\n " + "lambda:0;" * (AT_ONCE // 8) + "\n"})

    (result,) = lint(["func.py"], root=tmp_path, evidence=False)

    assert not result.findings
