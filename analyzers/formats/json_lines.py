"""The findings as JSON, one object a line, for programs that read as they go."""

from analyzers.formats.as_lint_json import to_object
from analyzers.formats.findings import Report
from analyzers.formats.json_text import json_text


def render(report: Report) -> str:
    """Return a line of JSON for each finding."""
    return "".join(json_text(to_object(finding)) + "\n" for finding in report.findings)
