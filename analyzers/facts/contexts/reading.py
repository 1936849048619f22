"""How each call runs: while the module is imported, once at the start or in each request; in a loop; in a coroutine.

Only the rules of the family 7xx ask this, and only `gaia lint` runs them, so this is a walk of its own over the syntax
trees, which `gaia analyze` never takes. Names and decorators (`handler`, `predict`, `@app.post`, `setup`, `__init__`)
tell when a function runs, and so do its callers inside the file.
"""

import ast
from collections.abc import Callable, Iterable, Iterator, Sequence

from analyzers.facts.contexts import gradients, idioms
from analyzers.facts.contexts.defaults import fixed
from analyzers.facts.contexts.holding import Names
from analyzers.facts.contexts.model import NOWHERE, CallContext, Contexts, Phase, Start
from analyzers.facts.contexts.phases import CACHES, Called, Calls, phase_of, spread
from analyzers.facts.syntax import Function, called_name, column, last_name, owner_of, words
from analyzers.findings import Place
from analyzers.lean.lines import lines_of
from analyzers.lean.records import replace
from analyzers.project.mains import is_main_test
from analyzers.project.model import Source
from analyzers.project.parsing import nodes_of

_ADDS = frozenset({"append", "add", "extend", "insert", "put", "setdefault", "update"})


def read_contexts(sources: Iterable[Source]) -> Contexts:
    """Return the contexts in all `sources`; a file whose code is nested too deeply has none."""
    walkers = [walker for source in sources if (walker := _walked(source)) is not None]
    return Contexts(
        {start: context for walker in walkers for start, context in walker.resolved()},
        {start: place for walker in walkers for start, place in fixed(walker.source.tree, walker.literals)},
        frozenset(name for walker in walkers for name in walker.modules),
        learning=frozenset(walker.source.path for walker in walkers if walker.learns),
        serving=frozenset(one.source.path for one in walkers if any(made.serves for made in one.functions.values())),
        mains={walker.source.path: walker.main for walker in walkers},
    )


def _walked(source: Source) -> "_Walker | None":
    walker = _Walker(source)
    try:
        walker.block(source.tree.body, NOWHERE)
    except RecursionError:  # generated code, which serves no requests
        return None
    return walker


class _Walker:
    """Walks one file. `owner` is the class around the code being walked, `now` the context in which it runs."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.lines = lines_of(source.text)
        self.owner = ""
        self.functions = {"": Called("", None if source.cells else Phase.IMPORT)}  # a notebook is never imported
        self.found: dict[Start, CallContext] = {}
        self.literals: dict[Start, Place] = {}
        self.modules: set[str] = set()
        self.learns = False
        self.silencers = set(gradients.NO_GRADIENTS)
        self.names = Names(source.tree)
        self.main = (0, 0)
        self.tests: list[ast.expr] = []
        self.instances: dict[str, str] = {}

    def block(self, body: Sequence[ast.AST], now: CallContext) -> None:
        for node in body:
            self.visit(node, now)
            if isinstance(node, ast.If) and idioms.returns_what_is_done(node):
                now = replace(now, once=True)

    def visit(self, node: ast.AST, now: CallContext) -> None:
        kind = type(node)
        if kind in _LEAVES:
            return
        method = _VISITS.get(kind)
        if method is None:
            self.children(node, now)
        else:
            method(self, node, now)

    def children(self, node: ast.AST, now: CallContext) -> None:
        for name in node._fields:
            value = getattr(node, name)
            if type(value) is list:
                self.block(value, now)
            elif type(value) not in _LEAVES:
                self.visit(value, now)

    def loop(self, node: ast.For, now: CallContext) -> None:
        self.visit(node.iter, now)
        self.names.bind(node.target, node.iter, self.functions[now.function])
        repeats = now.loop or idioms.repeats(node, in_network=self.in_network)
        self.block([*node.body, *node.orelse], replace(now, loop=repeats))

    def with_(self, node: ast.With | ast.AsyncWith, now: CallContext) -> None:
        self.block(node.items, now)
        off = any(gradients.silences(item.context_expr, self.silencers) for item in node.items)
        self.block(node.body, replace(now, without_gradients=True) if off else now)

    def importing(self, node: ast.ImportFrom, _now: CallContext) -> None:
        self.silencers |= gradients.imported_silencers(node)

    def assignment(self, node: ast.Assign, now: CallContext) -> None:
        self.silencers |= gradients.assigned_silencers(node, self.silencers)
        made = called_name(node.value) if isinstance(node.value, ast.Call) else ""
        self.instances.update((last_name(target), made) for target in node.targets if made)
        function = self.functions[now.function]
        for target in node.targets:
            self.names.bind(target, node.value, function)
            chosen = isinstance(target, ast.Subscript) and self.names.chosen(node.value, function, self.tests)
            self.visit(target, replace(now, chosen=True) if chosen else now)
        names = (self.kept(target, now) for target in node.targets if not idioms.only_moves(target, node.value))
        kept = next(filter(None, names), "")
        self.visit(node.value, replace(now, kept=kept) if kept else now)

    def handler(self, node: ast.ExceptHandler, now: CallContext) -> None:
        missing = isinstance(node.type, ast.Name) and node.type.id in ("NameError", "KeyError", "AttributeError")
        self.block(node.body, replace(now, once=True) if missing else now)

    def text(self, node: ast.JoinedStr, now: CallContext) -> None:
        self.block([part for part in node.values if isinstance(part, ast.FormattedValue)], now)

    def globally(self, node: ast.Global, _now: CallContext) -> None:
        self.names.globals.update(node.names)

    def lambda_(self, node: ast.Lambda, now: CallContext) -> None:
        name = f"<lambda {node.lineno}:{node.col_offset}>"
        self.functions[name] = Called(self.owner, None)
        if now.function:  # what is written while a module is imported runs when somebody calls it
            self.functions[now.function].callees.append(Calls(name, False, now.without_gradients, later=True))
        self.visit(node.body, replace(now, function=name, in_coroutine=False, loop=False))

    def waiting(self, node: ast.Await, now: CallContext) -> None:
        if isinstance(node.value, ast.Call):
            self.call(node.value, replace(now, awaited=True))
        else:
            self.visit(node.value, now)

    def yielding(self, node: ast.Yield | ast.YieldFrom, now: CallContext) -> None:
        self.functions[now.function].yields = True
        self.children(node, now)

    def comparison(self, node: ast.Compare, now: CallContext) -> None:
        """Visit a comparison: a device that something is compared with places nothing."""
        for part in (node.left, *node.comparators):
            if not (isinstance(part, ast.Call) and called_name(part) == "device"):
                self.visit(part, now)

    def item(self, node: ast.Subscript, now: CallContext) -> None:
        if isinstance(node.ctx, ast.Store):
            self.note(node, replace(now, stores=True))
        self.children(node, now)

    def constant(self, node: ast.Constant, _now: CallContext) -> None:
        names_device = isinstance(node.value, str) and (node.value == "cuda" or node.value.startswith("cuda:"))
        if names_device and node.end_lineno == node.lineno and node.end_col_offset is not None:
            start, end = (self.column(node.lineno, offset) for offset in (node.col_offset, node.end_col_offset))
            place = Place(self.source.path, node.lineno, start, end)
            self.literals[self.source.path, node.lineno, node.col_offset] = place

    def attribute(self, node: ast.Attribute, now: CallContext) -> None:
        if node.attr == "requires_grad" and isinstance(node.ctx, ast.Store):
            self.learns = True
        self.visit(node.value, now)

    def comprehension(self, node: idioms.Comprehension, now: CallContext) -> None:
        inner = now
        for part in node.generators:
            self.visit(part.iter, inner)
            self.names.bind(part.target, part.iter, self.functions[now.function])
            one_by_one = idioms.makes_one_by_one(node, part, in_network=self.in_network)
            inner = replace(inner, loop=inner.loop or one_by_one)
            self.block(part.ifs, inner)
        self.block([node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt], inner)

    def branch(self, node: ast.If, now: CallContext) -> None:
        self.visit(node.test, now)
        inner = replace(now, once=True) if idioms.asks_whether_done(node.test) else now
        if is_main_test(node.test):
            self.main = (node.body[0].lineno, node.body[-1].end_lineno or 0)
        else:
            self.tests.append(node.test)
            self.block(node.body, replace(inner, chosen=True) if idioms.asks_for_place(node.test) else inner)
            self.tests.pop()
        if not is_main_test(node.test, inverted=True):
            self.block(node.orelse, replace(inner, chosen=True) if idioms.asks_for_cpu(node.test) else inner)

    def call(self, node: ast.Call, context: CallContext) -> None:
        name, function = called_name(node), node.func
        now = replace(context, awaited=False) if context.awaited else context
        self.learns = self.learns or gradients.wants_gradients(node)
        context = self.names.given(node, self.functions[now.function], context)
        on_self = owner_of(function) in ("self", "cls")
        owner = last_name(function.value) if isinstance(function, ast.Attribute) and not on_self else ""
        if (on_self or owner or isinstance(function, ast.Name)) and not now.once:
            called = Calls(name, on_self, now.without_gradients, later=context.awaited, owner=owner)
            self.functions[now.function].callees.append(called)
        if name in idioms.SETS and node.args:
            chosen = self.names.chosen(node.args[-1], self.functions[now.function], self.tests)
            context = replace(context, chosen=context.chosen or chosen)
        inner = now
        if isinstance(function, ast.Attribute):
            if name in idioms.TO_HOST and self.names.is_on_host(function.value, self.functions[now.function]):
                context = replace(context, on_host=frozenset({name}))
            if (
                name == "to"
                and not (self.in_network or idioms.is_result(function.value))
                and any("device" in word for part in (*node.args, *node.keywords) for word in words(part))
            ):
                context = replace(context, moves=frozenset({name}))
            kept = self.kept(ast.Subscript(function.value, ast.Constant(None)), now) if name in _ADDS else ""
            inner = replace(now, kept=kept) if kept else now
        self.note(node, context)
        self.children(node, inner)

    def note(self, node: ast.expr, context: CallContext) -> None:
        start = (self.source.path, node.lineno, self.column(node.lineno, node.col_offset))
        outer = self.found.get(start)
        if outer is None:
            self.found[start] = context
        elif context.on_host or context.moves or context.asked:
            self.found[start] = outer.joined(context)

    def column(self, line: int, offset: int) -> int:
        return column(self.lines[line - 1] if line <= len(self.lines) else "", offset)

    def function(self, node: Function, now: CallContext) -> None:
        decorators = {called_name(decorator) for decorator in node.decorator_list}
        self.block([*node.decorator_list, node.args], now)
        name = f"{now.function}.{node.name}" if now.function else f"{self.owner}.{node.name}".lstrip(".")
        once = bool(decorators & CACHES)
        silent = self.in_network or any(gradients.silences(one, self.silencers) for one in node.decorator_list)
        in_coroutine = isinstance(node, ast.AsyncFunctionDef)
        phase = phase_of(node.name, decorators)
        self.functions[name] = Called(self.owner, phase, is_coroutine=in_coroutine, is_silent=silent)
        taken = (part.arg for part in nodes_of(node.args) if isinstance(part, ast.arg))
        self.functions[name].parameters = frozenset(taken)
        self.block(node.body, CallContext(name, in_coroutine=in_coroutine, once=once, without_gradients=silent))

    def class_(self, node: ast.ClassDef, now: CallContext) -> None:
        if idioms.is_network(node):
            self.modules.add(f"{self.source.module}.{node.name}")
        self.block([*node.decorator_list, *node.bases], now)
        outer, self.owner = self.owner, node.name
        self.block(node.body, replace(now, loop=False))
        self.owner = outer

    @property
    def in_network(self) -> bool:
        """Whether this is code of a network: whoever calls it decides about gradients, and its loops are its layers."""
        return bool(self.owner) and f"{self.source.module}.{self.owner}" in self.modules

    def kept(self, node: ast.expr, now: CallContext) -> str:
        """Return the name through which `node`, a name or a part of something, outlives the call; empty otherwise."""
        lives = bool(self.owner) and not self.in_network
        return self.names.kept(node, self.functions[now.function] if now.function else None, in_object=lives)

    def resolved(self) -> Iterator[tuple[Start, CallContext]]:
        """Yield all contexts with their phases, once these have spread from the callers to the called."""
        spread(self.functions, self.instances)
        whole: dict[int, CallContext] = {}
        for start, context in self.found.items():
            if id(context) not in whole:
                whole[id(context)] = self.functions[context.function].applied_to(context)
            yield start, whole[id(context)]


_LEAVES: frozenset[type] = frozenset(
    {ast.Name, ast.Load, ast.Store, ast.Del, ast.Pass, ast.Break, ast.Continue, ast.Import, ast.alias}
    | {str, int, bool, type(None)}  # which fields of nodes hold as well
)
_VISITS: dict[type[ast.AST], Callable[..., None]] = {
    ast.FunctionDef: _Walker.function,
    ast.AsyncFunctionDef: _Walker.function,
    ast.ClassDef: _Walker.class_,
    ast.If: _Walker.branch,
    ast.For: _Walker.loop,
    ast.With: _Walker.with_,
    ast.AsyncWith: _Walker.with_,
    ast.Assign: _Walker.assignment,
    ast.ExceptHandler: _Walker.handler,
    ast.JoinedStr: _Walker.text,
    ast.Global: _Walker.globally,
    ast.Lambda: _Walker.lambda_,
    ast.Await: _Walker.waiting,
    ast.Yield: _Walker.yielding,
    ast.YieldFrom: _Walker.yielding,
    ast.Compare: _Walker.comparison,
    ast.ImportFrom: _Walker.importing,
    ast.ListComp: _Walker.comprehension,
    ast.SetComp: _Walker.comprehension,
    ast.GeneratorExp: _Walker.comprehension,
    ast.DictComp: _Walker.comprehension,
    ast.Call: _Walker.call,
    ast.Subscript: _Walker.item,
    ast.Constant: _Walker.constant,
    ast.Attribute: _Walker.attribute,
}
