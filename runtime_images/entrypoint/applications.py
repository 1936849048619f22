"""Whether what a name is bound to is a web application, and of which kind: WSGI or ASGI.

Known by the constructor that it comes from, also through another name, a function that makes it, or an import from one
of the function's own modules.
"""

import ast
from collections.abc import Iterator

from runtime_images.entrypoint.model import EntryError, EntryForm
from runtime_images.entrypoint.modules import Binding, Definition, Module, Modules

_WSGI = frozenset({
    "apiflask.APIFlask", "bottle.Bottle", "bottle.app", "bottle.default_app", "cherrypy.Application",
    "django.core.wsgi.get_wsgi_application", "falcon.API", "falcon.App", "flask.Flask", "flask_openapi3.OpenAPI",
    "whitenoise.WhiteNoise",
})  # fmt: skip
_ASGI = frozenset({
    "a2wsgi.WSGIMiddleware", "asgiref.wsgi.WsgiToAsgi", "blacksheep.Application", "blacksheep.server.Application",
    "channels.routing.ProtocolTypeRouter", "connexion.AsyncApp", "django.core.asgi.get_asgi_application",
    "falcon.asgi.App", "fastapi.FastAPI", "litestar.Litestar", "quart.Quart", "sanic.Sanic", "socketio.ASGIApp",
    "starlette.applications.Starlette",
})  # fmt: skip
_LAMBDA_WRAPPERS = ("mangum.Mangum", "apig_wsgi.make_lambda_handler")
"""What makes a Lambda handler of an application, which is better served as it is."""

Origin = tuple[str, int, str]
"""A file, a line in it, and a name with what the call of it is given."""

_DEEPEST = 8
"""How many names may stand for one another."""


def application_form(modules: Modules, module: Module, value: Definition, depth: int = 0) -> EntryForm | None:
    """Return `WSGI`, or `HANDLE` for ASGI; None for what is no application, or cannot be told by reading."""
    if depth > _DEEPEST:
        return None
    match value:
        case ast.Call(func=func):
            made_by = module.qualified(func)
            if made_by in _WSGI or made_by in _ASGI:
                return EntryForm.WSGI if made_by in _WSGI else EntryForm.HANDLE
            return _first(modules, module, _returned(modules, module, func), depth)
        case ast.Name(id=name):
            return _first(modules, module, [(module, one.value) for one in bound_to(module, name)], depth)
    return None


def _first(modules: Modules, module: Module, values: list[tuple[Module, Definition]], depth: int) -> EntryForm | None:
    forms = (
        form_of_import(modules, module, binding, depth + 1)
        if isinstance(value, ast.alias) and (binding := _binding_of(where, value)) is not None
        else application_form(modules, where, value, depth + 1)
        for where, value in values
    )
    return next((form for form in forms if form is not None), None)


def form_of_import(modules: Modules, module: Module, binding: Binding, depth: int = 0) -> EntryForm | None:
    """Return the form of an application that is imported from one of the function's own modules."""
    found = definition_of(modules, module, binding)
    return None if found is None else _first(modules, found[0], [(found[0], found[1].value)], depth)


def definition_of(modules: Modules, module: Module, binding: Binding) -> tuple[Module, Binding] | None:
    """Return where a name that is imported from one of the function's own modules is defined; None elsewhere."""
    for _ in range(_DEEPEST):
        if binding.source is None or not isinstance(binding.value, ast.alias):
            return module, binding
        try:
            origin = modules.imported(module, binding.source)
        except EntryError:
            return None  # who imports it will see
        found = bound_to(origin, binding.value.name) if origin is not None else []
        if origin is None or not found:
            return None
        module, binding = origin, found[0]
    return None


def origin_of(modules: Modules, module: Module, name: str, depth: int = 0) -> Origin:
    """Return what `name` comes from: where it is defined or, where a function of the user's makes it, that one."""
    bound = bound_to(module, name)
    if not bound or depth > _DEEPEST:
        return module.path, 0, name
    where, binding = definition_of(modules, module, bound[0]) or (module, bound[0])
    if isinstance(binding.value, ast.Call) and isinstance(binding.value.func, ast.Name):
        path, line, told = origin_of(modules, where, binding.value.func.id, depth + 1)
        if line:
            given = [*binding.value.args, *(one.value for one in binding.value.keywords)]
            return path, line, " ".join([told, *map(ast.dump, given)])
    return where.path, binding.line, binding.name


def bound_to(module: Module, name: str) -> list[Binding]:
    """Return what `name` is bound to at the top of the module, the last binding first."""
    return [binding for binding in reversed(module.bindings) if binding.name == name]


def unwrapped(module: Module, value: Definition) -> str:
    """Return the name of the application that a Lambda handler is made of; empty for everything else."""
    match value:
        case ast.Call(func=func, args=[ast.Name(id=name), *_]) if module.qualified(func) in _LAMBDA_WRAPPERS:
            return name
    return ""


def _binding_of(module: Module, value: ast.alias) -> Binding | None:
    return next((binding for binding in module.bindings if binding.value is value), None)


def _returned(modules: Modules, module: Module, func: ast.expr) -> list[tuple[Module, Definition]]:
    """Return what the function that `func` names returns, in the expressions of its own body."""
    if not isinstance(func, ast.Name):
        return []
    for binding in bound_to(module, func.id):
        found = definition_of(modules, module, binding)
        if found is not None and isinstance(found[1].value, ast.FunctionDef):
            return [(found[0], value) for value in _values_returned(found[1].value)]
    return []


def _values_returned(function: ast.FunctionDef) -> Iterator[ast.expr]:
    nodes = list(ast.walk(function))
    for node in nodes:
        if not isinstance(node, ast.Return) or node.value is None:
            continue
        yield node.value
        if isinstance(node.value, ast.Name):
            wanted = node.value.id
            for made in nodes:
                if isinstance(made, ast.Assign) and any(
                    isinstance(target, ast.Name) and target.id == wanted for target in made.targets
                ):
                    yield made.value
