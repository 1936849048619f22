import ast
import re
from importlib import import_module
from pathlib import Path

import pytest

from analyzers.facts.model import Facts
from analyzers.lean.profiles import profiles
from analyzers.rules.examination import EVIDENCE, all_rules, evidence_rules
from analyzers.rules.failures import RULES as FAILURES
from analyzers.rules.rule import Rule
from tests.analyzers.support import FILES_MARK, REQUIREMENTS_MARK, facts_of

_RULES = Path(__file__).parents[3] / "analyzers" / "rules"
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


@pytest.mark.parametrize("module", [profile.module for profile in profiles().values() if profile.family in EVIDENCE])
def test_the_names_of_weights_in_a_check_are_those_that_the_rule_has(module: str) -> None:
    rule: Rule[Facts] = import_module(f"analyzers.rules.{module}").RULE
    tree = ast.parse((_RULES / f"{module.replace('.', '/')}.py").read_text(encoding="utf-8"))
    hits = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and ast.unparse(node.func) == "Hit"]
    named = {text for hit in hits for argument in hit.args[2:3] for text in _texts(argument)}
    outside = [node for node in tree.body if ast.unparse(node).partition(" ")[0] != "RULE"]

    assert named <= rule.weights.keys()
    assert rule.weights.keys() <= {word for node in outside for word in _texts(node)}


def _texts(tree: ast.AST) -> set[str]:
    """The strings in `tree` that may be the value of an expression; what is compared or looked up is none."""
    if isinstance(tree, ast.IfExp):
        return _texts(tree.body) | _texts(tree.orelse)
    return {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)}


def test_a_weight_that_a_rule_does_not_have_is_an_error_that_names_both() -> None:
    rule: Rule[Facts] = Rule("GA299", "new", "", "", 0.8, RULES[0].signal, lambda _: iter(()), weights={"case": 0.5})

    assert rule.weight("case") == 0.5
    with pytest.raises(LookupError, match="GA299 has no weight 'other'"):
        rule.weight("other")


def test_what_is_to_be_fixed_says_what_to_write_instead() -> None:
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
