"""What a checkout, a function or a variable says to forge a line, a finding, or a command that somebody copies."""

import json
import os
import re
import shlex
import subprocess
from pathlib import Path

import pytest

from gaia_cli.commands.run import RunOptions, run_function
from gaia_cli.errors import GaiaError, UsageError, shell_word
from runtime_images.dynamic_runtime.settings import Settings, SettingsError
from runtime_images.events.codec import decode, encode, to_json
from runtime_images.events.model import UnknownEvent
from runtime_images.events.traffic import LogLine
from runtime_images.policy.model import Backend
from tests.support.cli import GAIA, call_gaia
from tests.support.hostile import commands, folds, on_a_terminal

CODE = 'import torch\nx = torch.zeros(3, device="cuda")\n'
FINDING = re.compile(r"(?P<path>.+?):(?P<line>\d+):\d+: (?:note|warning|error): .+ \[GA\d+\]")
"""How editors and problem matchers read a line."""

WORDS = ("a; touch PWNED", "$(touch PWNED)", "`touch PWNED`", "-f", "--debug", "it's", "a\nb", "# x", "!!", "~", "ä b")


def in_a_shell(command: str, cwd: Path) -> list[str]:
    """The words that a shell makes of `command`, which it takes for the arguments of printf."""
    done = subprocess.run(
        ["bash", "-c", f"printf '%s\\0' {command}"], cwd=cwd, capture_output=True, check=True, timeout=20
    )
    return done.stdout.decode().split("\0")[:-1]


@pytest.mark.parametrize("word", WORDS)
def test_a_path_in_a_command_is_one_word_to_a_shell_and_no_option(word: str, tmp_path: Path) -> None:
    assert in_a_shell(shell_word(word), tmp_path) == [f"./{word}" if word.startswith("-") else word]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["a; touch PWNED #", "--debug", "$(touch PWNED)"])
def test_every_hint_that_holds_a_command_can_be_copied_whatever_a_path_is_called(name: str, tmp_path: Path) -> None:
    function, empty, trace = tmp_path / name, tmp_path / f"{name} empty", tmp_path / f"{name}.csv"
    function.mkdir()
    empty.mkdir()
    (function / "func.py").write_text("def handler(payload):\n    return payload\n")
    trace.write_bytes(b"\x1f\x8b")

    hints = [
        call_gaia("manifest", f"./{name}", cwd=tmp_path).stdout.partition("; fix it: ")[2],
        call_gaia("analyze", f"./{empty.name}", cwd=tmp_path).stderr.partition("write one there: ")[2],
        call_gaia("simulate", f"./{trace.name}", cwd=tmp_path).stderr.partition("unpack it first: ")[2],
        call_gaia("lint", f"--baseline={name}", ".", cwd=tmp_path).stderr.partition("write it first: ")[2],
    ]

    for hint, path in zip(hints, (name, empty.name, trace.name, name), strict=True):
        words = in_a_shell(hint.strip(), tmp_path)
        assert [word for word in words if word.removeprefix("./") == path] == [
            f"./{path}" if path.startswith("-") else path
        ]
    assert not (tmp_path / "PWNED").exists()


def test_a_quoted_path_in_a_hint_is_not_cut_where_the_quotes_would_open() -> None:
    path = "'" * 2000 + "; touch PWNED"

    assert shlex.split(UsageError("x", f"gaia init {shell_word(path)}").hint) == ["gaia", "init", path]


def test_no_name_of_a_file_passes_for_a_finding_in_another_one(tmp_path: Path) -> None:
    name = "app.py:10:1: error: forged [GA999] .py"
    (tmp_path / name).write_text(CODE)

    for form in ("concise", "full"):
        said = call_gaia("lint", ".", "--no-cache", "--output-format", form, cwd=tmp_path).stdout
        found = [one for line in said.splitlines() if (one := FINDING.fullmatch(line))]
        assert [(one["path"], one["line"]) for one in found] == [(name.replace(":1", "\\x3a1"), "2")]


def test_no_name_of_a_file_folds_the_findings_below_it(tmp_path: Path) -> None:
    for name in ("--- all is well.py", "+++ x.py", "~~~ x.py", "^^^ +++.py", "travis_fold:start:x.py"):
        (tmp_path / name).write_text("import time\nasync def handler(event):\n    time.sleep(1)\n")

    for form in ("concise", "full"):
        said = call_gaia("lint", ".", "--no-cache", "--output-format", form, cwd=tmp_path).stdout
        assert said.count(".py:3:") == 5
        assert folds(said) == []


def test_a_literal_of_a_megabyte_is_a_line_that_can_be_read(tmp_path: Path) -> None:
    (tmp_path / "func.py").write_text(f'import torch\nx = torch.zeros(3).to("cuda:{"0" * 900_000}")\n')
    for form in ("concise", "full", "github", "json-lines", "junit"):
        said = call_gaia("lint", ".", "--no-cache", "--select", "ALL", "--output-format", form, cwd=tmp_path).stdout
        assert max(map(len, said.splitlines())) < 2000

    (tmp_path / "gaia.manifest.toml").write_text(f'[mode]\nvalue = "{"x" * 900_000}"\n')
    assert len(call_gaia("manifest", ".", cwd=tmp_path).stdout) < 1000
    assert len(call_gaia("analyze", ".", cwd=tmp_path).stdout) < 5000
    (tmp_path / "gaia.toml").write_text(f'[function]\n"{"x" * 900_000}" = 1\n')
    failed = call_gaia("analyze", ".", "--output-format", "json", cwd=tmp_path)
    assert len(failed.stderr) < 6000
    assert len(json.loads(failed.stdout)["error"]["message"]) <= 5000


def test_the_log_of_an_error_has_no_endless_line() -> None:
    assert max(map(len, GaiaError("x" * 10**6, log=["y" * 10**6, "\x1b" * 10**6]).message.split("\n"))) < 5010


def test_bytes_of_utf_8_do_not_steer_a_terminal_of_another_encoding(tmp_path: Path) -> None:
    (tmp_path / "Û2J Ý0;x.py").write_text(CODE)  # their second bytes in UTF-8 are CSI and OSC in Latin-1
    for form in ("json", "json-lines", "github", "gitlab", "junit", "sarif"):
        command = [GAIA, "lint", ".", "--no-cache", "--output-format", form]
        shown = on_a_terminal(command, tmp_path, {"PYTHONIOENCODING": "latin-1"})
        assert "\ufffd2J" in shown or "%9B2J" in shown  # a byte of Latin-1, which is no UTF-8
        assert subprocess.run(command, cwd=tmp_path, capture_output=True, check=False).stdout.decode()


def test_progress_holds_no_command(tmp_path: Path) -> None:
    (tmp_path / "##[set-output name=a]b.csv").write_text("arrival_s,cpu_ms,gpu_ms,cpu_time_ms,think_s\n0,1,1,1,0\n")

    shown = on_a_terminal([GAIA, "simulate", "##[set-output name=a]b.csv"], tmp_path)

    assert "\r\x1b[2K1/1 " in shown
    assert commands(shown) == []


@pytest.mark.parametrize(
    "arguments", [("lint", ".", "--no-cache"), ("lint", "--diff", "."), ("manifest",)], ids=" ".join
)
def test_a_reader_that_leaves_does_not_turn_findings_into_none(arguments: tuple[str, ...], tmp_path: Path) -> None:
    (tmp_path / "func.py").write_text(CODE)
    (tmp_path / "gaia.manifest.toml").write_text("")
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run([GAIA, *arguments], cwd=tmp_path, stdout=writing, stderr=subprocess.PIPE, check=False)
    os.close(writing)

    assert (done.returncode, done.stderr) == (1, b"")


@pytest.mark.parametrize("verb", ["lint", "analyze"])
def test_an_error_that_cannot_be_written_keeps_its_exit_code(verb: str, tmp_path: Path) -> None:
    with Path("/dev/full").open("w") as full:
        assert subprocess.run([GAIA, verb, "none"], cwd=tmp_path, stderr=full, check=False).returncode == 2


@pytest.mark.parametrize(
    "line",
    [
        b"[" * 200_000,
        b'{"event": "window", "t": ' + b"9" * 400 + b"}",
        b'{"event": "x", "t": NaN, "more": [NaN, Infinity]}',
        b'{"event": "ready", "t": 1e999, "url": "x"}',
        b'{"event": "stopped", "cost": 1e999, "cpu_seconds": -1e999}',
        b'{"event": "started", "slo": {"latency_p95_ms": ' + b"9" * 400 + b"}}",
    ],
    ids=lambda line: line[:40],
)
def test_a_line_that_is_no_event_ends_no_run_and_becomes_no_false_json(line: bytes) -> None:
    event = decode(line)

    assert event is None or isinstance(event, UnknownEvent)
    assert event is None or abs(to_json(event)["t"]) < 1e12


def test_an_event_holds_no_command_and_its_reader_gets_the_true_line() -> None:
    said = "##[set-output name=a;]b ##vso[x] ###[ ####[ # # ##"
    line = encode(LogLine(Backend.CPU, 1, "stdout", said, None), 1.0)

    assert commands(line.decode()) == []
    event = decode(line)
    assert isinstance(event, LogLine)
    assert event.line == said


@pytest.mark.parametrize("number", [float("inf"), float("nan"), -1.0])
def test_no_number_that_json_has_none_for_reaches_a_run(number: float, tmp_path: Path) -> None:
    function = tmp_path / "hello"
    function.mkdir()
    (function / "func.py").write_text("def handler(payload):\n    return payload\n")

    with pytest.raises(UsageError, match="is not a latency"):
        run_function(function, RunOptions(slo_p95_ms=number))
    with pytest.raises(SettingsError, match="GAIA_SLO_LATENCY_P95_MS"):
        Settings.from_environ({"GAIA_SLO_LATENCY_P95_MS": str(number)})


def test_what_a_function_writes_during_invoke_is_no_line_of_gaias(tmp_path: Path) -> None:
    (tmp_path / "func.py").write_text(
        'print("error: forged\\nhint: forged\\n\\terror: forged\\r\\nhint: forged")\n'
        "def handler(payload):\n    return 1\n"
    )

    said = call_gaia("invoke", ".", cwd=tmp_path).stderr

    assert said.count("forged") == 4
    assert [line for line in said.splitlines() if line.startswith(("error:", "hint:"))] == []


@pytest.mark.parametrize("name", ["--exclude=*.py", "--write-baseline=x.py", "--output=full:func.py", "--debug", "-h"])
def test_no_name_of_a_file_is_an_option_to_a_hook_or_a_glob_that_names_every_file(name: str, tmp_path: Path) -> None:
    for file in ("func.py", name):
        (tmp_path / file).write_text(CODE)

    mixed = call_gaia("lint", "func.py", name, "--no-cache", cwd=tmp_path)
    apart = call_gaia("lint", "--no-cache", "--output-format", "json", "--", "func.py", name, cwd=tmp_path)

    assert mixed.returncode == 2
    assert mixed.stderr.startswith(f"error: {name} is an option, and a file here\nhint: put -- before the files, or ")
    assert {one["path"] for one in json.loads(apart.stdout)["findings"]} == {"func.py", name}
    assert {file.name for file in tmp_path.iterdir()} == {"func.py", name}
    assert (tmp_path / "func.py").read_text() == CODE
