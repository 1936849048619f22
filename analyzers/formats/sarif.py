"""SARIF 2.1.0 in the subset that GitHub's code scanning takes: rules with help and precision, one location a result.

Paths are relative to the repository's root, `%SRCROOT%`. Each result has the `primaryLocationLineHash` by which an
alert is known again after its line has moved (fingerprints.py).
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from analyzers.findings import in_words
from analyzers.formats.findings import LintFinding, Report, RuleText
from analyzers.formats.fingerprints import fingerprint, line_hashes
from analyzers.formats.json_text import json_text
from analyzers.formats.places import in_files

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_ROOT = "%SRCROOT%"


def render(report: Report) -> str:
    """Return the report as JSON text, ending in a newline."""
    return json_text(to_object(report), indent=2) + "\n"


def to_object(report: Report) -> dict[str, Any]:
    """Return the report as plain values: one log with one run."""
    codes = sorted({finding.code for finding in report.findings})
    hashes = {
        path: line_hashes(report.sources[path])
        for path in {finding.path for finding in report.findings} & report.sources.keys()
    }
    run = {
        "tool": {
            "driver": {
                "name": "gaia",
                "semanticVersion": report.version,
                "rules": [_rule(report.rules[code]) for code in codes],
            }
        },
        "automationDetails": {"id": "gaia/lint/"},
        "originalUriBaseIds": {_ROOT: {"description": {"text": "The root of the repository."}}},
        "columnKind": "unicodeCodePoints",
        "invocations": [{"executionSuccessful": report.complete}],
        "results": [_result(finding, codes.index(finding.code), hashes) for finding in in_files(report)],
    }
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


def _rule(rule: RuleText) -> dict[str, Any]:
    return {
        "id": rule.code,
        "name": "".join(part.capitalize() for part in rule.name.split("-")),
        "shortDescription": {"text": rule.summary},
        "fullDescription": {"text": rule.summary},
        "help": {"text": rule.help, "markdown": rule.help},
        "defaultConfiguration": {"level": rule.level.word},
        "properties": {
            "precision": in_words(rule.confidence),
            "problem.severity": "recommendation" if rule.level.word == "note" else rule.level.word,
            "tags": ["gaia", "gpu"],
        },
    }


def _result(finding: LintFinding, index: int, hashes: Mapping[str, list[str]]) -> dict[str, Any]:
    lines = hashes.get(finding.path, [])
    prints = {"gaiaFingerprint/v1": fingerprint(finding)}
    if finding.line <= len(lines):
        prints["primaryLocationLineHash"] = lines[finding.line - 1]
    return {
        "ruleId": finding.code,
        "ruleIndex": index,
        "level": finding.level.word,
        "message": {"text": finding.message.replace("](", "]\\x28")},  # or what code says would be a link
        "locations": [
            {
                "physicalLocation": {
                    "artifactLocation": {"uri": quote(finding.path, errors="surrogateescape"), "uriBaseId": _ROOT},
                    "region": {
                        "startLine": finding.line,
                        "startColumn": finding.column,
                        "endLine": finding.line,
                        "endColumn": max(finding.end_column, finding.column),
                    },
                }
            }
        ],
        "partialFingerprints": prints,
    }
