"""Each finding with its source line, the stretch of it marked and what to write instead, then one line that sums up."""

from analyzers.formats.concise import line, printable
from analyzers.formats.findings import Level, LintFinding, Report

_WIDEST = 160
"""Longer lines are not shown: nobody finds a mark in them."""


def render(report: Report) -> str:
    """The findings, and how many there are."""
    return "".join(_finding(finding) for finding in report.findings) + _sum(report) + "\n"


def _finding(finding: LintFinding) -> str:
    shown = printable(finding.excerpt.expandtabs(1).rstrip())
    if not shown.strip() or len(shown) > _WIDEST:
        return f"{line(finding)}\n{_remedy(finding)}\n"
    margin = " " * len(str(finding.line))
    width = max(min(finding.end_column, len(shown) + 1) - finding.column, 1)
    mark = " " * (finding.column - 1) + "^" * width
    return f"{line(finding)}\n{margin} |\n{finding.line} | {shown}\n{margin} | {mark}\n{_remedy(finding)}\n"


def _remedy(finding: LintFinding) -> str:
    return f"  help: {finding.remedy}\n" if finding.remedy else ""


def _sum(report: Report) -> str:
    files = f"{len(report.files)} file{'' if len(report.files) == 1 else 's'}"
    if not report.findings:
        return f"nothing found in {files}"
    counts = [
        f"{count} {level.word}{'' if count == 1 else 's'}"
        for level in sorted(Level, reverse=True)
        if (count := sum(finding.level is level for finding in report.findings))
    ]
    return f"{', '.join(counts)} in {files}; `gaia rule CODE` explains a rule"
