"""Each finding with its source line, a mark below it and what to write instead, then a summary in one line."""

from collections import Counter

from analyzers.formats.concise import line
from analyzers.formats.findings import LintFinding, Report
from analyzers.lean.printable import stretch

_WIDEST = 160
"""Longer lines are not shown: nobody finds a mark in them."""


def render(report: Report) -> str:
    """Return the findings, and how many there are."""
    return "".join(map(_finding, report.findings)) + _summary(report) + "\n"


def _finding(finding: LintFinding) -> str:
    remedy = f"  help: {finding.remedy}\n" if finding.remedy else ""
    if not finding.excerpt.strip() or len(finding.excerpt.rstrip()) > _WIDEST:
        return f"{line(finding)}\n{remedy}\n"
    shown, start, end = stretch(finding.excerpt, finding.column, finding.end_column)
    margin = " " * len(str(finding.line))
    mark = " " * start + "^" * (end - start)
    return f"{line(finding)}\n{margin} |\n{finding.line} | {shown}\n{margin} | {mark}\n{remedy}\n"


def _summary(report: Report) -> str:
    files = counted(len(report.files), "file")
    if not report.findings:
        return f"nothing found in {files}"
    of_level = Counter(finding.level for finding in report.findings)
    counts = [counted(of_level[level], level.word) for level in sorted(of_level, reverse=True)]
    return f"{', '.join(counts)} in {files}; `gaia rule CODE` explains a rule"


def counted(number: int, word: str) -> str:
    """Return a number of things in words: `1 file`, `2 files`."""
    return f"{number} {word}{'' if number == 1 else 's'}"
