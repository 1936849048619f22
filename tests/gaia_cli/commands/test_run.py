"""What happens before a function that was meant for a container runs as a process of the user."""

import json
import os
import pty
import subprocess
from pathlib import Path

import pytest

from gaia_cli.commands import run as command
from gaia_cli.commands.run import RunOptions, run_function
from gaia_cli.engines import Launch, Progress, RunningFunction
from gaia_cli.errors import EngineError
from gaia_cli.project.choices import EngineName
from gaia_cli.running.choose import Choice
from runtime_images.policy.model import Accelerator
from tests.support.cli import GAIA, run_gaia

NO_DOCKER = {"DOCKER_HOST": "unix:///absent/docker.sock"}
QUESTION = "Run it as a process? [y/N]"


@pytest.fixture
def function(tmp_path: Path) -> Path:
    (tmp_path / "gaia.toml").write_text('[function]\nname = "mine"\n[mode]\npin = "cpu"\n')
    (tmp_path / "func.py").write_text(
        "import os\ndef handler(payload):\n    print(os.environ.get('MINE'), flush=True)\n"
    )
    (tmp_path / "load.jsonl").write_text('{"at_s": 0, "json": {}}\n')
    return tmp_path


def run_on_a_terminal(function: Path, answer: str, *options: str) -> tuple[int, str]:
    """Run `gaia run` with its standard input and errors on a terminal; return its exit code and what it said there."""
    ours, theirs = pty.openpty()
    load = str(function / "load.jsonl")
    arguments = [GAIA, "run", str(function), "--port", "0", "--play", load, *options]
    environ = {name: value for name, value in os.environ.items() if name != "GAIA_ENGINE"} | NO_DOCKER
    process = subprocess.Popen(arguments, stdin=theirs, stdout=subprocess.DEVNULL, stderr=theirs, env=environ)
    os.close(theirs)
    os.write(ours, answer.encode())
    said = b""
    try:
        while chunk := os.read(ours, 4096):
            said += chunk
    except OSError:  # the terminal has no other end any more
        pass
    os.close(ours)
    return process.wait(60), said.decode()


@pytest.mark.parametrize("answer", ["\n", "n\n", "\x04"])
def test_on_a_terminal_without_docker_a_person_is_asked_and_nothing_starts_without_a_yes(
    function: Path, answer: str
) -> None:
    code, said = run_on_a_terminal(function, answer)

    assert QUESTION in said
    assert "without a container, the function can do whatever you can do here" in said
    assert "the function was not started" in said
    assert "--engine process" in said
    assert code == 3


def test_on_a_terminal_a_yes_is_enough(function: Path) -> None:
    code, said = run_on_a_terminal(function, "y\n")

    assert QUESTION in said
    assert code == 0


def test_whoever_has_named_the_engine_is_not_asked(function: Path) -> None:
    code, said = run_on_a_terminal(function, "", "--engine", "process")

    assert QUESTION not in said
    assert code == 0


def test_without_a_terminal_one_line_says_it_and_json_stays_json(function: Path) -> None:
    arguments = ("run", str(function), "--port", "0", "--play", str(function / "load.jsonl"))
    done = run_gaia(*arguments, "--output-format", "json-lines", env=NO_DOCKER)

    (line,) = [line for line in done.stderr.splitlines() if "without a container" in line]
    assert line.endswith("the function can do whatever you can do here; --engine process says that this is meant")
    assert all(json.loads(one) for one in done.stdout.splitlines())
    assert done.returncode == 0


class _Broken:
    """A Docker engine that answers and cannot run the function."""

    name = "docker"

    def describe(self) -> str:
        return "docker"

    def accelerators(self) -> tuple[Accelerator, ...]:
        return ()

    def start(self, _launch: Launch, _progress: Progress) -> RunningFunction:
        raise EngineError("the build failed")


def test_what_docker_could_not_run_is_no_process_either_before_somebody_agrees(
    function: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    opened: list[str] = []

    def open_broken(name: str) -> _Broken:
        opened.append(name)
        return _Broken()

    def refuse(what: str) -> bool:
        asked.append(what)
        return False

    monkeypatch.setattr(command, "open_engine", open_broken)
    monkeypatch.setattr(command, "_engine", lambda *_: Choice(EngineName.DOCKER, "a Docker engine answers"))
    with pytest.raises(EngineError, match="was not started: Docker answers but could not run"):
        run_function(function, RunOptions(port=0), refuse)
    assert len(asked) == 1
    assert opened == ["docker"]


@pytest.mark.parametrize("ask", [["invoke"], ["run", "--engine", "process", "--port", "0", "--play", "load.jsonl"]])
def test_a_variable_reaches_a_function_when_it_is_named(function: Path, ask: list[str]) -> None:
    verb, *options = ask

    def ask_it(*more: str) -> str:
        done = run_gaia(verb, str(function), *options, *more, cwd=function, env={"MINE": "hidden"})
        return done.stdout + done.stderr

    assert "hidden" not in ask_it()
    assert "hidden" in ask_it("--env", "MINE")
    assert "given" in ask_it("--env", "MINE=given")


@pytest.mark.parametrize("arguments", [["run", "."], ["invoke", "."]])
def test_a_variable_that_is_not_set_is_reported_before_anything_starts(function: Path, arguments: list[str]) -> None:
    failed = run_gaia(*arguments, "--env", "ABSENT", cwd=function)

    assert failed.returncode == 2
    assert "ABSENT is not set here" in failed.stderr


def test_a_running_function_cannot_be_given_variables() -> None:
    failed = run_gaia("invoke", "http://127.0.0.1:1", "--env", "A=1")

    assert failed.returncode == 2
    assert "--env is for a function that is started here" in failed.stderr
