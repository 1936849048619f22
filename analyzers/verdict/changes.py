"""The facts of a function as they would be after a small change to its code."""

from collections.abc import Collection, Iterable, Iterator
from typing import TypeVar

from analyzers.facts.model import Call, Constant, Facts, FileFacts, Guard, Import, Refusal
from analyzers.findings import Place
from analyzers.lean.records import replace
from analyzers.project.model import Dependency

QUESTION = "torch.cuda.is_available"


def guarded(facts: Facts, places: Collection[Place]) -> Facts:
    """Return `facts` with the lines of `places` behind a question whether there is a GPU."""
    lines = _lines(places)
    return replace(facts, files=tuple(_guarded(file, lines) for file in facts.files))


def without(facts: Facts, places: Collection[Place]) -> Facts:
    """Return `facts` without what stands on the lines of `places`."""
    lines = _lines(places)
    files = tuple(_without(file, lines) for file in facts.files)
    assets = tuple(asset for asset in facts.assets if (asset.path, 1) not in lines)
    return Facts(files, tuple(_kept(facts.dependencies, lines)), assets)


_Lines = frozenset[tuple[str, int]]
_Guarded = TypeVar("_Guarded", Call, Constant, Import)
_Fact = TypeVar("_Fact", Call, Constant, Dependency, Import, Refusal)


def _lines(places: Iterable[Place]) -> _Lines:
    return frozenset((place.path, place.line) for place in places)


def _at(fact: Call | Constant | Dependency | Import | Refusal, lines: _Lines) -> bool:
    return (fact.place.path, fact.place.line) in lines


def _guarded(file: FileFacts, lines: _Lines) -> FileFacts:
    questions = tuple(Call(QUESTION, Place(path, line)) for path, line in sorted(lines) if path == file.path)
    if not questions:
        return file
    return replace(
        file,
        imports=tuple(_behind(fact, lines) for fact in file.imports),
        calls=questions + tuple(_behind(fact, lines) for fact in file.calls),
        constants=tuple(_behind(fact, lines) for fact in file.constants),
    )


def _behind(fact: _Guarded, lines: _Lines) -> _Guarded:
    return replace(fact, guard=Guard.WITH_GPU) if fact.guard is Guard.ALWAYS and _at(fact, lines) else fact


def _without(file: FileFacts, lines: _Lines) -> FileFacts:
    return replace(
        file,
        imports=tuple(_kept(file.imports, lines)),
        calls=tuple(_kept(file.calls, lines)),
        constants=tuple(_kept(file.constants, lines)),
        refusals=tuple(_kept(file.refusals, lines)),
    )


def _kept(facts: Iterable[_Fact], lines: _Lines) -> Iterator[_Fact]:
    return (fact for fact in facts if not _at(fact, lines))
