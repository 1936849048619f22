"""The nasty files of benchmarks/nasty.py: linting ends, says what it could not analyze, and executes nothing."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from analyzers import FileResult, analyze, lint
from analyzers.facts.stage2 import MAX_INFERENCES_IN_ALL, Query, infer
from analyzers.project.reading import read_source
from tests.analyzers.support import project

_SLOW = {"entangled_names.py", "many_calls.py", "many_names.py", "one_line.py", "quadratic_tests.py"}
_UNREADABLE = {
    "GA901": {
        "syntax_error.py", "python2.py", "mixed_tabs.py", "unterminated.py", "deep_parentheses.py", "deep_ifs.py",
        "huge_digits.py", "not_code.ipynb", "quotes.ipynb", "brackets.ipynb",
    },
    "GA902": {"five_megabytes.py"},
    "GA903": {
        "null_bytes.py", "utf16.py", "not_utf8.py", "unknown_coding.py", "surrogate.py", "two_codings.py",
        "broken.ipynb", "deep.ipynb", "no_cells.ipynb", "numbers.ipynb",
        "odd_cells.ipynb", "old.ipynb", "huge_number.ipynb", "pointer.ipynb", "python.ipynb", "half_character.ipynb",
    },
    "GA908": {"directory.py", "loop.py", "nowhere.py", "absent.py"},
    "GA904": {"deep_minus.py", "deep_not.py", "long_sum.py", "long_chain.py", "many_elifs.py"},
}  # fmt: skip


def _nasty() -> ModuleType:
    spec = importlib.util.spec_from_file_location("nasty", Path(__file__).parents[2] / "benchmarks" / "nasty.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> dict[str, FileResult]:
    root = tmp_path_factory.mktemp("nasty")
    names = [name for name in _nasty().write(root) if name not in _SLOW]
    return {result.path: result for result in lint(names, root=root)}


def test_every_file_has_a_result_and_no_part_of_gaia_fails(results: dict[str, FileResult]) -> None:
    assert set(results) >= set(_nasty().nasty_files()) - _SLOW
    assert not [
        finding for result in results.values() for finding in result.findings if finding.rule in ("GA906", "GA907")
    ]


@pytest.mark.parametrize("code", _UNREADABLE)
def test_what_cannot_be_analyzed_is_a_finding(results: dict[str, FileResult], code: str) -> None:
    for name in _UNREADABLE[code]:
        assert [finding.rule for finding in results[name].findings] == [code], name


def test_an_empty_file_has_nothing_to_find(results: dict[str, FileResult]) -> None:
    assert [results[name].findings for name in ("empty.py", "empty.ipynb")] == [(), ()]


def test_what_can_be_analyzed_is(results: dict[str, FileResult]) -> None:
    assert "GA201" in {finding.rule for finding in results["bom.py"].findings}
    assert "GA201" in {finding.rule for finding in results["odd name; rm -rf $(x).py"].findings}


def test_nothing_of_them_is_executed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = [name for name in _nasty().write(tmp_path) if name not in _SLOW]
    monkeypatch.chdir(tmp_path)

    list(lint(names, root=tmp_path, cache_dir=tmp_path / "cache"))
    (tmp_path / "func.py").write_text("import runs_at_import, torch, os\n\ndef handler(p):\n    return torch.DEVICE\n")
    analyze(tmp_path)

    assert not (tmp_path / "EXECUTED").exists()


def test_inference_ends_at_its_budget(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("analyzers.facts.stage2.MAX_INFERENCES", 3)
    code = "import torch\nclass A:\n    d = 'cuda'\nclass B(A): pass\nb = B()\nx = torch.zeros(1).to(b.d)\ny = 'cpu'\n"
    project(tmp_path, {"func.py": code})
    source = read_source(tmp_path, "func.py")
    spent, plain = Query("func.py", 6, 22), Query("func.py", 7, 4)

    answers, given_up = infer([spent, plain], [source], lambda _name: None)

    assert given_up == [spent]
    assert list(answers) == [plain]
    assert ("GA905", 6) in {
        (finding.rule, finding.place.line) for finding in next(iter(lint(["func.py"], root=tmp_path))).findings
    }
    assert MAX_INFERENCES_IN_ALL > 3
