"""The Execution Mode Identifier: what is known about a function from its code alone.

    from analyzers import analyze

    analysis = analyze("samples/02-matmul")
    analysis.mode, analysis.confidence, analysis.reason

The code is read and never run or imported. docs/analyzer.md tells how the verdict comes about, docs/rules what
each rule finds.
"""

from analyzers.analysis import Analysis, analyze
from analyzers.errors import AnalyzerError

__all__ = ["Analysis", "AnalyzerError", "analyze"]
