"""In which form a function or a class is written, judged by its decorators, parameters and bases, not by its name."""

import ast
from collections.abc import Iterator

from runtime_images.entrypoint.model import EntryForm
from runtime_images.entrypoint.modules import Module

FunctionDef = ast.FunctionDef | ast.AsyncFunctionDef

_OF_A_FLASK_REQUEST = frozenset({
    "args", "files", "form", "get_data", "get_json", "headers", "is_json", "json", "method", "remote_addr", "url",
})  # fmt: skip
"""Attributes that a Flask request has, and no payload."""

_OF_A_BACKGROUND_CONTEXT = frozenset({"event_id", "event_type", "resource", "timestamp"})
"""Attributes of what Google's functions of the first generation get beside an event; Lambda's context has none."""

_DECORATORS = (".http", ".cloud_event", ".typed")
_LAMBDA_CONTEXTS = ("context", "_context", "ctx", "_ctx", "lambda_context", "_", "__")
_EVENT_PARAMETERS = ("cloud_event", "cloudevent")
_PLAIN_NAMES = (EntryForm.HANDLE, EntryForm.HANDLER)
_COG_BASES = ("BasePredictor", "BaseRunner")


def form_of_function(module: Module, node: FunctionDef) -> EntryForm | None:
    """Return the form of a function; None where its parameters fit none."""
    if is_decorated(module, node):
        return EntryForm.FUNCTIONS_FRAMEWORK
    if node.name == EntryForm.NEW:
        return EntryForm.NEW
    arguments = node.args.posonlyargs + node.args.args
    required = [argument.arg for argument in arguments][: len(arguments) - len(node.args.defaults)]
    match required:
        case [] if not arguments and node.args.vararg is None and node.name not in _PLAIN_NAMES:
            return EntryForm.NEW
        case [_]:
            return _with_one_parameter(module, node, arguments[0])
        case [_, "start_response"] | ["environ" | "env", _]:
            return EntryForm.WSGI
        case [_, second] if second in _LAMBDA_CONTEXTS or node.name == "lambda_handler":
            return EntryForm.FUNCTIONS_FRAMEWORK if _is_background(node, second) else EntryForm.LAMBDA
        case [scope, _, _]:
            return EntryForm.CLOUDEVENTS if _reads_event(node, scope) else EntryForm.HANDLE
    return None


def is_decorated(module: Module, node: ast.AST) -> bool:
    """Return whether a decorator of functions-framework is on a function."""
    if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        return False
    called = (one.func if isinstance(one, ast.Call) else one for one in node.decorator_list)
    names = (module.qualified(one) for one in called)
    return any(name.startswith("functions_framework.") and name.endswith(_DECORATORS) for name in names)


def is_predictor(module: Module, node: ast.AST) -> bool:
    """Return whether a class is one of cog's predictors."""
    return isinstance(node, ast.ClassDef) and any(
        base.startswith("cog.") and base.endswith(_COG_BASES) for base in map(module.qualified, node.bases)
    )


def takes_event(module: Module, node: ast.AST) -> bool:
    """Return whether a function is one of Lambda's, or Google's for events, by names that leave no doubt."""
    if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) or node.name.startswith("_"):
        return False
    names = [argument.arg.strip("_") for argument in node.args.args]
    is_like_it = names == ["event", "context"] or node.name == "lambda_handler"
    return is_like_it and form_of_function(module, node) in (EntryForm.LAMBDA, EntryForm.FUNCTIONS_FRAMEWORK)


def takes_flask_request(module: Module, node: ast.AST) -> bool:
    """Return whether a function wants a Flask request, by what it does with its only parameter."""
    if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        return False
    return form_of_function(module, node) is EntryForm.FUNCTIONS_FRAMEWORK


def handles_events(module: Module) -> bool:
    """Return whether a `handle` in the module reads `scope["event"]`, as Knative's CloudEvents template does."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name == "handle":
            names = [argument.arg for argument in node.args.posonlyargs + node.args.args]
            if len(names) >= 3 and _reads_event(node, names[-3]):
                return True
    return False


def _with_one_parameter(module: Module, node: FunctionDef, parameter: ast.arg) -> EntryForm:
    annotated = module.qualified(parameter.annotation) if parameter.annotation is not None else ""
    is_event = annotated.startswith("cloudevents.") and annotated.endswith(".CloudEvent")
    if is_event or (not annotated and parameter.arg in _EVENT_PARAMETERS):
        return EntryForm.CLOUDEVENTS
    used = {attribute for name, attribute in _attributes(node) if name == parameter.arg}
    if annotated.startswith("flask.") or "flask.request" in _told(node) or used & _OF_A_FLASK_REQUEST:
        return EntryForm.FUNCTIONS_FRAMEWORK
    return EntryForm.HANDLER


def _is_background(node: FunctionDef, context: str) -> bool:
    """Return whether a function is one of Google's first generation, `(event, context)` as well."""
    used = {attribute for name, attribute in _attributes(node) if name == context}
    return bool(used & _OF_A_BACKGROUND_CONTEXT) or "google.cloud.functions.context" in _told(node)


def _told(node: FunctionDef) -> str:
    return (ast.get_docstring(node) or "").lower()


def _attributes(node: ast.AST) -> Iterator[tuple[str, str]]:
    for child in ast.walk(node):
        if isinstance(child, ast.Attribute) and isinstance(child.value, ast.Name):
            yield child.value.id, child.attr


def _reads_event(node: FunctionDef, scope: str) -> bool:
    for child in ast.walk(node):
        match child:
            case ast.Subscript(value=ast.Name(id=name), slice=ast.Constant(value="event")) if name == scope:
                return True
            case ast.Call(
                func=ast.Attribute(value=ast.Name(id=name), attr="get"), args=[ast.Constant(value="event"), *_]
            ) if name == scope:
                return True
    return False
