"""How a test comes out while nobody has set anything: by the defaults of variables, parameters and the environment.

    if os.environ.get("USE_GPU") == "1":     false by default: what is below it is a possibility, and no need
    def load(device="cpu"):
        if device == "cuda": ...             false by default, as long as the project passes nothing else

A test that no default decides has no outcome here.
"""

import ast
import operator
from collections.abc import Callable, Mapping

from analyzers.facts.model import Items, Known, Made, Scalar, Symbol, Unknown, Value
from analyzers.facts.values.operations import ENVIRONMENT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    from analyzers.facts.scopes.model import Binding, Scope

    class _Evaluator(Protocol):
        """What is asked of evaluator.py, which imports this module."""

        def value(self, node: ast.expr, scope: Scope) -> Value: ...
        def bindings(self, name: str, scope: Scope) -> list[Binding]: ...
        def attribute_bindings(self, base: Value, name: str) -> list[Binding]: ...


_COMPARED: Mapping[type[ast.cmpop], Callable[[Scalar, Scalar], object]] = {
    ast.Eq: operator.eq, ast.NotEq: operator.ne, ast.Is: operator.is_, ast.IsNot: operator.is_not,
}  # fmt: skip
_ORDERED: Mapping[type[ast.cmpop], Callable[[float, float], object]] = {
    ast.Gt: operator.gt, ast.GtE: operator.ge, ast.Lt: operator.lt, ast.LtE: operator.le,
}  # fmt: skip
_TRUTHS = frozenset({"distutils.util.strtobool", "json.loads", "setuptools.distutils.util.strtobool"})
"""What makes a truth of a variable's text."""
_TRUE = frozenset({"1", "on", "t", "true", "y", "yes"})
_READERS = ("environ.Env", "environs.Env", "environs.env")
"""Readers of settings that take a default, by their own name or as methods."""
_UNKNOWN = Unknown()
_VARIABLES = Symbol("os.environ")


def definitions(node: ast.expr, scope: "Scope", evaluator: "_Evaluator") -> "list[Binding]":
    """Return the bindings of what a name or an attribute stands for, of an imported name those in its module."""
    match node:
        case ast.Name(id=name):
            found = evaluator.bindings(name, scope)
        case ast.Attribute(value=owner, attr=name):
            found = evaluator.attribute_bindings(evaluator.value(owner, scope), name)
        case _:
            return []
    if len(found) == 1 and found[0].target:
        module, _, name = found[0].target.rpartition(".")
        return evaluator.attribute_bindings(Symbol(module), name) if found[0].node is None else found
    return found


def by_default(
    test: ast.expr, scope: "Scope", evaluator: "_Evaluator", within: frozenset[int] = frozenset()
) -> bool | None:
    """Return how `test` comes out by default, None where no default says so.

    `within` are the tests that led to this one: `again = again or failed` is no default of itself.
    """
    match test:
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            inner = by_default(operand, scope, evaluator, within)
            return None if inner is None else not inner
        case ast.BoolOp(op=op, values=values):
            decided = isinstance(op, ast.Or)
            parts = [by_default(value, scope, evaluator, within) for value in values]
            if decided in parts:
                return decided
            return None if None in parts else not decided
        case ast.Compare(left=ast.Constant(), ops=[ast.In() | ast.NotIn() as op], comparators=[right]) if (
            evaluator.value(right, scope) == _VARIABLES
        ):
            return isinstance(op, ast.NotIn)
        case ast.Name() | ast.Attribute() if outcomes := _outcomes(test, scope, evaluator, within):
            return outcomes.pop() if len(outcomes) == 1 else None
        case ast.Compare(left=left, ops=[op], comparators=[right]):
            return _compared(op, _setting(left, scope, evaluator), _setting(right, scope, evaluator))
    value = _setting(test, scope, evaluator)
    return bool(value.value) if isinstance(value, Known) else None


def _outcomes(name: ast.expr, scope: "Scope", evaluator: "_Evaluator", within: frozenset[int]) -> set[bool | None]:
    """Return how the tests come out that a name stands for: `FAST = os.getenv("FAST") == "1"`; empty without any."""
    bound = definitions(name, scope, evaluator)
    tests = [
        one for one in bound if isinstance(one.node, ast.Compare | ast.BoolOp | ast.UnaryOp) and not one.conditions
    ]
    if len(tests) != len(bound) or any(id(one.node) in within for one in tests):
        return set()
    inner = [(one.node, one.scope, within | {id(one.node)}) for one in tests if one.node]
    return {by_default(node, where, evaluator, led) for node, where, led in inner}


def _setting(node: ast.expr, scope: "Scope", evaluator: "_Evaluator") -> Value:
    """Return the value of `node` by default: an environment variable without one is None."""
    if isinstance(node, ast.Call):
        callee = evaluator.value(node.func, scope)
        name = callee.name if isinstance(callee, Symbol | Made) else ""
        if name in ENVIRONMENT and len(node.args) == 1 and not node.keywords:
            return Known(None)
        if name in _TRUTHS and len(node.args) == 1:
            text = _setting(node.args[0], scope, evaluator)
            return Known(str(text.value).lower() in _TRUE) if isinstance(text, Known) else _UNKNOWN
        if name.startswith(_READERS):
            default = [one.value for one in node.keywords if one.arg == "default"] or node.args[1:2]
            return evaluator.value(default[0], scope) if default else _UNKNOWN
    return evaluator.value(node, scope)


def _compared(op: ast.cmpop, left: Value, right: Value) -> bool | None:
    if not isinstance(left, Known):
        return None
    if isinstance(op, ast.In | ast.NotIn):
        if not isinstance(right, Items) or not all(isinstance(one, Known) for one in right.values):
            return None
        return (left in right.values) is isinstance(op, ast.In)
    if not isinstance(right, Known):
        return None
    if type(op) in _COMPARED:
        return bool(_COMPARED[type(op)](left.value, right.value))
    ordered = _ORDERED.get(type(op))
    first, second = left.value, right.value
    if ordered is None or not isinstance(first, int | float) or not isinstance(second, int | float):
        return None
    return bool(ordered(first, second))
