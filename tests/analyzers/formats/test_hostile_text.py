"""Every format, of findings with hostile paths, messages and source lines."""

import json
import re
from types import ModuleType
from typing import Any
from urllib.parse import unquote
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzers.formats import as_lint_json, concise, full, github, gitlab, json_lines, junit, sarif
from analyzers.formats.findings import Level, LintFinding, Report
from analyzers.formats.json_text import json_text
from analyzers.lean.printable import harmless, printable
from tests.analyzers.formats.sample import RULES, finding
from tests.support.hostile import commands, names, texts, unseen

findings = st.builds(
    finding,
    st.sampled_from(sorted(RULES)),
    st.sampled_from(list(Level)),
    path=names,
    message=texts,
    excerpt=texts,
    column=st.integers(1, 30),
    end_column=st.integers(1, 60),
    cell=st.sampled_from([0, 2]),
)
reports = st.lists(findings, min_size=1, max_size=4).map(
    lambda found: Report(tuple(found), tuple({one.path for one in found}), "1", Level.WARNING, RULES, {})
)


def as_text(path: str) -> str:
    """A path as JSON for any parser has it: bytes that are no text are escaped."""
    return "".join(f"\\u{ord(one):04x}" if 0xD800 <= ord(one) < 0xE000 else one for one in path)


def place(found: LintFinding) -> str:
    """What the formats for people call the place of a finding."""
    path = re.sub(r":(?=\d)", r"\\x3a", found.path)
    return f"{path}:cell {found.cell}:" if found.cell else f"{path}:"


@given(reports)
def test_concise_is_a_harmless_line_a_finding_that_names_the_file(report: Report) -> None:
    lines = concise.render(report).splitlines()

    assert len(lines) == len(report.findings)
    for line, found in zip(lines, report.findings, strict=True):
        assert line.startswith(harmless(printable(place(found))))


@given(reports)
def test_full_names_each_file_once_a_finding_and_marks_below_its_line(report: Report) -> None:
    lines = full.render(report).splitlines()

    for found in report.findings:
        alike = [one for one in report.findings if concise.line(one) == concise.line(found)]
        assert lines.count(concise.line(found)) == len(alike)
    for number, line in enumerate(lines):
        if line.endswith("^") and line.lstrip().startswith("| "):
            assert lines[number - 1].index(" | ") == line.index(" | ")


@given(reports)
def test_github_gets_its_own_command_for_each_finding_and_no_other(report: Report) -> None:
    text = github.render(report)

    lines = text.splitlines()
    assert len(lines) == len(report.findings)
    for line, found in zip(lines, report.findings, strict=True):
        head, _, said = line.removeprefix("::").partition("::")
        values = dict(pair.split("=", 1) for pair in head.partition(" ")[2].split(","))
        assert set(values) == {"title", "file", "line", "endLine", "col", "endColumn"}
        assert said.startswith(f"{found.code} ")
    assert commands(text) == ["::"] * len(lines)


@given(reports)
def test_json_has_the_true_paths_and_messages(report: Report) -> None:
    read = json.loads(as_lint_json.render(report))["findings"]

    assert [(one["path"], one["message"]) for one in read] == [
        (as_text(found.path), as_text(found.message)) for found in report.findings
    ]


@given(reports)
def test_json_lines_is_a_record_a_finding_wherever_lines_are_cut(report: Report) -> None:
    read = [json.loads(line) for line in json_lines.render(report).splitlines()]

    assert [one["path"] for one in read] == [as_text(found.path) for found in report.findings]


@given(reports)
def test_gitlab_names_the_files(report: Report) -> None:
    read = json.loads(gitlab.render(report))

    assert [one["location"]["path"] for one in read] == [as_text(found.path) for found in report.findings]


@given(reports)
def test_sarif_has_the_paths_as_uris_to_the_byte_and_no_link_of_a_strangers(report: Report) -> None:
    results = json.loads(sarif.render(report))["runs"][0]["results"]

    uris = [one["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] for one in results]
    assert all(uri.isascii() and " " not in uri for uri in uris)
    assert [unquote(uri, errors="surrogateescape") for uri in uris] == [found.path for found in report.findings]
    assert not any("](" in one["message"]["text"] for one in results)


@given(reports)
def test_junit_has_a_suite_a_file_and_a_case_a_finding(report: Report) -> None:
    root = ET.fromstring(junit.render(report))  # noqa: S314 -- written by the test itself

    cases = [case for case in root.iter("testcase") if len(case)]
    assert len(cases) == len(report.findings)
    assert {case.get("file", "").replace("\\x23", "#").replace("fold\\x3a", "fold:") for case in cases} == {
        printable(found.path) for found in report.findings
    }
    for element in root.iter():
        assert unseen("".join(element.attrib.values()), but="") == set()


@pytest.mark.parametrize(
    "module", [concise, full, github, as_lint_json, json_lines, sarif, gitlab, junit], ids=lambda one: one.__name__
)
def test_no_format_has_a_character_that_is_not_seen_or_a_command(module: ModuleType) -> None:
    @given(reports)
    def check(report: Report) -> None:
        text = module.render(report)
        assert unseen(text) == set()
        assert commands(text) == (["::"] * len(report.findings) if module is github else [])
        text.encode()

    check()


@given(st.recursive(texts, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3)))
def test_json_of_anything_parses_to_what_it_was_but_for_what_is_no_text(value: Any) -> None:  # noqa: ANN401 -- JSON
    for indent in (None, 2):
        text = json_text(value, indent)

        assert unseen(text) == set()
        assert commands(text) == []
        assert json.loads(text) == _without_surrogates(value)
    assert "\n" not in json_text(value)


def _without_surrogates(value: Any) -> Any:  # noqa: ANN401 -- JSON
    if isinstance(value, str):
        return as_text(value)
    if isinstance(value, list):
        return [_without_surrogates(one) for one in value]
    return {as_text(key): _without_surrogates(one) for key, one in value.items()}
