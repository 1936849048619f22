"""What `gaia doctor` says of a function on this machine, where no cluster is asked for."""

import json
from pathlib import Path

import pytest

from tests.support.cli import run_gaia

NOWHERE = {"DOCKER_HOST": "unix:///nonexistent/docker.sock", "KUBECONFIG": "", "HOME": "/nonexistent"}


def checks(path: str, cwd: Path) -> tuple[int, dict[str, tuple[str, str]]]:
    done = run_gaia("doctor", *([path] if path else []), "-o", "json", cwd=cwd, env=NOWHERE)
    assert done.stdout, done.stderr
    return done.returncode, {one["name"]: (one["state"], one["message"]) for one in json.loads(done.stdout)["checks"]}


@pytest.fixture
def function(tmp_path: Path) -> Path:
    directory = tmp_path / "hello"
    directory.mkdir()
    (directory / "func.py").write_text("\ndef handler(payload): ...\n")
    return directory


@pytest.mark.parametrize("is_inside", [False, True])
def test_a_function_is_found_by_its_path_or_here(function: Path, is_inside: bool) -> None:
    path, cwd = ("", function) if is_inside else ("hello", function.parent)

    code, found = checks(path, cwd)
    assert code == 0
    assert found["function"] == ("ok", "hello begins at func.py:2, in the form handler")


def test_without_a_function_here_the_machine_alone_is_looked_at(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").touch()
    code, found = checks("", tmp_path)

    assert (code, "function" in found) == (0, False)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        (
            "func.yaml",
            "run:\n  envs:\n  - name: KEY\n    value: '{{ env:NOT_SET_HERE }}'\n",
            "KEY is to be NOT_SET_HERE",
        ),
        ("gaia.toml", "[function]\nport = 3\n", "port"),
        ("func.py", "x = 1\n", "no entry point"),
    ],
)
def test_what_a_run_would_refuse_is_refused_here(function: Path, name: str, text: str, message: str) -> None:
    (function / name).write_text(text)
    code, found = checks("hello", function.parent)

    assert (code, found["function"][0]) == (2, "failed")
    assert message in found["function"][1]


def test_a_path_that_is_not_there_fails(tmp_path: Path) -> None:
    code, found = checks("absent", tmp_path)

    assert (code, found["function"][0]) == (2, "failed")


def test_a_python_that_is_not_here_and_one_that_gaia_does_not_run_are_said(function: Path) -> None:
    (function / "pyproject.toml").write_text('[project]\nrequires-python = "<3.9"\n')
    assert "takes" in checks("hello", function.parent)[1]["function"][1]

    (function / "gaia.toml").write_text('[function]\npython = "3.99"\n')
    assert checks("hello", function.parent)[1]["its python"][0] == "skipped"
