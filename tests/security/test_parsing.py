"""Python's parser opens no file by the name of the code that it is given, whatever lies in the working directory."""

import ast
import os
from pathlib import Path

import pytest

from tests.architecture.sources import ROOT
from tests.support.cli import run_gaia

SECRET = "the-secret-of-the-user\n" * 9
BROKEN = "x = 1 +\n"
HANDLER = "def handler(payload):\n    return payload\n"
PARSERS = ("ast.parse", "compile", "symtable")
INFERRED = "import torch\n\n\nclass A:\n    d = 'cuda'  # type: (\n\n\nx = torch.zeros(3).to(A.d)\n"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    (tmp_path / "secret").write_text(SECRET)
    root = tmp_path / "checkout"
    (root / ".git").mkdir(parents=True)
    (root / "fn").mkdir()
    return root


def test_an_error_in_a_function_shows_its_own_line_and_not_that_of_a_link_of_the_same_name_here(checkout: Path) -> None:
    (checkout / "fn" / "func.py").write_text(f"import helper\n{HANDLER}")
    for name in ("helper.py", "setup.py"):
        (checkout / "fn" / name).write_text(BROKEN)
        (checkout / name).symlink_to("../secret")

    ended = run_gaia("analyze", "fn", cwd=checkout)

    assert "1 | x = 1 +" in ended.stdout
    assert "the-secret" not in ended.stdout + ended.stderr


@pytest.mark.parametrize("output", ["full", "sarif", "json"])
def test_an_error_shows_its_own_line_where_the_linter_starts_below_the_root(checkout: Path, output: str) -> None:
    (checkout / "fn" / "x.py").write_text(BROKEN)
    (checkout / "fn" / "fn").mkdir()
    (checkout / "fn" / "fn" / "x.py").symlink_to("../../../secret")

    ended = run_gaia("lint", "x.py", "--output-format", output, cwd=checkout / "fn")

    assert ended.returncode == 1
    assert ("x = 1 +" in ended.stdout) is (output == "full")
    assert "the-secret" not in ended.stdout + ended.stderr


def test_an_error_in_standard_input_shows_its_own_line(checkout: Path) -> None:
    (checkout / "x.py").symlink_to("../secret")

    ended = run_gaia("lint", "-", "--stdin-filename", "x.py", cwd=checkout, stdin=BROKEN)

    assert "x = 1 +" in ended.stdout
    assert "the-secret" not in ended.stdout + ended.stderr


def test_an_error_in_a_notebook_shows_the_line_of_its_cell(checkout: Path) -> None:
    (checkout / "book.ipynb").write_text('{"cells": [\n{"cell_type": "code", "source": "x = 1 +"}],\n"nbformat": 4}')

    ended = run_gaia("lint", "book.ipynb", cwd=checkout)

    assert "1 | x = 1 +" in ended.stdout


@pytest.mark.parametrize("name", ["func.py", "helper.py", "inferred", "setup.py", "<unknown>", "<string>"])
def test_a_pipe_in_the_working_directory_holds_no_command_up(checkout: Path, name: str) -> None:
    os.mkfifo(checkout / name)
    (checkout / "fn" / "func.py").write_text(f"import helper, inferred\n{HANDLER}")
    for broken in ("helper.py", "setup.py"):
        (checkout / "fn" / broken).write_text(BROKEN)
    (checkout / "fn" / "inferred.py").write_text(INFERRED)

    assert run_gaia("analyze", "fn", cwd=checkout).returncode == 2
    assert run_gaia("lint", "fn", "--select", "ALL", cwd=checkout).returncode == 1

    (checkout / "fn" / "func.py").write_text(BROKEN)

    assert run_gaia("analyze", "fn", cwd=checkout).returncode == 2


def test_no_parser_is_told_the_name_of_a_file() -> None:
    files = [*(ROOT / "analyzers").rglob("*.py"), *(ROOT / "gaia_cli").rglob("*.py")]
    files += (ROOT / "runtime_images" / "entrypoint").glob("*.py")

    nodes = [(file, node) for file in files for node in ast.walk(ast.parse(file.read_text()))]
    calls = [(file, node) for file, node in nodes if isinstance(node, ast.Call) and ast.unparse(node.func) in PARSERS]

    assert len(calls) == 5
    for file, call in calls:
        told = [ast.unparse(keyword.value) for keyword in call.keywords if keyword.arg == "filename"]
        told = told or [ast.unparse(call.args[1])]
        assert told[0] in ("''", "NO_FILE"), f"{file}:{call.lineno} tells the parser {told[0]}"


@pytest.mark.parametrize("coding", ["punycode", "Punycode", "idna", "undefined", "zlib", "rot13", "hex", "no-such"])
@pytest.mark.parametrize("command", ["lint", "analyze"])
def test_an_encoding_that_is_none_for_source_code_is_a_finding_at_once(
    checkout: Path, coding: str, command: str
) -> None:
    beginning = f"# coding: {coding}\nx = 1\n#".encode()
    for name in ("func.py", "helper.py"):
        (checkout / "fn" / name).write_bytes(beginning + b"b" * 300_000 + b"-" + b"a" * 500_000)

    ended = run_gaia(command, "fn", cwd=checkout)

    assert ended.returncode in (1, 2)
    assert "internal error" not in ended.stderr
    assert "encoding is unknown" in ended.stdout or "is not readable Python" in ended.stderr
