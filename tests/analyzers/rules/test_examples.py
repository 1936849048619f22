import re

import pytest

from analyzers.calibration import WEIGHTS
from analyzers.facts.model import Facts
from analyzers.rules.examination import all_rules, evidence_rules
from analyzers.rules.failures import RULES as FAILURES
from analyzers.rules.rule import Rule
from tests.analyzers.support import FILES_MARK, REQUIREMENTS_MARK, facts_of

RULES = evidence_rules()
_MATCHES = [(rule, example) for rule in RULES for example in rule.matches]
_PASSES = [(rule, example) for rule in RULES for example in rule.passes]


@pytest.mark.parametrize(("rule", "example"), _MATCHES, ids=lambda value: getattr(value, "code", None))
def test_a_rule_finds_what_its_examples_show(rule: Rule[Facts], example: str) -> None:
    assert list(rule.findings(facts_of(example)))


@pytest.mark.parametrize(("rule", "example"), _PASSES, ids=lambda value: getattr(value, "code", None))
def test_a_rule_lets_its_near_misses_pass(rule: Rule[Facts], example: str) -> None:
    assert not list(rule.findings(facts_of(example)))


def test_every_rule_has_examples_of_both_kinds_and_a_code_of_its_own() -> None:
    codes = [rule.code for rule in RULES]

    assert len(set(codes)) == len(codes)
    assert codes == sorted(codes)
    assert all(rule.matches and rule.passes for rule in RULES)
    assert all(re.fullmatch(r"GA[1-6]\d\d", code) for code in codes)
    assert all(re.fullmatch(r"GA(890|9\d\d)", rule.code) for rule in FAILURES)


def test_every_weight_has_a_rule_that_names_it_and_every_name_a_number() -> None:
    named = {rule.code: set(rule.weights) for rule in all_rules() if rule.weights}

    assert {code: set(weights) for code, weights in WEIGHTS.items()} == named


def test_a_weight_that_is_not_calibrated_yet_is_nothing_and_an_unknown_one_an_error() -> None:
    rule: Rule[Facts] = Rule("GA299", "new", "", "", 0.8, RULES[0].signal, lambda _: iter(()), weights=("case",))

    assert rule.weight("case") == 0.0
    with pytest.raises(LookupError, match="GA299 names no weight 'other'"):
        rule.weight("other")


def test_what_is_to_be_put_right_says_what_to_write_instead() -> None:
    assert [rule.code for rule in all_rules() if rule.hook and not rule.remedy] == []


@pytest.mark.parametrize(("rule", "example"), _MATCHES, ids=lambda value: getattr(value, "code", None))
def test_a_rule_names_a_word_of_each_example_in_which_a_call_is_found(rule: Rule[Facts], example: str) -> None:
    facts = facts_of(example)
    lines = {fact.place.line for fact in facts.imports()}
    only_imports = all(finding.place.line in lines for finding in rule.findings(facts))
    is_python = not example.startswith((FILES_MARK, REQUIREMENTS_MARK))

    assert only_imports or not is_python or any(word in example for word in rule.words.split())


def test_findings_point_into_the_example() -> None:
    for rule, example in _MATCHES:
        lines = example.splitlines()
        for finding in rule.findings(facts_of(example)):
            assert 1 <= finding.place.line <= len(lines)
            assert 1 <= finding.place.column < finding.place.end_column <= len(lines[finding.place.line - 1]) + 1
