"""Jupyter notebooks as Python: the code cells joined, with the way back from a line to its cell.

Lines for IPython rather than Python, `%magic`, `!command` and `help?`, are blanked, so that the lines keep their
numbers; a cell in another language, such as `%%bash`, is blanked as a whole. Such lines only count where a statement
may begin: inside of brackets and of strings they are Python.
"""

import json
from bisect import bisect_right
from itertools import accumulate

from analyzers.findings import Place
from analyzers.lean.lines import lines_of
from analyzers.lean.patterns import Pattern

_CAPTURE = Pattern(r"\s*([A-Za-z_]\w*)\s*=\s*[!%]")
_COMMAND = Pattern(r"\s*([%!?]|[\w.*]+\?{1,2}\s*$)")
_PYTHON_CELL = Pattern(r"%%(capture|debug|prun|time|timeit)\b")
_TOKEN = Pattern(r"#.*|\"\"\"|'''|\"(?:\\.|[^\"\\])*\"?|'(?:\\.|[^'\\])*'?|[\[({]|[\])}]")
_STRING_ENDS = {'"""': Pattern(r'(?:\\.|[^\\])*?"""'), "'''": Pattern(r"(?:\\.|[^\\])*?'''")}


class NotANotebookError(ValueError):
    """The text is no notebook."""


def cells_of(text: str) -> list[str]:
    """Return the code of each cell, ending in a line break; cells without Python are empty, so that none is skipped.

    Raises:
        NotANotebookError: `text` is not the JSON of a notebook of format 4, which is from 2015.
    """
    try:
        notebook = json.loads(text)
        if "worksheets" in notebook:
            raise NotANotebookError(
                "the notebook has format 3; `jupyter nbconvert --to notebook` converts it to format 4"
            )
        is_python = _speaks_python(notebook.get("metadata", {}))
        return [_code(cell) if is_python and cell.get("cell_type") == "code" else "" for cell in notebook["cells"]]
    except NotANotebookError:
        raise
    except (ValueError, RecursionError, KeyError, TypeError, AttributeError) as error:
        raise NotANotebookError(f"the file is no notebook: {type(error).__name__}: {error}") from None


def _speaks_python(metadata: dict[str, dict[str, object]]) -> bool:
    """Return whether the notebook's kernel is for Python, which is the default."""
    name = metadata.get("language_info", {}).get("name") or metadata.get("kernelspec", {}).get("language")
    return str(name or "python").lower() in ("python", "ipython")


def _code(cell: dict[str, object]) -> str:
    source = cell.get("source", "")
    lines = lines_of("".join(source) if isinstance(source, list) else str(source))
    if lines[-1] == "":
        lines.pop()
    if lines and lines[0].startswith("%%"):
        if not _PYTHON_CELL.match(lines[0]):
            return "\n" * len(lines)
        lines[0] = ""
    return "".join(f"{line}\n" for line in _without_commands(lines))


def _without_commands(lines: list[str]) -> list[str]:
    code: list[str] = []
    string, depth, continued, is_command = "", 0, False, False
    for line in lines:
        if not continued:
            is_command = not (string or depth) and bool(_COMMAND.match(line) or _CAPTURE.match(line))
        if is_command:
            code.append("" if continued else _blank(line))
        else:
            code.append(line)
            string, depth = _after(line, string, depth)
        continued = line.endswith("\\")
    return code


def _blank(line: str) -> str:
    """Return the code in place of a command: inside a block `pass` keeps it together, a captured result is None."""
    indent = line[: len(line) - len(line.lstrip())]
    name = _CAPTURE.match(line)
    if name:
        return f"{indent}{name[1]} = None"
    return f"{indent}pass" if indent else ""


def _after(line: str, string: str, depth: int) -> tuple[str, int]:
    """Return what is open behind `line`: the quotes of a multi-line string, and how many brackets."""
    position = 0
    while True:
        if string:
            end = _STRING_ENDS[string].match(line, position)
            if end is None:
                return string, depth
            string, position = "", end.end()
        token = _TOKEN.search(line, position)
        if token is None:
            return "", depth
        position = token.end()
        if token[0] in _STRING_ENDS:
            string = token[0]
        elif token[0] in "([{":
            depth += 1
        elif token[0] in ")]}":
            depth = max(depth - 1, 0)


def first_lines(cells: list[str]) -> tuple[int, ...]:
    """Return the line of the joined code on which each cell begins."""
    return tuple(accumulate((cell.count("\n") for cell in cells[:-1]), initial=1))


def in_cell(place: Place, starts: tuple[int, ...]) -> Place:
    """Return `place` as people find it: with its cell, counted from 1 over all cells, and the line in it."""
    cell = max(bisect_right(starts, place.line), 1)
    line = place.line - starts[cell - 1] + 1
    return Place(place.path, line, place.column, place.end_column, cell)
