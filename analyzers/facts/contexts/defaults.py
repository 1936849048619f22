"""Devices that whoever calls may choose: defaults of parameters and of fields.

`def load(path, device="cuda")` names a device without using it: a caller that has no GPU says so. It is taken only
where a call leaves it out, and that is looked for in the same file; what a platform calls is given no device at all.
"""

import ast
from collections.abc import Iterator, Mapping

from analyzers.facts.contexts.model import Phase, Start
from analyzers.facts.contexts.phases import phase_of
from analyzers.facts.syntax import Function, called_name, last_name
from analyzers.findings import Place
from analyzers.project.parsing import nodes_of, statements_of

_FIELDS = ("dataclass", "define", "frozen", "attrs", "s")
"""Decorators that make parameters of a class's annotated names."""
_SETTINGS = ("Settings", "Config", "Model", "NamedTuple", "TypedDict", "Args", "Arguments", "Params", "Options")
"""How bases end that do so, too, or fill them from outside."""

_Spot = tuple[int, int]
"""Where something starts: its line and its offset."""


def fixed(tree: ast.Module, literals: Mapping[Start, Place]) -> Iterator[tuple[Start, Place]]:
    """Yield those of the `literals` in `tree` that the code decides on, without those left to its callers."""
    left = _left_to_callers(tree, {start[1:] for start in literals}) if literals else frozenset()
    return ((start, place) for start, place in literals.items() if start[1:] not in left)


def _left_to_callers(tree: ast.Module, literals: set[_Spot]) -> frozenset[_Spot]:
    """Return which of the `literals`, by line and offset, are defaults that no call in the file takes."""
    defaults = [(each, found) for each in _defaults(tree) if (found := literals & _texts_in(each[0]))]
    calls = _calls(tree) if defaults else {}
    return frozenset[_Spot]().union(
        *(
            found
            for (_, name, position, names), found in defaults
            if not any(_leaves_out(call, position, name) for each in names for call in calls.get(each, ()))
        )
    )


def _texts_in(default: ast.expr) -> set[_Spot]:
    parts = (part for part in nodes_of(default) if isinstance(part, ast.Constant) and isinstance(part.value, str))
    return {(part.lineno, part.col_offset) for part in parts}


def _calls(tree: ast.Module) -> dict[str, list[ast.Call]]:
    """Return the calls in `tree` by the name that is called, of a method with a dot before it."""
    calls: dict[str, list[ast.Call]] = {}
    for node in nodes_of(tree):
        if isinstance(node, ast.Call):
            kind = "." if isinstance(node.func, ast.Attribute) else ""
            calls.setdefault(kind + called_name(node), []).append(node)
    return calls


def _defaults(tree: ast.Module) -> Iterator[tuple[ast.expr, str, int, tuple[str, ...]]]:
    """Yield each default with its parameter's name and position, and the names by which calls mean it."""
    statements = list(statements_of(tree))
    owners = {id(each): node.name for node in statements if isinstance(node, ast.ClassDef) for each in node.body}
    for node in statements:
        if isinstance(node, Function):
            decorators = {called_name(one) for one in node.decorator_list}
            if phase_of(node.name, decorators) is not Phase.REQUEST:
                yield from _of_function(node, owners.get(id(node), ""), is_static="staticmethod" in decorators)
        elif isinstance(node, ast.ClassDef) and _has_fields(node):
            fields = [each for each in node.body if isinstance(each, ast.AnnAssign)]
            for position, field in enumerate(fields):
                if field.value is not None:
                    yield field.value, last_name(field.target), position, (node.name, f".{node.name}")


def _of_function(
    node: Function, owner: str, *, is_static: bool
) -> Iterator[tuple[ast.expr, str, int, tuple[str, ...]]]:
    names: tuple[str, ...] = (f".{node.name}",) if owner else (node.name,)
    if owner and node.name == "__init__":
        names = (owner, f".{owner}")
    positional = [*node.args.posonlyargs, *node.args.args]
    bound = 1 if owner and not is_static else 0
    first = len(positional) - len(node.args.defaults)
    for number, default in enumerate(node.args.defaults, first):
        yield default, positional[number].arg, number - bound, names
    for parameter, value in zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True):
        if value is not None:
            yield value, parameter.arg, len(positional), names


def _has_fields(node: ast.ClassDef) -> bool:
    decorated = any(called_name(one) in _FIELDS for one in node.decorator_list)
    return decorated or any(last_name(base).endswith(_SETTINGS) for base in node.bases)


def _leaves_out(call: ast.Call, position: int, name: str) -> bool:
    """Return whether a call gives the parameter neither by position nor by name, nor hands on what it has."""
    by_name = any(keyword.arg in (name, None) for keyword in call.keywords)
    return not (by_name or len(call.args) > position or any(isinstance(one, ast.Starred) for one in call.args))
