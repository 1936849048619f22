"""Fuzz the analyzer with atheris: whatever a file holds, reading it ends in a result and no part of Gaia fails.

    python -m benchmarks.fuzz_analyzer [-max_total_time=60] [other options of libFuzzer]

An input's first byte chooses the way in which the rest is read: linted as a file, as a cell of a notebook or as a
notebook, analyzed as a function, fixed, or read as one of the dependency lists. It starts from the nasty files and the
examples of the rules. Without atheris, which has no wheel for every Python, it says so and runs the seeds alone.
"""

import importlib
import importlib.util
import json
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from analyzers import AnalyzerError, analyze, lint
from analyzers.findings import Finding
from analyzers.project.dependency_lists import NAMES
from analyzers.project.notebooks.positions import NotebookFile
from analyzers.rules.examination import evidence_rules
from benchmarks.nasty import nasty_files
from gaia_cli.linting.fixing import FIXABLE, fix

GAIAS_OWN = ("GA906", "GA907")
_LONGEST_SEED = 20_000


def check(data: bytes, directory: Path) -> None:
    """Read `data` in the way that its first byte says.

    Raises:
        AssertionError: a part of Gaia failed; whatever else is raised is a failure too.
    """
    ways = list(_WAYS.values())
    if data:
        ways[data[0] % len(ways)](data[1:], directory)


def _as_file(data: bytes, directory: Path) -> None:
    (directory / "func.py").write_bytes(data)
    _lint("func.py", directory)


def _as_cell(data: bytes, directory: Path) -> None:
    lines = data.decode(errors="replace").splitlines(keepends=True)
    _as_notebook(json.dumps({"cells": [{"cell_type": "code", "source": lines}] * 2}).encode(), directory)


def _as_notebook(data: bytes, directory: Path) -> None:
    (directory / "cells.ipynb").write_bytes(data)
    text = NotebookFile(data.decode(errors="replace"))
    for finding in _lint("cells.ipynb", directory):
        place = text.place(finding.place)
        assert place.line >= 1
        assert 1 <= place.column < place.end_column


def _as_function(data: bytes, directory: Path) -> None:
    (directory / "func.py").write_bytes(data)
    _fails_not(list(analyze(directory / "func.py").findings))


def _fixed(data: bytes, _directory: Path) -> None:
    for name in ("func.py", "cells.ipynb"):
        once = fix(data, name, FIXABLE)
        assert fix(once.source, name, FIXABLE).source == once.source, "a second fix changes something"


def _as_list(data: bytes, directory: Path) -> None:
    function = directory / "function"
    function.mkdir(exist_ok=True)
    for name in (*NAMES, "requirements.txt", "model.safetensors"):
        (function / name).write_bytes(data)
    (function / "func.py").write_text("def handler(payload):\n    return payload\n")
    try:
        _fails_not(list(analyze(function).findings))
    except AnalyzerError as error:
        raise AssertionError(error.message) from None


_WAYS: dict[str, Callable[[bytes, Path], None]] = {
    "file": _as_file,
    "cell": _as_cell,
    "notebook": _as_notebook,
    "function": _as_function,
    "fix": _fixed,
    "list": _as_list,
}


def _lint(name: str, directory: Path) -> list[Finding]:
    (result,) = lint([name], root=directory)
    _fails_not([*result.findings])
    return list(result.findings)


def _fails_not(findings: list[Finding]) -> None:
    failed = [finding.message for finding in findings if finding.rule in GAIAS_OWN]
    assert not failed, failed


def seeds() -> Iterator[bytes]:
    """Inputs to start from: each nasty file and each example in each way."""
    examples = [example.encode() for rule in evidence_rules() for example in (*rule.matches, *rule.passes)]
    short = [data for data in (*nasty_files().values(), *examples) if len(data) <= _LONGEST_SEED]
    return (bytes([way]) + data for data in short for way in range(len(_WAYS)))


def main() -> None:
    """Run the seeds, then the fuzzer where there is one."""
    with tempfile.TemporaryDirectory(prefix="gaia-fuzz-") as name:
        directory = Path(name)
        known = list(seeds())
        for data in known:
            check(data, directory)
        print(f"{len(known)} seeds passed")
        if importlib.util.find_spec("atheris") is None:
            print("atheris is not installed, so nothing more is tried (pip install atheris)")
            return
        atheris = importlib.import_module("atheris")

        corpus = directory / "corpus"
        corpus.mkdir()
        for number, data in enumerate(known):
            (corpus / str(number)).write_bytes(data)
        atheris.instrument_all()
        atheris.Setup([*sys.argv, str(corpus)], lambda data: check(data, directory))
        atheris.Fuzz()


if __name__ == "__main__":
    main()
