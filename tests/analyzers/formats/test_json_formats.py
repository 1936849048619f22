import json
from typing import Any

import pytest

from analyzers.formats import as_lint_json, gitlab, json_lines
from tests.analyzers.formats.sample import FINDINGS, empty_report, finding, report


def test_json_holds_every_finding_and_the_counts() -> None:
    read = json.loads(as_lint_json.render(report()))

    assert [entry["code"] for entry in read["findings"]] == ["GA701", "GA201", "GA901"]
    assert read["counts"] == {"note": 1, "warning": 1, "error": 1}
    assert read["files"] == 3
    assert read["findings"][0]["level"] == "warning"
    assert read["findings"][1]["message"] == FINDINGS[1].message


def test_json_lines_is_an_object_a_line() -> None:
    lines = json_lines.render(report()).splitlines()

    assert [json.loads(line)["code"] for line in lines] == ["GA701", "GA201", "GA901"]
    assert json_lines.render(empty_report()) == ""


def test_gitlab_has_what_its_report_needs() -> None:
    first = json.loads(gitlab.render(report()))[0]

    assert first["check_name"] == "GA701"
    assert first["location"] == {"path": "src/func.py", "lines": {"begin": 2}}
    assert first["severity"] == "minor"
    assert first["description"]
    assert json.loads(gitlab.render(empty_report())) == []


def test_gitlab_severities_are_words_that_gitlab_knows() -> None:
    severities = {issue["severity"] for issue in json.loads(gitlab.render(report()))}

    assert severities <= {"info", "minor", "major", "critical", "blocker"}
    assert len(severities) == 3


@pytest.mark.parametrize("module", [as_lint_json, gitlab])
def test_fingerprints_tell_findings_apart_and_survive_a_move(module: object) -> None:
    render = module.render  # type: ignore[attr-defined]
    texts = [
        render(report(finding(), finding(ordinal=1, line=3), finding("GA201"))),
        render(report(finding(line=40), finding(ordinal=1, line=43), finding("GA201", line=40))),
    ]
    found = [_fingerprints(json.loads(text)) for text in texts]

    assert len(set(found[0])) == 3
    assert found[0] == found[1]


def _fingerprints(read: Any) -> list[str]:  # noqa: ANN401 -- JSON
    entries = read["findings"] if isinstance(read, dict) else read
    return [entry["fingerprint"] for entry in entries]


def test_a_confidence_is_a_number_of_two_digits() -> None:
    written = json.loads(as_lint_json.render(report(finding(confidence=0.951))))

    assert written["findings"][0]["confidence"] == 0.95
