"""Fuzz the linter with atheris: whatever a file holds, linting ends in a result and no part of Gaia fails.

    python -m benchmarks.fuzz_analyzer [-max_total_time=60] [other options of libFuzzer]

It starts from the nasty files and the examples of the rules. Without atheris, which needs a Python and a compiler that
it supports, it says so and runs the seeds alone.
"""

import importlib
import importlib.util
import sys
import tempfile
from pathlib import Path

from analyzers import lint
from analyzers.rules.evidence import RULES
from benchmarks.nasty import nasty_files

GAIAS_OWN = ("GA906", "GA907")
_LONGEST_SEED = 20_000


def check(data: bytes, directory: Path) -> None:
    """Lint a file of `data`.

    Raises:
        AssertionError: a part of Gaia failed; whatever else is raised is a failure too.
    """
    (directory / "func.py").write_bytes(data)
    (result,) = lint(["func.py"], root=directory)
    failed = [finding.message for finding in result.findings if finding.rule in GAIAS_OWN]
    assert not failed, failed


def seeds() -> list[bytes]:
    """Files to start from."""
    examples = [example.encode() for rule in RULES for example in (*rule.matches, *rule.passes)]
    return [data for data in (*nasty_files().values(), *examples) if len(data) <= _LONGEST_SEED]


def main() -> None:
    """Run the seeds, then the fuzzer where there is one."""
    with tempfile.TemporaryDirectory(prefix="gaia-fuzz-") as name:
        directory = Path(name)
        for data in seeds():
            check(data, directory)
        print(f"{len(seeds())} seeds passed")
        if importlib.util.find_spec("atheris") is None:
            print("atheris is not installed, so nothing more is tried (pip install atheris)")
            return
        atheris = importlib.import_module("atheris")

        corpus = directory / "corpus"
        corpus.mkdir()
        for number, data in enumerate(seeds()):
            (corpus / str(number)).write_bytes(data)
        atheris.instrument_all()
        atheris.Setup([*sys.argv, str(corpus)], lambda data: check(data, directory))
        atheris.Fuzz()


if __name__ == "__main__":
    main()
