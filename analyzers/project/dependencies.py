"""The function's dependency lists, line by line, as evidence: requirements*.txt and those in dependency_lists.py."""

import os
import re
from collections.abc import Iterable, Iterator

from analyzers.findings import Place
from analyzers.lean.files import open_file
from analyzers.lean.patterns import Pattern
from analyzers.project.model import Dependency

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path

_NAME = Pattern(r"^\s*([A-Za-z0-9][A-Za-z0-9._-]*)\s*(\[[^\]]*\])?\s*([<>=!~;@].*)?$")
_REPOSITORY = Pattern(r"(-e\s+)?git\+(https|ssh|git)://")
_ASIDE = Pattern(r"dev|test|train|lint|doc")
_MAX_BYTES = 256 * 1024
_OTHER_LISTS = frozenset(
    {
        "Pipfile",
        "bentofile.yaml",
        "cerebrium.toml",
        "cog.yaml",
        "cog.yml",
        "config.yaml",
        "environment.yaml",
        "environment.yml",
        "pyproject.toml",
        "setup.cfg",
        "setup.py",
    }
)


def normalize(name: str) -> str:
    """The package name as registries compare it: lower case, one hyphen between words."""
    return re.sub(r"[-_.]+", "-", name).lower()


def read_dependencies(root: "Path", entry: str = "") -> tuple[Dependency, ...]:
    """All dependency lines at the project's root and beside `entry`; a malformed list gives what can be read of it."""
    beside = entry.rpartition("/")[0]
    return tuple(
        dependency
        for base in dict.fromkeys(("", beside))
        for dependency in _in_directory(root, f"{base}/" if base else "")
    )


def _in_directory(root: "Path", base: str) -> Iterator[Dependency]:
    try:
        names = sorted(os.listdir(root / base))  # noqa: PTH208 -- pathlib makes a Path of every file
    except OSError:
        return
    for name in names:
        if name.startswith("requirements") and name.endswith(".txt") and not _ASIDE.search(name):
            yield from read_requirements(base + name, _text(root / base / name))
    if any(name in _OTHER_LISTS for name in names):
        from analyzers.project.dependency_lists import NAMES, read_list  # most functions have requirements.txt alone

        for name in names:
            if name in NAMES:
                yield from _other(base + name, read_list(name, _text(root / base / name)))


def _other(path: str, lines: Iterable[tuple[int, str]]) -> Iterator[Dependency]:
    for number, line in lines:
        dependency = parse_requirement(_at(path, number, line), line)
        if dependency:
            yield dependency


def _text(path: "Path") -> str:
    try:
        with open_file(str(path)) as file:
            return file.read(_MAX_BYTES).decode("utf-8", "replace")
    except OSError:
        return ""


def read_requirements(path: str, text: str) -> Iterator[Dependency]:
    """The dependencies of one requirements file."""
    for number, line in enumerate(text.splitlines(), 1):
        dependency = parse_requirement(_at(path, number, line), line)
        if dependency:
            yield dependency


def parse_requirement(place: Place, line: str) -> Dependency | None:
    """The dependency that a requirement line states, None for anything else; an index has no name."""
    bare = re.split(r"(?:^|\s)#", line, maxsplit=1)[0].strip()
    if bare.startswith(("--index-url", "--extra-index-url", "-i ", "--find-links", "-f ")):
        return Dependency("", bare, place)
    if _REPOSITORY.match(bare):
        name = bare.partition("#")[0].rstrip("/").rpartition("/")[2].partition("@")[0].removesuffix(".git")
        return Dependency(normalize(name), bare, place)
    match = _NAME.match(bare)
    return Dependency(normalize(match[1]), bare, place) if match else None


def _at(path: str, number: int, line: str) -> Place:
    return Place(path, number, 1, max(len(line.rstrip()) + 1, 2))
