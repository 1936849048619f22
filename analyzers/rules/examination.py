"""Run rules over what they read. Each family is loaded when it is first asked for: a hook needs one of seven."""

from collections.abc import Callable, Iterable, Iterator
from functools import cache

from analyzers.findings import RULE_FAILED, Finding, Place, failed
from analyzers.lean.profiles import Profile, profiles

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, TypeVar

    from analyzers.facts.model import Facts
    from analyzers.rules.behaviour import Behaviour
    from analyzers.rules.declared import Declared
    from analyzers.rules.rule import Rule

    Subject = TypeVar("Subject")

EVIDENCE = ("frameworks", "placement", "kernels", "work", "cpu")


@cache
def evidence_rules() -> "tuple[Rule[Facts], ...]":
    """Return the rules whose findings are evidence for the verdict, 1xx to 6xx, in the order of their codes."""
    return _loaded(lambda profile: profile.family in EVIDENCE)


@cache
def tying_rules() -> "tuple[Rule[Facts], ...]":
    """Return those of them that can show that code is for GPUs even where its devices are guarded."""
    return _loaded(lambda profile: profile.ties)


def switchability_rules(text: str | None = None) -> "tuple[Rule[Behaviour], ...]":
    """Return the rules about what keeps a promotion or a demotion from working, or makes it expensive, 7xx.

    Of a file's `text` those that may find something in it: a hook loads no other.
    """
    return tuple(_rule(one.module) for one in _switchability() if text is None or one.beside in text)


@cache
def _switchability() -> tuple[Profile, ...]:
    return tuple(profile for profile in profiles().values() if profile.family == "switchability")


@cache
def declaration_rules() -> "tuple[Rule[Declared], ...]":
    """Return the rules that compare what is declared of a function with its code, 8xx."""
    return _loaded(lambda profile: profile.family == "declarations")


def all_rules() -> "list[Rule[Any]]":
    """Return everything that has a code, in the order of the codes: the rules, and what is reported beside them."""
    from analyzers.rules.failures import RULES

    known: tuple[Rule[Any], ...] = (*evidence_rules(), *switchability_rules(), *declaration_rules(), *RULES)
    return sorted(known, key=lambda rule: rule.code)


def _loaded(wanted: Callable[[Profile], bool]) -> "tuple[Rule[Any], ...]":
    return tuple(_rule(profile.module) for profile in profiles().values() if wanted(profile))


@cache
def _rule(module: str) -> "Rule[Any]":
    rule: Rule[Any] = __import__(f"analyzers.rules.{module}", fromlist=("RULE",)).RULE
    return rule


def examine(rules: "Iterable[Rule[Subject]]", subject: "Subject", path: str = "") -> Iterator[Finding]:
    """Yield what `rules` find in `subject`, each finding once; a rule that fails is a finding of its own, at `path`."""
    for rule in rules:
        try:
            yield from list(dict.fromkeys(rule.findings(subject)))
        except Exception as error:  # noqa: BLE001 -- whatever is wrong with one rule must not hide the others
            message = f"the rule {rule.code} failed: {type(error).__name__}: {error}"
            yield failed(RULE_FAILED, Place(path, 1), message)
