"""The function's dependency lists, line by line, as evidence: requirements*.txt and those in dependency_lists.py."""

import os
from collections.abc import Iterable, Iterator

from analyzers.findings import Place
from analyzers.lean.files import open_file
from analyzers.lean.patterns import Pattern
from analyzers.project.dependency_lists import NAMES, read_list
from analyzers.project.model import Dependency
from analyzers.project.requirements import Line, all_lines, joined_lines, parse_requirement

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path

_ASIDE = Pattern(r"dev|test|train|lint|doc")
_MAX_BYTES = 256 * 1024


def read_dependencies(root: "Path", entry: str = "") -> tuple[Dependency, ...]:
    """All dependency lines at the project's root and beside `entry`; a malformed list gives what can be read of it."""
    beside = entry.rpartition("/")[0]
    read = _Reader(str(root))
    return tuple(
        dependency
        for base in dict.fromkeys(("", beside))
        for dependency in _in_directory(root, f"{base}/" if base else "", read)
    )


class _Reader:
    """Gives the text of each requirements file once, and of included ones only those below `root`."""

    def __init__(self, root: str) -> None:
        self._root = root
        self._seen: set[str] = set()

    def __call__(self, path: str, chain: tuple[Line, ...]) -> str:
        real = os.path.realpath(f"{self._root}/{path}")
        leads_out = bool(chain) and not real.startswith(os.path.realpath(self._root) + os.sep)
        if leads_out or real in self._seen:
            return ""
        self._seen.add(real)
        return _text(real)


def _in_directory(root: "Path", base: str, read: _Reader) -> Iterator[Dependency]:
    try:
        names = sorted(os.listdir(root / base))  # noqa: PTH208 -- pathlib makes a Path of every file
    except OSError:
        return
    for name in names:
        if name.startswith("requirements") and name.endswith(".txt") and not _ASIDE.search(name):
            yield from _stated(all_lines(base + name, read))
    for name in names:
        if name in NAMES:
            found = read_list(name, _text(f"{root}/{base}{name}"))
            yield from _stated(Line(base + name, number, line) for number, line in found)


def _text(path: str) -> str:
    try:
        with open_file(path) as file:
            return file.read(_MAX_BYTES).decode("utf-8", "replace")
    except OSError:
        return ""


def read_requirements(path: str, text: str) -> Iterator[Dependency]:
    """Yield the dependencies of one requirements file."""
    return _stated(joined_lines(path, text))


def _stated(lines: Iterable[Line]) -> Iterator[Dependency]:
    for line in lines:
        place = Place(line.path, line.number, 1, max(len(line.text) + 1, 2))
        dependency = parse_requirement(place, line.text)
        if dependency:
            yield dependency
