"""One file's scopes turned into facts: imports, calls, named values and refusals, each with its guard and its place.

An argument's value is evaluated when a rule looks at it. What cannot be evaluated then is an `Unknown` that says why.
"""

import ast
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache, partial

from analyzers.facts.model import (
    Argument,
    Call,
    Constant,
    FileFacts,
    Guard,
    Import,
    Made,
    Origin,
    Refusal,
    Symbol,
    Table,
    Unknown,
    Value,
    options,
)
from analyzers.facts.scopes.model import Conditions, Kind, ModuleScopes, Scope, Site
from analyzers.facts.syntax import arguments_of, bytes_in, column, last_name
from analyzers.facts.values.evaluator import BudgetError, Evaluator
from analyzers.facts.vocabulary import GPU_ONLY_MODULES
from analyzers.findings import Place
from analyzers.lean.lines import lines_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeVar

    _T = TypeVar("_T")

_CHAINED = (ast.Attribute, ast.Call)
_LITERALS = (ast.Constant, ast.JoinedStr, ast.BinOp)
_FOR_GPUS = (*GPU_ONLY_MODULES, "torch.cuda.")
_GATHERING = (".append(", " for ")
"""Without any of these nothing is gathered."""


class FileReader:
    """Turns one file's sites into facts."""

    def __init__(
        self, path: str, module: ModuleScopes, evaluator: Evaluator, callers: Mapping[str, Sequence[Site]]
    ) -> None:
        self._path = path
        self._module = module
        self._evaluator = evaluator
        self._guards = evaluator.guards
        self._callers = callers
        self._outer_guards: dict[Scope, Guard] = {}
        self._whens: dict[tuple[int, int], Callable[[], Guard]] = {}
        self._callees: dict[tuple[int | str, ...], list[tuple[str, Guard]]] = {}
        self._lines = lines_of(module.source.text)
        self._steps = 0
        self._handed_on = cache(self._all_handed_on)
        self._given_up: dict[Origin, None] = {}

    def facts(self) -> FileFacts:
        """Return the facts of the file; of what is beyond the budget, what can be told by the look of it."""
        imports = tuple(self._imports())
        if not self._module.source.relevant:
            return FileFacts(self._path, imports, given_up=self._given_up.keys())
        sites = sorted(self._module.sites, key=lambda site: (site.node.lineno, site.node.col_offset))
        return FileFacts(
            self._path,
            imports,
            tuple(call for site in sites for call in self._calls(site)),
            tuple(self._constants()),
            tuple(self._refusals()),
            cache(lambda: frozenset(self._gathered())),
            self._given_up.keys(),
        )

    def _within_budget(self, work: "Callable[[], _T]", otherwise: "Callable[[Origin], _T]") -> "_T":
        """Return what `work` gives on the budget of this file, whenever asked; `otherwise` where it has to give up."""
        try:
            self._evaluator.begin(self._steps)
            return work()
        except BudgetError:
            origin = Origin.TOO_ENTANGLED
        except RecursionError:
            origin = Origin.TOO_DEEP
        finally:
            self._steps = self._evaluator.steps
        self._given_up[origin] = None
        return otherwise(origin)

    def _runs(self, conditions: Conditions) -> bool:
        """Return whether code may run at all."""
        return not conditions or not self._within_budget(lambda: self._guards.is_dead(conditions), lambda _: False)

    def _imports(self) -> Iterator[Import]:
        for name, node, scope, conditions in self._module.imports:
            if self._runs(conditions):
                yield Import(name, self._place(node), self._when(scope, conditions))

    def _constants(self) -> Iterator[Constant]:
        for name, node, scope, conditions in self._module.named:
            if self._runs(conditions):
                when = partial(self._asked, partial(self._guards.guard, conditions)) if conditions else Guard.ALWAYS
                yield Constant(name, self._argument(node, scope), self._place(node), when)

    def _gathered(self) -> Iterator[tuple[int, int]]:
        source = self._module.source
        if self._evaluator.thorough and any(word in source.text for word in _GATHERING):
            from analyzers.facts.gathering import gathered_calls

            for call in gathered_calls(source.tree):
                place = self._place(call)
                yield place.line, place.column

    def _refusals(self) -> Iterator[Refusal]:
        for node, conditions in self._module.exits:
            refuses = partial(self._guards.refuses, conditions)
            if self._within_budget(refuses, lambda _: False) and self._runs(conditions):
                yield Refusal(self._place(node))

    def _calls(self, site: Site) -> Iterator[Call]:
        if not self._runs(site.conditions) or not (self._evaluator.thorough or self._is_named(site)):
            return
        when = self._when(site.scope, site.conditions)
        place = self._place(site.node)
        match site.node:
            case ast.BinOp(left=left, right=right):
                operands = (self._argument(left, site.scope), self._argument(right, site.scope))
                yield Call("operator.matmul", place, operands, when=when)
                return
            case ast.Subscript(slice=key):
                yield Call("os.environ.__getitem__", place, (self._argument(key, site.scope),), when=when)
                return
        call = site.node if isinstance(site.node, ast.Call) else None
        callee = call.func if call else site.node
        on = self._argument(callee.value, site.scope) if isinstance(callee, ast.Attribute) else None
        args = tuple(self._argument(node, site.scope) for node in call.args) if call else ()
        keywords = tuple(self._keywords(call, site.scope)) if call else ()
        by_look = [(f".{last_name(callee)}", Guard.ALWAYS)]
        for name, choice in self._within_budget(partial(self._names_once, callee, site.scope), lambda _: by_look):
            own = when if choice is Guard.ALWAYS else partial(_chosen, when, choice)
            yield Call(name, place, args, keywords, own, on, site.is_decorator, self._evaluator.is_own(name))

    def _is_named(self, site: Site) -> bool:
        """Return whether a call may lead out of the file: to an import, a builtin, or what one of these returned."""
        root = site.node.func if isinstance(site.node, ast.Call) else site.node
        while isinstance(root, _CHAINED):
            root = root.func if isinstance(root, ast.Call) else root.value
        if not isinstance(root, ast.Name):
            return isinstance(root, ast.Subscript)
        bound = self._within_budget(partial(self._evaluator.bindings, root.id, site.scope), lambda _: [])
        return not bound or any(binding.kind in (Kind.IMPORT, Kind.VALUE) for binding in bound)

    def _when(self, scope: Scope, conditions: Conditions) -> Guard | Callable[[], Guard]:
        """Return when code runs, as what tells it once it is asked."""
        if not conditions and _is_always_entered(scope):
            return Guard.ALWAYS
        key = (id(scope), id(conditions))
        if key not in self._whens:
            self._whens[key] = cache(partial(self._asked, partial(self._guard, scope, conditions)))
        return self._whens[key]

    def _asked(self, find: Callable[[], Guard]) -> Guard:
        """Return a guard; one that is beyond the budget may be any, so what stands under it counts as optional."""
        return self._within_budget(find, lambda _: Guard.SETTING)

    def _guard(self, scope: Scope, conditions: Conditions) -> Guard:
        """Return when code runs, by its own conditions or else by those under which its function is called at all."""
        own = self._guards.guard(conditions)
        if own is not Guard.ALWAYS or _is_always_entered(scope):
            return own
        if scope not in self._outer_guards:
            name = scope.name.rpartition(".")[2]
            calls = [site.conditions for site in self._callers.get(name, []) if site.scope is not scope]
            outer = {self._guards.guard(conditions) for conditions in calls or self._handed_on().get(name, [])}
            self._outer_guards[scope] = outer.pop() if len(outer) == 1 else own
        return self._outer_guards[scope]

    def _all_handed_on(self) -> dict[str, list[Conditions]]:
        """Return the conditions under which each name is handed on: assigned, or given to a call."""
        found: dict[str, list[Conditions]] = {}
        for _, value, _, conditions in self._module.named:
            if isinstance(value, ast.Name):
                found.setdefault(value.id, []).append(conditions)
        for site in self._module.sites:
            given = arguments_of(site.node) if isinstance(site.node, ast.Call) else ()
            for value in given:
                if isinstance(value, ast.Name):
                    found.setdefault(value.id, []).append(site.conditions)
        return found

    def _names_once(self, callee: ast.expr, scope: Scope) -> list[tuple[str, Guard]]:
        """Return the names of a callee; the same dotted name has the same wherever its first part means the same."""
        parts: list[str] = []
        first = callee
        while isinstance(first, ast.Attribute):
            parts.append(first.attr)
            first = first.value
        if not isinstance(first, ast.Name) or any("device" in part for part in parts):  # see Evaluator.value
            return self._names(callee, scope)
        meanings = scope.meanings(first.id)
        key = (id(meanings) if meanings else first.id, *parts)
        if key not in self._callees:
            self._callees[key] = self._names(callee, scope)
        return self._callees[key]

    def _names(self, callee: ast.expr, scope: Scope) -> list[tuple[str, Guard]]:
        """Return the qualified names of a callee; among several, that of a library for GPUs only counts as guarded."""
        names = dict.fromkeys(map(_name, options(self._evaluator.value(callee, scope))))
        names.pop("", None)
        if len(names) < 2:
            return [(next(iter(names), f".{last_name(callee)}"), Guard.ALWAYS)]
        return [(name, Guard.WITH_GPU if name.startswith(_FOR_GPUS) else Guard.ALWAYS) for name in names]

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
        return Argument(_Later(self, node, scope), node.lineno, node.col_offset, is_literal=literal)

    def value_of(self, node: ast.expr, scope: Scope) -> Value:
        """Return the value of `node`."""
        value = self._within_budget(partial(self._evaluator.value, node, scope), Unknown)
        return value if any(options(value)) else Unknown()

    def _place(self, node: ast.expr | ast.stmt) -> Place:
        line = self._lines[node.lineno - 1] if node.lineno <= len(self._lines) else ""
        end = node.end_col_offset if node.end_lineno == node.lineno and node.end_col_offset else bytes_in(line)
        start = column(line, node.col_offset)
        return Place(self._path, node.lineno, start, max(column(line, end), start + 1))


class _Later:
    """What gives a value when it is asked for; a large project has hundreds of thousands, so it is no function."""

    __slots__ = ("_node", "_reader", "_scope")

    def __init__(self, reader: FileReader, node: ast.expr, scope: Scope) -> None:
        self._reader = reader
        self._node = node
        self._scope = scope

    def __call__(self) -> Value:
        return self._reader.value_of(self._node, self._scope)


def _name(value: Value) -> str:
    """Return a callee's qualified name; what a call returned and is called again, such as a pipeline, ends in `()`."""
    match value:
        case Symbol(name=name):
            return name
        case Made(name=name):
            return f"{name}()"
        case _:
            return ""


def _is_always_entered(scope: Scope) -> bool:
    """Return whether code runs there without the project's calling it: at the top, in a class, or for a decorator."""
    return scope.parent is None or scope.is_class or scope.is_decorated


def _chosen(when: Guard | Callable[[], Guard], choice: Guard) -> Guard:
    """Return when a call runs that has a certain name only by `choice`."""
    outer = when if isinstance(when, Guard) else when()
    return choice if outer is Guard.ALWAYS else outer
