"""`gaia lint -`: a file that an editor or a hook holds in memory, linted under the name that it has on disk."""

import sys

from analyzers.linting.engine import lint_text
from analyzers.linting.results import FileResult


def lint_standard_input(path: str, root: str, *, evidence: bool) -> tuple[FileResult, str]:
    """Lint what standard input holds as if it were the file at `path`, and return its text as well.

    Its imports are followed from there, and the file itself need not exist.
    """
    data = sys.stdin.buffer.read()
    return lint_text(data, path, root=root, evidence=evidence), data.decode(errors="replace")
