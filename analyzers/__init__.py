"""The Execution Mode Identifier: what a function's code alone tells about it.

    from analyzers import analyze

    analysis = analyze("samples/02-matmul")
    analysis.mode, analysis.confidence, analysis.reason

The code is read and never run or imported. docs/analyzer.md explains the verdict, docs/rules what each rule finds.
`lint` yields the findings of single files without a verdict.

Each name is imported when it is first used, since a hook must not pay for the verdict.
"""

TYPE_CHECKING = False  # as type checkers know it; importing `typing` takes longer than this package
if TYPE_CHECKING:
    from analyzers.analysis import Analysis, analyze
    from analyzers.errors import AnalyzerError
    from analyzers.linting.engine import lint
    from analyzers.linting.results import FileResult

__all__ = ["Analysis", "AnalyzerError", "FileResult", "analyze", "lint"]

_HOMES = {
    "Analysis": "analyzers.analysis",
    "AnalyzerError": "analyzers.errors",
    "FileResult": "analyzers.linting.results",
    "analyze": "analyzers.analysis",
    "lint": "analyzers.linting.engine",
}


def __getattr__(name: str) -> object:
    from importlib import import_module

    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
