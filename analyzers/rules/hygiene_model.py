"""What a hygiene rule is: it asks not where a function belongs but whether it can be moved, and how much that hurts.

Such a rule also sees when code runs (situations.py). What it finds has no weight and is no evidence: only
`gaia lint` reports it, and no verdict depends on it.
"""

from collections.abc import Callable, Iterator

from analyzers.facts import Call, Facts, Place
from analyzers.records import record
from analyzers.rules.model import Finding, Signal
from analyzers.situations import Phase, Situation, Situations


@record
class Conduct:
    """How a function behaves: the facts, and the situation of each call."""

    facts: Facts
    situations: Situations

    def calls(self, *phases: Phase) -> Iterator[tuple[Call, Situation]]:
        """The calls that run in one of `phases`, all of them without one; each place once, under its first name."""
        seen: set[tuple[Place, str]] = set()
        for call in self.facts.calls():
            situation = self.situations.of(call.place)
            if (call.place, call.method) not in seen and (not phases or situation.phases.intersection(phases)):
                seen.add((call.place, call.method))
                yield call, situation


Noticed = Iterator[tuple[Place, str]]


@record
class HygieneRule:
    """A rule of the family 7xx; the fields are those of `Rule`. `fixable`: `gaia lint --fix` knows a remedy."""

    code: str
    name: str
    summary: str
    rationale: str
    check: Callable[[Conduct], Noticed]
    matches: tuple[str, ...]
    passes: tuple[str, ...]
    fixable: bool = False

    def findings(self, conduct: Conduct) -> Iterator[Finding]:
        """Everything this rule finds in `conduct`."""
        for place, message in self.check(conduct):
            yield Finding(self.code, place, message, 0.0, Signal.HYGIENE)
