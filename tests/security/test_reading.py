"""What a tree brings is read below its root only, and neither pipes nor endless devices hold a reader up."""

import os
import subprocess
import sys
from pathlib import Path
from typing import BinaryIO

import pytest

from analyzers.lean import files
from analyzers.lean.files import OutsideError, TooLargeError, open_inside, read_inside
from tests.support.cli import GAIA, call_gaia, run_gaia

CODE = "def handler(payload):\n    return payload\n"
GPU = 'import torch\n\n\ndef handler(payload):\n    return torch.zeros(3).to("cuda").tolist()\n'
SECRET = "root:secret-of-the-user:20228\n"

READ = (
    "func.py",
    "gaia.toml",
    "pyproject.toml",
    "func.yaml",
    "requirements.txt",
    "requirements-gpu.txt",
    "setup.cfg",
    "setup.py",
    "cog.yaml",
    "environment.yml",
    "Pipfile",
    "bentofile.yaml",
    "gaia.manifest.toml",
    "helper.py",
    "book.ipynb",
    "model.pt",
)
"""Files that one command or another reads of a function's directory."""

NO_ENGINE = {"DOCKER_HOST": "unix:///nonexistent"}
COMMANDS = (
    ("lint", ".", "--output-format", "sarif"),
    ("lint", ".", "--select", "ALL", "--output-format", "gitlab"),
    ("analyze", "."),
    ("manifest", "."),
)


@pytest.fixture
def function(tmp_path: Path) -> Path:
    root = tmp_path / "function"
    (root / ".git").mkdir(parents=True)
    (root / "func.py").write_text(f"import helper\n{GPU}")
    (root / "helper.py").write_text(CODE)
    (root / "gaia.toml").write_text("[function]\n[mode]\n")
    return root


def replaced(function: Path, name: str) -> Path:
    path = function / name
    path.unlink(missing_ok=True)
    return path


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
@pytest.mark.parametrize("name", READ)
def test_a_link_that_leads_out_shows_nothing_of_its_target(
    function: Path, tmp_path: Path, name: str, command: tuple[str, ...]
) -> None:
    (tmp_path / "secret").write_text(SECRET)
    replaced(function, name).symlink_to(tmp_path / "secret")

    ended = call_gaia(*command, cwd=function)

    assert "secret-of-the-user" not in ended.stdout + ended.stderr
    assert "Traceback" not in ended.stderr
    assert "internal error" not in ended.stderr


@pytest.mark.parametrize(
    "name", [name for name in READ if name not in ("model.pt", "gaia.manifest.toml", "book.ipynb")]
)
def test_analyzing_names_a_link_that_leads_out(function: Path, tmp_path: Path, name: str) -> None:
    (tmp_path / "secret").write_text(SECRET)
    replaced(function, name).symlink_to(tmp_path / "secret")

    ended = call_gaia("analyze", ".", cwd=function)

    assert ended.returncode == 2
    assert name in ended.stdout + ended.stderr
    assert "leads out of the" in ended.stdout + ended.stderr


@pytest.mark.parametrize(
    "names", [("gaia.toml",), ("pyproject.toml",), ("func.yaml",), ("requirements.txt",), READ[5:]]
)
@pytest.mark.parametrize("kind", ["pipe", "device"])
def test_neither_pipes_nor_endless_devices_hold_a_command_up(function: Path, names: tuple[str, ...], kind: str) -> None:
    for name in names:
        path = replaced(function, name)
        if kind == "pipe":
            os.mkfifo(path)
        else:
            path.symlink_to("/dev/zero")

    ended = bounded(function, *(*COMMANDS, ("build", ".")))

    assert "internal error" not in ended.stderr
    assert "MemoryError" not in ended.stderr


def bounded(function: Path, *commands: tuple[str, ...]) -> subprocess.CompletedProcess[str]:
    """Run `gaia` with each of `commands` and 2 GB of memory."""
    script = "; ".join(f"{GAIA} {' '.join(command)}" for command in commands)
    return subprocess.run(
        ["bash", "-c", f"ulimit -v 2000000; {script}"],
        cwd=function,
        env=os.environ | NO_ENGINE,
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )


def test_a_named_file_that_is_a_link_out_of_the_repository_is_not_read(function: Path, tmp_path: Path) -> None:
    (tmp_path / "secret.py").write_text(SECRET)
    (function / "x.py").symlink_to(tmp_path / "secret.py")

    linted = call_gaia("lint", "x.py", cwd=function)
    analyzed = call_gaia("analyze", "x.py", cwd=function)

    for ended in (linted, analyzed):
        assert ended.returncode
        assert "leads out of" in ended.stdout + ended.stderr
        assert "secret-of-the-user" not in ended.stdout + ended.stderr


OUTSIDE = (
    *("-r ../secret.txt", "-r {absolute}", "--requirement=link.txt", "-r deep/../../secret.txt"),
    *("-c ../secret.txt", "-c{absolute}", "--constraint=link.txt", "-c file://{absolute}", "-c ${{HOME}}/x"),
    *("--requirem ../secret.txt", "--pre --cons=link.txt", "--no-index -r ../secret.txt", "-c 'link.txt'"),
)
"""Lines with which pip reads a file outside, in the ways in which it takes them."""


@pytest.mark.parametrize("line", OUTSIDE)
def test_requirements_from_outside_are_named_and_not_read(function: Path, tmp_path: Path, line: str) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text(SECRET)
    (function / "link.txt").symlink_to(secret)
    written = line.format(absolute=secret)
    (function / "requirements.txt").write_text(f"httpx\n{written}\n")

    analyzed = call_gaia("analyze", ".", cwd=function)
    built = run_gaia("build", ".", cwd=function, env=NO_ENGINE)

    assert f"requirements.txt:2: {written.replace('=', ' ')}" in analyzed.stderr.replace("=", " ")
    assert analyzed.returncode == 0
    assert built.returncode == 2
    assert "leads out of the function's directory" in built.stderr
    assert "secret-of-the-user" not in analyzed.stdout + analyzed.stderr + built.stdout + built.stderr


def test_a_file_of_constraints_includes_nothing_from_outside(function: Path, tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text(SECRET)
    (function / "requirements.txt").write_text("-c deep/inner.txt\n")
    (function / "deep").mkdir(exist_ok=True)
    (function / "deep" / "inner.txt").write_text("-c inner.txt\n-c x/../inner.txt\n-r ../../secret.txt\n")

    ended = call_gaia("invoke", ".", "--data", "{}", cwd=function)

    assert ended.returncode == 2
    assert "deep/inner.txt:3: -r ../../secret.txt leads out of the function's directory" in ended.stderr


@pytest.mark.parametrize("size", [30 * 1024 * 1024, 3 * 1024**3])
def test_a_file_that_is_too_large_is_not_even_hashed(function: Path, size: int) -> None:
    with (function / "big.py").open("w") as file:
        file.write("x = 1\n")
        file.truncate(size)  # a hole: the size costs nothing

    for name in ("func.py", "gaia.toml", "requirements.txt"):
        with (function / name).open("a") as file:
            file.truncate(size)

    ended = bounded(function, ("lint", ".", "--output-format", "sarif"), ("analyze", "."))

    assert "internal error" not in ended.stderr
    assert "larger than 1024 KiB" in ended.stdout + ended.stderr


def test_reading_ends_at_the_bound_and_at_the_root(tmp_path: Path) -> None:
    root = tmp_path / "root"
    (root / "deep").mkdir(parents=True)
    (root / "deep" / "file").write_bytes(b"12345")
    (root / "inner").symlink_to("deep/file")
    (root / "folder").symlink_to("deep")
    (root / "out").symlink_to(tmp_path)
    (tmp_path / "file").write_bytes(b"")

    assert read_inside(str(root), "deep/file", 5) == b"12345"
    assert read_inside(str(root), "inner", 5) == b"12345"
    assert read_inside(str(root), "folder/file", 5) == b"12345"
    with pytest.raises(TooLargeError):
        read_inside(str(root), "deep/file", 4)
    for path in ("out/file", "../file", "deep/../../file", str(tmp_path / "file")[1:] + "/../../file"):
        with pytest.raises(OSError, match=r"leads out|No such file"):
            read_inside(str(root), path, 5)
    for path in ("out/file", "../file", "folder/../../file", "deep/\0file"):
        with pytest.raises(OutsideError):
            read_inside(str(root), path, 5)
    with pytest.raises(IsADirectoryError):
        read_inside(str(root), "deep", 5)


def test_a_relative_root_is_that_of_the_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("one", "two"):
        (tmp_path / name / "root").mkdir(parents=True)
        (tmp_path / name / "root" / "file").write_text(name)
        monkeypatch.chdir(tmp_path / name)
        assert read_inside("root", "file", 10) == name.encode()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells what was opened")
def test_a_link_that_is_put_in_the_way_between_the_look_and_the_opening_shows_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "root" / "folder").mkdir(parents=True)
    (tmp_path / "root" / "folder" / "file").write_text("its own")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "file").write_text(SECRET)
    look = files._real_path

    def look_and_exchange(root: str, path: str) -> str:
        found = look(root, path)
        (tmp_path / "root" / "folder").rename(tmp_path / "root" / "before")
        (tmp_path / "root" / "folder").symlink_to(tmp_path / "elsewhere")
        return found

    monkeypatch.setattr(files, "_real_path", look_and_exchange)

    with pytest.raises(OutsideError):
        read_inside(str(tmp_path / "root"), "folder/file", 100)


def test_a_file_that_an_editor_replaces_meanwhile_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("old")
    opened = files.open_regular

    def open_and_replace(path: str) -> BinaryIO:
        file = opened(path)
        (tmp_path / "new").write_text("new")
        (tmp_path / "new").replace(tmp_path / "file")
        return file

    monkeypatch.setattr(files, "open_regular", open_and_replace)

    with open_inside(str(tmp_path), "file") as file:
        assert file.read() == b"old"
