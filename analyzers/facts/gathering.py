"""Lists that a loop fills and that are then worked on at once: the batches of code that has no `batch_size`.

Recognized by names inside one function: a list is made empty, a loop appends to it (or a comprehension makes it), and
it goes into a call, perhaps by way of what makes a tensor of it. A conversation is such a list too, and no batch; it is
known by its messages, which are dictionaries with a role.
"""

import ast
from collections.abc import Iterator

from analyzers.facts.syntax import Function, arguments_of
from analyzers.lean.tables import words
from analyzers.project.parsing import nodes_of

_SHAPES = words(
    "array as_tensor asarray cat collate_fn concat concatenate constant convert_to_tensor cuda default_collate "
    "feature_extractor float half image_processor pad pad_sequence permute processor stack tensor to tokenizer "
    "vstack"
)
"""What turns a list into a tensor, or a tensor into another one with the same inputs in it."""
_HOPS = 4
"""How many names may lie between the list and the call."""
_Loop = ast.For | ast.AsyncFor | ast.While


def gathered_calls(tree: ast.Module) -> Iterator[ast.Call]:
    """Yield the calls in `tree` that are given a list which a loop has filled, or what was made of it."""
    for scope in nodes_of(tree):
        if isinstance(scope, ast.Module | Function):
            nodes = list(_own(scope))
            names = _followed(nodes, _filled(nodes))
            calls = (node for node in nodes if isinstance(node, ast.Call))
            yield from (call for call in calls if any(_holds(part, names) for part in arguments_of(call)))


def _own(scope: ast.Module | Function) -> Iterator[ast.AST]:
    """Yield the nodes of a function without those of the functions inside of it."""
    pending: list[ast.AST] = [*scope.body]
    while pending:
        node = pending.pop()
        yield node
        if not isinstance(node, Function | ast.Lambda):
            pending.extend(ast.iter_child_nodes(node))


def _filled(nodes: list[ast.AST]) -> frozenset[str]:
    """Return the names of lists that a loop or a comprehension fills."""
    empty, made = set(), set()
    for node in nodes:
        match node:
            case (
                ast.Assign(targets=[ast.Name(id=name)], value=ast.List(elts=[]))
                | ast.AnnAssign(target=ast.Name(id=name), value=ast.List(elts=[]))
            ):
                empty.add(name)
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.ListComp(elt=item)) if not _is_message(item):
                made.add(name)
    loops = (node for node in nodes if isinstance(node, _Loop))
    appended = {name for loop in loops for statement in loop.body for name in _appended(statement)}
    return frozenset(made | (empty & appended))


def _appended(statement: ast.stmt) -> Iterator[str]:
    for node in nodes_of(statement):
        match node:
            case ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr="append"), args=[item]) if not _is_message(
                item
            ):
                yield name


def _is_message(item: ast.expr) -> bool:
    return isinstance(item, ast.Dict) and any(
        isinstance(key, ast.Constant) and key.value in ("role", "content") for key in item.keys
    )


def _followed(nodes: list[ast.AST], lists: frozenset[str]) -> frozenset[str]:
    """Return `lists` with the names of the tensors that are made of them."""
    assigned = [
        (target.id, node.value)
        for node in nodes
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    ]
    names = set(lists)
    for _ in range(_HOPS if lists else 0):
        names |= {name for name, value in assigned if isinstance(value, ast.Call) and _holds(value, names)}
    return frozenset(names)


def _holds(node: ast.expr, names: "frozenset[str] | set[str]") -> bool:
    """Return whether `node` is one of `names`, a part of one, or a tensor made of one."""
    match node:
        case ast.Name(id=name):
            return name in names
        case ast.Attribute(value=inner) | ast.Subscript(value=inner) | ast.Starred(value=inner):
            return _holds(inner, names)
        case ast.Call(func=ast.Name(id=made) | ast.Attribute(attr=made)) if made in _SHAPES:
            return any(_holds(part, names) for part in arguments_of(node)) or _holds(node.func, names)
        case _:
            return False
