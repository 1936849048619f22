"""Stage 2: what stage 1 left unknown, asked of astroid. The only module that imports it.

The world is closed: astroid may see the project's own modules and the stubs, and nothing else. Resolving
`import torch` for real would parse thousands of modules, end in "uninferable", and make the verdict depend on
what is installed. The number of queries is bounded, so that the result never depends on the speed of the
machine.
"""

import gc
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

from astroid import nodes
from astroid.builder import AstroidBuilder
from astroid.exceptions import AstroidError
from astroid.manager import AstroidManager
from astroid.util import UninferableBase

from analyzers.facts import Known, Unknown, Value
from analyzers.reading import Source
from analyzers.records import record
from analyzers.values import one_of

MAX_QUERIES = 200
MAX_ANSWERS = 16
_GC_THRESHOLD = (200_000, 20, 100)
"""astroid makes many long-lived nodes; full collections would take half of the time."""
_STUBS = Path(__file__).with_name("stubs")


@record
class Query:
    """An expression to infer, by where it starts: line from 1, offset in UTF-8 bytes from 0."""

    path: str
    line: int
    offset: int


def infer(sources: Sequence[Source], queries: Iterable[Query]) -> dict[Query, Value]:
    """What each query's expression may be; one that cannot be inferred is left out, since unknown is not "no"."""
    asked = list(dict.fromkeys(queries))[:MAX_QUERIES]
    with _closed_world() as builder:
        modules = _build(builder, sources)
        answers = {query: _answer(modules, query) for query in asked}
    return {query: value for query, value in answers.items() if value is not None}


class _OnlyBuilt(set[str]):
    """A denylist of every module that has not been built already; astroid asks it before it looks anywhere."""

    def __init__(self, built: Mapping[str, nodes.Module]) -> None:
        super().__init__()
        self._built = built

    def __contains__(self, name: object) -> bool:
        return name not in self._built


@contextmanager
def _closed_world() -> Iterator[AstroidBuilder]:
    """A builder that resolves nothing but what it has built; astroid's shared state is put back afterwards."""
    threshold = gc.get_threshold()
    gc.set_threshold(*_GC_THRESHOLD)
    manager = AstroidManager()
    if "builtins" not in manager.astroid_cache:
        manager.bootstrap()
    cache, brain = manager.astroid_cache, AstroidManager.brain
    outside, denylist = dict(cache), brain["module_denylist"]
    for name in [name for name in cache if name != "builtins"]:
        del cache[name]
    brain["module_denylist"] = manager.module_denylist = _OnlyBuilt(cache)
    try:
        yield AstroidBuilder(manager, apply_transforms=False)
    finally:
        brain["module_denylist"] = manager.module_denylist = denylist
        for name in [name for name in cache if name not in outside]:
            del cache[name]
        cache.update(outside)
        gc.set_threshold(*threshold)


def _build(builder: AstroidBuilder, sources: Sequence[Source]) -> dict[str, nodes.Module]:
    """Build the stubs, then the project; a file that astroid cannot build stays out of the world."""
    for stub in sorted(_STUBS.glob("[a-z]*.py")):
        builder.string_build(stub.read_text(encoding="utf-8"), stub.stem.replace("__", "."), str(stub))
    modules: dict[str, nodes.Module] = {}
    for source in sources:
        try:
            modules[source.path] = builder.string_build(source.text, source.module, source.path)
        except (AstroidError, RecursionError):
            continue
    return modules


def _answer(modules: Mapping[str, nodes.Module], query: Query) -> Value | None:
    module = modules.get(query.path)
    node = _node_at(module, query) if module is not None else None
    if node is None:
        return None
    try:
        values = [_value(inferred) for inferred in islice(node.infer(), MAX_ANSWERS)]
    except (AstroidError, RecursionError):
        return None
    return one_of(values) if any(not isinstance(value, Unknown) for value in values) else None


def _node_at(node: nodes.NodeNG, query: Query) -> nodes.NodeNG | None:
    """The outermost expression that starts at the query's place."""
    pending = [node]
    while pending:
        current = pending.pop()
        if (current.lineno, current.col_offset) == (query.line, query.offset) and not isinstance(
            current, nodes.Keyword
        ):
            return current
        if current.lineno is None or current.lineno <= query.line:
            pending.extend(reversed(list(current.get_children())))
    return None


def _value(inferred: object) -> Value:
    if isinstance(inferred, UninferableBase):
        return Unknown()
    if isinstance(inferred, nodes.Const) and isinstance(inferred.value, str | int | float | bool | None):
        return Known(inferred.value)
    return Unknown()
