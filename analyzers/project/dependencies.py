"""The function's dependency lists, line by line, as evidence: requirements*.txt and those in dependency_lists.py."""

import os
from collections.abc import Iterable, Iterator

from analyzers.findings import Place
from analyzers.lean.files import open_file
from analyzers.lean.patterns import Pattern
from analyzers.project.dependency_lists import NAMES, read_list
from analyzers.project.model import Dependency
from analyzers.project.requirements import Line, all_lines, parse_requirement

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path

    from analyzers.project.requirements import Reader

_ASIDE = Pattern(r"dev|test|train|lint|doc")
_MAX_BYTES = 256 * 1024


def read_dependencies(root: "Path", entry: str = "") -> tuple[Dependency, ...]:
    """Return the dependencies listed at the project's root and beside `entry`, of a malformed list what is readable."""
    top = os.path.realpath(root)
    seen: set[str] = set()

    def read(path: str, chain: tuple[Line, ...]) -> str:
        """Read a requirements file once, and an included one only below `root`."""
        real = os.path.realpath(f"{root}/{path}")
        if real in seen or (chain and not real.startswith(top + os.sep)):
            return ""
        seen.add(real)
        return _text(real)

    bases = ("", *filter(None, [entry.rpartition("/")[0]]))
    return tuple(found for base in bases for found in stated(_in_directory(root, f"{base}/".lstrip("/"), read)))


def _in_directory(root: "Path", base: str, read: "Reader") -> Iterator[Line]:
    try:
        names = sorted(os.listdir(root / base))  # noqa: PTH208 -- pathlib makes a Path of every file
    except OSError:
        return
    for name in names:
        if name.startswith("requirements") and name.endswith(".txt") and not _ASIDE.search(name):
            yield from all_lines(base + name, read)
    for name in names:
        if name in NAMES:
            for number, line in read_list(name, _text(f"{root}/{base}{name}")):
                yield Line(base + name, number, line)


def _text(path: str) -> str:
    try:
        with open_file(path) as file:
            return file.read(_MAX_BYTES).decode("utf-8", "replace")
    except OSError:
        return ""


def stated(lines: Iterable[Line]) -> Iterator[Dependency]:
    """Yield the dependencies that `lines` state."""
    for line in lines:
        place = Place(line.path, line.number, 1, max(len(line.text) + 1, 2))
        dependency = parse_requirement(place, line.text)
        if dependency:
            yield dependency
