"""The function's dependency lists, line by line, as evidence: requirements*.txt and those in dependency_lists.py."""

import os
from collections.abc import Iterable, Iterator, Mapping
from posixpath import dirname, join, normpath

from analyzers.findings import REFUSED, TOO_LARGE, UNREADABLE, Finding, Place, failed
from analyzers.lean.files import TEXT_BYTES, TooLargeError, leads_out, read_inside
from analyzers.lean.patterns import Pattern
from analyzers.lean.records import record
from analyzers.project.dependency_lists import NAMES, PYPROJECT, read_list
from analyzers.project.model import Dependency, Source
from analyzers.project.requirements import (
    Line,
    all_lines,
    constraints,
    included,
    is_path,
    parse_requirement,
    text_of_list,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path

_RULES: Mapping[type[OSError], str] = {TooLargeError: TOO_LARGE, PermissionError: REFUSED}
_ASIDE = Pattern(r"dev|test|train|lint|doc")
_LIST = Pattern(r"requirements.*\.(txt|in)$")
_FOLDER = "requirements"
_ENDS = (".txt", ".in")


@record
class Dependencies:
    """What the lists ask for, and the lists that could not be read."""

    stated: tuple[Dependency, ...]
    failures: tuple[Finding, ...]


def read_dependencies(root: "Path", entry: str = "") -> Dependencies:
    """Return the dependencies listed at the project's root and beside `entry`, of a malformed list what is readable."""
    lists = _Lists(str(root))
    bases = ("", *filter(None, [entry.rpartition("/")[0]]))
    found = tuple(one for base in bases for one in stated(lists.lines_in(f"{base}/".lstrip("/"))))
    asked = {one.name for one in found}
    limits = (one for one in stated(lists.limits()) if one.name in asked)
    return Dependencies((*found, *limits), tuple(lists.failures))


def listed_in(scripts: Iterable[Source]) -> Iterator[Dependency]:
    """Yield what scripts list in a comment of their own, as PEP 723 has it."""
    return stated(line for source in scripts for line in _inline(source))


def _inline(source: Source) -> Iterator[Line]:
    """Yield what a script lists in a comment between `# /// script` and `# ///`."""
    head, begun, below = source.text.partition("# /// script\n")
    table, ended, _ = below.partition("\n# ///")
    if begun and ended and (not head or head.endswith("\n")):
        content = "\n".join(line.removeprefix("#").removeprefix(" ") for line in table.splitlines())
        for number, text in read_list(PYPROJECT, f"[project]\n{content}"):
            yield Line(source.path, head.count("\n") + number, text)


class _Lists:
    """Reads the lists below `root`, each once; `failures` grows with those that cannot be read."""

    def __init__(self, root: str) -> None:
        self._root = root
        self._seen: set[str] = set()
        self._limiting: list[Line] = []
        self.failures: list[Finding] = []

    def lines_in(self, base: str) -> Iterator[Line]:
        """Yield the lines of the lists in the folder `base`, those of included files in their places.

        A folder of lists counts where none stands beside it: what is in it is for the image to choose.
        """
        names = self._names(base)
        lists = [f"{base}{name}" for name in names if _LIST.match(name) and not _ASIDE.search(name)]
        for path in lists or self._in_folder(base):
            yield from self._flat(path)
        for name in names:
            if name in NAMES:
                yield from self._read(base, name)

    def limits(self) -> Iterator[Line]:
        """Yield the lines of the files of constraints that the lists have named so far."""
        for line in self._limiting:
            path = join(dirname(line.path), constraints(line.text))
            if is_path(path) and not leads_out(self._root, normpath(path)):
                yield from all_lines(path, self._requirements)

    def _in_folder(self, base: str) -> list[str]:
        folder = f"{base}{_FOLDER}/"
        return [f"{folder}{name}" for name in self._names(folder) if name.endswith(_ENDS) and not _ASIDE.search(name)]

    def _names(self, base: str) -> list[str]:
        try:
            return sorted(os.listdir(f"{self._root}/{base}"))  # noqa: PTH208 -- pathlib makes a Path of every file
        except OSError:
            return []

    def _read(self, base: str, name: str) -> Iterator[Line]:
        """Yield the lines of a list that is none of pip's, those of pip's lists that it names in their places."""
        for number, text in read_list(name, self._text(base + name)):
            line = Line(base + name, number, text)
            if below := included(text):
                yield from self._flat(join(base, below), (line,))
            else:
                yield line

    def _flat(self, path: str, chain: tuple[Line, ...] = ()) -> Iterator[Line]:
        for line in all_lines(path, self._requirements, chain):
            self._limiting += [line] if constraints(line.text) else []
            yield line

    def _requirements(self, path: str, chain: tuple[Line, ...]) -> str:
        """Return the text of a requirements file once; an included one counts only where it is one of the project's."""
        path = normpath(path)
        if path in self._seen or (chain and not self._is_own(path, chain[-1])):
            return ""
        self._seen.add(path)
        if chain and not constraints(chain[-1].text) and not os.path.lexists(f"{self._root}/{path}"):
            place = Place(chain[-1].path, chain[-1].number)
            self.failures.append(failed(UNREADABLE, place, f"{chain[-1].text} names a file that is not there"))
        return self._text(path)

    def _is_own(self, path: str, line: Line) -> bool:
        return is_path(included(line.text)) and not leads_out(self._root, path)

    def _text(self, path: str) -> str:
        try:
            data = read_inside(self._root, path, TEXT_BYTES)
        except IsADirectoryError:
            return ""
        except OSError as error:
            if isinstance(error, FileNotFoundError) and not os.path.islink(f"{self._root}/{path}"):  # noqa: PTH114 -- joined with text
                return ""
            rule = next((code for kind, code in _RULES.items() if isinstance(error, kind)), UNREADABLE)
            self.failures.append(failed(rule, Place(path, 1), f"the list cannot be read: {error.strerror}"))
            return ""
        try:
            return text_of_list(data)
        except UnicodeDecodeError as error:
            line = data.count(b"\n", 0, error.start) + 1
            self.failures.append(failed(UNREADABLE, Place(path, line), "the list is not UTF-8, and pip cannot read it"))
            return text_of_list(data, "replace")


def stated(lines: Iterable[Line]) -> Iterator[Dependency]:
    """Yield the dependencies that `lines` state."""
    for line in lines:
        place = Place(line.path, line.number, 1, max(len(line.text) + 1, 2))
        dependency = parse_requirement(place, line.text)
        if dependency:
            yield dependency
