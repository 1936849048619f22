import pytest

from analyzers.lean.prefilter import may_hold_evidence
from analyzers.rules.evidence import RULES
from analyzers.rules.examples import FILES_MARK, REQUIREMENTS_MARK, facts_of

_OTHER = (FILES_MARK, REQUIREMENTS_MARK)
_PYTHON = [example for rule in RULES for example in rule.matches if not example.startswith(_OTHER)]


@pytest.mark.parametrize("example", _PYTHON)
def test_the_prefilter_lets_through_whatever_a_rule_finds_in_calls(example: str) -> None:
    only_imports = all(
        finding.place.line in {fact.place.line for fact in facts_of(example).imports()}
        for rule in RULES
        for finding in rule.findings(facts_of(example))
    )

    assert only_imports or may_hold_evidence(example.encode())


def test_a_file_about_something_else_is_left_out() -> None:
    assert not may_hold_evidence(b"import json\n\n\ndef handler(payload):\n    return json.dumps(payload)\n")
