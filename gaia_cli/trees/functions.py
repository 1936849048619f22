"""The functions at a path: those that are declared at and below it, and those whose code shows that they are one.

Declared is a function by a manifest, by a configuration of Gaia's, or by a file of another platform (platforms.py).
Where nothing at the top is a function itself, folders below that begin to serve by their own code are functions as well
(undeclared.py). Where that makes none or one, all that is below is looked at as one function, unless it is declared.
"""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from analyzers.manifest import FILE_NAME
from analyzers.project.ignored import walk
from gaia_cli.places import declares
from gaia_cli.trees.platforms import handlers, is_declared
from gaia_cli.trees.undeclared import beginning_below, begins_in


@dataclass(frozen=True, slots=True)
class Function:
    """A function of a tree: a directory or a file and, where a platform's file names it, its name and entry point."""

    path: Path
    name: str = ""
    entrypoint: str = ""

    @property
    def shown(self) -> str:
        """The function as a row of a report names it: its path, with the file of its entry point where that is said."""
        file = self.entrypoint.partition(":")[0]
        return str(self.path / file)


def functions_at(path: Path, refused: Callable[[str], object]) -> list[Function]:
    """Return the functions at `path`, sorted: itself where that is a file, or where it holds no other.

    `refused` is given each directory below that may not be read: it may hold more.
    """
    if not os.path.isdir(path):  # noqa: PTH112 -- `Path.is_dir` raises where a name is too long
        return [Function(path)]
    declared = list(_declared_below(path, refused))
    found = {function.path for function in declared}
    if path in found:
        return declared
    if begins_in(path):
        return [Function(path), *declared]
    others = [Function(folder) for folder in beginning_below(path) if not _is_below(folder, found)]
    functions = sorted([*declared, *others], key=lambda one: (one.path.parts, one.entrypoint))
    return functions if declared or len(functions) > 1 else [Function(path)]


def with_manifest(root: Path, refused: Callable[[str], object]) -> Iterator[Path]:
    """Yield the directories at and below `root` that have a manifest."""
    for directory, names in walk(str(root), refused=refused):
        if FILE_NAME in names:
            yield Path(directory)


def _declared_below(root: Path, refused: Callable[[str], object]) -> Iterator[Function]:
    for directory, names in walk(str(root), refused=lambda directory: refused(str(Path(directory)))):
        path = Path(directory)
        if declares(directory, names) or is_declared(names):
            yield Function(path)
        else:
            found = handlers(path, names)
            yield from (Function(place, name, entry) if found[1:] else Function(place) for name, place, entry in found)


def _is_below(folder: Path, found: set[Path]) -> bool:
    return any(one == folder or one in folder.parents for one in found)
