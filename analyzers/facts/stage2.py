"""Stage 2: what stage 1 left unknown, asked of astroid. The only module that imports it.

The world is closed: astroid sees the project's own modules and the stubs, each built when inference leads into it, and
nothing else. Resolving `import torch` for real would parse thousands of modules, end in "uninferable", and make the
verdict depend on what is installed. Work is bounded by counts, of inferences and of the characters of modules, and not
by a clock, so that the result never depends on the speed of the machine.

To build a module takes fifteen times as long as to parse it, and many files lead into the same few. So a module is
built from its text alone, and the last ones are kept.
"""

import ast
import builtins
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from types import ModuleType

from astroid import builder, nodes
from astroid.builder import AstroidBuilder
from astroid.context import InferenceContext
from astroid.exceptions import AstroidError, AstroidImportError
from astroid.inference_tip import clear_inference_tip_cache
from astroid.manager import AstroidManager
from astroid.nodes._base_nodes import LookupMixIn
from astroid.raw_building import InspectBuilder

from analyzers.facts.model import Unknown, Value
from analyzers.facts.newest import Newest
from analyzers.facts.scopes.model import MOST_MEANINGS
from analyzers.facts.values.operations import known, one_of
from analyzers.lean.garbage import RareCollections
from analyzers.lean.records import record
from analyzers.project.model import Source
from analyzers.project.names import module_name
from analyzers.project.parsing import syntax_tree

TYPE_CHECKING = False
if TYPE_CHECKING:
    from analyzers.project.model import Find

MAX_QUERIES = 200
MAX_ANSWERS = 16
MAX_INFERENCES = 5_000
"""For one query; a usual one takes some dozen."""
MAX_INFERENCES_IN_ALL = 50_000
MAX_CHARACTERS = 256 * 1024
"""How much code inference may lead into from one file, beyond that file: a third of a second."""
_CHARACTERS = 64
"""So much of an inferred text counts as an inference: astroid puts long texts together in any number."""
_BUILTINS_IN_WHOLE = frozenset([builtins, object, type, super, property, classmethod, staticmethod])
"""Of these astroid itself asks for methods."""
_STUBS = os.path.join(os.path.dirname(__file__), "stubs")


@record
class Query:
    """An expression to infer, by where it starts: line from 1, offset in UTF-8 bytes from 0."""

    path: str
    line: int
    offset: int


def infer(queries: Iterable[Query], sources: Sequence[Source], find: "Find") -> tuple[dict[Query, Value], list[Query]]:
    """Return what each query's expression may be, and the queries that went beyond the budget.

    A query stands in one of `sources`; `find` gives the project's modules by name. What cannot be inferred is left out,
    since unknown is not "no".
    """
    by_path = {source.path: source for source in sources}
    answers: dict[Query, Value] = {}
    given_up: list[Query] = []
    with RareCollections(), _closed_world(find) as world:
        for query in islice(dict.fromkeys(queries), MAX_QUERIES):
            try:
                value = world.answer(by_path[query.path], query)
            except _SpentError:
                given_up.append(query)
                continue
            if value is not None:
                answers[query] = value
    return answers, given_up


class _SpentError(Exception):
    """A query took more inferences than it may."""


class _World:
    """The modules that astroid may see from one file at a time, and the inferences that are left."""

    def __init__(self, manager: AstroidManager, find: "Find", forget: Callable[[], None]) -> None:
        self._manager = manager
        self._builder = AstroidBuilder(manager, apply_transforms=False)
        self._builder.delayed_assattr = _set_on_self
        self._find = find
        self._forget = forget
        self._source: Source | None = None
        self._built: dict[str, nodes.Module | None] = {}
        self._characters = 0
        self._left = MAX_INFERENCES_IN_ALL
        self._left_for_query = 0

    def module(self, name: str) -> nodes.Module | None:
        """Return the module `name`, built when it is first asked for."""
        if name not in self._built:
            self._built[name] = None  # while it is being built, it cannot be imported
            self._built[name] = self._build(name)
        return self._built[name]

    def spend(self, inferences: int = 1) -> None:
        """Count inferences."""
        self._left -= inferences
        self._left_for_query -= inferences
        if self._left < 0 or self._left_for_query < 0:
            raise _SpentError

    def answer(self, source: Source, query: Query) -> Value | None:
        """Return what the expression at `query` in `source` may be, None when it cannot be inferred."""
        self._left_for_query = MAX_INFERENCES
        self.spend(0)  # where nothing is left, nothing need be built
        if source is not self._source:
            self._enter(source)
        module = self._built[source.module]
        node = _node_at(module, query) if module is not None else None
        if node is None:
            return None
        try:
            values = [_value(inferred) for inferred in islice(node.infer(), MAX_ANSWERS)]
        except (AstroidError, RecursionError):
            return None
        return one_of(values) if any(not isinstance(value, Unknown) for value in values) else None

    def _enter(self, source: Source) -> None:
        """Leave the modules that the file before has led into."""
        self._forget()
        self._source = source
        self._built = {"builtins": self._manager.builtins_module, source.module: None}
        self._built[source.module] = self._parsed(source.text, source.module, source.path)
        self._characters = 0

    def _build(self, name: str) -> nodes.Module | None:
        stub = f"{_STUBS}/{name.replace('.', '__')}.py"
        if os.path.isfile(stub):
            with open(stub, encoding="utf-8") as file:
                return self._parsed(file.read(), name, stub)
        code = self._find(name)
        if code is None:
            return None
        self._characters += len(code.text)
        if self._characters > MAX_CHARACTERS:
            raise _SpentError
        return self._parsed(code.text, module_name(code.path), code.path)

    def _parsed(self, text: str, name: str, path: str) -> nodes.Module | None:
        known = _KEPT.get(path)
        if known is not None and known[0] == text and known[1].name == name:
            return known[1]
        try:
            module = self._builder.string_build(text, name, path)
        except (AstroidError, RecursionError):
            return None  # it stays out of the world
        _keep_few_meanings(module)
        if "import *" not in text:  # what a star brings in depends on other modules
            _KEPT.keep(path, (text, module), len(text))
        return module


def _set_on_self(node: nodes.AssignAttr) -> None:
    """Note what a method sets on `self` in its class.

    astroid itself would infer, in each module, whose attribute every `x.y = z` sets, by way of all that it imports.
    """
    function = node.frame()
    if not (isinstance(function, nodes.FunctionDef) and isinstance(node.expr, nodes.Name) and function.args.args):
        return
    holder = function.parent.frame() if function.parent is not None else None
    if isinstance(holder, nodes.ClassDef) and function.args.args[0].name == node.expr.name:
        known = holder.instance_attrs.setdefault(node.attrname, [])
        if len(known) < MOST_MEANINGS:
            known.append(node)


_KEPT: "Newest[tuple[str, nodes.Module]]" = Newest(MAX_CHARACTERS)


def _keep_few_meanings(module: nodes.Module) -> None:
    """Let each name in `module` have no more meanings than in stage 1: astroid compares each of them with each."""
    pending: list[nodes.LocalsDictNodeNG] = [module]
    seen: set[int] = set()
    while pending:
        scope = pending.pop()
        if id(scope) not in seen:  # a method knows its class
            seen.add(id(scope))
            for meanings in scope.locals.values():
                pending += [node for node in meanings if isinstance(node, nodes.LocalsDictNodeNG)]
                del meanings[MOST_MEANINGS:]


def _without_type_comments(text: str, **_options: object) -> ast.Module:
    """Parse a module as the rest of the analyzer does: astroid may open a file that is called like it (reading.py)."""
    return syntax_tree(text + "\n")


@contextmanager
def _closed_world(find: "Find") -> Iterator[_World]:
    """Yield a world that is asked for every module and every inference; restore astroid's shared state afterwards.

    Two of the functions are replaced on their classes because astroid makes a new manager wherever it needs one.
    """
    manager = AstroidManager()
    if "builtins" not in manager.astroid_cache:
        with _builtins_in_outline():
            manager.bootstrap()
    outside = dict(manager.astroid_cache)
    world = _World(manager, find, lambda: _forget(manager, outside))
    by_name, infer_node, parse = AstroidManager.ast_from_module_name, nodes.NodeNG.infer, builder._parse_string

    def only_from_the_world(_self: AstroidManager, name: str, *_options: object, **_more: object) -> nodes.Module:
        module = world.module(name)
        if module is None:
            raise AstroidImportError("{modname} is outside the project", modname=name)
        return module

    def counted(node: nodes.NodeNG, context: InferenceContext | None = None) -> Iterator[object]:
        world.spend()
        return weighed(infer_node(node, context))

    def weighed(inferred: Iterable[object]) -> Iterator[object]:
        for one in inferred:
            if isinstance(one, nodes.Const) and isinstance(one.value, str):
                world.spend(len(one.value) // _CHARACTERS)
            yield one

    AstroidManager.ast_from_module_name, nodes.NodeNG.infer = only_from_the_world, counted
    builder._parse_string = _without_type_comments
    try:
        yield world
    finally:
        AstroidManager.ast_from_module_name, nodes.NodeNG.infer, builder._parse_string = by_name, infer_node, parse
        _forget(manager, outside)


@contextmanager
def _builtins_in_outline() -> Iterator[None]:
    """Let astroid learn the names and the bases of the built-in classes, but not their 2,900 methods.

    Introspecting these takes longer than everything else that astroid does for a function, and is of no use: without
    code to infer from, what they return is unknown either way.
    """
    whole = InspectBuilder.object_build

    def outline(builder: InspectBuilder, node: nodes.Module | nodes.ClassDef, obj: ModuleType | type) -> None:
        if obj in _BUILTINS_IN_WHOLE:
            whole(builder, node, obj)
        else:
            builder._done[obj] = node  # so that `IOError` and `OSError` stay one class

    InspectBuilder.object_build = outline
    try:
        yield
    finally:
        InspectBuilder.object_build = whole


def _forget(manager: AstroidManager, outside: Mapping[str, nodes.Module]) -> None:
    """Drop what astroid remembers of the nodes that were built; a tree of files would fill the memory."""
    cache = manager.astroid_cache
    for name in [name for name in cache if name not in outside]:
        del cache[name]
    cache.update(outside)
    InferenceContext().inferred.clear()
    clear_inference_tip_cache()
    LookupMixIn.lookup.cache_clear()


def _node_at(node: nodes.NodeNG, query: Query) -> nodes.NodeNG | None:
    """Return the outermost expression that starts at the query's place."""
    start = (query.line, query.offset)
    pending = [node]
    while pending:
        current = pending.pop()
        if (current.lineno, current.col_offset) == start and not isinstance(current, nodes.Keyword):
            return current
        if current.lineno is None or current.lineno <= query.line:
            pending.extend(reversed(list(current.get_children())))
    return None


def _value(inferred: object) -> Value:
    if isinstance(inferred, nodes.Const) and isinstance(inferred.value, str | int | float | bool | None):
        return known(inferred.value)
    return Unknown()
