"""The findings as JSON, one object a line, for programs that read as they go."""

import json

from analyzers.formats.as_lint_json import to_object
from analyzers.formats.findings import Report


def render(report: Report) -> str:
    """Return a line of JSON for each finding."""
    return "".join(json.dumps(to_object(finding), ensure_ascii=False) + "\n" for finding in report.findings)
