from pathlib import Path

import pytest

from analyzers.project.newer.interpreters import find

RUNNING = (3, 11)


def _program(folder: Path, name: str) -> str:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return str(path)


def _found(root: Path, path: str = "", **more: str) -> dict[tuple[int, int], str]:
    found = find({"HOME": str(root / "home"), "PATH": path, **more}, RUNNING)
    return {version: program for version, program in found.items() if program.startswith(str(root))}


def test_programs_on_the_path_are_found_by_their_names(tmp_path: Path) -> None:
    newer = _program(tmp_path / "bin", "python3.12")
    for name in ("python3", "python3.11", "python3.9", "python3.13-config", "python4.0"):
        _program(tmp_path / "bin", name)

    assert _found(tmp_path, str(tmp_path / "bin")) == {(3, 12): newer}


def test_what_stands_first_on_the_path_is_taken(tmp_path: Path) -> None:
    first, _ = (_program(tmp_path / name, "python3.13") for name in ("a", "b"))

    assert _found(tmp_path, f"{tmp_path}/a:{tmp_path}/b") == {(3, 13): first}


def test_the_folders_of_uv_and_pyenv_are_looked_at(tmp_path: Path) -> None:
    by_uv = _program(tmp_path / "home/.local/share/uv/python/cpython-3.14.0-linux-x86_64-gnu/bin", "python3.14")
    by_pyenv = _program(tmp_path / "home/.pyenv/versions/3.12.1/bin", "python3.12")

    assert _found(tmp_path) == {(3, 12): by_pyenv, (3, 14): by_uv}


def test_their_own_variables_say_where_they_are(tmp_path: Path) -> None:
    by_uv = _program(tmp_path / "uv/x/bin", "python3.14")
    by_pyenv = _program(tmp_path / "pyenv/versions/3.12.1/bin", "python3.12")
    places = {"UV_PYTHON_INSTALL_DIR": str(tmp_path / "uv"), "PYENV_ROOT": str(tmp_path / "pyenv")}

    assert _found(tmp_path, **places) == {(3, 12): by_pyenv, (3, 14): by_uv}


def test_shims_and_folders_that_depend_or_are_for_all_are_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for folder in ("shims", "open", "here"):
        _program(tmp_path / folder, "python3.12")
    (tmp_path / "open").chmod(0o777)
    (tmp_path / "plain").mkdir()
    (tmp_path / "plain" / "python3.12").write_text("no program")
    (tmp_path / "plain" / "python3.13").mkdir()
    monkeypatch.chdir(tmp_path)

    assert find({"HOME": "/nowhere", "PATH": "here:"}, RUNNING).get((3, 12), "/").startswith("/")
    assert _found(tmp_path, f"here:./here:{tmp_path}/shims:{tmp_path}/open:{tmp_path}/plain:{tmp_path}/absent") == {}
