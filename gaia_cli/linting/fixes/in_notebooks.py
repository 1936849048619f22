"""Fixes in notebooks: the lines that a fix changes are written back into the JSON, and every other byte stays.

The cells are fixed as the one program that they are. A notebook in which a changed line is not in one piece, or that
would not read as the fixed code afterwards, stays as it is.
"""

import json
from collections.abc import Callable, Iterator

from analyzers.facts.model import Place
from analyzers.project.notebooks.cells import NotANotebookError, cells_of, first_lines, in_cell, readable
from analyzers.project.notebooks.positions import NotebookFile

Fixer = Callable[[bytes, str], tuple[bytes, int]]
_BOM = b"\xef\xbb\xbf"


def fix_cells(source: bytes, path: str, fixer: Fixer) -> tuple[bytes, int]:
    """Return the notebook `source` with the code of its cells fixed by `fixer`, and the number of places."""
    try:
        text = source.decode("utf-8-sig")
        cells, _ = readable(cells_of(text))
        fixed, places = fixer("".join(cells).encode(), path)
        written = _written(text, cells, fixed.decode()) if places else None
    except (NotANotebookError, UnicodeError):
        return source, 0
    if written is None:
        return source, 0
    return (_BOM if source.startswith(_BOM) else b"") + written.encode(), places


def _written(text: str, cells: list[str], fixed: str) -> str | None:
    """Return the notebook's text with its code as in `fixed`, None when that is impossible."""
    parts: list[str] = []
    kept = 0
    for start, end, line in _edits(text, cells, fixed):
        parts += text[kept:start], line
        kept = end
    written = "".join((*parts, text[kept:]))
    try:
        return written if "".join(readable(cells_of(written))[0]) == fixed else None
    except NotANotebookError:
        return None


def _edits(text: str, cells: list[str], fixed: str) -> Iterator[tuple[int, int, str]]:
    """Yield the stretches of the file that change, from top to bottom."""
    file, starts, is_ascii = NotebookFile(text), first_lines(cells), text.isascii()
    lines = zip("".join(cells).split("\n"), fixed.split("\n"), strict=False)
    for number, (before, after) in enumerate(lines, 1):
        if before != after:
            place = in_cell(Place("", number), starts)
            stretch = file.stretch(place.cell, place.line)
            written = _inside_of(text[slice(*stretch)]) if stretch is not None else None
            if stretch is not None and written is not None:
                yield *stretch, json.dumps(_with_magic(written, before, after), ensure_ascii=is_ascii)[1:-1]


def _with_magic(written: str, before: str, after: str) -> str:
    """Return a changed line with what is `written` in the notebook before its code: `%time`, or an indentation."""
    if written.endswith(before):
        return written.removesuffix(before) + after
    at = next((at for at in range(len(before), 0, -1) if before[at - 1 : at] != written[at - 1 : at]), 0)
    return written[:at] + after[at:] if len(written) == len(before) and after.startswith(before[:at]) else after


def _inside_of(inside: str) -> str | None:
    """Return the text of which `inside` is the inside of its one JSON string, None where it is not."""
    try:
        text = json.loads(f'"{inside}"')
    except ValueError:
        return None
    return text if isinstance(text, str) else None
