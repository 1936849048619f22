"""The facts of a function as they would be after a small change to its code."""

from collections.abc import Collection, Iterable, Iterator
from typing import TypeVar

from analyzers.facts.model import Call, Constant, Facts, FileFacts, Guard, Import, Refusal
from analyzers.findings import Finding, Place
from analyzers.lean.records import replace
from analyzers.project.model import Dependency, Step, Variable

QUESTION = "torch.cuda.is_available"


def guarded(facts: Facts, places: Collection[Place]) -> Facts:
    """Return `facts` with the lines of `places` behind a test for a GPU."""
    lines = lines_of(places)
    return replace(facts, files=tuple(_guarded(file, lines) for file in facts.files))


def without(facts: Facts, places: Collection[Place]) -> Facts:
    """Return `facts` without what stands on the lines of `places`.

    What stands behind a refusal that goes is no longer kept from where there is no GPU.
    """
    lines = lines_of(places)
    files = tuple(_without(file, lines) for file in facts.files)
    assets = tuple(asset for asset in facts.assets if (asset.path, 1) not in lines)
    variables, image = tuple(kept(facts.variables, lines)), tuple(kept(facts.image, lines))
    return Facts(files, tuple(kept(facts.dependencies, lines)), assets, variables, image)


_Lines = frozenset[tuple[str, int]]
_Guarded = TypeVar("_Guarded", Call, Constant, Import)
_Fact = TypeVar("_Fact", Call, Constant, Dependency, Finding, Import, Refusal, Step, Variable)


def lines_of(places: Iterable[Place]) -> _Lines:
    """Return the lines of `places`, each as file and number."""
    return frozenset((place.path, place.line) for place in places)


def _guarded(file: FileFacts, lines: _Lines) -> FileFacts:
    questions = tuple(Call(QUESTION, Place(path, line)) for path, line in sorted(lines) if path == file.path)
    if not questions:
        return file
    behind = {
        name: tuple(_behind(fact, lines) for fact in getattr(file, name)) for name in ("imports", "calls", "constants")
    }
    return replace(file, **behind | {"calls": questions + behind["calls"]})


def _behind(fact: _Guarded, lines: _Lines) -> _Guarded:
    here = (fact.place.path, fact.place.line) in lines
    return replace(fact, when=Guard.WITH_GPU) if here and fact.guard is Guard.ALWAYS else fact


def _without(file: FileFacts, lines: _Lines) -> FileFacts:
    kinds = ("imports", "calls", "constants", "refusals")
    left = replace(file, **{kind: tuple(kept(getattr(file, kind), lines)) for kind in kinds})
    gone = [refusal.place.line for refusal in file.refusals if (file.path, refusal.place.line) in lines]
    return replace(left, calls=tuple(_unguarded(call, min(gone)) for call in left.calls)) if gone else left


def _unguarded(call: Call, line: int) -> Call:
    behind = call.place.line > line and call.guard is Guard.WITH_GPU
    return replace(call, when=Guard.ALWAYS) if behind else call


def kept(facts: Iterable[_Fact], lines: _Lines) -> Iterator[_Fact]:
    """Yield what stands on none of `lines`."""
    return (fact for fact in facts if (fact.place.path, fact.place.line) not in lines)
