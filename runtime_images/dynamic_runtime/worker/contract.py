"""The function contract: load what the user wrote, and make every accepted form callable in the same two ways.

A coroutine function with the ASGI signature is called on the event loop, as the user's own object; a plain
`handler(payload)` gets a decoded payload and returns something JSON can hold.
"""

import importlib
import importlib.util
import inspect
import os
import sys
import traceback
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from runtime_images.dynamic_runtime.worker.own_code import FromSource, import_from_source
from runtime_images.entrypoint import Entry, EntryError, EntryForm, find_entry

Scope = dict[str, Any]
Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
AsgiCallable = Callable[[Scope, Receive, Send], Awaitable[None]]
Hook = Callable[..., Any]


class SetupError(Exception):
    """The function cannot be served. `kind` is one of those of the `setup_failed` event (docs/events.md)."""

    def __init__(self, kind: str, message: str, path: str = "", line: int = 0) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.path = path
        self.line = line

    def describe(self) -> dict[str, str | int]:
        """Return the error as the event's fields."""
        return {"kind": self.kind, "message": self.message, "path": self.path, "line": self.line}


@dataclass(frozen=True, slots=True)
class LoadedFunction:
    """A function ready to be called: either `asgi` or `plain` is set; hooks that the user did not write are None.

    `blocking` says that a call may block the thread, so it belongs off the event loop. `lifespan` says that the ASGI
    callable is a framework's application, which expects the lifespan protocol.
    """

    entry: Entry
    blocking: bool
    asgi: AsgiCallable | None = None
    plain: Callable[[Any], Any] | None = None
    lifespan: bool = False
    start: Hook | None = None
    stop: Hook | None = None
    alive: Hook | None = None
    ready: Hook | None = None


def load_function(directory: Path, entrypoint: str) -> LoadedFunction:
    """Import the entry point of the function in `directory` and check that it can be called.

    The process's working directory becomes `directory`, and it goes first on sys.path, as in Knative.

    Raises:
        SetupError: no entry point, an import that fails, a wrong signature.
    """
    directory = directory.resolve()
    try:
        entry = find_entry(directory, entrypoint)
    except EntryError as error:
        kind = error.kind if error.kind in ("no_entry", "two_entries") else "import"
        raise SetupError(kind, f"{error.message} ({error.hint})", error.path, error.line) from None
    os.chdir(directory)
    sys.path.insert(0, str(directory))
    import_from_source(directory)
    target = _called(entry, directory, partial(_import, entry, directory))
    if entry.form is EntryForm.HANDLER:
        return _plain_function(entry, target)
    if entry.form is EntryForm.HANDLE:
        return _asgi_function(entry, target, owner=None)
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


def describe_error(error: BaseException) -> str:
    """Return type and text of an exception in one line."""
    try:
        text = " ".join(str(error).split())
    except Exception:  # noqa: BLE001 -- the user's own exceptions may raise anything when asked for their text
        text = ""
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


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
    return LoadedFunction(entry, blocking=not inspect.iscoroutinefunction(target), plain=target)


def _asgi_function(entry: Entry, target: Any, owner: object | None) -> LoadedFunction:  # noqa: ANN401
    _require_positional(entry, target, 3, "(scope, receive, send)")
    is_function = inspect.isfunction(target) or inspect.ismethod(target)
    if is_function and not inspect.iscoroutinefunction(target):
        raise _misfit(entry, "handle must be `async def`, but it is a plain function")
    hooks = {name: getattr(owner, name, None) for name in ("start", "stop", "alive", "ready")}
    return LoadedFunction(entry, blocking=False, asgi=target, lifespan=not is_function and owner is None, **hooks)


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
