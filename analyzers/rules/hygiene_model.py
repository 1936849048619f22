"""What a hygiene rule is: it asks not where a function belongs but whether it can be moved, and how much that hurts.

Such a rule also sees when code runs (reading.py). What it finds has no weight and is no evidence: only
`gaia lint` reports it, and no verdict depends on it.
"""

from collections.abc import Callable, Iterator

from analyzers.facts.contexts.model import Phase, Situation, Situations
from analyzers.facts.model import Call, Facts, Place
from analyzers.lean.records import record
from analyzers.rules.knowledge.devices import placement
from analyzers.rules.model import Finding, Signal


def device_matters(situation: Situation) -> bool:
    """Whether any rule asks on which device a call in this situation places something.

    Telling that is the most expensive question of all, and most placements stand where no rule of this family looks.
    """
    lasting = situation.loop or bool(situation.kept)
    return Phase.IMPORT in situation.phases or (Phase.REQUEST in situation.phases and lasting)


class Conduct:
    """How a function behaves: the facts, the situation of each call, and what is placed on a GPU where that matters."""

    def __init__(self, facts: Facts, situations: Situations) -> None:
        self.facts = facts
        self.situations = situations
        asked = (call for call in facts.calls() if device_matters(situations.of(call.place)))
        self.placements = tuple(found for call in asked if (found := placement(call)) is not None)
        self._calls = tuple(_once(facts, situations))

    def calls(self, *phases: Phase) -> Iterator[tuple[Call, Situation]]:
        """The calls that run in one of `phases`, all of them without one."""
        if not phases:
            return iter(self._calls)
        return ((call, situation) for call, situation in self._calls if situation.phases.intersection(phases))


def _once(facts: Facts, situations: Situations) -> Iterator[tuple[Call, Situation]]:
    """Each call once, under its first name."""
    seen: set[tuple[str, int, int, str]] = set()
    for call in facts.calls():
        place = call.place
        key = (place.path, place.line, place.column, call.method)
        if key not in seen:
            seen.add(key)
            yield call, situations.of(place)


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
