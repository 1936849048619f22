"""A project to lint, in a directory of its own that is the working directory meanwhile."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from gaia_cli.commands.lint import lint
from gaia_cli.errors import ExitCode
from gaia_cli.linting.options import parse

PINNED = 'import torch\n\n\ndef handler(payload):\n    return torch.zeros(3).to("cuda").tolist()\n'
CLEAN = "def handler(payload):\n    return payload\n"
BROKEN = "def handler(payload:\n    return 1\n"


class Project:
    """Files below a repository's root, and the linter run on them."""

    def __init__(self, root: Path, capture: pytest.CaptureFixture[str]) -> None:
        self.root = root
        self._capture = capture
        self.output = ""
        self.notes = ""

    def write(self, name: str, text: str = PINNED) -> Path:
        """Write a file of the project."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def lint(self, *arguments: str) -> ExitCode:
        """Lint, without a cache; what was written stands in `output` and `notes`."""
        code = lint(parse([*arguments, "--no-cache"]))
        self.output, self.notes = self._capture.readouterr()
        return code

    def codes(self, *arguments: str) -> list[str]:
        """The codes that are found, in order."""
        self.lint(*arguments, "--output-format", "concise")
        return [line.rpartition("[")[2].rstrip("]") for line in self.output.splitlines()]


@contextmanager
def project_in(root: Path, capture: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    """A project in `root`, which looks like a repository."""
    (root / ".git").mkdir()
    monkeypatch.chdir(root)
    yield Project(root, capture)
