"""Regular expressions that are compiled when they are first used: most runs need few of them."""

import re
from collections.abc import Iterator
from itertools import takewhile


class Pattern:
    """A regular expression over text, with the methods of a compiled one."""

    __slots__ = ("_compiled", "_flags", "_text")

    def __init__(self, text: str, flags: int = 0) -> None:
        self._text = text
        self._flags = flags
        self._compiled: re.Pattern[str] | None = None

    def _now(self) -> re.Pattern[str]:
        if self._compiled is None:
            self._compiled = re.compile(self._text, self._flags)
        return self._compiled

    def search(self, text: str, start: int = 0) -> re.Match[str] | None:
        """The first match in `text` from `start` on."""
        return self._now().search(text, start)

    def match(self, text: str, start: int = 0) -> re.Match[str] | None:
        """The match at `start` of `text`."""
        return self._now().match(text, start)

    def fullmatch(self, text: str) -> re.Match[str] | None:
        """The match of the whole of `text`."""
        return self._now().fullmatch(text)

    def finditer(self, text: str) -> Iterator[re.Match[str]]:
        """Every match in `text`, from left to right."""
        return self._now().finditer(text)

    def sub(self, replacement: str, text: str) -> str:
        """`text` with every match replaced."""
        return self._now().sub(replacement, text)


class AnyOf:
    """Many regular expressions without regard to case, separated by white space.

    One is compiled when a text first holds the letters that it begins with, so that a table of a few hundred costs no
    more than looking for these.
    """

    __slots__ = ("_patterns",)

    def __init__(self, patterns: str) -> None:
        self._patterns = [(_first_letters(text), Pattern(text, re.IGNORECASE)) for text in patterns.split()]

    def found_in(self, text: str) -> bool:
        """Whether one of them matches anywhere in `text`."""
        lower = text.lower()
        return any(letters in lower and pattern.search(text) is not None for letters, pattern in self._patterns)


def _first_letters(pattern: str) -> str:
    """Letters and digits without which `pattern` cannot match; empty where it does not begin with some."""
    text = pattern.removeprefix("\\b").removeprefix("^").lower()
    letters = "".join(takewhile(str.isalnum, text))
    rest = text[len(letters) :]
    if "|" in rest.partition("(")[0]:
        return ""
    return letters[:-1] if rest.startswith(("?", "*", "{")) else letters
