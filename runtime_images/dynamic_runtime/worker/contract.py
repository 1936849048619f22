"""The function contract: load what the user wrote, and make every accepted form callable in the same two ways.

A coroutine function with the ASGI signature is called on the event loop; a plain `handler(payload)` gets a decoded
payload and returns something JSON can hold. Nothing is wrapped that need not be: an ASGI callable is the user's own
object. Standard library only: this runs in the function's own environment.
"""

import importlib
import importlib.util
import inspect
import json
import os
import sys
import traceback
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

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
        """The error as the event's fields."""
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
    target = _imported(entry, directory)
    if entry.form is EntryForm.HANDLER:
        return _plain_function(entry, target)
    if entry.form is EntryForm.HANDLE:
        return _asgi_function(entry, target, owner=None)
    instance = _called("import", entry, directory, target)
    handle = getattr(instance, "handle", None)
    if handle is None:
        raise SetupError("signature", f"{entry.path}: {entry.attribute}() returned {_kind(instance)} without handle")
    return _asgi_function(entry, handle, owner=instance)


def _imported(entry: Entry, directory: Path) -> Any:  # noqa: ANN401 -- whatever the user bound to the name
    def load() -> Any:  # noqa: ANN401
        if all(part.isidentifier() for part in entry.module.split(".")):
            return getattr(importlib.import_module(entry.module), entry.attribute)
        spec = importlib.util.spec_from_file_location("function_entry", directory / entry.path)
        assert spec is not None
        assert spec.loader is not None
        module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)  # a file that no import could name
        spec.loader.exec_module(module)
        return getattr(module, entry.attribute)

    return _called("import", entry, directory, load)


def _called(kind: str, entry: Entry, directory: Path, call: Callable[[], Any]) -> Any:  # noqa: ANN401
    """Run the user's code; whatever it raises, exits included, becomes a SetupError with the user's own line."""
    try:
        return call()
    except (Exception, SystemExit) as error:  # noqa: BLE001 -- the user's code may raise anything
        traceback.print_exc()
        path, line = _users_line(error, directory) or (entry.path, entry.line)
        what = f"exited with {error.code!r}" if isinstance(error, SystemExit) else f"raised {describe_error(error)}"
        raise SetupError(kind, f"{path}:{line} {what} on import", path, line) from None


def describe_error(error: BaseException) -> str:
    """Type and text of an exception in one line."""
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _users_line(error: BaseException, directory: Path) -> tuple[str, int] | None:
    """The innermost place in the function's own files that the exception passed through."""
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
        raise SetupError(
            "signature",
            f"{entry.path}:{entry.line} handle must be `async def`, but it is a plain function",
            entry.path,
            entry.line,
        )
    return LoadedFunction(
        entry,
        blocking=False,
        asgi=target,
        lifespan=not is_function and owner is None,
        start=getattr(owner, "start", None),
        stop=getattr(owner, "stop", None),
        alive=getattr(owner, "alive", None),
        ready=getattr(owner, "ready", None),
    )


def _require_positional(entry: Entry, target: Any, count: int, wanted: str) -> None:  # noqa: ANN401
    if not callable(target):
        raise SetupError(
            "signature",
            f"{entry.path}:{entry.line} {entry.attribute} is {_kind(target)}, not callable",
            entry.path,
            entry.line,
        )
    try:
        signature = inspect.signature(target)
    except (TypeError, ValueError):
        return  # a callable from C says nothing about its parameters: the first call will tell
    try:
        signature.bind(*[None] * count)
    except TypeError:
        raise SetupError(
            "wsgi" if "start_response" in signature.parameters else "signature",
            f"{entry.path}:{entry.line} {entry.attribute}{signature} must accept {wanted}",
            entry.path,
            entry.line,
        ) from None


def _kind(value: object) -> str:
    return "None" if value is None else f"an object of type {type(value).__name__}"


class PayloadError(ValueError):
    """The request body cannot be decoded as its content type says."""


class ResultError(ValueError):
    """What a plain handler returned cannot be sent."""


def decode_payload(content_type: bytes, body: bytes, query: bytes) -> Any:  # noqa: ANN401 -- JSON's own type
    """What a plain handler gets: JSON decoded, text as str, other types as bytes.

    Without a body it gets the query's parameters.

    Raises:
        PayloadError: the body is not the JSON, or the text, that its content type announces.
    """
    if not body:
        return dict(parse_qsl(query.decode("latin-1"), keep_blank_values=True))
    kind = _media_type(content_type)
    try:
        if kind.startswith(b"text/"):
            return body.decode()
        if kind == b"application/x-www-form-urlencoded":
            return _form_or_json(body)
        if not kind or kind.endswith((b"/json", b"+json")):
            return _from_json(body)
    except (ValueError, RecursionError) as error:
        raise PayloadError(f"the body is not valid {kind.decode('latin-1') or 'JSON'}: {error}") from None
    return body


@lru_cache(maxsize=128)
def _media_type(content_type: bytes) -> bytes:
    """The type without its parameters; clients use few of them."""
    return content_type.partition(b";")[0].strip().lower()


_decode_first = json.JSONDecoder().raw_decode
"""Made once: json.loads would guess the coding of bytes."""

_JSON = json.JSONEncoder(ensure_ascii=False, allow_nan=False)


def _encode_json(value: Any) -> str:  # noqa: ANN401
    """As `_JSON.encode`, but the encoder in C, where there is one, is made once and not for every call."""
    if _encode_chunks is None:
        return _JSON.encode(value)
    return "".join(_encode_chunks(value, 0))


def _encoder_in_c() -> Callable[[Any, int], tuple[str, ...]] | None:
    """The encoder that `_JSON.encode` would make, but for the search for values that hold themselves: they recurse."""
    make = getattr(json.encoder, "c_make_encoder", None)
    if make is None:
        return None
    quote = json.encoder.encode_basestring
    encoder: Callable[[Any, int], tuple[str, ...]] = make(
        None, _JSON.default, quote, None, ": ", ", ", False, False, False
    )
    return encoder


_encode_chunks = _encoder_in_c()


def _from_json(body: bytes) -> Any:  # noqa: ANN401
    try:
        text = body.decode()
        value, end = _decode_first(text)
    except ValueError:
        return json.loads(body)  # white space in front, another coding than UTF-8, or the same error
    return value if end == len(text) else json.loads(body)


def _form_or_json(body: bytes) -> Any:  # noqa: ANN401
    """Curl sends JSON under the name of a form unless told otherwise; what parses as JSON is taken as JSON."""
    try:
        return json.loads(body)
    except ValueError:
        return dict(parse_qsl(body.decode(), keep_blank_values=True, strict_parsing=True))


def encode_result(result: Any) -> tuple[bytes, bytes]:  # noqa: ANN401
    """Content type and body for what a plain handler returned: bytes as they are, everything else as JSON.

    Raises:
        ResultError: JSON cannot hold the result.
    """
    if isinstance(result, bytes | bytearray):
        return b"application/octet-stream", bytes(result)
    try:
        return b"application/json", _encode_json(result).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise ResultError(f"the function returned what JSON cannot hold: {describe_error(error)}") from None
