"""The function's dependency lists, line by line, as evidence: requirements*.txt and those in dependency_lists.py."""

import os
from collections.abc import Iterable, Iterator, Mapping

from analyzers.findings import REFUSED, TOO_LARGE, UNREADABLE, Finding, Place, failed
from analyzers.lean.files import TEXT_BYTES, TooLargeError, leads_out, read_inside
from analyzers.lean.patterns import Pattern
from analyzers.lean.records import record
from analyzers.project.dependency_lists import NAMES, read_list
from analyzers.project.model import Dependency
from analyzers.project.requirements import Line, all_lines, included, is_path, parse_requirement, text_of_list

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path

_RULES: Mapping[type[OSError], str] = {TooLargeError: TOO_LARGE, PermissionError: REFUSED}
_ASIDE = Pattern(r"dev|test|train|lint|doc")


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
    return Dependencies(found, tuple(lists.failures))


class _Lists:
    """Reads the lists below `root`, each once; `failures` grows with those that cannot be read."""

    def __init__(self, root: str) -> None:
        self._root = root
        self._seen: set[str] = set()
        self.failures: list[Finding] = []

    def lines_in(self, base: str) -> Iterator[Line]:
        """Yield the lines of the lists in the folder `base`, those of included files in their places."""
        try:
            names = sorted(os.listdir(f"{self._root}/{base}"))  # noqa: PTH208 -- pathlib makes a Path of every file
        except OSError:
            return
        for name in names:
            if name.startswith("requirements") and name.endswith(".txt") and not _ASIDE.search(name):
                yield from all_lines(base + name, self._requirements)
        for name in names:
            if name in NAMES:
                for number, line in read_list(name, self._text(base + name)):
                    yield Line(base + name, number, line)

    def _requirements(self, path: str, chain: tuple[Line, ...]) -> str:
        """Return the text of a requirements file once; an included one counts only where it is one of the project's."""
        path = os.path.normpath(path)
        if path in self._seen or (chain and not self._is_own(path, chain[-1])):
            return ""
        self._seen.add(path)
        return self._text(path)

    def _is_own(self, path: str, line: Line) -> bool:
        return is_path(included(line.text)) and not leads_out(self._root, path)

    def _text(self, path: str) -> str:
        try:
            return text_of_list(read_inside(self._root, path, TEXT_BYTES), "replace")
        except (FileNotFoundError, IsADirectoryError):
            return ""
        except OSError as error:
            rule = next((code for kind, code in _RULES.items() if isinstance(error, kind)), UNREADABLE)
            self.failures.append(failed(rule, Place(path, 1), f"the list cannot be read: {error.strerror}"))
            return ""


def stated(lines: Iterable[Line]) -> Iterator[Dependency]:
    """Yield the dependencies that `lines` state."""
    for line in lines:
        place = Place(line.path, line.number, 1, max(len(line.text) + 1, 2))
        dependency = parse_requirement(place, line.text)
        if dependency:
            yield dependency
