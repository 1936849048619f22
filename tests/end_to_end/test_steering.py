"""`gaia switch`, `pin` and `unpin` on a function that `gaia run` serves on this machine."""

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.cli import call_gaia
from tests.support.processes import eventually

HANDLER = "def handler(payload):\n    return {}\n"


@pytest.fixture(scope="module")
def runtime_directory() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="g-", dir="/tmp") as directory:
        yield Path(directory)


def run(name: str, mode: str, place: Path, tmp: Path) -> "subprocess.Popen[str]":
    directory = tmp / name
    directory.mkdir()
    (directory / "func.py").write_text(HANDLER)
    (directory / "gaia.toml").write_text(f'[function]\nname = "{name}"\n\n[mode]\npin = "{mode}"\n')
    options = ("--engine", "process", "--port", "0", "--accelerator", "emulated")
    process = subprocess.Popen(
        [sys.executable, "-m", "gaia_cli", "run", str(directory), *options],
        env=os.environ | {"XDG_RUNTIME_DIR": str(place)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )
    eventually(lambda: len(list((place / "gaia").glob("*.json"))) > 0, 60.0)
    return process


def ended(process: "subprocess.Popen[str]", number: int = signal.SIGINT) -> int:
    process.send_signal(number)
    return process.wait(60)


def steer(place: Path, *arguments: str) -> tuple[int, str]:
    done = call_gaia(*arguments, env={"XDG_RUNTIME_DIR": str(place), "HOME": str(place), "KUBECONFIG": ""})
    return done.returncode, done.stdout + done.stderr


def test_a_function_here_is_found_by_its_name_moved_and_pinned(runtime_directory: Path, tmp_path: Path) -> None:
    process = run("mover", "cpu_preferred", runtime_directory, tmp_path)
    try:
        code, said = steer(runtime_directory, "switch", "mover", "gpu")
        assert (code, said.count("now serves on gpu")) == (0, 1)
        assert "on this machine, http://127.0.0.1:" in said
        assert "already serves on gpu" in steer(runtime_directory, "switch", "mover", "gpu")[1]
        assert "is pinned to gpu" in steer(runtime_directory, "pin", "mover")[1]
        assert "is pinned to cpu" in steer(runtime_directory, "pin", "mover", "cpu")[1]
        assert "is no longer pinned" in steer(runtime_directory, "unpin", "mover")[1]
        assert "was not pinned" in steer(runtime_directory, "unpin", "mover")[1]

        code, said = steer(runtime_directory, "switch", "other", "gpu")
        assert (code, said.count("no function other runs on this machine")) == (3, 1)
        code, said = steer(runtime_directory, "switch", "mover", "gpu", "-n", "team")
        assert (code, said.count("there is no kubeconfig")) == (3, 1)
    finally:
        assert ended(process) == 130
    assert not (runtime_directory / "gaia").exists()


def test_a_function_of_a_fixed_mode_is_not_moved(runtime_directory: Path, tmp_path: Path) -> None:
    process = run("fixed", "cpu", runtime_directory, tmp_path)
    try:
        for verb in (("switch", "fixed", "gpu"), ("pin", "fixed"), ("pin", "fixed", "gpu")):
            assert steer(runtime_directory, *verb)[0] == 2
        assert "its mode is cpu" in steer(runtime_directory, "switch", "fixed", "gpu")[1]
    finally:
        ended(process)


def test_a_run_that_was_killed_is_not_found(runtime_directory: Path, tmp_path: Path) -> None:
    process = run("killed", "cpu_preferred", runtime_directory, tmp_path)
    ended(process, signal.SIGKILL)

    assert steer(runtime_directory, "switch", "killed", "gpu")[0] == 3


@pytest.mark.parametrize("name", ["My_Model", "3d", "-x", "a" * 64, "a-", ""])
@pytest.mark.parametrize("verb", [("switch", "gpu"), ("pin",), ("unpin",), ("describe",), ("logs",), ("delete", "-y")])
def test_a_name_that_no_function_can_have_is_refused(verb: tuple[str, ...], name: str, runtime_directory: Path) -> None:
    rest = [word for word in verb[1:] if word != "-y"]
    options = [word for word in verb[1:] if word == "-y"]
    assert steer(runtime_directory, verb[0], *options, "--", name, *rest)[0] == 2
