"""Who imports a file: what nothing imports runs as a program, or not at all.

A name leads from an importer to a module at once (names.py); the way back leads through all files of the tree. So it is
asked for few files only, and read from the bytes: the lines that import are found a hundred times faster than a tree is
parsed, also those in notebooks. A test imports what it tries, which says nothing about where that runs.
"""

import re

from analyzers.lean.files import NOTEBOOK, TEXT_BYTES, read_inside
from analyzers.lean.patterns import Pattern
from analyzers.project.ignored import walk
from analyzers.project.names import module_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from analyzers.project.names import Tree

_IMPORT = Pattern(
    rb"^[ \t]*+\"?(?:from[ \t]++(?P<module>[.\w]++)[ \t]++import[ \t]*+"
    rb"(?P<names>\([^)]{0,9999}+\)|[^\n\\#;]*+(?:\\\r?\n[^\n\\#;]*+)*+)|import[ \t]++(?P<modules>[^\n#;\"\\]++))",
    re.MULTILINE,
)
_NAME = Pattern(rb"\w++")
TESTS = r"(^|/)(tests?|testing)/|(^|/)(test_[^/]*|[^/]*_tests?|conftest)\.(py|ipynb)$"
_TESTS = Pattern(TESTS, re.IGNORECASE)
_MOST_BYTES = 64 * TEXT_BYTES
_MOST_FOLDERS = 5_000


def is_test(path: str) -> bool:
    """Return whether the file at `path` belongs to the tests of a project."""
    return "test" in path.lower() and _TESTS.search(path) is not None


class Importers:
    """The imports of all files of `tree`, read when they are first asked for."""

    def __init__(self, tree: "Tree") -> None:
        self._tree = tree
        self._by_stem: dict[str, dict[tuple[str, str], str]] | None = None
        self._is_whole = True

    def of(self, path: str) -> str | None:
        """Return a file that imports the one at `path`, None where there is none.

        It is empty where nobody can tell: the file lies outside of the tree, or the tree is too large to be read.
        """
        if path.startswith(("/", "..")):
            return ""
        if self._by_stem is None:
            self._by_stem = self._read()
        module = module_name(path)
        for (name, beside), importer in self._by_stem.get(module.rpartition(".")[2], {}).items():
            if importer != path and self._leads_to(name, beside, path):
                return importer
        return None if self._is_whole else ""

    def _read(self) -> "dict[str, dict[tuple[str, str], str]]":
        """Return the first file with each import, by the last part of its name, the name, and the folder it is in."""
        found: dict[str, dict[tuple[str, str], str]] = {}
        size = 0
        for number, (folder, paths) in enumerate(_folders(self._tree.root)):
            if size > _MOST_BYTES or number > _MOST_FOLDERS:
                self._is_whole = False
                break
            for path in paths:
                try:
                    data = read_inside(self._tree.root, path, TEXT_BYTES)
                except OSError:
                    continue
                size += len(data)
                for name in set(imported(data, path)):
                    found.setdefault(name.rpartition(".")[2], {}).setdefault((name, folder), path)
        return found

    def _leads_to(self, name: str, beside: str, path: str) -> bool:
        """Return whether `name`, imported by a file in the folder `beside`, may be the file at `path`.

        Where Python finds nothing at the root, in the source folder and beside the importer, a name of several parts
        may begin in any folder.
        """
        found = self._tree.find(name, beside)
        return found == path if found else "." in name and module_name(path).endswith(f".{name}")


def imported(data: bytes, path: str) -> "Iterator[str]":
    """Yield the dotted names that the file at `path` with the bytes `data` imports, and the modules they may be in."""
    if b"import" not in data:
        return
    for match in _IMPORT.finditer(data):
        if match["modules"] is not None:
            parts = (part.split() for part in match["modules"].split(b","))
            yield from (part[0].decode(errors="replace") for part in parts if part)
            continue
        module = _absolute(match["module"].decode(errors="replace"), path)
        if module:
            yield module
        names = (line.partition(b"#")[0] for line in match["names"].split(b"\n"))
        for name in _NAME.findall(b" ".join(names)):
            yield f"{module}.{name.decode(errors='replace')}".lstrip(".")


def _absolute(module: str, path: str) -> str:
    """Return a module's name without the dots that lead up from the file at `path`."""
    name = module.lstrip(".")
    level = len(module) - len(name)
    if not level:
        return name
    above = path.split("/")[:-level]
    return ".".join([*above, *filter(None, [name])])


def _folders(root: str) -> "Iterator[tuple[str, list[str]]]":
    """Yield the folders below `root`, each with its files that may import something in earnest, relative to it."""
    for directory, names in walk(root):
        folder = directory.removeprefix(root).strip("/")
        paths = [f"{folder}/{name}".lstrip("/") for name in names if name.endswith((".py", NOTEBOOK))]
        yield folder, [path for path in paths if not is_test(path)]
