"""One line a finding, in the form that editors and pipelines know: `path:line:column: level: message [code]`.

A finding in a notebook names its cell and the line in it, `path:cell 3:line:column: ...`. A colon before a digit in a
path is escaped, or a file's name could pass for the place of a finding in another file.
"""

from analyzers.formats.findings import LintFinding, Report
from analyzers.lean.patterns import Pattern
from analyzers.lean.printable import harmless, printable

_PLACE = Pattern(r":(?=\d)")


def render(report: Report) -> str:
    """Return the findings, a line each."""
    return "".join(f"{line(finding)}\n" for finding in report.findings)


def line(finding: LintFinding) -> str:
    """Return a finding as one line, which steers neither a terminal nor a runner of CI."""
    cell = f":cell {finding.cell}" if finding.cell else ""
    path = _PLACE.sub(r"\\x3a", finding.path) if ":" in finding.path else finding.path
    place = f"{path}{cell}:{finding.line}:{finding.column}"
    return harmless(printable(f"{place}: {finding.level.word}: {finding.message} [{finding.code}]"))
