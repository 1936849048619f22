"""Where PyTorch records gradients: what switches that off, under which names, and what shows that they are wanted."""

import ast

from analyzers.facts.syntax import called_name

NO_GRADIENTS = frozenset({"no_grad", "inference_mode"})
_WANTED = frozenset(
    {"backward", "set_grad_enabled", "requires_grad_", "zero_grad", "fit", "train", "enable_grad", "grad"}
    | {"value_and_grad", "jacobian", "hessian", "jacrev", "jacfwd", "vjp", "jvp"}
)
"""Calls of a file that trains, or whose answer is a gradient."""


def silences(node: ast.expr, names: set[str]) -> bool:
    """Return whether a context or a decorator, by one of `names`, switches gradients off: `no_grad(False)` does not."""
    given = [*node.args, *(one.value for one in node.keywords)] if isinstance(node, ast.Call) else []
    return called_name(node) in names and not any(_is(one, False) for one in given)


def imported_silencers(node: ast.ImportFrom) -> set[str]:
    """Return the other names under which an import brings what switches gradients off."""
    names = node.names if node.module == "torch" else []
    return {alias.asname for alias in names if alias.name in NO_GRADIENTS and alias.asname}


def assigned_silencers(node: ast.Assign, names: set[str]) -> set[str]:
    """Return the names that an assignment gives to what switches gradients off: `quiet = torch.no_grad`."""
    if called_name(node.value) not in names:
        return set()
    return {target.id for target in node.targets if isinstance(target, ast.Name)}


def wants_gradients(node: ast.Call) -> bool:
    """Return whether a call shows that its file works with gradients."""
    asked = any(one.arg == "requires_grad" and _is(one.value, True) for one in node.keywords)
    return asked or called_name(node) in _WANTED


def _is(node: ast.expr, value: bool) -> bool:
    return isinstance(node, ast.Constant) and node.value is value
