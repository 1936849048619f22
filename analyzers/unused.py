"""Functions that lie beside what serving imports and that nothing mentions, such as the training of a model.

A module is imported for one of its functions, and what the others do says nothing about serving. A function counts as
unused when it stands at the top of a module that serving imports, has no decorator, and nothing that is used mentions
its name: no call, no import, no string. Where the platform starts, it may call any function by its name.
"""

import ast
from collections.abc import Collection, Iterable, Iterator, Sequence

from analyzers.facts import Place
from analyzers.reading import Source
from analyzers.records import record
from analyzers.scopes import Function


@record
class _Part:
    """A function at the top of a module, or the rest of the module: the names that it mentions."""

    path: str
    name: str
    first: int
    last: int
    mentions: frozenset[str]
    may_be_unused: bool


@record
class Unused:
    """The lines of unused functions: path, first and last line."""

    lines: tuple[tuple[str, int, int], ...] = ()

    def covers(self, place: Place) -> bool:
        """Whether `place` lies in an unused function."""
        return any(path == place.path and first <= place.line <= last for path, first, last in self.lines)


def unused(sources: Sequence[Source], starts: Collection[str]) -> Unused:
    """The functions of `sources` that nothing mentions; none in `starts`, where reading starts."""
    parts = [part for source in sources for part in _parts(source, source.path in starts)]
    asleep = {part for part in parts if part.may_be_unused}
    while asleep:
        mentioned = {name for part in parts if part not in asleep for name in part.mentions}
        woken = {part for part in asleep if part.name in mentioned}
        if not woken:
            break
        asleep -= woken
    return Unused(tuple(sorted((part.path, part.first, part.last) for part in asleep)))


def _parts(source: Source, is_start: bool) -> Iterator[_Part]:
    rest: list[ast.stmt] = []
    for node in source.tree.body:
        if isinstance(node, Function) and not node.decorator_list and not is_start:
            last = node.end_lineno or node.lineno
            yield _Part(source.path, node.name, node.lineno, last, frozenset(_mentions([node])), True)
        else:
            rest.append(node)
    kept = [node for node in rest if not (source.is_package and _passes_on(node))]
    yield _Part(source.path, "", 0, 0, frozenset(_mentions(kept)), False)


def _passes_on(node: ast.stmt) -> bool:
    """Whether a statement of a package only hands names on: whoever uses them mentions them too."""
    match node:
        case ast.ImportFrom() | ast.Assign(targets=[ast.Name(id="__all__")]):
            return True
        case _:
            return False


def _mentions(nodes: Iterable[ast.AST]) -> Iterator[str]:
    for top in nodes:
        for node in ast.walk(top):
            match node:
                case ast.Name(id=name) | ast.Attribute(attr=name) | ast.alias(name=name):
                    yield name.rpartition(".")[2]
                case ast.Constant(value=str(text)) if text.isidentifier():
                    yield text
