"""Jupyter notebooks as Python: the code cells joined, with the way back from a line to its cell.

Lines for IPython rather than Python, `%magic` and `!command`, are blanked, so that the lines keep their numbers; a
cell that is all magic, such as `%%bash`, is blanked as a whole.
"""

import json
from bisect import bisect_right

from analyzers.facts import Place
from analyzers.patterns import Pattern

_CAPTURE = Pattern(r"([A-Za-z_]\w*)\s*=\s*[!%]")


class NotANotebookError(ValueError):
    """The text is no notebook."""


def cells_of(text: str) -> list[str]:
    """The code of each cell, ending in a line break; other cells are empty, so that the count is the notebook's own.

    Raises:
        NotANotebookError: `text` is not the JSON of a notebook.
    """
    try:
        notebook = json.loads(text)
        return [_code(cell) if cell.get("cell_type") == "code" else "" for cell in notebook["cells"]]
    except (ValueError, RecursionError, KeyError, TypeError, AttributeError) as error:
        raise NotANotebookError(f"not a notebook: {type(error).__name__}: {error}") from None


def _code(cell: dict[str, object]) -> str:
    source = cell.get("source", "")
    lines = ("".join(source) if isinstance(source, list) else str(source)).splitlines()
    if lines and lines[0].startswith("%%"):
        return "\n" * len(lines)
    code, continued = [], False
    for line in lines:
        command = _is_command(line)
        code.append("" if continued else _blank(line) if command else line)
        continued = (continued or command) and line.endswith("\\")
    return "".join(f"{line}\n" for line in code)


def _is_command(line: str) -> bool:
    bare = line.strip()
    return bare.startswith(("%", "!", "?")) or bare.endswith("?") or _CAPTURE.match(bare) is not None


def _blank(line: str) -> str:
    """An empty line for a command; inside a block `pass` keeps the block together, and a result stays unknown."""
    indent = line[: len(line) - len(line.lstrip())]
    name = _CAPTURE.match(line.strip())
    if name:
        return f"{indent}{name[1]} = None"
    return f"{indent}pass" if indent else ""


def first_lines(cells: list[str]) -> tuple[int, ...]:
    """The line of the joined code on which each cell begins."""
    starts = [1]
    for cell in cells[:-1]:
        starts.append(starts[-1] + cell.count("\n"))
    return tuple(starts)


def in_cell(place: Place, starts: tuple[int, ...]) -> Place:
    """`place` as people find it: its path names the cell, counted from 1 over all cells, and its line is in it."""
    cell = max(bisect_right(starts, place.line), 1)
    line = place.line - starts[cell - 1] + 1
    return Place(f"{place.path}:cell {cell}", line, place.column, place.end_column)
