"""GitHub Actions' workflow commands, which show each finding beside its line in a pull request.

A command is one line, `::level key=value,key=value::message`; the runner takes `%`, line ends and, in values, `:` and
`,` for itself, so they are written as percent codes. It has none for other control characters, which are escaped as
in the formats for people, and it looks for a second form of command in every line.
"""

from analyzers.formats.findings import Level, LintFinding, Report
from analyzers.formats.places import in_files
from analyzers.lean.printable import printable, without_commands

_COMMANDS = {Level.NOTE: "notice", Level.WARNING: "warning", Level.ERROR: "error"}


def render(report: Report) -> str:
    """Return a workflow command for each finding."""
    return "".join(f"{_command(finding)}\n" for finding in in_files(report))


def _command(finding: LintFinding) -> str:
    values = {
        "title": f"gaia ({finding.code})",
        "file": finding.path,
        "line": str(finding.line),
        "endLine": str(finding.line),
        "col": str(finding.column),
        "endColumn": str(finding.end_column),
    }
    properties = ",".join(f"{key}={_value(text)}" for key, text in values.items())
    return f"::{_COMMANDS[finding.level]} {properties}::{_message(f'{finding.code} {finding.message}')}"


def _message(text: str) -> str:
    coded = text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    return without_commands(printable(coded))


def _value(text: str) -> str:
    return _message(text).replace(":", "%3A").replace(",", "%2C")
