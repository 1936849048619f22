"""An ignore file as Docker reads it. Its patterns may be a stranger's, so no match takes more than linear time.

Most patterns become a regular expression of atomic groups: each star takes as little as it can, and what it has taken
is not tried again. Nothing is lost by that where what follows a star fits at its first place or at none that matters.
The few other patterns are walked through, all ways at once.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache, partial
from posixpath import normpath

Ignored = Callable[[str], bool]
"""Says whether a path, relative to the function's directory, is left out."""

_MOST_CHARACTERS = 4096
"""Characters of a pattern: no path is longer."""
_CLASS = re.compile(r"\[(\^?+)((?:\\.|[^\\\]])++)\]", re.DOTALL)
_RANGE = re.compile(r"(\\.|.)(?:-(\\.|.))?", re.DOTALL)
_STAR, _DEEP, _REST = "*", "**/", "**"
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
            yield _Pattern(_matcher(normpath(text).lstrip("/")), is_exception)
        except ValueError as error:
            raise PatternError(number, str(error)) from None


def _matcher(pattern: str) -> Callable[[str], object]:
    """Return what tells whether the beginning of a path matches `pattern`.

    Raises:
        ValueError: a bracket is not closed, a backslash stands at the end, or it is too long.
    """
    if len(pattern) > _MOST_CHARACTERS:
        raise ValueError(f"the pattern has more than {_MOST_CHARACTERS} characters")
    if pattern.startswith("**") and not pattern.startswith("**/") and not _WILD.search(pattern, 2):
        return re.compile(f".*?{re.escape(pattern[2:])}/", re.DOTALL).match  # any ending, also that of a name
    tokens = _tokens(pattern)
    return _expression(tokens).match if _is_settled_at_once(tokens) else partial(_walks, tokens)


def _tokens(pattern: str) -> list[str]:
    """Return the stars of `pattern`, and the expression for each other character."""
    tokens: list[str] = []
    place = 0
    while place < len(pattern):
        if pattern.startswith("**", place):
            place += 3 if pattern.startswith("/", place + 2) else 2
            token = _DEEP if place < len(pattern) else _REST
            tokens += [token] if tokens[-1:] != [token] else []  # twice is once
        elif pattern[place] == "*":
            place += 1
            tokens.append(_STAR)
        else:
            piece, place = _piece(pattern, place)
            tokens.append(piece)
    return tokens if tokens[-1:] == [_REST] else [*tokens, "/"]


def _is_settled_at_once(tokens: list[str]) -> bool:
    """Return whether what follows each star fits at its first place or at none that matters.

    It does not where the next two stars begin within a name, or where a class of characters may take a slash.
    """
    stars = [place for place, token in enumerate(tokens) if token in (_STAR, _DEEP)]
    behind = range(stars[0] + 1, len(tokens)) if stars else ()
    return not any(
        (tokens[place].startswith("[^") and tokens[place] != "[^/]")
        or (tokens[place] == _DEEP and tokens[place - 1] != "/")
        for place in behind
    )


def _expression(tokens: list[str]) -> re.Pattern[str]:
    """Return the tokens as an expression, in which every star takes as little as it can and never more."""
    pieces, deep, star = [], "", ""
    for token in tokens:
        if token == _DEEP:
            pieces += [star, deep, "(?>(?:.*?/)??"]
            deep, star = ")", ""
        elif token == _STAR:
            pieces += [star, "(?>[^/]*?"]
            star = ")"
        else:
            pieces.append("(?=.)" if token == _REST else token)
    return re.compile("".join((*pieces, star, deep)), re.DOTALL)


def _walks(tokens: list[str], path: str) -> bool:
    """Return whether the tokens match the beginning of `path`, by all ways at once: each place is reached only once."""
    places = _with_skipped({0}, tokens)
    for character in path:
        if len(tokens) in places or any(tokens[max(place, ~place)] == _REST for place in places):
            return True
        reached: set[int] = set()
        for place in places:
            token = tokens[max(place, ~place)]
            if token == _DEEP:  # it takes nothing, or all up to any slash: within that, its place is turned over
                reached |= {min(place, ~place), max(place, ~place) + 1} if character == "/" else {min(place, ~place)}
            elif token == _STAR:
                reached |= set() if character == "/" else {place}
            elif _takes(token, character):
                reached.add(place + 1)
        places = _with_skipped(reached, tokens)
    return len(tokens) in places


@lru_cache(maxsize=4096)
def _takes(token: str, character: str) -> bool:
    return re.fullmatch(token, character, re.DOTALL) is not None


def _with_skipped(places: set[int], tokens: list[str]) -> set[int]:
    """Return `places` with those behind stars, which may take nothing."""
    waiting = [place for place in places if place >= 0]
    while waiting:
        place = waiting.pop()
        if place < len(tokens) and tokens[place] in (_STAR, _DEEP) and place + 1 not in places:
            places.add(place + 1)
            waiting.append(place + 1)
    return places


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
