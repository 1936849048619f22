"""Loads what the user wrote: imports its entry point, and makes every accepted form callable."""

import importlib
import importlib.util
import inspect
import logging
import os
import sys
import traceback
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from runtime_images.dynamic_runtime.worker.contract import LoadedFunction, SetupError, describe_error
from runtime_images.dynamic_runtime.worker.forms.own_code import FromSource, import_from_source, read_kept
from runtime_images.entrypoint import Entry, EntryError, EntryForm, find_entry


def load_function(directory: Path, entrypoint: str) -> LoadedFunction:
    """Import the entry point of the function in `directory` and check that it can be called.

    The process's working directory becomes `directory`, and it goes first on sys.path, as in Knative.

    Raises:
        SetupError: no entry point, an import that fails, a wrong signature.
    """
    directory = directory.resolve()
    try:
        entry = find_entry(directory, entrypoint, read_kept)
    except EntryError as error:
        kind = error.kind if error.kind in ("no_entry", "two_entries") else "import"
        raise SetupError(kind, f"{error.message} ({error.hint})", error.path, error.line) from None
    sys.argv[0] = str(directory / entry.path)
    os.chdir(directory)
    sys.path.insert(0, str(directory))
    import_from_source(directory)
    target = _called(entry, directory, partial(_import, entry, directory))
    if entry.form is EntryForm.HANDLER:
        return _plain_function(entry, target)
    if entry.form is EntryForm.HANDLE:
        return _asgi_function(entry, target, owner=None)
    logging.basicConfig(level=logging.INFO)  # as Knative's runtime does; a function that has said otherwise is heeded
    instance = _called(entry, directory, target)
    handle = getattr(instance, "handle", None)
    if handle is None:
        raise SetupError("signature", f"{entry.path}: {entry.attribute}() returned {_kind(instance)} without handle")
    return _asgi_function(entry, handle, owner=instance)


def _import(entry: Entry, directory: Path) -> Any:  # noqa: ANN401 -- whatever the user bound to the name
    if all(part.isidentifier() for part in entry.module.split(".")):
        return getattr(importlib.import_module(entry.module), entry.attribute)
    path = str(directory / entry.path)
    spec = importlib.util.spec_from_file_location("function_entry", path, loader=FromSource("function_entry", path))
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)  # a file that no import could name
    spec.loader.exec_module(module)
    return getattr(module, entry.attribute)


def _called(entry: Entry, directory: Path, call: Callable[[], Any]) -> Any:  # noqa: ANN401
    """Run the user's code; whatever it raises, exits included, becomes a SetupError with the user's own line."""
    try:
        return call()
    except BaseException as error:  # noqa: BLE001 -- the user's code may raise anything
        traceback.print_exc()
        path, line = _users_line(error, directory) or (entry.path, entry.line)
        what = f"exited with {error.code!r}" if isinstance(error, SystemExit) else f"raised {describe_error(error)}"
        raise SetupError("import", f"{path}:{line} {what} on import", path, line) from None


def _users_line(error: BaseException, directory: Path) -> tuple[str, int] | None:
    """Return the innermost place in the function's own files that the exception passed through."""
    if isinstance(error, SyntaxError) and error.filename:
        places = [(error.filename, error.lineno or 0)]
    else:
        frames = traceback.extract_tb(error.__traceback__)
        places = [(frame.filename, frame.lineno or 0) for frame in reversed(frames)]
    for filename, line in places:
        path = Path(filename)
        if path.is_relative_to(directory) and "site-packages" not in path.parts:
            return str(path.relative_to(directory)), line
    return None


def _plain_function(entry: Entry, target: Any) -> LoadedFunction:  # noqa: ANN401
    _require_positional(entry, target, 1, "one argument, the payload")
    return LoadedFunction(entry, blocking=not _is_async(target), plain=target)


def _asgi_function(entry: Entry, target: Any, owner: object | None) -> LoadedFunction:  # noqa: ANN401
    _require_positional(entry, target, 3, "(scope, receive, send)")
    is_function = inspect.isfunction(target) or inspect.ismethod(target)
    if is_function and not inspect.iscoroutinefunction(target):
        raise _misfit(entry, "handle must be `async def`, but it is a plain function")
    hooks = {name: getattr(owner, name, None) for name in ("start", "stop", "alive", "ready")}
    return LoadedFunction(entry, blocking=False, asgi=target, lifespan=owner is None, **hooks)


def _is_async(target: Any) -> bool:  # noqa: ANN401
    """Return whether a handler belongs on an event loop. What only returns an awaitable may block until it does."""
    called = (target, type(target).__call__)
    return any(inspect.iscoroutinefunction(one) or inspect.isasyncgenfunction(one) for one in called)


def _require_positional(entry: Entry, target: Any, count: int, wanted: str) -> None:  # noqa: ANN401
    if not callable(target):
        raise _misfit(entry, f"{entry.attribute} is {_kind(target)}, not callable")
    try:
        signature = inspect.signature(target)
    except (TypeError, ValueError):
        return  # a callable from C says nothing about its parameters: the first call will show
    try:
        signature.bind(*[None] * count)
    except TypeError:
        kind = "wsgi" if "start_response" in signature.parameters else "signature"
        raise _misfit(entry, f"{entry.attribute}{signature} must accept {wanted}", kind) from None


def _misfit(entry: Entry, what: str, kind: str = "signature") -> SetupError:
    return SetupError(kind, f"{entry.path}:{entry.line} {what}", entry.path, entry.line)


def _kind(value: object) -> str:
    return "None" if value is None else f"an object of type {type(value).__name__}"
