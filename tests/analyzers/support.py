"""Small functions written to a temporary directory, as most tests of the analyzer need them."""

from collections.abc import Mapping
from pathlib import Path

from analyzers import Analysis, analyze
from runtime_images.policy.model import ExecutionMode


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


def rules_of(analysis: Analysis) -> set[str]:
    """The codes of the rules that found something."""
    return {evidence.rule for evidence in analysis.evidence}
