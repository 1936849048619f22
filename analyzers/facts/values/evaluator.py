"""What an expression may be: names followed to what they are bound to, across the files of the project, never run.

Where a name has several bindings, the value is one of them; a value that is not understood is Unknown but remembers
whether it stems from the caller, since a size taken from the request is a fact too. Work is bounded by a count of
steps, not by a clock, so that a verdict never depends on the machine.
"""

import ast
import builtins
from collections.abc import Callable, Mapping

from analyzers.facts.model import (
    Guard,
    Items,
    Known,
    Made,
    OneOf,
    Scalar,
    Symbol,
    Table,
    Unknown,
    Value,
    from_caller,
)
from analyzers.facts.scopes.model import Binding, Kind, Scope, Site
from analyzers.facts.values.guards import Guards
from analyzers.facts.values.memory import NOTHING, Memory
from analyzers.facts.values.operations import (
    CALLER,
    MAX_OPTIONS,
    MOST_PARTS,
    TAKE_ARGUMENTS,
    UNKNOWN,
    arithmetic,
    bounded,
    each,
    formatted,
    is_understood,
    item,
    known,
    known_call,
    made_by,
    method,
    one_of,
)
from analyzers.facts.values.passed import COMMAND_LINES, Passed
from analyzers.project.names import LONGEST_NAME, dotted

MAX_STEPS = 200_000
"""For one file; a single question may take half of them."""
MAX_DEPTH = 60
_NAMED = (Symbol, Made)
_LINKS = (ast.Call, ast.BinOp, ast.Subscript)
"""Of what long chains are made, `a.b().c()...`: each link is asked for, and holds all before it."""
_SCALARS = (str, int, float, bool, type(None))


class BudgetError(Exception):
    """The code needs more steps than an analysis may take."""


class Evaluator:
    """Evaluates expressions of one project. `module` gives what the project's module of a dotted name binds.

    With `thorough` false, what the project's own calls pass and return is not followed: enough for a file that says
    nothing of devices, and half of the work. `steps` counts the work.
    """

    def __init__(
        self, module: Callable[[str], Scope | None], call_sites: Mapping[str, list[Site]], *, thorough: bool
    ) -> None:
        self.thorough = thorough
        self._module = module
        self._passed = Passed(self, call_sites)
        self._scopes: dict[str, Scope] = {}
        self._memory = Memory()
        self.begin(0)
        self.guards = Guards(self, self._memory)

    def begin(self, steps: int) -> None:
        """Begin with another question for a file that has taken so many steps."""
        self.steps = steps
        self._limit = min(MAX_STEPS, steps + MAX_STEPS // 2)

    def value(self, node: ast.expr, scope: Scope) -> Value:
        """Return what `node` may be when it is evaluated in `scope`; a BudgetError says that it is too entangled."""
        if isinstance(node, ast.Constant):
            return known(node.value) if isinstance(node.value, _SCALARS) else UNKNOWN
        self.steps += 1
        if self.steps > self._limit:
            raise BudgetError
        if self._memory.depth > MAX_DEPTH:
            self._memory.cut()
            return UNKNOWN
        if isinstance(node, ast.Name):  # names, attributes, constants and calls are most of all expressions
            bindings = self.bindings(node.id, scope)
            return self._combined(bindings) if bindings else self._unbound(node.id, scope)
        if isinstance(node, ast.Attribute):
            of_name = "device" in node.attr and isinstance(node.value, ast.Name)
            given = self.bindings(dotted(node), scope) if of_name else []  # what `x.device` was set to in this scope
            return self._combined(given) if given else self._of(self.value(node.value, scope), node.attr)
        if isinstance(node, _LINKS) and not self._memory.depth:
            return self._memory.link(node, lambda: bounded(self._composed(node, scope)))
        return bounded(self._composed(node, scope))

    def _composed(self, node: ast.expr, scope: Scope) -> Value:
        match node:
            case ast.Call():
                return self._call(node, scope)
            case ast.IfExp():
                return self._choice(node, scope)
            case ast.Tuple(elts=parts) | ast.List(elts=parts) | ast.Dict(values=parts) if len(parts) > MOST_PARTS:
                return UNKNOWN  # nobody looks at so much
            case ast.Tuple(elts=elements) | ast.List(elts=elements):
                return Items(tuple(self.value(element, scope) for element in elements))
            case ast.Dict(keys=keys, values=values):
                return self._table(keys, values, scope)
            case ast.BoolOp(values=values):
                return one_of([self.value(value, scope) for value in values])
            case ast.Subscript(value=base, slice=index):
                return item(self.value(base, scope), self.value(index, scope))
            case ast.Await(value=inner) | ast.NamedExpr(value=inner) | ast.Starred(value=inner):
                return self.value(inner, scope)
            case ast.BinOp(left=left, op=op, right=right):
                return arithmetic(op, self.value(left, scope), self.value(right, scope))
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return arithmetic(ast.Sub(), Known(0), self.value(operand, scope))
            case ast.JoinedStr(values=parts):
                texts = (part.value if isinstance(part, ast.FormattedValue) else part for part in parts)
                return formatted(self.value(part, scope) for part in texts)
            case ast.UnaryOp(op=ast.Not()) | ast.Compare():
                return OneOf((Known(True), Known(False)), guarded=bool(self.guards.polarity(node, scope)))
            case _:
                return UNKNOWN

    def bindings(self, name: str, scope: Scope) -> list[Binding]:
        """Return the bindings of `name` as seen from `scope`, but for those that no run reaches."""
        known = scope.meanings(name)
        return [one for one in known if not (one.conditions and self.guards.is_dead(one.conditions))]

    def _unbound(self, name: str, scope: Scope) -> Value:
        """Return what a name without a binding is: a builtin, or one of what a module imports with a star."""
        while scope.parent is not None:
            scope = scope.parent
        if not scope.stars or hasattr(builtins, name):
            return Symbol(name)
        own = [found for module in scope.stars if (found := self._starred(module, name, frozenset())) is not None]
        others = [Symbol(f"{module}.{name}") for module in scope.stars if self._module(module) is None]
        return one_of(own or others or [Symbol(name)])

    def _starred(self, module: str, name: str, seen: frozenset[str]) -> Value | None:
        """Return what the project's `module` gives a star import under `name`, also through further stars."""
        home = self._module(module)
        if home is None or module in seen:
            return Symbol(f"{module}.{name}") if seen and home is None else None
        if bindings := home.bindings.get(name):
            return self._combined(bindings)
        chain = (self._starred(star, name, seen | {module}) for star in home.stars)
        return next((found for found in chain if found is not None), None)

    def attribute_bindings(self, base: Value, name: str) -> list[Binding]:
        """Return the bindings of an attribute of one of the project's own modules, classes and instances."""
        scope = self._scope(base.name) if isinstance(base, _NAMED) else None
        return scope.bindings.get(name, []) if scope is not None else []

    def returned(self, name: str) -> Scope | None:
        """Return the scope of the project's own function `name`, None for anything else."""
        scope = self._scope(name)
        return scope if scope is not None and scope.returns and not scope.is_class else None

    def is_own(self, name: str) -> bool:
        """Return whether `name` is a function or a class of the project's own."""
        return name in self._scopes

    def _of(self, base: Value, name: str) -> Value:
        return each(base, lambda option: self._attribute(option, name))

    def _attribute(self, base: Value, name: str) -> Value:
        bindings = self.attribute_bindings(base, name)
        if bindings:
            return self._combined(bindings)
        match base:
            case Symbol(name=owner) | Made(name=owner) if owner in self._scopes:
                return UNKNOWN  # inherited, or set in a way that only stage 2 may follow
            case Symbol(name=owner) | Made(name=owner) if len(owner) > LONGEST_NAME:
                return UNKNOWN
            case Symbol(name=owner):
                return self._symbol(f"{owner}.{name}")
            case Made(name=owner) if owner in COMMAND_LINES and self.thorough:
                return self._passed.on_command_line(name)
            case Made(name=owner):
                return Symbol(f"{owner}().{name}")
            case Unknown():
                return base
            case _:
                return UNKNOWN

    def _symbol(self, qualified: str) -> Value:
        """Return what a qualified name stands for, followed into the project when it names something there."""
        module, _, name = qualified.rpartition(".")
        home = self._module(module) if self._scope(qualified) is None else None
        bindings = home.bindings.get(name) if home is not None else None
        return self._combined(bindings) if bindings else Symbol(qualified)

    def _scope(self, name: str) -> Scope | None:
        """Return the project's own module, class or function `name`."""
        return self._scopes.get(name) or self._module(name)

    def _combined(self, bindings: list[Binding]) -> Value:
        if len(bindings) == 1 and not bindings[0].conditions:
            return self._bound(bindings[0])  # as most names are bound
        guards = [self.guards.guard(binding.conditions) for binding in bindings[:MAX_OPTIONS]]
        return self._alternatives([self._bound(binding) for binding in bindings[:MAX_OPTIONS]], guards)

    def _alternatives(self, values: list[Value], guards: list[Guard]) -> Value:
        """Return the value that is one of `values`, each under its guard."""
        usual = [value for value, guard in zip(values, guards, strict=True) if guard is not Guard.SETTING]
        guarded = any(guard is not Guard.ALWAYS for guard in guards)
        return one_of(values, guarded=guarded, usual=usual if len(usual) < len(values) else ())

    def _bound(self, binding: Binding) -> Value:
        return self._memory.get(id(binding)) or self._memory.once(id(binding), lambda: self._meaning(binding), NOTHING)

    def _meaning(self, binding: Binding) -> Value:
        match binding.kind:
            case Kind.IMPORT:
                return self._symbol(binding.target)
            case Kind.FUNCTION | Kind.CLASS | Kind.SELF:
                self._scopes[binding.scope.name] = binding.scope
                return (Made if binding.kind is Kind.SELF else Symbol)(binding.scope.name)
            case Kind.PARAMETER:
                return self._parameter(binding)
            case Kind.VALUE if binding.node is not None:
                return self.value(binding.node, binding.scope)
            case _:
                stems = binding.node is not None and from_caller(self.value(binding.node, binding.scope))
                return CALLER if stems or binding.node is None else UNKNOWN

    def _parameter(self, binding: Binding) -> Value:
        """Return a parameter's default and what the project's own calls pass; without either it is the caller's."""
        default = [self.value(binding.node, binding.scope)] if binding.node is not None else []
        passed = self._passed.to_parameter(binding) if self.thorough else []
        return one_of([*default, *passed]) if default or passed else CALLER

    def _call(self, node: ast.Call, scope: Scope) -> Value:
        """Return what a call gives, its receiver evaluated once: a chain of n calls would double the work n times.

        Arguments are only evaluated where they decide the result.
        """
        if isinstance(node.func, ast.Attribute):
            name = node.func.attr
            base = self.value(node.func.value, scope)
            arguments = [self.value(one, scope) for one in node.args] if name in TAKE_ARGUMENTS else []
            kept = method(base, name, arguments)
            if kept is not None:
                return kept
            callee = self._of(base, name)
        else:
            callee = self.value(node.func, scope)
        return each(callee, lambda option: self._result(option, node, scope))

    def _result(self, callee: Value, node: ast.Call, scope: Scope) -> Value:
        if not isinstance(callee, Symbol):
            return callee if isinstance(callee, Unknown) else UNKNOWN
        function = self.returned(callee.name)
        if function is not None:
            return self._returns(function) if self.thorough else UNKNOWN
        if not is_understood(callee.name):
            return made_by(callee.name)
        args = [self.value(argument, scope) for argument in node.args]
        keywords = {keyword.arg: self.value(keyword.value, scope) for keyword in node.keywords if keyword.arg}
        return known_call(callee.name, args, keywords) or made_by(callee.name)

    def _returns(self, function: Scope) -> Value:
        def compute() -> Value:
            returns = function.returns[:MAX_OPTIONS]
            guards = [self.guards.guard(conditions) for _, conditions in returns]
            return self._alternatives([self.value(node, function) for node, _ in returns], guards)

        return self._memory.once(id(function), compute, NOTHING)

    def _choice(self, node: ast.IfExp, scope: Scope) -> Value:
        outcome = self.guards.constant(node.test, scope)
        if outcome is not None:
            return self.value(node.body if outcome else node.orelse, scope)
        branches = [self.value(node.body, scope), self.value(node.orelse, scope)]
        default = self.guards.by_default(node.test, scope)
        usual = [branches[not default]] if default is not None else []
        return one_of(branches, guarded=self.guards.polarity(node.test, scope) != 0, usual=usual)

    def _table(self, keys: list[ast.expr | None], values: list[ast.expr], scope: Scope) -> Value:
        entries: dict[Scalar, Value] = {}
        for key, value in zip(keys, values, strict=True):
            evaluated = self.value(value, scope)
            if key is None and isinstance(evaluated, Table):
                self.steps += len(evaluated.entries)
                entries |= dict(evaluated.entries)
            elif isinstance(key, ast.Constant) and isinstance(key.value, _SCALARS):
                entries[key.value] = evaluated
        return Table(tuple(entries.items()))
