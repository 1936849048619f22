"""A number or a string that two modules need is imported, never typed again."""

import ast
import itertools
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from tests.architecture.sources import Module, listed, modules

MEET = ("runtime_images/policy/", "runtime_images/dynamic_runtime/", "gaia_cli/simulator/")
"""Trees that must agree: the simulator plays what the runtime measures and the policy decides."""
TRIVIAL = {0, 1, 2, 3, 10, 100, 0.5, 1000}
"""Numbers that are equal by chance."""
UNITS = {"s", "ms", "ns", "bytes", "most", "least", "max", "min", "every", "over", "after", "first", "span", "share"}
"""Words of a name that say nothing about what it names."""


@dataclass(frozen=True)
class Constant:
    """One literal with a name: of a module, or the default of a class's field."""

    name: str
    value: object
    path: str
    line: int
    in_class: bool

    @property
    def words(self) -> frozenset[str]:
        return frozenset(self.name.lower().split("_")) - UNITS

    @property
    def is_number(self) -> bool:
        return isinstance(self.value, int | float) and self.value not in TRIVIAL

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.name} = {self.value!r}"


def constants(module: Module) -> Iterator[Constant]:
    """Yield the literals that `module` gives a name in capitals, and the defaults of its classes' fields."""
    for node in module.tree.body:
        if isinstance(node, ast.ClassDef):
            yield from _named(node.body, module, in_class=True)
    yield from _named(module.tree.body, module, in_class=False)


def _named(body: list[ast.stmt], module: Module, in_class: bool) -> Iterator[Constant]:
    for node in body:
        match node:
            case (
                ast.Assign(targets=[ast.Name(id=name)], value=value)
                | ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value)
            ):
                literal = _literal(value)
                if literal is not None and (in_class or re.fullmatch("_?[A-Z][A-Z0-9_]+", name)):
                    yield Constant(name.strip("_"), literal, module.path, node.lineno, in_class)


def _literal(node: ast.expr) -> object:
    """Return the value of a number, a string, bytes, a tuple of them, or arithmetic with numbers; None for all else."""
    if isinstance(node, ast.BinOp | ast.UnaryOp) and all(
        isinstance(part, ast.BinOp | ast.UnaryOp | ast.operator | ast.unaryop)
        or (isinstance(part, ast.Constant) and isinstance(part.value, int | float))
        for part in ast.walk(node)
    ):
        return eval(compile(ast.Expression(node), "literal", "eval"), {"__builtins__": {}})  # noqa: S307 -- numbers only
    try:
        value = ast.literal_eval(node)
    except ValueError:
        return None
    return None if isinstance(value, bool) or value in ("", ()) or isinstance(value, dict | set | list) else value


def all_constants() -> list[Constant]:
    return [constant for module in modules() for constant in constants(module)]


def tree(constant: Constant) -> str | None:
    return next((tree for tree in MEET if constant.path.startswith(tree)), None)


def clashes(kept: list[Constant]) -> Iterator[str]:
    """Pairs from two of the trees that have one name (a single word aside), or one number and a word in common."""
    for one, other in itertools.combinations(kept, 2):
        if tree(one) == tree(other):
            continue
        same_name = one.name == other.name and "_" in one.name and not one.in_class and not other.in_class
        same_number = one.is_number and one.value == other.value and bool(one.words & other.words)
        if same_name or same_number:
            yield f"{one}, and {other}"


def test_no_two_modules_give_one_value_the_same_name() -> None:
    places: dict[tuple[str, str], list[Constant]] = defaultdict(list)
    for constant in all_constants():
        if not constant.in_class:
            places[constant.name, repr(constant.value)].append(constant)
    twice = [str(constant) for found in places.values() if len({c.path for c in found}) > 1 for constant in found]

    assert not twice, listed("type it in one module, and import it in the others", twice)


def test_policy_runtime_and_simulator_share_their_numbers() -> None:
    numbers = [c for c in all_constants() if isinstance(c.value, int | float) and tree(c)]
    found = list(clashes(numbers))

    assert not found, listed("import the one from the other's module, or tell two meanings apart by name", found)
