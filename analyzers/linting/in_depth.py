"""What the rules find in one file, from its syntax tree: facts, inference where a device is open, rules."""

from collections.abc import Sequence

from analyzers.examination import failure
from analyzers.facts.escalation import Find, resolve
from analyzers.facts.model import Facts, FileFacts
from analyzers.facts.neighbours import Neighbours
from analyzers.facts.stage1 import deep_recursion, extract
from analyzers.findings import Finding, Place, Signal
from analyzers.project.reading import Code, Source


def findings(code: Code, neighbours: Neighbours, *, evidence: bool, switchability: bool) -> list[Finding]:
    """What is found in `code`: failures, and evidence and what hinders a switch where they are asked for.

    Raises:
        Trouble: the code is not Python.
    """
    source = neighbours.parsed(code)
    files, troubles = extract([source], (), neighbours)
    found: list[Finding] = []
    with deep_recursion():
        if evidence:
            files, evidences = _evidence(source, files, neighbours.source)
            found += evidences
        if switchability:
            found += _hindrances(source, files, None if evidence else neighbours.source)
    return [*map(failure, troubles), *found]


def _evidence(source: Source, files: Sequence[FileFacts], find: Find) -> tuple[tuple[FileFacts, ...], list[Finding]]:
    """The facts with every device that inference can tell, and the evidence in them."""
    from analyzers.rules.examination import evidence_rules, examine

    files, troubles = resolve(files, [source], find)
    return files, [*map(failure, troubles), *examine(evidence_rules(), Facts(files), source.path)]


def _hindrances(source: Source, files: Sequence[FileFacts], find: Find | None) -> list[Finding]:
    """What hinders a switch; with `find` the devices that the rules ask for are inferred first."""
    from analyzers.facts.contexts.reading import situations
    from analyzers.rules.behaviour import Behaviour, device_matters
    from analyzers.rules.examination import examine, switchability_rules, tying_rules

    try:
        known = situations([source])
        found: list[Finding] = []
        if find is not None:
            files, troubles = resolve(files, [source], find, lambda call: device_matters(known.of(call.place)))
            found += map(failure, troubles)
        behaviour = Behaviour(Facts(tuple(files)), known, tying_rules)
        return [*found, *examine(switchability_rules(), behaviour, source.path)]
    except Exception as error:  # noqa: BLE001 -- whatever is wrong here must not hide the evidence
        message = f"reading when the code runs failed: {type(error).__name__}: {error}"
        return [Finding("GA906", Place(source.path, 1), message, 0.0, Signal.FAILURE)]
