"""Which libraries a function imports first, found by reading its files, so that a zygote can import them ahead.

Imports behind a statement that may have an effect, such as `torch.set_num_threads(1)`, are left to the function: the
statement may be there for their sake. One whose effect is known is done ahead, too: a variable that is set to a text,
such as `os.environ["OMP_NUM_THREADS"] = "1"`, which the zygote takes back before a worker begins. What a library loads
only when a name is taken from it is loaded by taking that name. The function's own modules are read, not imported: they
run in each worker, where they may ask for the backend, open connections and draw random numbers.
"""

import ast
import tokenize
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from runtime_images.entrypoint import EntryError, find_entry, import_folders

_HARMLESS_CALLS = frozenset((
    "Path", "TypeVar", "abspath", "bool", "compile", "dict", "dirname", "float", "frozenset", "get", "getLogger",
    "getenv", "int", "join", "list", "namedtuple", "resolve", "set", "str", "tuple",
))  # fmt: skip
"""Calls, by the last part of their name, on whose account no import is put off."""


_OF_DEVICES = ("CUDA", "NVIDIA", "HIP", "ROCR", "GAIA")
"""How variables begin that say which devices there are: in the zygote there are none."""


class Import(NamedTuple):
    """A module to import, and a name to take from it, empty for none."""

    module: str
    name: str = ""


class Variable(NamedTuple):
    """A variable of the environment to set; one that `gives_way` only where there is none of that name."""

    name: str
    value: str
    gives_way: bool = False


Step = Import | Variable


def steps(directory: Path, entrypoint: str) -> list[Step]:
    """Return what to do ahead for the function in `directory`, in order; nothing if its entry is not found."""
    try:
        entry = find_entry(directory, entrypoint)
    except EntryError:
        return []  # the worker will find and report it, too
    reader = _Reader(directory, import_folders(entry.path, lambda path: (directory / path).is_file()))
    reader.read(Path(entry.path))
    return list(reader.found)


class _Reader:
    """Follows the imports of a function's own files; `found` keeps the order and each step once.

    Modules are found in `folders` of the function's directory.
    """

    def __init__(self, directory: Path, folders: Iterable[str]) -> None:
        self._directory = directory
        self._bases = [Path(folder) for folder in folders]
        self._read: set[Path] = set()
        self.found: dict[Step, None] = {}

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
        if (variable := _variable(node)) is not None:
            if variable.name.startswith(_OF_DEVICES):
                return False
            self.found.setdefault(variable)
            return True
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
        if Import(".".join(parts)) in self.found:
            self.found |= dict.fromkeys(Import(".".join(parts), alias.name) for alias in node.names)
        below = (self._own([*parts, alias.name]) for alias in node.names)
        return all(self.read(own) for own in below if own is not None)

    def _import(self, parts: list[str]) -> bool:
        own = self._own(parts)
        if own is not None:
            return self.read(own)
        if parts and not any((self._directory / base / parts[0]).is_dir() for base in self._bases):
            self.found.setdefault(Import(".".join(parts)))
        return True

    def _own(self, parts: list[str]) -> Path | None:
        """Return the function's own file that is imported under this name, if it is one."""
        for base in self._bases if parts else ():
            stem = base.joinpath(*parts)
            for path in (stem.with_suffix(".py"), stem / "__init__.py"):
                if (self._directory / path).is_file():
                    return path
        return None


def _variable(node: ast.stmt) -> Variable | None:
    """Return the variable that a statement sets, if that is all it does."""
    match node:
        case ast.Assign(
            targets=[ast.Subscript(value=place, slice=ast.Constant(value=str(name)))],
            value=ast.Constant(value=str(value)),
        ) if ast.unparse(place) == "os.environ":
            return Variable(name, value)
        case ast.Expr(
            value=ast.Call(
                func=function, args=[ast.Constant(value=str(name)), ast.Constant(value=str(value))], keywords=[]
            )
        ) if ast.unparse(function) == "os.environ.setdefault":
            return Variable(name, value, gives_way=True)
        case _:
            return None


def _is_skipped(test: ast.expr) -> bool:
    """Return whether an `if` is one whose body does not run here: for the type checker, or for a script."""
    named = ast.unparse(test)
    return named in ("TYPE_CHECKING", "typing.TYPE_CHECKING") or named.startswith("__name__ ==")


def _is_harmless(node: ast.Assign | ast.AnnAssign) -> bool:
    calls = (ast.unparse(child.func).rpartition(".")[2] for child in ast.walk(node) if isinstance(child, ast.Call))
    return all(name in _HARMLESS_CALLS for name in calls)
