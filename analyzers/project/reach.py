"""From a file to the files that it imports: below the function's directory, and in folders above that share code.

A monorepo keeps modules in a folder such as `common/` beside its functions. Python finds them where the repository is
on its path, so they are read like the function's own; their paths begin with `../`. Where a name is the function's own,
the standard library's, or a package's that a dependency list states, nobody looks above.
"""

import ast
import os
import sys
from collections.abc import Collection, Iterator
from pathlib import Path

from analyzers.findings import Finding
from analyzers.lean.patterns import Pattern
from analyzers.lean.records import replace
from analyzers.project.model import Source, UnreadableError
from analyzers.project.names import LONGEST_NAME, Tree, absolute_module, candidates
from analyzers.project.parsing import nodes_of, statements_of
from analyzers.project.reading import read_source
from runtime_images.entrypoint import package_folder

_MONOREPO = "packages"
"""The folder in which repositories of several packages keep them."""
_UP = "../"

_NAME = r"([a-zA-Z_]\w{0,99}(?:\.[a-z_]\w{0,99}){1,9})(?:\.[A-Z]\w{0,99}|:\w{1,99})?"
_NAMED = Pattern(_NAME)
"""A text that names a module, or something in one: Django's settings, URLs and middleware, uvicorn's `app.main:app`."""
_HOLDS_NAMED = Pattern(rf"[\"'}}]{_NAME}[\"'{{\\]")
"""Code that may hold such a text, also as a part of an f-string: in most, only statements need be looked at."""


def apart(root: str, path: str) -> tuple[str, str]:
    """Return the folder that `path`, relative to `root`, lies below, and its path there: above for shared code."""
    inside = path
    while inside.startswith(_UP):
        root, inside = str(Path(root).parent), inside.removeprefix(_UP)
    return root, inside


class Reach:
    """The files of the function in the directory `root`, and those in the folders above it up to `tree`.

    Without a `tree` that `root` is below there are none above. `stated` are the packages of the dependency lists, and
    `known` the files below `root` that have been parsed.
    """

    def __init__(
        self, root: Path, tree: str = "", stated: Collection[str] = (), known: dict[str, Source] | None = None
    ) -> None:
        self._root = str(root)
        self._known = known or {}
        self._trees = {"": Tree(self._root)}
        self._foreign = frozenset(stated) | sys.stdlib_module_names
        folder, up = os.path.realpath(root), _UP
        while tree and folder != tree and folder.startswith(f"{tree.rstrip('/')}/"):
            folder = str(Path(folder).parent)
            self._trees[up], up = Tree(folder), up + _UP

    def read(self, path: str) -> Source:
        """Read and parse the file at `path`, which may begin with `../`.

        Raises:
            UnreadableError: it cannot be.
        """
        up, inside = _split(path)
        try:
            source = self._known.pop(path, None) or read_source(self._trees[up].root, inside)
        except UnreadableError as error:
            raise UnreadableError(_placed(error.failure, up)) from None
        return replace(source, path=path, failures=tuple(_placed(one, up) for one in source.failures))

    def imported(self, source: Source) -> Iterator[str]:
        """Yield the files that `source` imports, or names in texts, at any depth of nesting."""
        parts = nodes_of if _HOLDS_NAMED.search(source.text) else statements_of
        for node in parts(source.tree):
            if isinstance(node, ast.Import):
                for alias in node.names:
                    yield from self._resolved(source, alias.name)
            elif isinstance(node, ast.ImportFrom):
                module = absolute_module(source, node)
                yield from self._resolved(source, module)
                for alias in node.names:
                    yield from self._resolved(source, f"{module}.{alias.name}".lstrip("."))
            elif (
                isinstance(node, ast.Constant)
                and isinstance(node.value, str)
                and (named := _NAMED.fullmatch(node.value))
            ):
                up, inside = _split(source.path)
                yield from _files_of(self._trees[up], up, inside, named[1])

    def _resolved(self, source: Source, module: str) -> Iterator[str]:
        """Yield the files of `module` and of the packages around it, from the nearest folder that knows it."""
        module = module if len(module) <= LONGEST_NAME else ""
        if not module or not all(part.isidentifier() for part in module.split(".")):
            return
        own, inside = _split(source.path)
        package = module.partition(".")[0]
        for up, tree in self._trees.items():
            if len(up) < len(own):
                continue
            beside = inside if up == own else ""
            found = list(dict.fromkeys(_with_packages(tree, up, beside, module)))
            if up:
                found = [self._own_name(path) for path in found]
            yield from found
            if found or package in self._foreign or tree.knows(package, beside.rpartition("/")[0]):
                return

    def _own_name(self, path: str) -> str:
        """Return the path of a file above the function; of one that is the function's after all, that."""
        folder, inside = apart(os.path.realpath(self._root), path)
        return os.path.relpath(f"{folder}/{inside}", os.path.realpath(self._root))


def _split(path: str) -> tuple[str, str]:
    inside = path
    while inside.startswith(_UP):
        inside = inside.removeprefix(_UP)
    return path.removesuffix(inside), inside


def _placed(failure: Finding, up: str) -> Finding:
    return replace(failure, place=replace(failure.place, path=up + failure.place.path)) if up else failure


def _with_packages(tree: Tree, up: str, importer: str, module: str) -> Iterator[str]:
    while module:
        yield from _files_of(tree, up, importer, module)
        module = module.rpartition(".")[0]


def _files_of(tree: Tree, up: str, importer: str, module: str) -> Iterator[str]:
    beside = importer.rpartition("/")[0]
    above = package_folder(importer, tree.holds)
    held = [path for path in candidates(module, beside, _MONOREPO, above) if tree.holds(path)]
    yield from (up + path for path in held if f"{path.removesuffix('.py')}/__init__.py" not in held)
