"""GitLab's Code Quality report: a JSON array with a fingerprint an issue, which GitLab compares between branches."""

from analyzers.formats.findings import Level, Report
from analyzers.formats.fingerprints import fingerprint
from analyzers.formats.json_text import json_text
from analyzers.formats.places import in_files

_SEVERITIES = {Level.NOTE: "info", Level.WARNING: "minor", Level.ERROR: "major"}


def render(report: Report) -> str:
    """Return the report as JSON text, ending in a newline."""
    issues = [
        {
            "description": f"{finding.code}: {finding.message}",
            "check_name": finding.code,
            "fingerprint": fingerprint(finding),
            "severity": _SEVERITIES[finding.level],
            "location": {"path": finding.path, "lines": {"begin": finding.line}},
        }
        for finding in in_files(report)
    ]
    return json_text(issues, indent=2) + "\n"
