"""The function's dependency lists: requirements*.txt and pyproject.toml, line by line, as evidence."""

import re
from collections.abc import Iterator

from analyzers.facts import Dependency, Place
from analyzers.patterns import Pattern

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path

_NAME = Pattern(r"^\s*([A-Za-z0-9][A-Za-z0-9._-]*)\s*(\[[^\]]*\])?\s*([<>=!~;@].*)?$")
_ASIDE = Pattern(r"dev|test|train|lint|doc")
_MAX_BYTES = 256 * 1024


def normalize(name: str) -> str:
    """The package name as registries compare it: lower case, one hyphen between words."""
    return re.sub(r"[-_.]+", "-", name).lower()


def read_dependencies(root: "Path") -> tuple[Dependency, ...]:
    """All dependency lines at the project's root; a malformed list gives what can be read of it."""
    lists = [path for path in sorted(root.glob("requirements*.txt")) if not _ASIDE.search(path.name)]
    found = [dependency for path in lists for dependency in read_requirements(path.name, _text(path))]
    project = root / "pyproject.toml"
    if project.is_file():
        found += _pyproject(project.name, _text(project))
    return tuple(found)


def _text(path: "Path") -> str:
    try:
        with path.open("rb") as file:
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
    match = _NAME.match(bare)
    return Dependency(normalize(match[1]), bare, place) if match else None


def _at(path: str, number: int, line: str) -> Place:
    return Place(path, number, 1, max(len(line.rstrip()) + 1, 2))


def _pyproject(path: str, text: str) -> Iterator[Dependency]:
    import tomllib  # most functions have no pyproject.toml, and it takes a tenth of the start-up

    try:
        listed = tomllib.loads(text).get("project", {}).get("dependencies", [])
    except (tomllib.TOMLDecodeError, AttributeError):
        return
    lines = text.splitlines()
    for requirement in listed if isinstance(listed, list) else []:
        if isinstance(requirement, str):
            number = next((n for n, line in enumerate(lines, 1) if requirement in line), 1)
            dependency = parse_requirement(_at(path, number, requirement), requirement)
            if dependency:
                yield dependency
