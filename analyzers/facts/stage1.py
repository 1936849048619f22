"""Stage 1: the facts of each file from the standard library's syntax tree alone.

Every call becomes a fact under each qualified name that its callee may have, with its arguments evaluated as
far as possible and with the guard it stands under. An argument that stays Unknown is left for stage 2
(stage2.py).
"""

import ast
import sys
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache

from analyzers.facts.model import (
    Argument,
    Call,
    Constant,
    FileFacts,
    Guard,
    Import,
    Made,
    Place,
    Refusal,
    Symbol,
    Table,
    Unknown,
    Value,
    options,
)
from analyzers.facts.scope_walk import read_scopes
from analyzers.facts.scopes import Conditions, Kind, ModuleScopes, Scope, Site
from analyzers.facts.values import BudgetError, Evaluator
from analyzers.facts.vocabulary import GPU_ONLY_MODULES
from analyzers.lean.lines import lines_of
from analyzers.lean.prefilter import may_use_a_gpu
from analyzers.project.reading import Source, Trouble

TYPE_CHECKING = False
if TYPE_CHECKING:
    from analyzers.facts.neighbours import Neighbours

_CHAINED = (ast.Attribute, ast.Call)
_LITERALS = (ast.Constant, ast.JoinedStr, ast.BinOp)
_RECURSION_LIMIT = 12_000
"""Deep enough for any tree that `ast.parse` accepts; Python-to-Python calls take no C stack."""


def extract(
    sources: Sequence[Source], imported: Collection[str], neighbours: "Neighbours | None" = None
) -> tuple[tuple[FileFacts, ...], list[Trouble]]:
    """The facts of `sources`, and the files that could not be worked through.

    `imported` are the paths of the files that serving imports and never runs as a program.
    Names lead into the other sources; where a single file is read, into its `neighbours`. A value is worked out when a
    rule looks at it, so there may be more troubles after the rules than before.
    """
    found: list[FileFacts] = []
    troubles: list[Trouble] = []
    with deep_recursion():
        scopes: dict[str, ModuleScopes] = {}
        for source in sources:
            try:
                scopes[source.path] = read_scopes(source, skip_main=source.path in imported)
            except RecursionError:
                troubles.append(_too_deep(source.path))
        callers = _call_sites(scopes)
        evaluator = Evaluator(
            _modules(scopes) if neighbours is None else _with_own(neighbours, scopes),
            {
                name: [(site.node, site.scope) for site in sites if isinstance(site.node, ast.Call)]
                for name, sites in callers.items()
            },
            thorough=neighbours is None or any(may_use_a_gpu(source.text.encode()) for source in sources),
        )
        for path, module in scopes.items():
            try:
                found.append(_FileReader(path, module, evaluator, callers, troubles).facts())
            except RecursionError:
                troubles.append(_too_deep(path))
            except BudgetError:
                troubles.append(_too_entangled(path))
    return tuple(found), troubles


def _too_deep(path: str) -> Trouble:
    return Trouble("GA904", Place(path, 1), "the code is nested too deeply to be analyzed")


def _too_entangled(path: str) -> Trouble:
    return Trouble("GA905", Place(path, 1), "the file is too entangled to be evaluated within the budget")


@contextmanager
def deep_recursion() -> Iterator[None]:
    """Let Python follow code as deep as its parser accepts, while facts are made and while they are looked at."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(max(before, _RECURSION_LIMIT))
    try:
        yield
    finally:
        sys.setrecursionlimit(before)


def _modules(scopes: dict[str, ModuleScopes]) -> dict[str, Scope]:
    """The files' scopes by every name that the project imports them by: from the root, from src/, side by side."""
    modules: dict[str, Scope] = {}
    for module in scopes.values():
        name = module.top.name
        modules[name] = module.top
        modules.setdefault(name.removeprefix("src."), module.top)
        modules.setdefault(name.rpartition(".")[2], module.top)
    return modules


def _with_own(neighbours: "Neighbours", scopes: dict[str, ModuleScopes]) -> "Neighbours":
    for module in scopes.values():
        neighbours.add_own(module.top.name, module.top)
    return neighbours


def _call_sites(scopes: dict[str, ModuleScopes]) -> dict[str, list[Site]]:
    """Every call in the project by the last part of its callee's name."""
    sites: dict[str, list[Site]] = {}
    for module in scopes.values():
        for site in module.sites:
            if isinstance(site.node, ast.Call) and _terminal(site.node.func):
                sites.setdefault(_terminal(site.node.func), []).append(site)
    return sites


def _terminal(node: ast.expr) -> str:
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
        case _:
            return ""


_GATHERING = (".append(", " for ")
"""Without any of these nothing is gathered."""


class _FileReader:
    """Turns one file's sites into facts."""

    def __init__(
        self,
        path: str,
        module: ModuleScopes,
        evaluator: Evaluator,
        callers: Mapping[str, Sequence[Site]],
        troubles: list[Trouble],
    ) -> None:
        self._path = path
        self._module = module
        self._evaluator = evaluator
        self._guards = evaluator.guards
        self._callers = callers
        self._outer_guards: dict[Scope, Guard] = {}
        self._lines = lines_of(module.top.source.text)
        self._troubles = troubles
        self._steps = 0

    def facts(self) -> FileFacts:
        self._evaluator.steps = 0
        if not self._module.top.source.relevant:
            return FileFacts(self._path, tuple(self._imports()))
        made = self._made()
        self._steps = self._evaluator.steps
        return made

    def _made(self) -> FileFacts:
        sites = sorted(self._module.sites, key=lambda site: (site.node.lineno, site.node.col_offset))
        return FileFacts(
            self._path,
            tuple(self._imports()),
            tuple(call for site in sites for call in self._calls(site)),
            tuple(self._constants()),
            tuple(self._refusals()),
            cache(lambda: frozenset(self._gathered())),
        )

    def _imports(self) -> Iterator[Import]:
        for site in self._module.imports:
            if not self._guards.is_dead(site.conditions):
                yield Import(site.name, self._place(site.node), self._guard(site.scope, site.conditions))

    def _constants(self) -> Iterator[Constant]:
        for name, node, scope, conditions in self._module.named:
            if not self._guards.is_dead(conditions):
                given = self._argument(node, scope)
                yield Constant(name, given, self._place(node), self._guards.guard(conditions))

    def _gathered(self) -> Iterator[tuple[int, int]]:
        source = self._module.top.source
        if self._evaluator.thorough and any(word in source.text for word in _GATHERING):
            from analyzers.facts.gathering import gathered_calls

            for call in gathered_calls(source.tree):
                place = self._place(call)
                yield place.line, place.column

    def _refusals(self) -> Iterator[Refusal]:
        for leave in self._module.exits:
            if self._guards.refuses(leave.conditions) and not self._guards.is_dead(leave.conditions):
                yield Refusal(self._place(leave.node))

    def _calls(self, site: Site) -> Iterator[Call]:
        if self._guards.is_dead(site.conditions):
            return
        if not self._evaluator.thorough and not self._is_named(site):
            return
        guard = self._guard(site.scope, site.conditions)
        if isinstance(site.node, ast.BinOp):
            operands = tuple(self._argument(node, site.scope) for node in (site.node.left, site.node.right))
            yield Call("operator.matmul", self._place(site.node), operands, guard=guard)
            return
        if isinstance(site.node, ast.Subscript):
            key = self._argument(site.node.slice, site.scope)
            yield Call("os.environ.__getitem__", self._place(site.node), (key,), guard=guard)
            return
        call = site.node if isinstance(site.node, ast.Call) else None
        callee = call.func if call else site.node
        on = self._argument(callee.value, site.scope) if isinstance(callee, ast.Attribute) else None
        args = tuple(self._argument(node, site.scope) for node in call.args) if call else ()
        keywords = tuple(self._keywords(call, site.scope)) if call else ()
        place = self._place(site.node)
        for name, choice in self._names(callee, site.scope):
            own = choice if guard is Guard.ALWAYS else guard
            yield Call(name, place, args, keywords, own, on, site.is_decorator)

    def _is_named(self, site: Site) -> bool:
        """Whether a call may lead out of the file: to an import, a builtin, or what one of these has returned."""
        callee = site.node.func if isinstance(site.node, ast.Call) else site.node
        root = callee
        while isinstance(root, _CHAINED):
            root = root.func if isinstance(root, ast.Call) else root.value
        if not isinstance(root, ast.Name):
            return isinstance(root, ast.Subscript)
        bound = self._evaluator.bindings(root.id, site.scope)
        return not bound or any(binding.kind in (Kind.IMPORT, Kind.VALUE) for binding in bound)

    def _guard(self, scope: Scope, conditions: Conditions) -> Guard:
        """When code runs: as its own conditions say, else as those do under which its function is called at all."""
        own = self._guards.guard(conditions)
        if own is not Guard.ALWAYS or scope.parent is None or scope.is_class or scope.is_decorated:
            return own
        if scope not in self._outer_guards:
            sites = self._callers.get(scope.name.rpartition(".")[2], [])
            outer = {self._guards.guard(site.conditions) for site in sites if site.scope is not scope}
            self._outer_guards[scope] = outer.pop() if len(outer) == 1 else own
        return self._outer_guards[scope]

    def _names(self, callee: ast.expr, scope: Scope) -> list[tuple[str, Guard]]:
        """The qualified names of a callee; where it may also be another one, a library for GPUs only is a choice."""
        value = self._evaluator.value(callee, scope)
        names = [_name(option) for option in options(value)]
        known = [name for name in dict.fromkeys(names) if name]
        if not known:
            return [(f".{_terminal(callee)}", Guard.ALWAYS)]
        choice = len(known) > 1
        return [
            (name, Guard.WITH_GPU if choice and name.startswith(GPU_ONLY_MODULES) else Guard.ALWAYS) for name in known
        ]

    def _keywords(self, call: ast.Call, scope: Scope) -> Iterator[tuple[str, Argument]]:
        for keyword in call.keywords:
            argument = self._argument(keyword.value, scope)
            if keyword.arg is not None:
                yield keyword.arg, argument
            elif isinstance(argument.value, Table):
                for key, value in argument.value.entries:
                    if isinstance(key, str):
                        yield key, Argument(value, argument.line, argument.offset)

    def _argument(self, node: ast.expr, scope: Scope) -> Argument:
        literal = isinstance(node, _LITERALS)
        return Argument(lambda: self._value(node, scope), node.lineno, node.col_offset, is_literal=literal)

    def _value(self, node: ast.expr, scope: Scope) -> Value:
        """The value of `node`, on the budget of this file, whenever it is asked for."""
        try:
            self._evaluator.steps = self._steps
            value = self._evaluator.value(node, scope)
        except (BudgetError, RecursionError) as error:
            trouble = _too_entangled(self._path) if isinstance(error, BudgetError) else _too_deep(self._path)
            if all(known.message != trouble.message for known in self._troubles):
                self._troubles.append(trouble)
            return Unknown()
        finally:
            self._steps = self._evaluator.steps
        return value if any(options(value)) else Unknown()

    def _place(self, node: ast.expr | ast.stmt) -> Place:
        line = self._lines[node.lineno - 1] if node.lineno <= len(self._lines) else ""
        end = node.end_col_offset if node.end_lineno == node.lineno and node.end_col_offset else len(line.encode())
        if line.isascii():
            return Place(self._path, node.lineno, node.col_offset + 1, max(end, node.col_offset + 1) + 1)
        column = _characters(line, node.col_offset) + 1
        return Place(self._path, node.lineno, column, max(_characters(line, end) + 1, column + 1))


def _name(value: Value) -> str:
    """The qualified name of a callee; what a call returned and is called again, such as a pipeline, ends in `()`."""
    match value:
        case Symbol(name=name):
            return name
        case Made(name=name):
            return f"{name}()"
        case _:
            return ""


def _characters(line: str, offset: int) -> int:
    """The number of characters in the first `offset` UTF-8 bytes of `line`."""
    return len(line.encode()[:offset].decode(errors="replace"))
