"""sarif-schema-2.1.0.json beside this module is the schema that OASIS publishes with SARIF 2.1.0 plus Errata 01."""

import json
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import jsonschema
import pytest

from analyzers.formats import sarif
from analyzers.formats.findings import Report
from analyzers.formats.fingerprints import line_hashes
from analyzers.lean.records import replace
from tests.analyzers.formats.sample import FINDINGS, SOURCE, empty_report, finding, report

SCHEMA = json.loads(Path(__file__).with_name("sarif-schema-2.1.0.json").read_text())


def run_of(written: Report) -> dict[str, Any]:
    run: dict[str, Any] = json.loads(sarif.render(written))["runs"][0]
    return run


@pytest.mark.parametrize("written", [report(), empty_report()], ids=["findings", "nothing"])
def test_the_log_follows_the_official_schema(written: Report) -> None:
    log = json.loads(sarif.render(written))

    jsonschema.Draft4Validator(SCHEMA, format_checker=jsonschema.FormatChecker()).validate(log)
    assert log["$schema"] == SCHEMA["id"]
    assert log["version"] == "2.1.0"


def test_the_schema_would_notice_a_wrong_level() -> None:
    log = json.loads(sarif.render(report()))
    log["runs"][0]["results"][0]["level"] = "fatal"

    assert not jsonschema.Draft4Validator(SCHEMA).is_valid(log)


def test_every_result_has_one_location_and_both_fingerprints() -> None:
    results = run_of(report())["results"]

    assert [len(result["locations"]) for result in results] == [1, 1, 1]
    assert results[0]["partialFingerprints"]["primaryLocationLineHash"] == line_hashes(SOURCE)[1]
    assert len({result["partialFingerprints"]["gaiaFingerprint/v1"] for result in results}) == 3


def test_paths_are_relative_uris_below_the_root() -> None:
    run = run_of(report())
    places = [result["locations"][0]["physicalLocation"]["artifactLocation"] for result in run["results"]]

    assert {place["uriBaseId"] for place in places} == {"%SRCROOT%"} == set(run["originalUriBaseIds"])
    assert [unquote(place["uri"]) for place in places] == [known.path for known in FINDINGS]
    assert places[2]["uri"] == "src/a%20b/%C3%A4.py"


def test_each_rule_that_was_broken_stands_there_with_help_level_and_precision() -> None:
    run = run_of(report())
    rules = run["tool"]["driver"]["rules"]

    assert [rule["id"] for rule in rules] == ["GA201", "GA701", "GA901"]
    for rule in rules:
        assert rule["help"]["text"]
        assert rule["help"]["markdown"]
        assert rule["properties"]["precision"] in ("very-high", "high", "medium", "low")
    assert [rule["defaultConfiguration"]["level"] for rule in rules] == ["note", "warning", "error"]
    assert [rules[result["ruleIndex"]]["id"] for result in run["results"]] == ["GA701", "GA201", "GA901"]


def test_a_region_never_ends_before_it_begins() -> None:
    region = run_of(report(finding(column=9, end_column=1)))["results"][0]["locations"][0]["physicalLocation"]["region"]

    assert region["endColumn"] >= region["startColumn"]


def test_a_failure_of_the_tool_itself_is_told() -> None:
    assert run_of(report())["invocations"] == [{"executionSuccessful": True}]
    assert run_of(replace(report(), complete=False))["invocations"] == [{"executionSuccessful": False}]


# What GitHub's own tests expect (github/codeql-action, src/fingerprints.test.ts).
@pytest.mark.parametrize("ending", ["\n", "\r", "\r\n"])
def test_line_hashes_are_those_that_github_computes(ending: str) -> None:
    text = " hello; \t\nworld!!!\n\n\n  \t\tGreetings\n End\n".replace("\n", ending)

    assert line_hashes("") == ["c129715d7a2bc9a3:1"]
    assert line_hashes(" a\nb\n  \t\tc\n d") == [
        "271789c17abda88f:1", "54703d4cd895b18:1", "180aee12dab6264:1", "a23a3dc5e078b07b:1",
    ]  # fmt: skip
    assert line_hashes(text) == [
        "e9496ae3ebfced30:1", "fb7c023a8b9ccb3f:1", "ce8ba1a563dcdaca:1", "e20e36e16fcb0cc8:1",
        "b3edc88f2938467e:1", "c8e28b0b4002a3a0:1", "c129715d7a2bc9a3:1",
    ]  # fmt: skip


def test_line_hashes_stay_when_lines_move_and_count_repetitions() -> None:
    block = "".join(f"value_{number} = {number}\n" for number in range(40))
    hashes = line_hashes(block)

    assert line_hashes("# new\n" + block)[1:] == hashes
    repeated = line_hashes("x = 1\n" * 60)
    assert len(set(repeated)) == len(repeated)
    assert repeated[1].endswith(":2")


@pytest.mark.parametrize(("confidence", "precision"), [(0.5, "low"), (0.8, "medium"), (0.95, "high"), (1.0, "high")])
def test_the_precision_is_the_confidence_in_words(confidence: float, precision: str) -> None:
    written = report()
    rules = {code: replace(text, confidence=confidence) for code, text in written.rules.items()}

    (rule, *_) = run_of(replace(written, rules=rules))["tool"]["driver"]["rules"]

    assert rule["properties"]["precision"] == precision
