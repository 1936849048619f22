"""The names under which a project's files are imported.

A file is imported from the project's root, from one of its source folders (`src/`), from the folder above the package
of its importer, or from the one that it shares with it. `candidates` yields the paths of a name, `by_import_name` finds
files that have been read, and `Tree` finds files on the disk.
"""

# ruff: noqa: PTH112, PTH208 -- a hook does not load pathlib, which takes longer than to lint a file

import os

from analyzers.lean.files import leads_out

TYPE_CHECKING = False
if TYPE_CHECKING:
    import ast
    from collections.abc import Iterable, Iterator
    from typing import TypeVar

    from analyzers.project.model import Source

    _T = TypeVar("_T")

LONGEST_NAME = 500
"""A dotted name of more characters is nobody's: each rule looks at the parts of names."""
SOURCE_FOLDER = "src"
"""The folder that many projects import from as if it were their root."""


def dotted(node: "ast.AST") -> str:
    """Return `a.b.c` as it stands; of anything else only what follows it, as in `.c` for `f().c`, or nothing."""
    names: list[str] = []
    while name := getattr(node, "attr", ""):
        names.insert(0, name)
        node = getattr(node, "value", node)
    return ".".join([getattr(node, "id", ""), *names])


def module_name(path: str) -> str:
    """Return the dotted name under which the file at `path` is imported from the project's root."""
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def absolute_module(source: "Source", node: "ast.ImportFrom") -> str:
    """Return the dotted name of the module that a `from` import in `source` names, relative dots resolved."""
    if not node.level:
        return node.module or ""
    package = source.module.split(".")
    keep = len(package) - node.level + (1 if source.is_package else 0)
    return ".".join([*package[: max(keep, 0)], *filter(None, [node.module])])


def by_import_name(files: "Iterable[tuple[str, _T]]") -> "dict[str, _T]":
    """Return each file of (module name, file) by its names from the root and from each of the folders that it is in.

    Names from the root take precedence.
    """
    found: dict[str, _T] = {}
    for module, file in files:
        found[module] = file
        _, dot, name = module.partition(".")
        while dot:
            found.setdefault(name, file)
            _, dot, name = name.partition(".")
    return found


def candidates(module: str, beside: str, *more: str) -> "Iterator[str]":
    """Yield the paths where `module` may be: at the root, in the source folder, in `more` folders, in `beside`.

    In each of them a package goes before a module of the same name, as it does for Python.
    """
    path = module.replace(".", "/")
    for folder in dict.fromkeys(("", SOURCE_FOLDER, *more, beside)):
        stem = f"{folder}/{path}".lstrip("/")
        yield f"{stem}/__init__.py"
        yield f"{stem}.py"


class Tree:
    """The Python files below `root` during one run; nothing is read but directories, each once."""

    def __init__(self, root: str) -> None:
        self.root = root
        self._listings: dict[str, frozenset[str]] = {}
        self._inside: dict[str, bool] = {}

    def knows(self, package: str, beside: str) -> bool:
        """Return whether the top-level `package` is the project's own, also without an `__init__.py`."""
        listings = map(self._names, {"", SOURCE_FOLDER, beside})
        return any(package in names or f"{package}.py" in names for names in listings)

    def find(self, module: str, beside: str) -> str:
        """Return the path of `module` for an importer in the folder `beside`; empty when it is nowhere."""
        return next((path for path in candidates(module, beside) if self._has(path) and self._is_inside(path)), "")

    def holds(self, path: str) -> bool:
        """Return whether there is a file at `path`; whether it can be read shows when it is."""
        return self._has(path) and not os.path.isdir(f"{self.root}/{path}")

    def _has(self, path: str) -> bool:
        """Return whether there is something at `path`; from the top, so that most calls end at a known listing."""
        directory = ""
        for part in path.split("/"):
            if part not in self._names(directory):
                return False
            directory = f"{directory}/{part}".lstrip("/")
        return True

    def _names(self, directory: str) -> frozenset[str]:
        if directory not in self._listings:
            try:
                names = os.listdir(f"{self.root}/{directory}")
            except OSError:
                names = []
            self._listings[directory] = frozenset(names)
        return self._listings[directory]

    def _is_inside(self, path: str) -> bool:
        """Return whether `path` is below the root after all links."""
        if path not in self._inside:
            self._inside[path] = not leads_out(self.root, path)
        return self._inside[path]
