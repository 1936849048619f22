"""The forms of the function contract: a plain `handler(payload)`, an ASGI callable, and Knative's `new()`."""

import inspect
import logging
from typing import Any

from runtime_images.dynamic_runtime.worker.contract import LoadedFunction
from runtime_images.dynamic_runtime.worker.forms import wsgi
from runtime_images.dynamic_runtime.worker.forms.source import Source, is_async, kind_of

_HOOKS = ("start", "stop", "alive", "ready")


def handler(source: Source) -> LoadedFunction:
    """Build a plain handler, which gets the decoded payload."""
    target = source.imported()
    source.require_positional(target, 1, "one argument, the payload")
    return LoadedFunction(source.entry, blocking=not is_async(target), plain=target)


def application(source: Source) -> LoadedFunction:
    """Build an ASGI callable; an object that turns out to be a WSGI application is served as one."""
    target = source.imported()
    if wsgi.is_application(target):
        return wsgi.served(source, target)
    return asgi(source, target, owner=None, web_sockets=True)


def new(source: Source) -> LoadedFunction:
    """Build the object that `new()` returns, with its hooks."""
    target = source.imported()
    log_as_knative()
    instance = checked(source, source.called(target))
    return asgi(source, instance.handle, instance, web_sockets=True)


def log_as_knative() -> None:
    """Show INFO, as Knative's runtime does; a function that has said otherwise is heeded."""
    logging.basicConfig(level=logging.INFO)


def checked(source: Source, instance: Any) -> Any:  # noqa: ANN401 -- the user's own class
    """Return the object that `new()` has returned if it has `handle`."""
    if getattr(instance, "handle", None) is None:
        raise source.misfit(f"{source.entry.attribute}() returned {kind_of(instance)} without handle")
    return instance


def asgi(source: Source, target: Any, owner: object | None, *, web_sockets: bool = False) -> LoadedFunction:  # noqa: ANN401
    """Build an ASGI callable with the hooks of its `owner`, if any."""
    source.require_positional(target, 3, "(scope, receive, send)")
    is_function = inspect.isfunction(target) or inspect.ismethod(target)
    if is_function and not inspect.iscoroutinefunction(target):
        raise source.misfit("handle must be `async def`, but it is a plain function")
    hooks: dict[str, Any] = {name: getattr(owner, name, None) for name in _HOOKS}
    return LoadedFunction(
        source.entry, blocking=False, asgi=target, lifespan=owner is None, web_sockets=web_sockets, **hooks
    )  # fmt: skip
