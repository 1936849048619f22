"""What a name is bound to, and under which conditions an expression runs: the vocabulary of walk.py.

A condition is a test with the outcome that leads to the code; whether it is about a GPU is for guards.py to say.
"""

import ast
from enum import Enum, auto

from analyzers.lean.records import record
from analyzers.project.model import Source


@record
class Condition:
    """Code runs when `test`, evaluated in `scope`, comes out as `outcome`; a test of None is a failed import."""

    test: ast.expr | None
    outcome: bool
    scope: "Scope"


Conditions = tuple[Condition, ...]

MOST_MEANINGS = 64
"""How many bindings of a name count: each use of the name looks at all of them."""
_MOST_CONDITIONS = 100
"""How many conditions of a piece of code count, the innermost: Python itself allows a hundred blocks in each other."""


def under(conditions: Conditions, test: ast.expr | None, outcome: bool, scope: "Scope") -> Conditions:
    """Return `conditions` with another one inside of them."""
    return (*conditions, Condition(test, outcome, scope))[-_MOST_CONDITIONS:]


def reasons(condition: Condition) -> "list[Condition]":
    """Return what is each enough for a condition: the parts of `a or b`, and of `a and b` where that must not hold."""
    test, outcome, scope = condition.test, condition.outcome, condition.scope
    if isinstance(test, ast.BoolOp) and isinstance(test.op, ast.Or) == outcome:
        return [Condition(part, outcome, scope) for part in test.values]
    return [condition]


class Kind(Enum):
    """What a binding binds its name to."""

    IMPORT = auto()
    VALUE = auto()
    PARAMETER = auto()
    SELF = auto()
    FUNCTION = auto()
    CLASS = auto()
    OPAQUE = auto()


@record
class Binding:
    """One of the places where a name gets its meaning. `scope` is where `node` is evaluated, or what it opens."""

    kind: Kind
    scope: "Scope"
    conditions: Conditions = ()
    node: ast.expr | None = None
    target: str = ""
    function: "Scope | None" = None


class Scope:
    """A module, class or function with the names it binds; a class also holds what its methods set on `self`.

    `stars` are the modules all of whose names are imported. Of the file's tree it keeps only the expressions that names
    are bound to: of a module that others import nothing else is needed, and the rest is most of it.
    """

    __slots__ = ("bindings", "is_class", "is_decorated", "name", "parameters", "parent", "returns", "stars")

    def __init__(
        self, name: str, parent: "Scope | None", *, is_class: bool = False, is_decorated: bool = False
    ) -> None:
        self.name = name
        self.parent = parent
        self.is_class = is_class
        self.is_decorated = is_decorated
        self.bindings: dict[str, list[Binding]] = {}
        self.returns: list[tuple[ast.expr, Conditions]] = []
        self.parameters: list[str] = []
        self.stars: list[str] = []

    def bind(self, name: str, binding: Binding) -> None:
        """Add a meaning of `name`."""
        known = self.bindings.setdefault(name, [])
        if len(known) < MOST_MEANINGS:
            known.append(binding)

    def meanings(self, name: str) -> list[Binding]:
        """Return the bindings of `name` as seen from here: the same list wherever it means the same.

        A class's names are not seen from its methods.
        """
        scope: Scope | None = self
        while scope is not None:
            found = scope.bindings.get(name)
            if found is not None and (scope is self or not scope.is_class):
                return found
            scope = scope.parent
        return []

    def enclosing_class(self) -> "Scope | None":
        """Return the nearest class around this scope."""
        scope: Scope | None = self
        while scope is not None and not scope.is_class:
            scope = scope.parent
        return scope


@record
class Site:
    """An expression that may become a fact, where it stands and what must hold for it to run."""

    node: ast.expr
    scope: Scope
    conditions: Conditions
    is_decorator: bool = False


class ModuleScopes:
    """A file's scopes and everything in it that may become a fact, in source order.

    `imports` are qualified names; `exits` the statements that end the program or fail the request: raise, sys.exit.
    """

    __slots__ = ("exits", "imports", "named", "sites", "source", "top")

    def __init__(self, top: Scope, source: Source) -> None:
        self.top = top
        self.source = source
        self.sites: list[Site] = []
        self.imports: list[tuple[str, ast.stmt, Scope, Conditions]] = []
        self.exits: list[tuple[ast.stmt, Conditions]] = []
        self.named: list[tuple[str, ast.expr, Scope, Conditions]] = []
