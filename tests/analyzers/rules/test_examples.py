import re

import pytest

from analyzers.rules import FAILURES
from analyzers.rules.evidence import RULES
from analyzers.rules.examples import facts_of
from analyzers.rules.model import Rule

_MATCHES = [(rule, example) for rule in RULES for example in rule.matches]
_PASSES = [(rule, example) for rule in RULES for example in rule.passes]


@pytest.mark.parametrize(("rule", "example"), _MATCHES, ids=lambda value: getattr(value, "code", None))
def test_a_rule_finds_what_its_examples_show(rule: Rule, example: str) -> None:
    assert list(rule.findings(facts_of(example)))


@pytest.mark.parametrize(("rule", "example"), _PASSES, ids=lambda value: getattr(value, "code", None))
def test_a_rule_lets_its_near_misses_pass(rule: Rule, example: str) -> None:
    assert not list(rule.findings(facts_of(example)))


def test_every_rule_has_examples_of_both_kinds_and_a_code_of_its_own() -> None:
    codes = [rule.code for rule in RULES]

    assert len(set(codes)) == len(codes)
    assert codes == sorted(codes)
    assert all(rule.matches and rule.passes for rule in RULES)
    assert all(re.fullmatch(r"GA[1-6]\d\d", code) for code in codes)
    assert all(re.fullmatch(r"GA9\d\d", code) for code in FAILURES)


def test_findings_point_into_the_example() -> None:
    for rule, example in _MATCHES:
        lines = example.splitlines()
        for finding in rule.findings(facts_of(example)):
            assert 1 <= finding.place.line <= len(lines)
            assert 1 <= finding.place.column < finding.place.end_column <= len(lines[finding.place.line - 1]) + 1
