"""Jupyter notebooks as Python: the code cells joined, with the way back from a line to its cell.

What is for IPython rather than Python is blanked (ipython.py), so that the lines keep their numbers. Jupyter runs each
cell by itself, so one that is not Python costs that cell and no other.
"""

import json
import re
from bisect import bisect_right
from itertools import accumulate

from analyzers.findings import Place
from analyzers.lean.lines import lines_of
from analyzers.lean.patterns import Pattern
from analyzers.lean.records import record
from analyzers.project.notebooks.ipython import python_of, without_automagic
from analyzers.project.parsing import BEYOND, Outcome, syntax_tree, tried

_ACCELERATOR = Pattern(r'"accelerator"\s*:\s*"GPU"')

_BLANK = Pattern(r"^([ \t]*\w+[ \t]*=)[ \t]*(?=#|$)", re.MULTILINE)


class NotANotebookError(ValueError):
    """The text is no notebook."""


def cells_of(text: str) -> list[str]:
    """Return the code of each cell, ending in a line break; cells without Python are empty, so that none is skipped.

    Raises:
        NotANotebookError: `text` is not the JSON of a notebook of format 4, which is from 2015.
    """
    if not text.strip():
        return []  # what Jupyter makes a notebook of when it is saved
    try:
        notebook = json.loads(text)
        if "worksheets" in notebook:
            raise NotANotebookError(
                "the notebook has format 3; `jupyter nbconvert --to notebook` converts it to format 4"
            )
        is_python = _speaks_python(notebook.get("metadata"))
        return [_code(cell) if is_python else "" for cell in notebook["cells"]]
    except NotANotebookError:
        raise
    except (ValueError, RecursionError, KeyError, TypeError, AttributeError) as error:
        raise NotANotebookError(f"the file is no notebook: {type(error).__name__}: {error}") from None


def wants_gpu(text: str) -> bool:
    """Return whether the notebook in `text` asks for a machine with a GPU, as Colab has it in the metadata."""
    return _ACCELERATOR.search(text) is not None


def _speaks_python(metadata: object) -> bool:
    """Return whether the notebook's kernel is for Python, which is the default."""
    name = _part(_part(metadata, "language_info"), "name") or _part(_part(metadata, "kernelspec"), "language")
    return str(name or "python").lower() in ("python", "ipython")


def _part(value: object, key: str) -> object:
    return value.get(key) if isinstance(value, dict) else None


def _code(cell: dict[str, object]) -> str:
    if cell.get("cell_type") != "code":
        return ""
    source = cell.get("source") or ""
    lines = lines_of("".join(source) if isinstance(source, list) else str(source))
    if lines[-1] == "":
        lines.pop()
    metadata = cell.get("metadata")
    language = _part(_part(metadata, "vscode"), "languageId") or _part(metadata, "language") or "python"
    python = python_of(lines) if str(language).lower() in ("python", "ipython") else [""] * len(lines)
    return "".join(f"{line}\n" for line in python)


@record
class BadCell:
    """A cell that is not Python, counted from 0, and the parser's error in it."""

    cell: int
    error: SyntaxError


def readable(cells: list[str]) -> tuple[list[str], tuple[BadCell, ...]]:
    """Return the cells with those blanked that are not Python, and what is wrong with these.

    Where the parser cannot be let loose on all of it, the cells are returned as they are.
    """
    joined = "".join(cells)
    if tried(joined) in BEYOND or _error_in(joined) is None:
        return cells, ()
    good, bad = [], []
    for number, cell in enumerate(cells):
        python = cell if _error_in(cell) is None else _filled(without_automagic(cell))
        if (error := _error_in(python)) is not None:
            python = "\n" * cell.count("\n")
            bad.append(BadCell(number, error))
        good.append(python)
    return good, tuple(bad)


def _filled(cell: str) -> str:
    """Return a cell with None in each blank that its reader has to fill, as in `bucket =  # the name of yours`."""
    return _BLANK.sub(r"\1 None  ", cell)


def _error_in(code: str) -> SyntaxError | None:
    if tried(code) is Outcome.PARSED:
        try:
            syntax_tree(code)
        except SyntaxError as error:
            return error
        except (ValueError, RecursionError, MemoryError):
            return None  # whoever parses all of it says so
        return None
    return SyntaxError("it cannot be parsed")


def first_lines(cells: list[str]) -> tuple[int, ...]:
    """Return the line of the joined code on which each cell begins."""
    return tuple(accumulate((cell.count("\n") for cell in cells[:-1]), initial=1))


def in_cell(place: Place, starts: tuple[int, ...]) -> Place:
    """Return `place` as people find it: with its cell, counted from 1 over all cells, and the line in it."""
    cell = max(bisect_right(starts, place.line), 1)
    line = place.line - starts[cell - 1] + 1
    return Place(place.path, line, place.column, place.end_column, cell)
