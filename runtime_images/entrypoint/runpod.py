"""The handler that a file hands to `runpod.serverless.start`, found wherever in the file that call stands."""

import ast
from dataclasses import dataclass

from runtime_images.entrypoint.modules import Module

START = "runpod.serverless.start"


@dataclass(frozen=True, slots=True)
class Started:
    """The handler: `name` is what it is called, `line` where it is handed over."""

    name: str
    line: int


def started(module: Module) -> Started | None:
    """Return the handler of a RunPod worker; None where the module starts none."""
    if not any(name.startswith("runpod") for name in module.imports.values()):
        return None
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Call) and module.qualified(node.func) == START:
            return Started(_name_of(_handler_in(module, node)), node.lineno)
    return None


def _handler_in(module: Module, call: ast.Call) -> ast.expr | None:
    given = call.args[0] if call.args else next((one.value for one in call.keywords if one.arg == "config"), None)
    if isinstance(given, ast.Name):
        values = [binding.value for binding in module.bindings if binding.name == given.id]
        given = next((value for value in values if isinstance(value, ast.Dict)), None)
    if isinstance(given, ast.Dict):
        for key, value in zip(given.keys, given.values, strict=True):
            if isinstance(key, ast.Constant) and key.value == "handler":
                return value
    return None


def _name_of(value: ast.expr | None) -> str:
    """Return the name at the module's top under which the handler is found; empty for a lambda, a method and so on."""
    return value.id if isinstance(value, ast.Name) else ""
