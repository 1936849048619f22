"""JUnit XML, for servers that only read test results: a file is a suite, a finding a test case.

Findings that make the run fail are failures; the others are skipped cases with their message, so that the server's
verdict is that of the exit code. A file without findings is one case that passes.
"""

from collections.abc import Sequence
from xml.etree import ElementTree as ET

from analyzers.formats.concise import line
from analyzers.formats.findings import LintFinding, Report
from analyzers.formats.places import in_files
from analyzers.lean.printable import printable, without_commands


def render(report: Report) -> str:
    """Return the report as an XML document, ending in a newline."""
    by_file: dict[str, list[LintFinding]] = {}
    for finding in in_files(report):
        by_file.setdefault(finding.path, []).append(finding)
    clean = set(report.files) - set(by_file)
    root = ET.Element("testsuites", {"name": "gaia lint", **_counts(report, report.findings, clean)})
    for path in dict.fromkeys([*report.files, *by_file]):
        root.append(_suite(report, path, by_file.get(path, [])))
    ET.indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ET.tostring(root, encoding="unicode")}\n'


def _suite(report: Report, path: str, findings: list[LintFinding]) -> ET.Element:
    clean = set() if findings else {path}
    suite = ET.Element("testsuite", {"name": _text(path), **_counts(report, findings, clean)})
    for finding in findings:
        suite.append(_case(report, finding))
    if clean:
        ET.SubElement(suite, "testcase", name="gaia lint", classname=_text(path), file=_text(path))
    return suite


def _case(report: Report, finding: LintFinding) -> ET.Element:
    path = _text(finding.path)
    name = f"{finding.code} line {finding.line}, column {finding.column}"
    case = ET.Element("testcase", name=name, classname=path, file=path, line=str(finding.line))
    if finding.level >= report.fails_from:
        failure = ET.SubElement(case, "failure", type=finding.level.word, message=_text(finding.message))
        failure.text = line(finding)
    else:
        ET.SubElement(case, "skipped", message=_text(f"{finding.level.word}: {finding.message}"))
    return case


def _counts(report: Report, findings: Sequence[LintFinding], clean: set[str]) -> dict[str, str]:
    failing = sum(finding.level >= report.fails_from for finding in findings)
    counts = {"tests": len(findings) + len(clean), "failures": failing, "errors": 0, "skipped": len(findings) - failing}
    return {name: str(count) for name, count in counts.items()}


def _text(text: str) -> str:
    """Return `text` without the characters that XML cannot hold or that steer a terminal."""
    return without_commands(printable(text))
