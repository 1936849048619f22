"""The findings as one JSON object; docs/schemas/lint.json is generated from its types."""

from typing import Annotated, TypedDict

from analyzers.formats.findings import Level, LintFinding, Report
from analyzers.formats.fingerprints import fingerprint
from analyzers.formats.json_text import json_text
from analyzers.formats.schema_version import SchemaVersion

FINDINGS_SCHEMA = 1


class FindingOutput(TypedDict):
    """One finding of the linter."""

    code: Annotated[str, "the rule's code"]
    level: Annotated[str, "`error`, `warning` or `note`"]
    confidence: Annotated[float, "how often the rule is right, 0 to 1: a judgement of its authors"]
    path: Annotated[str, "the file, with forward slashes"]
    cell: Annotated[int | None, "in a notebook the number of the cell, from 1; else null"]
    line: Annotated[int, "from 1; in a notebook of the cell"]
    column: Annotated[int, "from 1"]
    end_column: Annotated[int, "just behind the stretch"]
    message: Annotated[str, "what is wrong"]
    fingerprint: Annotated[str, "stays the same while the finding moves within its file"]


class LintOutput(TypedDict):
    """What the linter found."""

    schema_version: SchemaVersion
    findings: Annotated[list[FindingOutput], "by path, line, column and code"]
    files: Annotated[int, "how many were read"]
    counts: Annotated[dict[str, int], "how many findings there are of each level"]


def render(report: Report) -> str:
    """Return the report as JSON text, ending in a newline."""
    content: LintOutput = {
        "schema_version": FINDINGS_SCHEMA,
        "findings": [to_object(finding) for finding in report.findings],
        "files": len(report.files),
        "counts": {level.word: sum(finding.level is level for finding in report.findings) for level in Level},
    }
    return json_text(content, indent=2) + "\n"


def to_object(finding: LintFinding) -> FindingOutput:
    """Return a finding as plain values."""
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
