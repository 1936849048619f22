"""Small functions written to a temporary directory, and the facts of a rule's examples, as many tests need them."""

import ast
from collections.abc import Mapping
from pathlib import Path

from analyzers import Analysis, analyze
from analyzers.facts.model import Facts
from analyzers.facts.stage1 import extract
from analyzers.project.dependencies import stated
from analyzers.project.model import Asset, Source
from analyzers.project.requirements import joined_lines
from runtime_images.policy.model import ExecutionMode

REQUIREMENTS_MARK = "# requirements.txt\n"
FILES_MARK = "# files\n"


def facts_of(example: str) -> Facts:
    """The facts of `example`: Python, a dependency list, or a list of files with their sizes, each below its mark."""
    if example.startswith(REQUIREMENTS_MARK):
        return Facts((), tuple(stated(joined_lines("requirements.txt", example))))
    if example.startswith(FILES_MARK):
        lines = [line.split() for line in example.removeprefix(FILES_MARK).splitlines()]
        return Facts((), assets=tuple(Asset(path, int(size)) for path, size in lines))
    files, failures = extract([Source("func.py", "func", example, ast.parse(example))], ("func.py",))
    assert not failures, failures
    return Facts(files)


def project(root: Path, files: Mapping[str, str] | None = None, **named: str) -> Path:
    """Write `files` by their paths, and files named by keyword such as `func_py`, and return `root`."""
    plain = {f"{stem}.{suffix}": text for name, text in named.items() for stem, _, suffix in [name.rpartition("_")]}
    for name, text in {**(files or {}), **plain}.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return root


def analysis_of(root: Path, code: str, **files: str) -> Analysis:
    """The analysis of a function whose func.py is `code`."""
    return analyze(project(root, None, func_py=code, **files))


def mode_of(root: Path, code: str, **files: str) -> ExecutionMode:
    """The mode of a function whose func.py is `code`."""
    return analysis_of(root, code, **files).mode


def codes(block: str) -> list[str]:
    """The pieces of code in a text, which a line `# ---` parts."""
    return [piece.strip("\n") + "\n" for piece in block.split("# ---\n")]


def rules_of(analysis: Analysis) -> set[str]:
    """The codes of the rules that found something."""
    return {evidence.rule for evidence in analysis.evidence}
