"""Under which conditions code runs, as far as the availability of a GPU decides it.

A guarded `.cuda()` and an unguarded one are different facts: the first moves to a GPU where there is one, the
second fails without it. `polarity` says of a test whether it holds where a GPU is available (+1), where none is
(-1), or has nothing to do with it (0).
"""

import ast
import re

from analyzers.facts.model import Guard, Known, OneOf, Symbol, is_unknown, options, texts
from analyzers.facts.scopes.model import reasons
from analyzers.facts.syntax import word_of
from analyzers.facts.values.settings import by_default, definitions
from analyzers.facts.values.shapes import entry_read, is_device_word, is_made, is_switch, names_backend
from analyzers.facts.vocabulary import AVAILABILITY, CPU_WORDS, GPU_ONLY_MODULES, GPU_WORDS, LOOKS
from analyzers.lean.patterns import Pattern
from analyzers.project.parsing import nodes_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    from analyzers.facts.model import Value
    from analyzers.facts.scopes.model import Binding, Condition, Conditions, Scope
    from analyzers.facts.values.memory import Memory

    class _Evaluator(Protocol):
        """What guards ask of evaluator.py, which imports them."""

        thorough: bool

        def value(self, node: ast.expr, scope: Scope) -> Value: ...
        def bindings(self, name: str, scope: Scope) -> list[Binding]: ...
        def attribute_bindings(self, base: Value, name: str) -> list[Binding]: ...
        def returned(self, name: str) -> Scope | None: ...


_NOT = Pattern(
    r"(^|_)(no|not|non|disable|without|skip|avoid|force_?cpu|cpu_only)(_|$)|^(no|disable)(gpu|cuda)", re.IGNORECASE
)
_PLAIN = (ast.Name, ast.Constant, ast.Attribute)
_AT_LEAST = (ast.Gt, ast.GtE, ast.NotEq)


class Guards:
    """Reads tests with the help of an evaluator."""

    def __init__(self, evaluator: "_Evaluator", memory: "Memory") -> None:
        self._evaluator = evaluator
        self._memory = memory

    def guard(self, conditions: "Conditions") -> Guard:
        """Return when code under `conditions` runs; what a setting asks for is none that the machine decides."""
        sign = self._innermost(conditions)
        if sign < 0:
            return Guard.WITHOUT_GPU
        if self.is_optional(conditions) or (not sign and any(map(self._is_asked, conditions))):
            return Guard.SETTING
        return Guard.WITH_GPU if sign else Guard.ALWAYS

    def is_optional(self, conditions: "Conditions") -> bool:
        """Return whether code under `conditions` does not run as long as nobody has set anything."""
        return any(
            condition.test is not None and self.by_default(condition.test, condition.scope) is (not condition.outcome)
            for condition in conditions
        )

    def by_default(self, test: ast.expr, scope: "Scope") -> bool | None:
        """Return how `test` comes out while nobody has set anything, None where no default says so."""
        if not self._evaluator.thorough:
            return None
        return self._memory.once(("by default", id(test)), lambda: self._by_default(test, scope), None)

    def _by_default(self, test: ast.expr, scope: "Scope") -> bool | None:
        """Return how `test` comes out by default; Gaia's own variables have none."""
        names = (part for part in nodes_of(test) if isinstance(part, ast.Name | ast.Attribute))
        if names_backend(test) or any(self._is_backend(name, scope) for name in names):
            return None
        return by_default(test, scope, self._evaluator)

    def _is_asked(self, condition: "Condition") -> bool:
        """Return whether a condition is what a request or a file says of devices: `if job["input"].get("use_gpu"):`."""
        test, scope = condition.test, condition.scope
        if test is None or not self._evaluator.thorough or self.by_default(test, scope) is not None:
            return False
        return self._reads_device(test, scope)

    def _reads_device(self, test: ast.expr, scope: "Scope") -> bool:
        return self._memory.once(("reads a device", id(test)), lambda: self._has_device(test, scope), False)

    def _has_device(self, test: ast.expr, scope: "Scope") -> bool:
        """Return whether an entry that is called like a device is read in `test`, or for one of its names."""
        parts = list(nodes_of(test))
        names = (part for part in parts if isinstance(part, ast.Name))
        return any(is_device_word(entry_read(part)) for part in parts) or any(
            one.node is not None and not is_made(test, one.node) and self._reads_device(one.node, one.scope)
            for name in names
            for one in definitions(name, scope, self._evaluator)
        )

    def refuses(self, conditions: "Conditions") -> bool:
        """Return whether code under `conditions` runs only where there is no GPU, whatever was asked for.

        `if use_gpu: assert torch.cuda.is_available()` refuses a request for a GPU, not a machine without one.
        """
        signs = {self._sign(reason) for condition in conditions for reason in reasons(condition)}
        return -1 in signs and 1 not in signs and not self.is_optional(conditions)

    def is_dead(self, conditions: "Conditions") -> bool:
        """Return whether a constant test keeps the code from ever running."""
        return bool(conditions) and any(
            condition.test is not None and self.constant(condition.test, condition.scope) is (not condition.outcome)
            for condition in conditions
        )

    def constant(self, test: ast.expr, scope: "Scope") -> bool | None:
        """Return the outcome of a test that always comes out the same, else None."""
        return self._memory.once(("constant", id(test)), lambda: self._constant(test, scope), None)

    def _constant(self, test: ast.expr, scope: "Scope") -> bool | None:
        if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
            inner = self.constant(test.operand, scope)
            return None if inner is None else not inner
        if isinstance(test, _PLAIN):
            value = self._evaluator.value(test, scope)
            if isinstance(value, Known):
                return bool(value.value)
            if isinstance(value, Symbol) and value.name == "typing.TYPE_CHECKING":
                return False
        return None

    def _innermost(self, conditions: "Conditions") -> int:
        """Return the polarity of the innermost condition that is about a GPU, 0 without one."""
        return next((sign for condition in reversed(conditions) if (sign := self._sign(condition))), 0)

    def _sign(self, condition: "Condition") -> int:
        if condition.test is None:
            return 1 if condition.outcome else -1
        if isinstance(condition.test, ast.BoolOp) and isinstance(condition.test.op, ast.Or) and not condition.outcome:
            return _conjunction([-self.polarity(part, condition.scope) for part in condition.test.values])
        sign = self.polarity(condition.test, condition.scope)
        return sign if condition.outcome else -sign

    def polarity(self, test: ast.expr, scope: "Scope") -> int:
        """Return +1 when `test` holds where a GPU is available, -1 where none is, 0 when it is about something else."""
        return self._memory.once(("polarity", id(test)), lambda: self._polarity(test, scope), 0)

    def _polarity(self, test: ast.expr, scope: "Scope") -> int:
        match test:
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                return -self.polarity(operand, scope)
            case ast.BoolOp(op=op, values=values):
                signs = [self.polarity(value, scope) for value in values]
                return _conjunction(signs) if isinstance(op, ast.And) else _disjunction(signs)
            case ast.Compare(left=left, ops=[op], comparators=[right]):
                return self._comparison(left, op, right, scope)
            case ast.Call():
                return self._asked(test, scope)
            case ast.Name(id=name) | ast.Attribute(attr=name):
                return self._flag(test, name, scope)
            case ast.NamedExpr(value=value) | ast.Subscript(value=value) | ast.Await(value=value):
                return self.polarity(value, scope)
            case _:
                return 0

    def _asked(self, test: ast.Call, scope: "Scope") -> int:
        """Return the polarity of a call: of an availability check, of its wrapper, or of len() or bool() around one."""
        match test.func:
            case ast.Attribute(attr="exists", value=ast.Call(args=[path])):  # of pathlib's
                return int(self._is_card(path, scope))
        for option in options(self._evaluator.value(test.func, scope)):
            if not isinstance(option, Symbol):
                continue
            if option.name in AVAILABILITY:
                return 1
            if option.name in ("len", "bool", "int", "any", "all") and test.args:
                return self.polarity(test.args[0], scope)
            if option.name in LOOKS and test.args:
                return int(self._is_card(test.args[0], scope))
            function = self._evaluator.returned(option.name)
            if function is not None:
                signs = [self._answered(node, conditions, function) for node, conditions in function.returns]
                return signs[0] if len(signs) == 1 else _conjunction(signs)
        return 0

    def _is_card(self, looked_for: ast.expr, scope: "Scope") -> bool:
        """Return whether a program, a file or a library that is looked for is there only where a GPU is."""
        found = texts(self._evaluator.value(looked_for, scope))
        return any("nvidia" in text or text.startswith(GPU_ONLY_MODULES) for text in found)

    def _answered(self, node: ast.expr, conditions: "Conditions", scope: "Scope") -> int:
        """Return the polarity of what a helper returns: `True` where a GPU was found says as much as a test does."""
        match node:
            case ast.Constant(value=bool(answer)):
                sign = self._innermost(conditions)
                return sign if answer else -sign
        return self.polarity(node, scope)

    def _flag(self, test: ast.expr, name: str, scope: "Scope") -> int:
        """Return the polarity of a flag, or of a setting under a key: by what it is set to, else by its name."""
        bound = [one for one in definitions(test, scope, self._evaluator) if one.node is not None]
        signs = [self._answered(one.node, one.conditions, one.scope) for one in bound if one.node is not None]
        if any(signs):
            return _conjunction(signs)
        settings = options(self._evaluator.value(test, scope)) if is_switch(name) else ()
        if all(isinstance(setting, Known) for setting in settings):
            return 0
        return -1 if _NOT.search(name) else 1

    def _comparison(self, left: ast.expr, op: ast.cmpop, right: ast.expr, scope: "Scope") -> int:
        sign = self.polarity(left, scope)
        if sign:
            return sign * self._threshold(op, right, scope)
        if isinstance(op, ast.In | ast.NotIn):
            about_gpu = any("CUDA" in text for text in texts(self._evaluator.value(left, scope)))
            if about_gpu and self.polarity(right, scope):
                return 1 if isinstance(op, ast.In) else -1
        return self._device_comparison(left, op, right, scope)

    def _threshold(self, op: ast.cmpop, right: ast.expr, scope: "Scope") -> int:
        """Return 1 when comparing a count or a flag of GPUs with a constant asks for some, -1 when for none."""
        value = self._evaluator.value(right, scope)
        zero = isinstance(value, Known) and value.value in (0, False, None, "")
        if isinstance(op, ast.Eq | ast.Is):
            return -1 if zero else 1
        if isinstance(op, ast.NotEq | ast.IsNot):
            return 1 if zero else -1
        return 1 if isinstance(op, _AT_LEAST) else -1

    def _device_comparison(self, left: ast.expr, op: ast.cmpop, right: ast.expr, scope: "Scope") -> int:
        """Read `device == "cuda"`, `"cpu" in device` and `os.environ["GAIA_BACKEND"] == "gpu"`, in either direction."""
        if isinstance(op, ast.In | ast.NotIn):
            return self._device_comparison(right, ast.Eq() if isinstance(op, ast.In) else ast.NotEq(), left, scope)
        words = texts(self._evaluator.value(right, scope))
        if len(words) != 1 or not isinstance(op, ast.Eq | ast.NotEq):
            return 0
        word = words[0].lower()
        names_gpu = word.startswith(GPU_WORDS)
        if (names_gpu or word in CPU_WORDS) and (self._is_device(left, scope) or self._is_backend(left, scope)):
            return 1 if names_gpu is isinstance(op, ast.Eq) else -1
        return 0

    def _is_device(self, node: ast.expr, scope: "Scope") -> bool:
        value = self._evaluator.value(node, scope)
        if isinstance(value, OneOf) and value.guarded:
            return True
        return is_unknown(value) and not entry_read(node) and any("device" in word_of(part) for part in nodes_of(node))

    def _is_backend(self, node: ast.expr, scope: "Scope") -> bool:
        """Return whether `node` reads one of Gaia's variables, directly or through a name."""
        if names_backend(node):
            return True
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            return self._is_backend(node.func.value, scope)
        return isinstance(node, ast.Name | ast.Attribute) and any(
            one.node is not None and names_backend(one.node) for one in definitions(node, scope, self._evaluator)
        )


def _conjunction(signs: list[int]) -> int:
    """Return the polarity of `a and b`: one part about a GPU is enough, but parts that disagree cancel out."""
    found = set(signs) - {0}
    return found.pop() if len(found) == 1 else 0


def _disjunction(signs: list[int]) -> int:
    """Return the polarity of `a or b`, which is about a GPU only when every part is."""
    return signs[0] if len(set(signs)) == 1 else 0
