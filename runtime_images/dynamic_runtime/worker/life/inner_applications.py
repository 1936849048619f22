"""Which applications stand inside of what is served: they start up in its place where it keeps the lifespan from them.

A wrapper that lets requests pass only is common, and no server runs the start-up of what is inside: it looks ready, and
fails every request. What a function names (globals, closures, attributes of modules), what an object holds, and what
lies in their dicts and lists is looked through for ASGI applications, known by the parameters of their `__call__`. An
application that is imported while a request runs is not found.
"""

import functools
import inspect
from collections.abc import Iterator, Mapping
from types import CodeType, FunctionType, ModuleType
from typing import Any

DEEPEST = 3
"""How far inside: wrappers around wrappers, on the way to an application."""

_PARAMETERS = ["scope", "receive", "send"]
_CONTAINERS = (list, tuple, set, frozenset)


def expects_lifespan(application: Any, depth: int = 0) -> bool:  # noqa: ANN401
    """Return whether to speak of the lifespan: with each object, and with a function that shows that it knows of it.

    One that does not would take this for a request, and do to the world what its requests do.
    """
    if not inspect.isroutine(application):
        return depth == 0 or _is_application(application)
    if _speaks_of_it(getattr(inspect.unwrap(application), "__code__", None)):
        return True
    return depth < DEEPEST and any(expects_lifespan(inner, depth + 1) for inner in held(application))


def _is_application(value: Any) -> bool:  # noqa: ANN401
    if isinstance(value, type) or not callable(value):
        return False
    try:
        parameters = inspect.signature(type(value).__call__).parameters
    except (TypeError, ValueError):
        return False
    return [*parameters][-3:] == _PARAMETERS


def _speaks_of_it(code: Any) -> bool:  # noqa: ANN401 -- a code object, or none
    constants = getattr(code, "co_consts", ())
    return any(one.startswith("lifespan") if isinstance(one, str) else _speaks_of_it(one) for one in constants)


def held(application: Any) -> Iterator[Any]:  # noqa: ANN401
    """Yield the callables that a function names, or an object holds, which may be applications."""
    for value in _values(application):
        parts = value.values() if isinstance(value, Mapping) else value if isinstance(value, _CONTAINERS) else (value,)
        for part in list(parts):
            if inspect.isroutine(part) or isinstance(part, functools.partial) or _is_application(part):
                yield part


def _values(application: Any) -> list[Any]:  # noqa: ANN401
    if isinstance(application, functools.partial):
        return [application.func, *application.args, *application.keywords.values()]
    owner = getattr(application, "__self__", application)
    values = list(getattr(owner, "__dict__", {}).values())
    function = inspect.unwrap(getattr(application, "__func__", application))
    return [*values, *_named(function)] if isinstance(function, FunctionType) else values


def _named(function: FunctionType) -> Iterator[Any]:
    """Yield what a function's code can mean by its names."""
    for cell in function.__closure__ or ():
        try:
            yield cell.cell_contents
        except ValueError:  # not bound yet
            continue
    names = _names(function.__code__)
    for name in names:
        value = function.__globals__.get(name)
        if isinstance(value, ModuleType):
            yield from (vars(value)[attribute] for attribute in names if attribute in vars(value))
        elif value is not None:
            yield value


def _names(code: CodeType) -> list[str]:
    inner = (name for one in code.co_consts if isinstance(one, CodeType) for name in _names(one))
    return [*code.co_names, *inner]
