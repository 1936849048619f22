"""Where a function begins: the entry point of the function contract, found by reading the code, never by running it.

Accepted forms, as they are (docs/functions.md):

- `new()` returning an object with `async handle(scope, receive, send)` and optional hooks: the Knative Python form;
- a module-level ASGI callable `handle(scope, receive, send)`;
- a plain `handler(payload)` that returns something JSON can hold.

The worker, the command line and the analyzer all ask this module, so they always agree on what is served.
Standard library only: it runs in the function's own environment too.
"""

import ast
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

CANDIDATES = ("func.py", "function/func.py", "handler.py", "main.py", "app.py")
"""The files that may hold an entry point, relative to the function's directory."""

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
    """No usable entry point. `kind` is one of `no_entry`, `two_entries`, `syntax`, `encoding`."""

    def __init__(self, kind: str, message: str, hint: str, path: str = "", line: int = 0) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.hint = hint
        self.path = path
        self.line = line


def find_entry(directory: Path, entrypoint: str = "") -> Entry:
    """Return the entry point in `directory`: the only one, or what `entrypoint` ("path.py", "path.py:name") names.

    Raises:
        EntryError: there is no entry point, more than one, or a candidate cannot be parsed.
    """
    if entrypoint:
        return _named_entry(directory, entrypoint)
    present = [name for name in CANDIDATES if (directory / name).is_file()]
    found = [entry for entry in (_entry_in(directory, name) for name in present) if entry is not None]
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
            _hint_for_none(directory, present),
        )
    return found[0]


def _hint_for_none(directory: Path, present: list[str]) -> str:
    """Return what to do without an entry point: name an application that a framework has made, or define a handler."""
    for name in present:
        for attribute, line in _bindings(_parse(directory, name)):
            if attribute in _APPLICATIONS:
                entrypoint = f'[function] entrypoint = "{name}:{attribute}"'
                return f"to serve {attribute} ({name}:{line}), write into gaia.toml: {entrypoint}"
    own = '[function] entrypoint = "path.py:function"'
    return f"define `def handler(payload)` in func.py, or name your own in gaia.toml: {own}"


def _named_entry(directory: Path, entrypoint: str) -> Entry:
    path, _, attribute = entrypoint.partition(":")
    root = directory.resolve()
    if not (root / path).resolve().is_relative_to(root) or not (root / path).is_file():
        message = f"the entry point {path} is not a file in {directory}"
        raise EntryError("no_entry", message, "correct [function] entrypoint", path)
    if not attribute:
        if (entry := _entry_in(directory, path)) is not None:
            return entry
        hint = f'name the function: [function] entrypoint = "{path}:name"'
        raise EntryError("no_entry", f"{path} defines none of new, handle, handler", hint, path)
    tree = _parse(directory, path)
    line = dict(_bindings(tree)).get(attribute)
    if line is None:
        raise EntryError("no_entry", f"{path} does not define {attribute}", "correct [function] entrypoint", path)
    return Entry(path, attribute, _form_of(tree, attribute), line)


def _entry_in(directory: Path, path: str) -> Entry | None:
    bound = dict(_bindings(_parse(directory, path)))
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


def _parse(directory: Path, path: str) -> ast.Module:
    try:
        with tokenize.open(directory / path) as source:
            return ast.parse(source.read(), path)
    except SyntaxError as error:
        line = error.lineno or 0
        raise EntryError("syntax", f"{path}:{line}: {error.msg}", "correct the syntax error", path, line) from None
    except (UnicodeDecodeError, ValueError, RecursionError) as error:
        raise EntryError("encoding", f"{path} is not readable Python: {error}", "save it as UTF-8", path) from None


def _bindings(tree: ast.Module) -> Iterator[tuple[str, int]]:
    """Yield the names that the module binds at its top level, with their lines; conditional blocks count."""
    pending: list[ast.stmt] = list(tree.body)
    while pending:
        node = pending.pop(0)
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
                pending = [*(stmt for one in handlers for stmt in one.body), *node.body, *node.orelse, *pending]


def _from_another_candidate(node: ast.ImportFrom) -> bool:
    """Return whether it imports the entry point of another candidate file, as a script for local trials does."""
    imported = (node.module or "").replace(".", "/") + ".py"
    return node.level == 0 and imported in CANDIDATES
