"""Functions and classes of imported modules that nothing mentions, such as a model's training.

They say nothing about serving. A function or a class counts as unused when it stands at the top of a module that
serving imports, has no decorator, and nothing that is used mentions its name: no call, no import, no string. So does a
method of a class without bases, which might call it. Where the platform starts, it may call anything by its name. What
the main block of an imported module mentions nobody runs.
"""

import ast
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import TypeGuard

from analyzers.findings import Finding
from analyzers.lean.records import record
from analyzers.project.mains import is_main_test
from analyzers.project.model import Source
from analyzers.project.parsing import nodes_of

_Function = ast.FunctionDef | ast.AsyncFunctionDef


@record
class _Part:
    """A function, a class or the rest of a module: the names that it mentions."""

    path: str
    name: str
    first: int
    last: int
    mentions: frozenset[str]
    may_be_unused: bool

    @property
    def lines(self) -> Iterator[tuple[str, int]]:
        """The lines of this part, each with its file."""
        return ((self.path, line) for line in range(self.first, self.last + 1))


def in_use(findings: Sequence[Finding], sources: Sequence[Source], starts: Collection[str]) -> list[Finding]:
    """Return the findings outside the functions and classes of `sources` that nothing mentions.

    Files in `starts` have no such functions.
    """
    parts = [part for source in sources for part in _parts(source, source.path in starts)]
    unused: dict[str, list[_Part]] = {}
    for part in parts:
        if part.may_be_unused:
            unused.setdefault(part.name, []).append(part)
    pending = [part for part in parts if not part.may_be_unused]
    while pending:
        for name in pending.pop().mentions:
            pending += unused.pop(name, ())
    left = frozenset(line for named in unused.values() for part in named for line in part.lines)
    return [finding for finding in findings if (finding.place.path, finding.place.line) not in left]


def _parts(source: Source, is_start: bool) -> Iterator[_Part]:
    rest: list[ast.stmt] = []
    for node in source.tree.body:
        if isinstance(node, _Function) and not node.decorator_list and not is_start:
            yield _part(source, node, [node])
        elif isinstance(node, ast.ClassDef) and not node.decorator_list and not is_start:
            methods = [] if node.bases or node.keywords else [inner for inner in node.body if _may_be_unused(inner)]
            yield from (_part(source, method, [method]) for method in methods)
            apart = set(methods)
            yield _part(source, node, [*node.bases, *(inner for inner in node.body if inner not in apart)])
        elif is_start or not (isinstance(node, ast.If) and is_main_test(node.test)):
            rest.append(node)
    kept = [node for node in rest if not (source.is_package and _passes_on(node))]
    yield _Part(source.path, "", 0, 0, frozenset(_mentions(kept)), False)


def _part(source: Source, node: _Function | ast.ClassDef, nodes: Iterable[ast.AST]) -> _Part:
    last = node.end_lineno or node.lineno
    return _Part(source.path, node.name, node.lineno, last, frozenset(_mentions(nodes)), True)


def _may_be_unused(node: ast.stmt) -> TypeGuard[_Function]:
    return isinstance(node, _Function) and not node.decorator_list and not node.name.startswith("__")


def _passes_on(node: ast.stmt) -> bool:
    """Return whether a statement of a package only re-exports names: whoever uses them mentions them too."""
    match node:
        case ast.ImportFrom() | ast.Assign(targets=[ast.Name(id="__all__")]):
            return True
    return False


def _mentions(nodes: Iterable[ast.AST]) -> Iterator[str]:
    for top in nodes:
        for node in nodes_of(top):
            match node:
                case ast.Name(id=name) | ast.Attribute(attr=name) | ast.alias(name=name):
                    yield name.rpartition(".")[2]
                case ast.Constant(value=str(text)) if text.isidentifier():
                    yield text
