"""A function's files as they are read for an entry point: parsed once, with the names that they bind and import."""

import ast
import codecs
import io
import os
import tokenize
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from runtime_images.entrypoint.model import EntryError
from runtime_images.entrypoint.places import import_folders

_NOT_FOR_TEXT = ("idna", "punycode", "undefined")
"""Encodings of host names, which take quadratic time, and one that decodes nothing."""

Read = Callable[[Path, str], bytes]
"""Returns the content of a file, given the function's directory and the path in it; raises OSError."""

Parse = Callable[[str], ast.Module]
"""Returns the tree of Python code; raises SyntaxError and what else Python's own parser does."""

Definition = ast.stmt | ast.expr | ast.alias
"""What a name is bound to: a definition, the value of an assignment, or what an import names."""


def read_own(directory: Path, path: str) -> bytes:
    """Read a file as the function's own process does: what it may open is the container's to say."""
    return (directory / path).read_bytes()


def parse_own(text: str) -> ast.Module:
    """Parse code as the function's own process does; told a file's name, the parser would open that for an error."""
    return ast.parse(text, filename="")


@dataclass(frozen=True, slots=True)
class Binding:
    """One statement that gives a name its value; `source` is the `from` import of an alias."""

    name: str
    line: int
    value: Definition
    source: ast.ImportFrom | None = None


@dataclass(frozen=True)
class Module:
    """A parsed file; `path` is relative to the function's directory."""

    path: str
    tree: ast.Module

    @cached_property
    def bindings(self) -> tuple[Binding, ...]:
        """What its top level binds, in order; conditional blocks count."""
        return tuple(_bindings(self.tree))

    @cached_property
    def imports(self) -> dict[str, str]:
        """Each name that an import anywhere in the file binds, with what it stands for: `flask.Flask`."""
        return dict(_imports(self.tree))

    def qualified(self, node: ast.expr) -> str:
        """Return what a name or an attribute stands for, such as `flask.Flask`; empty for other expressions."""
        parts: list[str] = []
        while isinstance(node, ast.Attribute):
            parts.append(node.attr)
            node = node.value
        if not isinstance(node, ast.Name):
            return ""
        return ".".join([self.imports.get(node.id, node.id), *reversed(parts)])


@dataclass(frozen=True)
class Modules:
    """The modules of the function in `directory`, each read once."""

    directory: Path
    read: Read
    parse: Parse = parse_own
    _read: dict[str, Module] = field(default_factory=dict)

    def at(self, path: str) -> Module:
        """Return the module in the file at `path`.

        Raises:
            EntryError: it cannot be read or parsed.
        """
        if path not in self._read:
            self._read[path] = Module(path, _parse(self, path))
        return self._read[path]

    def holds(self, path: str) -> bool:
        """Return whether there is a file at `path`."""
        return os.path.isfile(self.directory / path)  # noqa: PTH113 -- `Path.is_file` raises where a name is too long

    def imported(self, module: Module, source: ast.ImportFrom) -> Module | None:
        """Return the function's own module that `source`, in `module`, imports from; None where it is not its own."""
        parts = (source.module or "").split(".") if source.module else []
        beside = module.path.split("/")[:-1]
        above = "/".join(beside[: len(beside) - source.level + 1])
        for base in [above] if source.level else import_folders(module.path, self.holds):
            stem = "/".join([*filter(None, [base]), *parts])
            for path in (f"{stem}.py", f"{stem}/__init__.py".lstrip("/")):
                if stem + path != "/__init__.py" and self.holds(path):
                    return self.at(path)
        return None


def _parse(modules: Modules, path: str) -> ast.Module:
    try:
        data = modules.read(modules.directory, path)
        return modules.parse(data.decode(encoding_of(data)))
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


def _bindings(tree: ast.Module) -> Iterator[Binding]:
    pending: list[ast.stmt] = tree.body[::-1]  # the next is the last
    while pending:
        node = pending.pop()
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                yield Binding(node.name, node.lineno, node)
            case ast.Assign():
                for target in node.targets:
                    if isinstance(target, ast.Name):
                        yield Binding(target.id, node.lineno, node.value)
            case ast.AnnAssign(target=ast.Name(id=name), value=value) if value is not None:
                yield Binding(name, node.lineno, value)
            case ast.ImportFrom():
                yield from (Binding(alias.asname or alias.name, node.lineno, alias, node) for alias in node.names)
            case ast.If() | ast.Try():
                handlers = node.handlers if isinstance(node, ast.Try) else []
                pending += [*(stmt for one in handlers for stmt in one.body), *node.body, *node.orelse][::-1]
            case ast.With():
                pending += node.body[::-1]


def _imports(tree: ast.Module) -> Iterator[tuple[str, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                top = alias.name.partition(".")[0]
                yield alias.asname or top, alias.name if alias.asname else top
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield from ((alias.asname or alias.name, f"{node.module}.{alias.name}") for alias in node.names)
