"""How a test comes out while nobody has set anything: by the defaults of variables, parameters and the environment.

    if os.environ.get("USE_GPU") == "1":     false by default: what is below it is a possibility, and no need
    def load(device="cpu"):
        if device == "cuda": ...             false by default, as long as the project passes nothing else

A test that no default decides has no outcome here.
"""

import ast
import operator
from collections.abc import Callable, Mapping

from analyzers.facts.model import Items, Known, Scalar, Symbol, Unknown, Value
from analyzers.facts.values.operations import ENVIRONMENT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    from analyzers.facts.scopes.model import Scope

    class _Evaluator(Protocol):
        """What is asked of evaluator.py, which imports this module."""

        def value(self, node: ast.expr, scope: Scope) -> Value: ...


_COMPARED: Mapping[type[ast.cmpop], Callable[[Scalar, Scalar], object]] = {
    ast.Eq: operator.eq, ast.NotEq: operator.ne, ast.Is: operator.is_, ast.IsNot: operator.is_not,
}  # fmt: skip
_ORDERED: Mapping[type[ast.cmpop], Callable[[float, float], object]] = {
    ast.Gt: operator.gt, ast.GtE: operator.ge, ast.Lt: operator.lt, ast.LtE: operator.le,
}  # fmt: skip
_UNKNOWN = Unknown()


def by_default(test: ast.expr, scope: "Scope", evaluator: "_Evaluator") -> bool | None:
    """Return how `test` comes out by default, None where no default says so."""
    match test:
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            inner = by_default(operand, scope, evaluator)
            return None if inner is None else not inner
        case ast.BoolOp(op=op, values=values):
            decided = isinstance(op, ast.Or)
            outcomes = [by_default(value, scope, evaluator) for value in values]
            if decided in outcomes:
                return decided
            return None if None in outcomes else not decided
        case ast.Compare(left=left, ops=[op], comparators=[right]):
            return _compared(op, _setting(left, scope, evaluator), _setting(right, scope, evaluator))
    value = _setting(test, scope, evaluator)
    return bool(value.value) if isinstance(value, Known) else None


def _setting(node: ast.expr, scope: "Scope", evaluator: "_Evaluator") -> Value:
    """Return the value of `node` by default: an environment variable without one is None."""
    if isinstance(node, ast.Call):
        callee = evaluator.value(node.func, scope)
        if isinstance(callee, Symbol) and callee.name in ENVIRONMENT and len(node.args) == 1 and not node.keywords:
            return Known(None)
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
