"""In which line of a TOML file a key stands, which the standard library's reader does not tell.

The text has been read as TOML already, so that a walk over it may trust it: it follows headers, keys, strings, lists
and tables to the wanted key, and needs to understand no value. It is made for an error alone.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

from analyzers.lean import toml
from gaia_cli.project.parts import dotted

Path = tuple[str | int, ...]

_BLANK = re.compile(r"(?:[ \t\r\n]++|#[^\n]*+)*+")
_PART = re.compile(r"""[ \t]*+(?:"((?:[^"\\\n]++|\\.)*+)"|'([^'\n]*+)'|([\w-]++))[ \t]*+(\.?+)""")
_STRING = re.compile(
    r'"{3}(?:[^"\\]++|\\[\s\S]|"{1,2}+(?!"))*+"{3,5}+'
    r"|'{3}(?:[^']++|'{1,2}+(?!'))*+'{3,5}+"
    r'|"(?:[^"\\\n]++|\\.)*+"'
    r"|'[^'\n]*+'"
)
_SCALAR = re.compile(r"[^,\]}#\n]*+")


@dataclass(frozen=True, slots=True)
class Source:
    """A file of configuration: its path, a reading of its text, and the table of it that is Gaia's, in its keys."""

    file: str
    text: Callable[[], str]
    inside: Path = ()

    @property
    def place(self) -> str:
        """What begins a sentence about the file."""
        return f"{self.file}: [{dotted(self.inside)}]" if self.inside else self.file

    def at(self, path: Path) -> str:
        """Return what begins a sentence about a value, with its line."""
        line = line_of(self.text(), (*self.inside, *path))
        file = f"{self.file}:{line}" if line else self.file
        return f"{file}: [{dotted(self.inside)}] {dotted(path)}" if self.inside else f"{file}: {dotted(path)}"


def line_of(text: str, path: Path) -> int:
    """Return the line, from 1, of the value that `path` leads to, else that of what it should stand in; 0 for none."""
    try:
        places = _Walk(text).places
    except (IndexError, RecursionError):  # a file that has changed meanwhile, or is nested as none is by hand
        return 0
    known = next((path[:length] for length in range(len(path), 0, -1) if path[:length] in places), None)
    return text.count("\n", 0, places[known]) + 1 if known else 0


class _Walk:
    """One walk over a text, and where each key was first seen in it."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self.places: dict[Path, int] = {}
        self._rows: dict[Path, int] = {}
        self._document()

    def _document(self) -> None:
        table: Path = ()
        while self._next():
            if self._text[self._at] == "[":
                table = self._header()
            else:
                self._entry(table)

    def _header(self) -> Path:
        begin, is_row = self._at, self._text.startswith("[[", self._at)
        self._at += 2 if is_row else 1
        table = self._key((), begin)
        self._at += 2 if is_row else 1
        if is_row:
            self._rows[table] = row = self._rows.get(table, -1) + 1
            table = (*table, row)
            self.places.setdefault(table, begin)
        return table

    def _entry(self, table: Path) -> None:
        path = self._key(table, self._at)
        self._at += 1  # the sign between key and value
        self._value(path)

    def _key(self, table: Path, begin: int) -> Path:
        """Pass over a dotted key, and return where it leads; its rows are the last of their lists."""
        dot = "."
        while dot and (found := _PART.match(self._text, self._at)):
            double, single, bare, dot = found.groups()
            table = (*table, next(one for one in (_plain(double), single, bare) if one is not None))
            self.places.setdefault(table, begin)
            self._at = found.end()
            if dot and table in self._rows:
                table = (*table, self._rows[table])
        return table

    def _value(self, path: Path) -> None:
        self._next()
        self.places.setdefault(path, self._at)
        opening = self._text[self._at]
        if opening in "[{":
            self._many(path, "]" if opening == "[" else "}")
        elif found := _STRING.match(self._text, self._at):
            self._at = found.end()
        else:
            self._pass(_SCALAR)

    def _many(self, path: Path, closing: str) -> None:
        """Pass over a list or a table in a line."""
        self._at += 1
        count = 0
        while self._next() and self._text[self._at] != closing:
            if self._text[self._at] == ",":
                self._at += 1
            elif closing == "]":
                self._value((*path, count))
                count += 1
            else:
                self._entry(path)
        self._at += 1

    def _next(self) -> bool:
        """Go on to the next character that means something, and say whether there is one."""
        self._pass(_BLANK)
        return self._at < len(self._text)

    def _pass(self, pattern: re.Pattern[str]) -> None:
        found = pattern.match(self._text, self._at)
        self._at = found.end() if found else self._at


def _plain(written: str | None) -> str | None:
    """Return a key in double quotes as it reads; an escaped one is rare, and read by the reader itself."""
    if written is None or "\\" not in written:
        return written
    return next(iter(toml.loads(f'"{written}" = 0')))
