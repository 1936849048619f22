"""What a hook loads, and what it must not: each commit pays for it."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.gaia_cli.linting.support import PINNED

FORBIDDEN = {
    "argparse", "asyncio", "astroid", "dataclasses", "docker", "importlib.metadata", "inspect", "pydantic", "rich",
    "shutil", "tempfile", "tomllib", "typer", "typing",
}  # fmt: skip
PROBE = """
import os, sys
from gaia_cli.__main__ import main
main(sys.argv[1:])
sys.stdout.flush()
os.write(2, (chr(10) + " ".join(sys.modules)).encode())
"""


def loaded(*arguments: str, cwd: Path) -> set[str]:
    """The modules that `gaia` with `arguments` has loaded when it ends."""
    ended = subprocess.run(
        [sys.executable, "-c", PROBE, *arguments], cwd=cwd, capture_output=True, text=True, timeout=60, check=True
    )
    return set(ended.stderr.splitlines()[-1].split())


@pytest.mark.parametrize(
    "arguments",
    [["lint", "func.py"], ["lint"], ["lint", "func.py", "--select", "GA2", "--output-format", "github"], ["--version"]],
)
def test_the_hooks_path_loads_no_library_and_no_costly_module(arguments: list[str], tmp_path: Path) -> None:
    (tmp_path / "func.py").write_text(PINNED)
    (tmp_path / "pyproject.toml").write_text("[project]\nname = 'x'\n")

    assert loaded(*arguments, cwd=tmp_path) & FORBIDDEN == set()


def test_the_version_loads_nothing_of_the_analyzer(tmp_path: Path) -> None:
    assert {
        name for name in loaded("--version", cwd=tmp_path) if name.startswith(("analyzers", "runtime_images"))
    } == set()
