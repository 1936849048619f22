"""How a function behaves: what the rules of the family 7xx read, which ask whether it can be switched.

They also see when code runs (facts/contexts). What they find has no weight: only `gaia lint` reports it.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import partial

from analyzers.facts.contexts.model import CallContext, Contexts, Phase
from analyzers.facts.model import Call, Facts, FileFacts
from analyzers.findings import Level, Signal, Trait
from analyzers.rules.knowledge.devices import placement
from analyzers.rules.rule import Rule


def device_matters(context: CallContext) -> bool:
    """Return whether any rule asks on which device such a call places something.

    That is the most expensive question of all, and most placements stand where no rule of this family looks.
    """
    lasting = context.loop or bool(context.kept)
    return Phase.IMPORT in context.phases or (Phase.REQUEST in context.phases and lasting)


class Behaviour:
    """The facts, the context of each call, and what is placed on a GPU where that matters.

    `tying` returns the rules of evidence for code that stays on GPUs even where its devices are guarded: few files have
    a device to ask this of, so they are loaded for these only.
    """

    def __init__(self, facts: Facts, contexts: Contexts, tying: Callable[[], Sequence[Rule[Facts]]]) -> None:
        self.facts = facts
        self.contexts = contexts
        self._tying = tying
        asked = (call for call in facts.calls() if device_matters(contexts.of(call.place)))
        self.placements = tuple(found for call in asked if (found := placement(call)) is not None)
        self._calls = tuple(_once(facts, contexts))

    def calls(self, *phases: Phase) -> Iterator[tuple[Call, CallContext]]:
        """Return the calls that run in one of `phases`, all of them without one."""
        if not phases:
            return iter(self._calls)
        return ((call, context) for call, context in self._calls if context.phases.intersection(phases))

    def is_tied(self, file: FileFacts) -> bool:
        """Return whether a file is for GPUs even where its devices are guarded."""
        found = (finding for rule in self._tying() for finding in rule.findings(Facts((file,))))
        return any(finding.signal is Signal.NEEDS_GPU or finding.trait is Trait.TIES for finding in found)


def _once(facts: Facts, contexts: Contexts) -> Iterator[tuple[Call, CallContext]]:
    """Yield each call once, under its first name."""
    seen: set[tuple[str, int, int, str]] = set()
    for call in facts.calls():
        place = call.place
        key = (place.path, place.line, place.column, call.method)
        if key not in seen:
            seen.add(key)
            yield call, contexts.of(place)


switchability_rule = partial(Rule[Behaviour], signal=Signal.SWITCHABILITY, level=Level.WARNING, hook=True)
