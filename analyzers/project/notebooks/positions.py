"""Where a line of a cell stands in the notebook's file, for readers that know lines of files and no cells.

The file is JSON: a line of code is part of a string, behind an indentation and with escapes in it. `json` tells no
positions, so the strings of the cells' `source` are found by walking over the tokens.
"""

from bisect import bisect_left
from collections.abc import Iterator

from analyzers.findings import Place
from analyzers.lean.patterns import Pattern

_TOKEN = Pattern(r'(?s)"((?:[^"\\]++|\\.)*+)(?:"|\\?\Z)|[{}\[\],]')
_CHARACTER = Pattern(r"\\u[dD][89abAB]\w\w\\u[dD][c-fC-F]\w\w|\\u\w{4}|\\.|[^\\]")
_BREAK = Pattern(r"\n")
_CARRIAGE_RETURNS = frozenset({"\\r", "\\u000d", "\\u000D"})
_LINE_FEEDS = frozenset({"\\n", "\\u000a", "\\u000A"})
_BREAKS = _CARRIAGE_RETURNS | _LINE_FEEDS


class NotebookFile:
    """The text of a notebook, with the strings that make up each cell."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._breaks = [match.start() for match in _BREAK.finditer(text)]
        self._lines: dict[int, list[list[int]]] = {}
        self._strings: dict[int, list[tuple[int, int]]] = {}
        for cell, start, end in _source_strings(text):
            self._strings.setdefault(cell, []).append((start, end))

    def place(self, place: Place) -> Place:
        """Return the place in the file of `place`, a line of a cell; the first line when there is no such line."""
        start = self._offset(place.cell, place.line, place.column)
        if start is None:
            return Place(place.path, 1)
        end = self._offset(place.cell, place.line, place.end_column)
        line, column = self._position(start)
        end_line, end_column = self._position(start if end is None else end)
        return Place(place.path, line, column, max(end_column if end_line == line else 0, column + 1))

    def stretch(self, cell: int, line: int) -> tuple[int, int] | None:
        """Return where a line of a cell begins and ends in the file, without its line break; None without the line."""
        start, end = self._offset(cell, line, 1), self._offset(cell, line, len(self._text) + 1)
        return None if start is None or end is None else (start, end)

    def _position(self, offset: int) -> tuple[int, int]:
        line = bisect_left(self._breaks, offset)
        return line + 1, offset - (self._breaks[line - 1] if line else -1)

    def _offset(self, cell: int, line: int, column: int) -> int | None:
        """Return where a character of the code stands; the end of a shorter line, None without such a line."""
        if cell not in self._lines:
            self._lines[cell] = self._lines_of(cell)
        lines = self._lines[cell]
        starts = lines[line - 1] if line <= len(lines) else []
        return starts[min(column, len(starts)) - 1] if starts else None

    def _lines_of(self, cell: int) -> list[list[int]]:
        """Return where each character of each line of a cell's code starts, and last where the line ends."""
        lines: list[list[int]] = [[]]
        before, last = "", 0
        for character, start, end in self._characters(cell):
            follows, before = before in _CARRIAGE_RETURNS, character
            if follows and character in _LINE_FEEDS:
                continue  # the second half of one line break
            lines[-1].append(start)
            last = end
            if character in _BREAKS:
                lines.append([])
        if lines[-1]:
            lines[-1].append(last)
        return lines

    def _characters(self, cell: int) -> Iterator[tuple[str, int, int]]:
        """Yield each character of a cell's code as it is written, with its stretch of the file."""
        for start, end in self._strings.get(cell, ()):
            at = start
            while at < end and (match := _CHARACTER.match(self._text, at)):
                yield match[0], at, match.end()
                at = match.end()


class _Open:
    """An object or an array that is being read, and the current key or index."""

    def __init__(self, bracket: str) -> None:
        self.is_object = bracket == "{"
        self.awaits_key = self.is_object
        self.key = ""
        self.index = 0


def _source_strings(text: str) -> Iterator[tuple[int, int, int]]:
    """Yield the number of a cell, from 1, with the stretch of each string of its `source`."""
    around: list[_Open] = []
    for token in _TOKEN.finditer(text):
        mark = text[token.start()]
        if mark in "{[":
            around.append(_Open(mark))
        elif not around:
            continue
        elif mark in "}]":
            around.pop()
        elif mark == ",":
            around[-1].index += 1
            around[-1].awaits_key = around[-1].is_object
        elif around[-1].awaits_key:
            around[-1].key, around[-1].awaits_key = token[1], False
        elif _is_source(around):
            yield around[1].index + 1, token.start(1), token.end(1)


def _is_source(around: list[_Open]) -> bool:
    """Return whether the next string is at cells[i].source, or in the list there."""
    match around:
        case [_Open(key="cells"), _Open(is_object=False), _Open(key="source"), *rest]:
            return not rest or (len(rest) == 1 and not rest[0].is_object)
    return False
