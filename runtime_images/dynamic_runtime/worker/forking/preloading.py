"""Which libraries a function imports first, found by reading its files, so that a zygote can import them ahead.

Imports behind a statement that may have an effect, such as `os.environ["OMP_NUM_THREADS"] = "1"`, are left to the
function: the statement may be there for their sake. The function's own modules are read, not imported: they run in
each worker, where they may ask for the backend, open connections and draw random numbers.
"""

import ast
import tokenize
from collections.abc import Iterable
from pathlib import Path

from runtime_images.entrypoint import EntryError, find_entry, import_folders

_HARMLESS_CALLS = frozenset((
    "Path", "TypeVar", "abspath", "bool", "compile", "dict", "dirname", "float", "frozenset", "get", "getLogger",
    "getenv", "int", "join", "list", "namedtuple", "resolve", "set", "str", "tuple",
))  # fmt: skip
"""Calls, by the last part of their name, on whose account no import is put off."""


def libraries(directory: Path, entrypoint: str) -> list[str]:
    """Return the modules to import ahead for the function in `directory`, in order; none if its entry is not found."""
    try:
        entry = find_entry(directory, entrypoint)
    except EntryError:
        return []  # the worker will find and report it, too
    reader = _Reader(directory, import_folders(entry.path, lambda path: (directory / path).is_file()))
    reader.read(Path(entry.path))
    return list(reader.found)


class _Reader:
    """Follows the imports of a function's own files; `found` keeps the order and each name once.

    Modules are found in `folders` of the function's directory.
    """

    def __init__(self, directory: Path, folders: Iterable[str]) -> None:
        self._directory = directory
        self._bases = [Path(folder) for folder in folders]
        self._read: set[Path] = set()
        self.found: dict[str, None] = {}

    def read(self, path: Path) -> bool:
        """Collect from one file; False at the first statement that may have an effect."""
        if path in self._read:
            return True
        self._read.add(path)
        try:
            with tokenize.open(self._directory / path) as source:
                body = ast.parse(source.read()).body
        except (OSError, SyntaxError, ValueError, RecursionError):
            return False
        return all(self._pass(node, path) for node in body)

    def _pass(self, node: ast.stmt, path: Path) -> bool:
        match node:
            case ast.Import():
                return all(self._import(alias.name.split(".")) for alias in node.names)
            case ast.ImportFrom():
                return self._import_from(node, path)
            case ast.Try():  # `try: import faster` and the like: what is missing is skipped
                return all(self._pass(statement, path) for statement in node.body)
            case ast.If():
                return _is_skipped(node.test)
            case ast.Assign(targets=targets):
                return all(isinstance(target, ast.Name) for target in targets) and _is_harmless(node)
            case ast.AnnAssign(target=target):
                return isinstance(target, ast.Name) and _is_harmless(node)
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef() | ast.Expr(value=ast.Constant()):
                return True
            case _:
                return False

    def _import_from(self, node: ast.ImportFrom, path: Path) -> bool:
        if node.level == 0 and node.module == "__future__":
            return True
        base = list(path.parent.parts[: len(path.parent.parts) - node.level + 1]) if node.level else []
        parts = base + (node.module.split(".") if node.module else [])
        if not self._import(parts):
            return False
        below = (self._own([*parts, alias.name]) for alias in node.names)
        return all(self.read(own) for own in below if own is not None)

    def _import(self, parts: list[str]) -> bool:
        own = self._own(parts)
        if own is not None:
            return self.read(own)
        if parts and not any((self._directory / base / parts[0]).is_dir() for base in self._bases):
            self.found.setdefault(".".join(parts))
        return True

    def _own(self, parts: list[str]) -> Path | None:
        """Return the function's own file that is imported under this name, if it is one."""
        for base in self._bases if parts else ():
            stem = base.joinpath(*parts)
            for path in (stem.with_suffix(".py"), stem / "__init__.py"):
                if (self._directory / path).is_file():
                    return path
        return None


def _is_skipped(test: ast.expr) -> bool:
    """Return whether an `if` is one whose body does not run here: for the type checker, or for a script."""
    named = ast.unparse(test)
    return named in ("TYPE_CHECKING", "typing.TYPE_CHECKING") or named.startswith("__name__ ==")


def _is_harmless(node: ast.Assign | ast.AnnAssign) -> bool:
    calls = (ast.unparse(child.func).rpartition(".")[2] for child in ast.walk(node) if isinstance(child, ast.Call))
    return all(name in _HARMLESS_CALLS for name in calls)
