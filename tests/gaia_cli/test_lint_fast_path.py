"""What a hook loads, and what it must not: each commit pays for it."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.gaia_cli.linting.support import PINNED

FORBIDDEN = {
    "argparse", "astroid", "asyncio", "dataclasses", "docker", "importlib.metadata", "inspect", "packaging",
    "pathspec", "pydantic", "rich", "shutil", "tempfile", "tomllib", "typer", "typing", "yaml",
}  # fmt: skip
PROBE = """
import os, sys
from gaia_cli.__main__ import main
main(sys.argv[1:])
sys.stdout.flush()
os.write(2, (chr(10) + " ".join(sys.modules)).encode())
"""


def loaded(*arguments: str, cwd: Path) -> set[str]:
    """Return the modules that `gaia` with `arguments` has loaded when it ends."""
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


def test_a_hook_loads_the_rules_of_evidence_only_when_evidence_is_asked_for(tmp_path: Path) -> None:
    (tmp_path / "func.py").write_text(PINNED)

    assert "analyzers.rules.placement.gpu_command" not in loaded("lint", "func.py", "--no-cache", cwd=tmp_path)
    assert "analyzers.rules.placement.gpu_command" in loaded(
        "lint", "func.py", "--no-cache", "--select", "GA2", cwd=tmp_path
    )


def test_a_file_about_something_else_costs_no_syntax_tree(tmp_path: Path) -> None:
    (tmp_path / "func.py").write_text("import json\n\n\ndef handler(payload):\n    return json.dumps(payload)\n")

    heavy = {"ast", "analyzers.facts.model", "analyzers.rules"}

    assert loaded("lint", "func.py", "--no-cache", cwd=tmp_path) & heavy == set()


def test_the_program_ends_with_its_exit_code_and_all_of_its_output(tmp_path: Path) -> None:
    (tmp_path / "func.py").write_text(PINNED)
    program = str(Path(sys.executable).with_name("gaia"))

    ended = subprocess.run(
        [program, "lint", "--no-cache", "func.py"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert ended.returncode == 1
    assert ended.stdout.endswith("explains a rule\n")
    assert ended.stderr == ""
