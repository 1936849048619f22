"""An ignore file as Docker reads it. Its patterns may be a stranger's, so no match takes more than linear time.

A pattern becomes a regular expression of atomic groups: each star takes as little as it can, and what it has taken is
not tried again. Nothing is lost by that, because what follows a star fits at its first place or at none that matters.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from posixpath import normpath

Ignored = Callable[[str], bool]
"""Says whether a path, relative to the function's directory, is left out."""

_MOST_CHARACTERS = 4096
"""Characters of a pattern: no path is longer."""
_CLASS = re.compile(r"\[(\^?+)((?:\\.|[^\\\]])++)\]", re.DOTALL)
_RANGE = re.compile(r"(\\.|.)(?:-(\\.|.))?", re.DOTALL)
_WILD = re.compile(r"[*?\[\\]")


class PatternError(ValueError):
    """A line is no pattern; `line` counts from 1."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(message)
        self.line = line


@dataclass(frozen=True, slots=True)
class _Pattern:
    """What a line matches, in a path that ends with a slash: the path itself or a directory above it."""

    matches: Callable[[str], object]
    is_exception: bool


def ignored_by_lines(lines: Iterable[str]) -> Ignored:
    """Return what the `lines` of an ignore file exclude; the last line that matches decides.

    Raises:
        PatternError: a line is no pattern.
    """
    patterns = tuple(_patterns(lines))

    def ignored(path: str) -> bool:
        matched = False
        for pattern in patterns:
            if pattern.is_exception is matched and pattern.matches(f"{path}/"):
                matched = not matched
        return matched

    return ignored


def _patterns(lines: Iterable[str]) -> Iterable[_Pattern]:
    for number, line in enumerate(lines, 1):
        text = line.strip()
        is_exception = text.startswith("!")
        text = text[is_exception:].strip()
        if not text or line.startswith("#"):
            continue
        try:
            expression = re.compile(_translated(normpath(text).lstrip("/")), re.DOTALL)
        except ValueError as error:
            raise PatternError(number, str(error)) from None
        yield _Pattern(expression.match, is_exception)


def _translated(pattern: str) -> str:
    """Return `pattern` as an expression for the beginning of a path.

    Raises:
        ValueError: a bracket is not closed, a backslash stands at the end, or it is too long.
    """
    if len(pattern) > _MOST_CHARACTERS:
        raise ValueError(f"the pattern has more than {_MOST_CHARACTERS} characters")
    if pattern.startswith("**") and not pattern.startswith("**/") and not _WILD.search(pattern, 2):
        return f".*?{re.escape(pattern[2:])}/"  # any ending, also that of a name
    pieces: list[str] = []
    place, deep, star = 0, "", ""
    while place < len(pattern):
        if pattern.startswith("**", place):
            place += 3 if pattern.startswith("/", place + 2) else 2
            if place >= len(pattern):
                return "".join((*pieces, "(?=.)", star, deep))
            pieces += [star, deep, "(?>(?:.*?/)??"]
            deep, star = ")", ""
        elif pattern[place] == "*":
            place += 1
            pieces += [star, "(?>[^/]*?"]
            star = ")"
        else:
            piece, place = _piece(pattern, place)
            pieces.append(piece)
    return "".join((*pieces, "/", star, deep))


def _piece(pattern: str, place: int) -> tuple[str, int]:
    """Return the expression for what stands at `place` and is no star, and the place behind it."""
    character = pattern[place]
    if character == "?":
        return "[^/]", place + 1
    if character == "\\":
        if place + 1 == len(pattern):
            raise ValueError("a backslash stands at the end of the pattern")
        return re.escape(pattern[place + 1]), place + 2
    if character == "[":
        found = _CLASS.match(pattern, place)
        if found is None:
            raise ValueError("a bracket of the pattern is empty or not closed")
        return f"[{found[1]}{_members(found[2])}]", found.end()
    return re.escape(character), place + 1


def _members(inside: str) -> str:
    """Return the members of a class of characters: single ones and ranges, escaped."""
    members = []
    for first, last in _RANGE.findall(inside):
        ends = [end.removeprefix("\\") or "\\" for end in (first, last) if end]
        if ends != sorted(ends):
            raise ValueError(f"{ends[0]}-{ends[1]} in the pattern is no range")
        members.append("-".join(map(re.escape, ends)))
    return "".join(members)
