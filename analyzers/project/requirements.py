"""Requirements as pip reads them: what a line asks for, and the lines of a file with those that it includes.

The analyzer, the engines' environments and the images all read requirements here. `packaging`, which knows the grammar,
is loaded when the first requirement is read: linting needs none.
"""

import re
from collections.abc import Callable, Iterator
from posixpath import dirname, join

from analyzers.lean.patterns import Pattern
from analyzers.lean.records import record

_COMMENT = Pattern(r"(^|\s)#.*")
_OPTION = Pattern(r"(-[a-zA-Z]|--[a-z-]+)[ =]*(.*)")
_OPTIONS_BEHIND = Pattern(r"\s--?[a-zA-Z].*")
_NAMED = Pattern(r"([A-Za-z0-9][A-Za-z0-9._-]*)\s*(?:\[([^\]]*)\])?\s*(?:[<>=!~;@].*)?")
_FILES = Pattern(r"(-[^-]|--(requirement|constraint|editable|find-links)|\.{0,2}/|file:|[^\s#]+ *@ *file:)|.*\.whl$")
_LOCAL = ("-c", "--constraint", "-e", "--editable")
_INCLUDE = ("-r", "--requirement")
_INDEX = ("-i", "--index-url", "--extra-index-url", "-f", "--find-links")
_TARGET = {
    "implementation_name": "cpython",
    "implementation_version": "3.11.0",
    "os_name": "posix",
    "platform_machine": "x86_64",
    "platform_python_implementation": "CPython",
    "platform_release": "",
    "platform_system": "Linux",
    "platform_version": "",
    "python_full_version": "3.11.0",
    "python_version": "3.11",
    "sys_platform": "linux",
    "extra": "",
}
"""What markers are read for: functions run on Linux, and a verdict must not depend on the machine that comes to it."""


@record
class Requirement:
    """A package that a line asks for, by its normalized name; `extras` are normalized too."""

    name: str
    extras: tuple[str, ...] = ()


@record
class Line:
    """A line of a requirements file: lines that a backslash joins are one, comments are cut off."""

    path: str
    number: int
    text: str


def normalize(name: str) -> str:
    """Return the package name as registries compare it: lower case, one hyphen between words."""
    return re.sub(r"[-_.]+", "-", name).lower()


def requirement(line: str) -> Requirement | None:
    """Return the package that `line` asks for; None for options, for paths, and where a marker rules out Linux."""
    from packaging.requirements import InvalidRequirement
    from packaging.requirements import Requirement as Parsed

    bare = _OPTIONS_BEHIND.sub("", without_comment(line))
    try:
        parsed = Parsed(bare)
    except InvalidRequirement:
        named = _NAMED.fullmatch(bare)  # a version that pip would refuse still names the package
        return Requirement(normalize(named[1]), _extras((named[2] or "").split(","))) if named else None
    if parsed.marker is not None and not parsed.marker.evaluate(dict(_TARGET)):
        return None
    return Requirement(normalize(parsed.name), _extras(sorted(parsed.extras)))


def _extras(names: list[str]) -> tuple[str, ...]:
    return tuple(normalize(name.strip()) for name in names if name.strip())


def without_comment(line: str) -> str:
    """Return `line` without the comment at its end and the blanks around it."""
    return _COMMENT.sub("", line).strip()


def is_index(line: str) -> bool:
    """Whether `line` names a place where packages come from."""
    return _option(line)[0] in _INDEX


def names_files(line: str) -> bool:
    """Whether `line` is about files of the function's own, so that it means nothing outside of their directory."""
    return _FILES.match(line) is not None


def local_path(line: str) -> str:
    """Return the file or directory of the function's own that `line` installs or obeys, empty for most lines."""
    option, value = _option(line)
    if option:
        return value.partition("[")[0] if option in _LOCAL else ""
    return line.partition("[")[0] if line.startswith((".", "/")) else ""


def _option(line: str) -> tuple[str, str]:
    """The option that `line` is, with its value; both empty for a requirement."""
    match = _OPTION.fullmatch(line)
    return (match[1], match[2]) if match else ("", "")


def joined_lines(path: str, text: str) -> Iterator[Line]:
    """Yield the lines of the requirements file `path`, empty ones left out; an included file is a line."""
    pieces: list[str] = []
    lines = text.splitlines()
    for number, line in enumerate(lines, 1):
        pieces.append(line.removesuffix("\\"))
        if line.endswith("\\") and not line.lstrip().startswith("#") and number < len(lines):
            continue
        bare = without_comment(" ".join(pieces))
        if bare:
            yield Line(path, number - len(pieces) + 1, bare)
        pieces = []


def all_lines(path: str, read: Callable[[str, tuple[Line, ...]], str], chain: tuple[Line, ...] = ()) -> Iterator[Line]:
    """Yield the lines of the requirements file `path` with those of the files that it includes in their places.

    `read` gives the text of a file, and is told the lines that have led to it, one in another; whatever it raises ends
    the reading.
    """
    for line in joined_lines(path, read(path, chain)):
        option, included = _option(line.text)
        if option in _INCLUDE:
            yield from all_lines(join(dirname(path), included), read, (*chain, line))
        else:
            yield line
