"""One line a finding, in the form that editors and pipelines know: `path:line:column: level: message [code]`.

A finding in a notebook names its cell and the line in it, `path:cell 3:line:column: ...`.
"""

from analyzers.formats.findings import LintFinding, Report
from analyzers.lean.printable import harmless, printable


def render(report: Report) -> str:
    """Return the findings, a line each."""
    return "".join(f"{line(finding)}\n" for finding in report.findings)


def line(finding: LintFinding) -> str:
    """Return a finding as one line, which steers neither a terminal nor a runner of CI."""
    cell = f":cell {finding.cell}" if finding.cell else ""
    place = f"{finding.path}{cell}:{finding.line}:{finding.column}"
    return harmless(printable(f"{place}: {finding.level.word}: {finding.message} [{finding.code}]"))
