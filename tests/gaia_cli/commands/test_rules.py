import json

import pytest

from analyzers.rules.examination import evidence_rules
from gaia_cli.commands.rules import rule, rules
from gaia_cli.errors import ExitCode, UsageError


def test_every_rule_is_a_line_and_says_whether_it_is_linted_for(capsys: pytest.CaptureFixture[str]) -> None:
    assert rules() is ExitCode.OK

    lines = {line[:5]: line for line in capsys.readouterr().out.splitlines() if line.startswith("GA")}
    assert {known.code for known in evidence_rules()} <= set(lines)
    assert lines["GA701"].startswith("GA701 * hard-coded-device ")
    assert lines["GA201"].startswith("GA201   pinned-device ")


def test_the_rules_as_json_have_level_and_confidence(capsys: pytest.CaptureFixture[str]) -> None:
    rules(output_format="json")

    reported = {entry["code"]: entry for entry in json.loads(capsys.readouterr().out)["rules"]}
    assert reported["GA890"] == {
        "code": "GA890",
        "name": "unused-suppression",
        "summary": "A comment silences nothing.",
        "level": "warning",
        "confidence": 0.95,
        "default": True,
    }


@pytest.mark.parametrize("name", ["GA701", "ga701", "hard-coded-device"])
def test_a_rule_is_explained_by_its_code_or_name(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert rule(name) is ExitCode.OK

    shown = capsys.readouterr().out
    assert shown.startswith("GA701 hard-coded-device: warning")
    assert "```python" in shown
    assert "gaia: ignore[GA701]" in shown


def test_prose_is_wrapped_and_code_is_not(capsys: pytest.CaptureFixture[str]) -> None:
    rule("GA701")

    lines = capsys.readouterr().out.splitlines()
    assert max(len(line) for line in lines) <= 100


def test_a_rule_as_json_has_its_help(capsys: pytest.CaptureFixture[str]) -> None:
    rule("GA201", output_format="json")

    assert json.loads(capsys.readouterr().out)["help"].startswith("The code places work on a GPU")


def test_a_rule_that_does_not_exist_is_named_with_the_nearest() -> None:
    with pytest.raises(UsageError, match="no rule is called 'hard-coded'") as raised:
        rule("hard-coded")

    assert "hard-coded-device" in raised.value.hint
