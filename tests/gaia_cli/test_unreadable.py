"""A gate never passes on what it could not read: exit code 2 with the path, in every verb, and never a bug's report."""

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from gaia_cli.errors import ExitCode
from tests.support.cli import GAIA
from tests.support.closed import CAN_CLOSE, WITHOUT_POWERS

_FILES = {
    "func.py": "import helper\n\n\ndef handler(payload):\n    return payload\n",
    "helper.py": "x = 1\n",
    "sub/more.py": "y = 1\n",
    "requirements.txt": "",
    "data.bin": "x",
    "gaia.toml": '[function]\nname = "f"\n[targets.prod]\nnamespace = "x"\nregistry = "localhost:1/x"\n',
    "pyproject.toml": '[project]\nname = "f"\nversion = "0"\n',
}
_JUDGING = ("analyze f", "analyze .", "analyze . --all -o json", "lint f", "lint", "manifest f", "manifest f --write")
_SERVING = ("build f", "invoke f --data 1", "deploy f --target prod --dry-run=client", "diff f --target prod")


@pytest.fixture
def function(tmp_path: Path) -> Path:
    for name, text in _FILES.items():
        (tmp_path / "f" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "f" / name).write_text(text)
    return tmp_path / "f"


def _shut(path: Path) -> None:
    path.chmod(0)


def _link(path: Path) -> None:
    path.unlink()
    path.symlink_to("nowhere")


def _circle(path: Path) -> None:
    path.unlink()
    path.symlink_to(path.name)


def _pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def _run(command: str, function: Path) -> subprocess.CompletedProcess[str]:
    """Run `gaia` beside the function, as somebody to whom closed files are closed; let the function be deleted then."""
    try:
        return subprocess.run(
            [*WITHOUT_POWERS, GAIA, *command.split()],
            cwd=function.parent,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=110,
            check=False,
        )
    finally:
        for path in (function, *(function / name for name in _FILES)):
            if path.exists():
                path.chmod(0o755)


def _refuses(ended: subprocess.CompletedProcess[str], path: str) -> None:
    said = ended.stdout + ended.stderr
    assert ended.returncode == ExitCode.USAGE, said
    assert path in said
    assert "internal error" not in said
    assert "Traceback" not in said


needs_closing = pytest.mark.skipif(not CAN_CLOSE, reason="nothing is closed to root here")


@needs_closing
@pytest.mark.parametrize("name", ["func.py", "gaia.toml", "pyproject.toml", "requirements.txt"])
@pytest.mark.parametrize("command", [*_JUDGING, *_SERVING])
def test_a_closed_file_of_the_function_is_exit_2_in_every_verb(function: Path, command: str, name: str) -> None:
    _shut(function / name)

    _refuses(_run(command, function), name)


@needs_closing
@pytest.mark.parametrize("command", [*_JUDGING, "lint f --select GA701", "lint f --fix", "lint f --diff"])
@pytest.mark.parametrize("name", ["helper.py", "sub"])
def test_so_is_a_module_or_a_folder_in_the_middle(function: Path, command: str, name: str) -> None:
    _shut(function / name)

    _refuses(_run(command, function), name)


@needs_closing
@pytest.mark.parametrize("command", [*_JUDGING, "manifest", *_SERVING, "doctor f", "init f/new", "run f"])
def test_so_is_the_functions_own_directory(function: Path, command: str) -> None:
    _shut(function)

    _refuses(_run(command, function), "f")


@pytest.mark.parametrize("make", [_link, _circle, _pipe])
@pytest.mark.parametrize("command", [*_JUDGING, "lint f --select GA701"])
def test_what_is_no_file_behind_an_import_is_not_passed_over(
    function: Path, command: str, make: Callable[[Path], None]
) -> None:
    make(function / "helper.py")

    _refuses(_run(command, function), "helper.py")


@pytest.mark.parametrize("make", [_link, _pipe])
@pytest.mark.parametrize("name", ["gaia.toml", "requirements.txt", "pyproject.toml"])
@pytest.mark.parametrize("command", ["analyze f", "manifest f --write", "invoke f --data 1"])
def test_neither_is_a_configuration_that_leads_nowhere(
    function: Path, command: str, name: str, make: Callable[[Path], None]
) -> None:
    make(function / name)

    _refuses(_run(command, function), name)


@pytest.mark.parametrize(
    "command", ["analyze f/func.py/x", "lint f/func.py/x", "manifest f/func.py/x", "init f/func.py"]
)
def test_a_file_where_a_folder_is_meant_is_said(function: Path, command: str) -> None:
    _refuses(_run(command, function), "f/func.py")


@needs_closing
@pytest.mark.parametrize(
    "command",
    [
        "lint f/sub --output sarif:f/o.sarif", "lint f/sub --write-baseline f/b.json", "analyze f --write",
        "manifest f --write", "init f/new",
    ],
)  # fmt: skip
def test_what_cannot_be_written_is_said(function: Path, command: str) -> None:
    function.chmod(0o555)

    _refuses(_run(command, function), "f")


@needs_closing
@pytest.mark.parametrize(
    "command",
    [
        "lint f --baseline f/data.bin", "invoke f --data @f/data.bin", "run f --play f/data.bin", "simulate f/data.bin",
        "analyze f --hardware f/data.bin", "deploy f --target prod --kubeconfig f/data.bin --dry-run=client",
    ],
)  # fmt: skip
def test_a_closed_file_that_an_option_names_is_said(function: Path, command: str) -> None:
    _shut(function / "data.bin")
    ended = _run(command, function)

    assert ended.returncode in (ExitCode.USAGE, ExitCode.ENGINE)
    assert "data.bin" in ended.stderr
    assert "internal error" not in ended.stderr


@needs_closing
def test_a_baseline_that_misses_what_could_not_be_read_is_no_success(function: Path) -> None:
    _shut(function / "helper.py")
    ended = _run("lint f --write-baseline b.json", function)

    _refuses(ended, "f/helper.py:1: the file may not be read [GA908]")
    assert (function.parent / "b.json").exists()


@needs_closing
@pytest.mark.parametrize("shut", [True, False])
def test_a_cache_that_cannot_be_written_stops_nobody(
    function: Path, shut: bool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    cache = tmp_path / "cache"
    monkeypatch.setenv("GAIA_CACHE_DIR", str(cache))
    if shut:
        cache.mkdir(mode=0)
    else:
        cache.touch()

    assert _run("lint f", function).returncode == ExitCode.OK
    if shut:
        cache.chmod(0o755)


@needs_closing
@pytest.mark.parametrize("name", ["serverless.yml", "cog.yaml", "gaia.manifest.toml", "template.yaml"])
def test_what_may_say_which_functions_there_are_is_not_passed_over(tmp_path: Path, name: str) -> None:
    service = tmp_path / "f"
    service.mkdir()
    (service / "work.py").write_text("def hello(params):\n    return params\n")
    (service / name).write_text("")
    _shut(service / name)

    _refuses(_run("manifest f" if name == "gaia.manifest.toml" else "analyze .", service), name)


@needs_closing
def test_a_closed_path_among_several_costs_no_other(function: Path) -> None:
    other = function.with_name("g")
    other.mkdir()
    (other / "func.py").write_text("def handler(payload):\n    return payload\n")
    _shut(function)
    ended = _run("analyze g f missing -o json", function)
    written = json.loads(ended.stdout)

    assert ended.returncode == ExitCode.USAGE
    assert [one["path"] for one in written["functions"]] == ["g"]
    assert sorted(one["path"] for one in written["errors"]) == ["f", "missing"]
