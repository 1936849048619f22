import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from gaia_cli.__main__ import guarded, main
from gaia_cli.errors import EngineError, ExitCode, UsageError
from gaia_cli.version import __version__
from tests.support.cli import GAIA, run_gaia


def raising(error: BaseException) -> Callable[[], int]:
    def work() -> int:
        raise error

    return work


def test_version_is_reported_by_the_flag_and_by_the_verb() -> None:
    expected = f"gaia {__version__}\n"

    assert [run_gaia("--version").stdout, run_gaia("-V").stdout, run_gaia("version").stdout] == [expected] * 3


def test_version_as_json_names_the_python() -> None:
    reported = json.loads(run_gaia("version", "--output-format", "json").stdout)

    assert reported["gaia"] == __version__
    assert reported["python"] == sys.version.split()[0]


def test_no_arguments_show_the_help() -> None:
    shown = run_gaia()

    assert shown.returncode == ExitCode.OK
    assert "Usage: gaia" in shown.stdout


def test_an_expected_failure_is_a_sentence_a_hint_and_its_exit_code(capsys: pytest.CaptureFixture[str]) -> None:
    code = guarded(raising(EngineError("no engine answers", "start one")), [])

    assert code == ExitCode.ENGINE
    assert capsys.readouterr() == ("", "error: no engine answers\nhint: start one\n")


def test_a_failure_without_a_hint_has_no_hint_line(capsys: pytest.CaptureFixture[str]) -> None:
    guarded(raising(UsageError("no")), [])

    assert capsys.readouterr().err == "error: no\n"


@pytest.mark.parametrize(
    "arguments",
    [["x", "--output-format", "json"], ["x", "--output-format=json"], ["x", "--output-format", "json-lines"]],
)
def test_with_json_output_the_error_is_json_too(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    guarded(raising(UsageError("wrong", "do this")), arguments)

    error = {"message": "wrong", "hint": "do this", "exit_code": 2}
    assert json.loads(capsys.readouterr().out) == {"schema_version": 1, "error": error}


def test_a_usage_error_is_json_too() -> None:
    failed = run_gaia("analyze", "--no-such-flag", "--output-format", "json")

    assert failed.returncode == ExitCode.USAGE
    assert "no-such-flag" in json.loads(failed.stdout)["error"]["message"]


@pytest.mark.parametrize("arguments", [["frobnicate"], ["run", "--port", "many", "."], ["run"]])
def test_a_usage_error_names_the_help(arguments: list[str]) -> None:
    failed = run_gaia(*arguments)

    assert failed.returncode == ExitCode.USAGE
    assert failed.stdout == ""
    assert failed.stderr.startswith("error: ")
    assert "\nhint: see gaia " in failed.stderr


def test_a_bug_becomes_a_report_to_paste(capsys: pytest.CaptureFixture[str]) -> None:
    code = guarded(raising(ZeroDivisionError("one by zero")), ["run", "my dir"])

    shown = capsys.readouterr().err
    assert code == ExitCode.USAGE
    assert "internal error: ZeroDivisionError: one by zero" in shown
    assert f"gaia {__version__}, python {sys.version.split()[0]}" in shown
    assert "command: gaia run 'my dir'" in shown
    assert "Traceback" not in shown


def test_debug_shows_the_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    guarded(raising(UsageError("wrong")), [], debug=True)

    assert "Traceback" in capsys.readouterr().err


@pytest.mark.parametrize("how", [["--debug", "init", "."], ["init", ".", "--debug"]])
def test_debug_is_heard_before_and_after_the_verb(how: list[str], tmp_path: Path) -> None:
    (tmp_path / "func.py").touch()

    assert "Traceback" in run_gaia(*how, cwd=tmp_path).stderr


def test_debug_can_be_set_in_the_environment(tmp_path: Path) -> None:
    (tmp_path / "func.py").touch()

    shown = [run_gaia("init", ".", cwd=tmp_path, env={"GAIA_DEBUG": value}).stderr for value in ("1", "0")]
    assert ["Traceback" in text for text in shown] == [True, False]


def test_ctrl_c_ends_with_130(capsys: pytest.CaptureFixture[str]) -> None:
    assert guarded(raising(KeyboardInterrupt()), []) == ExitCode.INTERRUPTED
    assert capsys.readouterr() == ("", "")


def test_sigterm_ends_with_143() -> None:
    waiting = subprocess.Popen([GAIA, "invoke", "http://127.0.0.1:1", "--data", "-"], stdin=subprocess.PIPE)
    handled = f"/proc/{waiting.pid}/status"
    while not _catches(handled, signal.SIGTERM):
        time.sleep(0.01)
    waiting.terminate()

    assert waiting.wait(timeout=20) == ExitCode.TERMINATED
    assert waiting.stdin is not None
    waiting.stdin.close()


def _catches(status: str, number: signal.Signals) -> bool:
    caught = next(line for line in Path(status).read_text().splitlines() if line.startswith("SigCgt:"))
    return bool(int(caught.split()[1], 16) >> (number - 1) & 1)


def test_a_reader_that_has_gone_is_no_error() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    ended = subprocess.run(
        [GAIA, "version", "--output-format", "json"], stdout=writing, stderr=subprocess.PIPE, timeout=20, check=False
    )
    os.close(writing)

    assert (ended.returncode, ended.stderr) == (ExitCode.OK, b"")


def test_main_returns_the_verbs_exit_code(tmp_path: Path) -> None:
    before = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)]
    try:
        assert main(["init", str(tmp_path / "new")]) == ExitCode.OK
        assert main(["init", str(tmp_path / "new")]) == ExitCode.USAGE
    finally:
        for number, handler in zip((signal.SIGTERM, signal.SIGHUP), before, strict=True):
            signal.signal(number, handler)


def test_a_full_output_is_reported_in_a_sentence() -> None:
    with Path("/dev/full").open("w") as full:
        ended = subprocess.run([GAIA, "version"], stdout=full, stderr=subprocess.PIPE, timeout=20, check=False)

    assert ended.returncode == ExitCode.USAGE
    assert ended.stderr.startswith(b"error: cannot write the output: No space left on device")


def test_a_closed_output_is_no_error() -> None:
    ended = subprocess.run(["sh", "-c", f"{GAIA} version >&-"], stderr=subprocess.PIPE, timeout=20, check=False)

    assert (ended.returncode, ended.stderr) == (ExitCode.OK, b"")
