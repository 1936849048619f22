"""Where a function begins: the entry point of the function contract, found by reading the code, never by running it.

Accepted forms, as they are (docs/functions.md):

- `new()` returning an object with `async handle(scope, receive, send)` and optional hooks: the Knative Python form;
- a module-level ASGI callable `handle(scope, receive, send)`;
- a plain `handler(payload)` that returns something JSON can hold.

The worker, the command line and the analyzer all ask this module, so they always agree on what is served.
Standard library only: it runs in the function's own environment too.
"""

# ruff: noqa: PTH113 -- `Path.is_file` raises an error where a name is too long or holds a NUL

import ast
import codecs
import io
import os
import tokenize
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from pathlib import Path

CANDIDATES = ("func.py", "function/func.py", "handler.py", "main.py", "app.py")
"""The files that may hold an entry point, relative to the function's directory."""

_NOT_FOR_TEXT = ("idna", "punycode", "undefined")
"""Encodings of host names, which take quadratic time, and one that decodes nothing."""

_APPLICATIONS = ("app", "application", "api")
"""What the documentation of ASGI frameworks calls their applications."""


class EntryForm(StrEnum):
    """How the entry point wants to be called."""

    NEW = "new"
    HANDLE = "handle"
    HANDLER = "handler"


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry point: `path` is relative to the function's directory, `line` where the attribute is bound."""

    path: str
    attribute: str
    form: EntryForm
    line: int

    @property
    def module(self) -> str:
        """The dotted name under which the file is imported with the function's directory on the path."""
        return self.path.removesuffix(".py").replace("/", ".")


class EntryError(Exception):
    """No usable entry point. `kind` is one of `no_entry`, `two_entries`, `syntax`, `encoding`, `unreadable`."""

    def __init__(self, kind: str, message: str, hint: str, path: str = "", line: int = 0) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.hint = hint
        self.path = path
        self.line = line


Read = Callable[[Path, str], bytes]
"""Returns the content of a file, given the function's directory and the path in it; raises OSError."""


def read_own(directory: Path, path: str) -> bytes:
    """Read a file as the function's own process does: what it may open is the container's to say."""
    return (directory / path).read_bytes()


def find_entry(directory: Path, entrypoint: str = "", read: Read = read_own) -> Entry:
    """Return the entry point in `directory`: the only one, or what `entrypoint` ("path.py", "path.py:name") names.

    Raises:
        EntryError: there is no entry point, more than one, or a candidate cannot be read or parsed.
    """
    parse = partial(_parse, directory, read)
    if entrypoint:
        return _named_entry(directory, entrypoint, parse)
    present = [name for name in CANDIDATES if os.path.isfile(directory / name)]
    found = [entry for entry in (_entry_in(name, parse) for name in present) if entry is not None]
    if len(found) > 1:
        places = " and ".join(f"{entry.path}:{entry.line} ({entry.attribute})" for entry in found)
        raise EntryError(
            "two_entries",
            f"there is more than one entry point: {places}",
            f'name the one to serve in gaia.toml: [function] entrypoint = "{found[0].path}"',
            found[1].path,
            found[1].line,
        )
    if not found:
        raise EntryError(
            "no_entry",
            f"no entry point in {directory}: none of {', '.join(CANDIDATES)} defines new, handle or handler",
            _hint_for_none(present, parse),
        )
    return found[0]


def _hint_for_none(present: list[str], parse: "_Parse") -> str:
    """Return what to do without an entry point: name an application that a framework has made, or define a handler."""
    for name in present:
        for attribute, line in _bindings(parse(name)):
            if attribute in _APPLICATIONS:
                entrypoint = f'[function] entrypoint = "{name}:{attribute}"'
                return f"to serve {attribute} ({name}:{line}), write into gaia.toml: {entrypoint}"
    own = '[function] entrypoint = "path.py:function"'
    return f"define `def handler(payload)` in func.py, or name your own in gaia.toml: {own}"


def _named_entry(directory: Path, entrypoint: str, parse: "_Parse") -> Entry:
    path, _, attribute = entrypoint.partition(":")
    if not os.path.isfile(directory / path) or not _is_inside(directory, path):
        message = f"the entry point {path} is not a file in {directory}"
        raise EntryError("no_entry", message, "correct [function] entrypoint", path)
    if not attribute:
        if (entry := _entry_in(path, parse)) is not None:
            return entry
        hint = f'name the function: [function] entrypoint = "{path}:name"'
        raise EntryError("no_entry", f"{path} defines none of new, handle, handler", hint, path)
    tree = parse(path)
    line = dict(_bindings(tree)).get(attribute)
    if line is None:
        raise EntryError("no_entry", f"{path} does not define {attribute}", "correct [function] entrypoint", path)
    return Entry(path, attribute, _form_of(tree, attribute), line)


def _is_inside(directory: Path, path: str) -> bool:
    return Path(os.path.realpath(directory / path)).is_relative_to(os.path.realpath(directory))


def _entry_in(path: str, parse: "_Parse") -> Entry | None:
    bound = dict(_bindings(parse(path)))
    names = [form for form in EntryForm if form in bound]
    if EntryForm.NEW in names and EntryForm.HANDLE in names:
        names.remove(EntryForm.HANDLE)  # as in Knative's own runtime: new() goes before handle
    if len(names) > 1:
        raise EntryError(
            "two_entries",
            f"{path} defines both {names[0]} (line {bound[names[0]]}) and {names[1]} (line {bound[names[1]]})",
            f'name the one to serve in gaia.toml: [function] entrypoint = "{path}:{names[0]}"',
            path,
            bound[names[1]],
        )
    return Entry(path, names[0], names[0], bound[names[0]]) if names else None


def _form_of(tree: ast.Module, attribute: str) -> EntryForm:
    """Return the form of an entry point with a name of the user's own, judged by its parameters."""
    if attribute in tuple(EntryForm):
        return EntryForm(attribute)
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name == attribute:
            required = len(node.args.posonlyargs + node.args.args) - len(node.args.defaults)
            if required == 0 and not node.args.args:
                return EntryForm.NEW
            return EntryForm.HANDLE if required == 3 else EntryForm.HANDLER
    return EntryForm.HANDLE  # an object, such as a framework's application: ASGI


_Parse = Callable[[str], ast.Module]


def _parse(directory: Path, read: Read, path: str) -> ast.Module:
    try:
        data = read(directory, path)
        return ast.parse(data.decode(encoding_of(data)), filename="")  # a file of that name is opened for an error
    except OSError as error:
        raise EntryError(
            "unreadable", f"cannot read {path}: {error.strerror}", "make it a readable file", path
        ) from None
    except SyntaxError as error:
        line = error.lineno or 0
        raise EntryError("syntax", f"{path}:{line}: {error.msg}", "correct the syntax error", path, line) from None
    except (LookupError, ValueError, RecursionError, MemoryError) as error:
        raise EntryError("encoding", f"{path} is not readable Python: {error}", "save it as UTF-8", path) from None


def encoding_of(data: bytes) -> str:
    """Return the encoding that the Python file with this content declares, UTF-8 by default.

    Raises:
        SyntaxError, LookupError: there is none of that name, or it is not for text.
    """
    encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
    if codecs.lookup(encoding).name in _NOT_FOR_TEXT:
        raise LookupError(f"{encoding} is not for text")
    return encoding


def _bindings(tree: ast.Module) -> Iterator[tuple[str, int]]:
    """Yield the names that the module binds at its top level, with their lines; conditional blocks count."""
    pending: list[ast.stmt] = tree.body[::-1]  # the next is the last
    while pending:
        node = pending.pop()
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                yield node.name, node.lineno
            case ast.Assign():
                yield from ((target.id, node.lineno) for target in node.targets if isinstance(target, ast.Name))
            case ast.AnnAssign(target=ast.Name(id=name), value=value) if value is not None:
                yield name, node.lineno
            case ast.ImportFrom() if not _from_another_candidate(node):
                yield from ((alias.asname or alias.name, node.lineno) for alias in node.names)
            case ast.If() | ast.Try():
                handlers = node.handlers if isinstance(node, ast.Try) else []
                pending += [*(stmt for one in handlers for stmt in one.body), *node.body, *node.orelse][::-1]


def _from_another_candidate(node: ast.ImportFrom) -> bool:
    """Return whether it imports the entry point of another candidate file, as a script for local trials does."""
    imported = (node.module or "").replace(".", "/") + ".py"
    return node.level == 0 and imported in CANDIDATES
