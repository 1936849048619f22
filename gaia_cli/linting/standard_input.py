"""`gaia lint -`: a file that an editor or a hook holds in memory, linted under the name that it has on disk."""

import sys
import tempfile
from pathlib import Path

from analyzers.linting import FileResult, lint
from gaia_cli.errors import UsageError


def lint_standard_input(name: str, root: str, *, evidence: bool) -> tuple[FileResult, str]:
    """Lint what standard input holds as if it stood below `root` under `name`, and return its text as well.

    What it imports is not followed.

    Raises:
        UsageError: `name` leads out of the root.
    """
    whole = Path.cwd() / name
    top = Path(root)
    if not whole.is_relative_to(top) or ".." in whole.relative_to(top).parts:
        raise UsageError(f"--stdin-filename {name} lies outside {root}", "name a file below the working directory")
    path = whole.relative_to(top)
    with tempfile.TemporaryDirectory(prefix="gaia-lint-") as directory:
        copy = Path(directory) / path
        copy.parent.mkdir(parents=True, exist_ok=True)
        data = sys.stdin.buffer.read()
        copy.write_bytes(data)
        return next(iter(lint([copy], root=directory, evidence=evidence))), data.decode(errors="replace")
