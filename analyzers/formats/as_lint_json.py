"""The findings as one JSON object: schema_version, findings, files, and how many there are of each level."""

import json
from typing import Any

from analyzers.formats.findings import Level, LintFinding, Report
from analyzers.formats.fingerprints import fingerprint

SCHEMA_VERSION = 1


def render(report: Report) -> str:
    """The report as JSON text, ending in a newline."""
    content = {
        "schema_version": SCHEMA_VERSION,
        "findings": [to_object(finding) for finding in report.findings],
        "files": len(report.files),
        "counts": {level.word: sum(finding.level is level for finding in report.findings) for level in Level},
    }
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def to_object(finding: LintFinding) -> dict[str, Any]:
    """A finding as plain values."""
    return {
        "code": finding.code,
        "level": finding.level.word,
        "confidence": round(finding.confidence, 2),
        "path": finding.path,
        "cell": finding.cell or None,
        "line": finding.line,
        "column": finding.column,
        "end_column": finding.end_column,
        "message": finding.message,
        "fingerprint": fingerprint(finding),
    }
