"""`--add-noqa`: a comment on each line with a finding, so that a project can begin with the rules as it is.

    x = y.cuda()             becomes  x = y.cuda()  # noqa: GA701
    x = y.cuda()  # noqa: E5 becomes  x = y.cuda()  # noqa: E5, GA701

Where a line ends within a string or goes on behind a backslash, the comment stands at the end of it all. What no
comment silences (9xx, and 8xx about declarations) gets none. Where a file would not be the same code afterwards it
stays as it is.
"""

import ast
import io
import re
import tokenize
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from functools import partial

from analyzers.formats.findings import LintFinding
from analyzers.lean.patterns import Pattern
from analyzers.project.notebooks.cells import NotANotebookError, cells_of, first_lines
from analyzers.project.parsing import syntax_tree
from gaia_cli.linting.fixes.in_notebooks import fix_cells
from gaia_cli.linting.fixing import Change, files_of

_NOQA = Pattern(r"#\s*+noqa\s*+:\s*+[A-Z]++[0-9]++(?:[,\s]++[A-Z]++[0-9]++)*+", re.IGNORECASE)
_ENDS = (tokenize.NEWLINE, tokenize.NL, tokenize.COMMENT)
_NEVER = ("GA8", "GA9")

Codes = Mapping[int, Iterable[str]]
"""The codes to silence by line."""


def silenced(findings: Iterable[LintFinding], root: str) -> Iterator[Change]:
    """Yield what silencing `findings` would change in the files below `root`; `places` are the findings silenced.

    Raises:
        UsageError: a file cannot be read.
    """
    able = (one for one in findings if one.path.endswith((".py", ".ipynb")) and not one.code.startswith(_NEVER))
    for name, before, found in files_of(able, root):
        after, places = _with_comments(before, name, found)
        if places:
            yield Change(root, name, before, after, places)


def _with_comments(source: bytes, path: str, findings: Iterable[LintFinding]) -> tuple[bytes, int]:
    starts: tuple[int, ...] = (1,)
    if path.endswith(".ipynb"):
        try:
            starts = first_lines(cells_of(source.decode("utf-8-sig")))
        except (NotANotebookError, UnicodeError):
            return source, 0
    codes: defaultdict[int, list[str]] = defaultdict(list)
    for finding in findings:
        codes[starts[max(finding.cell, 1) - 1] + finding.line - 1].append(finding.code)
    if path.endswith(".ipynb"):
        return fix_cells(source, path, partial(_commented, codes=codes))
    return _commented(source, path, codes=codes)


def _commented(source: bytes, _path: str, *, codes: Codes) -> tuple[bytes, int]:
    """Return Python code with comments on the lines of `codes`, and how many of these they silence."""
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(source).readline)
        text = source.decode(encoding)
        ends = dict(_ends(text))
        lines = text.split("\n")
        wanted: defaultdict[int, list[str]] = defaultdict(list)
        for number, found in codes.items():
            wanted[ends.get(number, 0)] += found
        wanted.pop(0, None)
        for number, found in wanted.items():
            lines[number - 1] = _line(lines[number - 1], dict.fromkeys(found))
        places = sum(map(len, wanted.values()))
        after = "\n".join(lines)
        same = ast.dump(syntax_tree(text)) == ast.dump(syntax_tree(after))
    except (tokenize.TokenError, SyntaxError, ValueError, RecursionError, MemoryError):
        return source, 0
    return (after.encode(encoding), places) if same else (source, 0)


def _ends(text: str) -> Iterator[tuple[int, int]]:
    """Yield each line of Python with the line at whose end a comment for it may stand."""
    first = 0
    for token in tokenize.generate_tokens(io.StringIO(text, newline=None).readline):
        first = first or token.start[0]
        if token.type in _ENDS:
            yield from ((line, token.start[0]) for line in range(first, token.start[0] + 1))
            first = 0


def _line(line: str, codes: Iterable[str]) -> str:
    """Return a line with a comment that silences `codes`."""
    listed = ", ".join(codes)
    code = line.rstrip()
    end = line[len(code) :]
    if known := _NOQA.search(code):
        return f"{code[: known.end()]}, {listed}{code[known.end() :]}{end}"
    return f"{code}  # noqa: {listed}{end}"
