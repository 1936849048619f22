"""One line a finding, in the form that editors and pipelines know: `path:line:column: level: message [code]`.

A finding in a notebook names its cell and the line in it, `path:cell 3:line:column: ...`.
"""

from analyzers.formats.findings import LintFinding, Report


def render(report: Report) -> str:
    """The findings, a line each; nothing at all where there are none."""
    return "".join(f"{line(finding)}\n" for finding in report.findings)


def line(finding: LintFinding) -> str:
    """A finding as one line."""
    cell = f":cell {finding.cell}" if finding.cell else ""
    place = f"{finding.path}{cell}:{finding.line}:{finding.column}"
    return printable(f"{place}: {finding.level.word}: {' '.join(finding.message.split())} [{finding.code}]")


def printable(text: str) -> str:
    """`text` without what would steer a terminal: names and messages may come from anybody's code."""
    return "".join(character if character.isprintable() else "?" for character in text)
