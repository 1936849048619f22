"""Foreign text in names, code, configuration, arguments and logs: nothing printed steers a terminal or a runner of CI.

A case is the number of a command and a text. Whatever the command says of it holds no control character and nothing
that turns the direction of text; no line begins with a workflow command, and formats for programs parse.
"""

import contextlib
import io
import json
import shutil
import unicodedata
from collections.abc import Callable
from functools import partial
from os import fsdecode, fsencode
from pathlib import Path
from random import Random
from xml.etree import ElementTree as ET

import tomli_w

from gaia_cli.running.history import RunHistory
from gaia_cli.views.run_lines import JsonScreen, LineScreen
from runtime_images.events.traffic import LogLine
from runtime_images.policy.model import CPU
from tests.fuzz.chance import noise
from tests.fuzz.fuzzer import FuzzerInDirectory
from tests.support.cli import call_gaia

_PARTS = (
    "\x1b]0;OWNED\x1b\\", "\x1b[31m", "\x1b[2J", "\x9b31m", "\x07", "\r", "\n", "\r\n", "\x85", "\u2028", "\u2029",
    "\0", "\b\b", "\x7f", "\t", "::add-mask::e", "::error file=a::b", "::", ":", "##[set-output name=v1;]p", "##[",
    "##vso[task.setvariable]x", "##teamcity[x]", "[", "section_start:1:a\r\x1b[0K", "\u202e", "\u2066", "\u200b",
    "\ufeff", "\ud800", "\U000e0001", "é", "漢", "a", " ", "  ", "%", "%0A", "%1b", "<img src=x onerror=y>", "&amp;",
    "]]>", "<!--", '"', "'", "\\", "\\x1b", "](http://e)", "`", "$(x)", "{x}", "[red]", "[/]", "cuda:0", "gpu",
)  # fmt: skip
_SEPARATORS = frozenset("\u2028\u2029")
_TURNING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_COMMANDS = ("##[", "##vso[", "##teamcity[")
_LONGEST_NAME = 100


def _json(text: str) -> None:
    json.loads(text)


def _json_lines(text: str) -> None:
    for line in text.splitlines():
        json.loads(line)


def _xml(text: str) -> None:
    ET.fromstring(text)  # noqa: S314 -- made by Gaia


def _github(text: str) -> None:
    for line in text.splitlines():
        assert line.startswith(("::notice ", "::warning ", "::error ")), f"no command of Gaia's: {line!r}"


def _people(text: str) -> None:
    commands = [line for line in text.splitlines() if line.lstrip().startswith("::")]
    assert not commands, f"a runner takes it for a command: {commands[0]!r}"


Reading = Callable[[str], None]
_LINTED: dict[str, Reading] = {
    "full": _people, "concise": _people, "json": _json, "json-lines": _json_lines, "sarif": _json, "gitlab": _json,
    "junit": _xml, "github": _github,
}  # fmt: skip


class Texts(FuzzerInDirectory):
    """Has text printed that others have written."""

    name = "texts"
    limit_s = 10.0

    def make(self, random: Random) -> bytes:
        parts = [
            random.choice(_PARTS).encode("utf-8", "surrogatepass") if random.random() < 0.95 else noise(random, 4)
            for _ in range(random.randint(1, 6))
        ]
        return random.randbytes(1) + b"".join(parts)

    def check(self, case: bytes) -> None:
        if case:
            way = _WAYS[case[0] % len(_WAYS)]
            way(self.directory, fsdecode(case[1:]))


def _lint(directory: Path, text: str, form: str) -> None:
    _call(
        _LINTED[form],
        "lint",
        "--no-cache",
        "--select",
        "ALL",
        "--output-format",
        form,
        ".",
        cwd=_project(directory, text),
    )


def _analyze(directory: Path, text: str) -> None:
    _call(_people, "analyze", ".", cwd=_project(directory, text))


def _analyze_for_programs(directory: Path, text: str) -> None:
    _call(_json, "analyze", "--output-format", "json", ".", cwd=_project(directory, text))


def _compare_manifest(directory: Path, text: str) -> None:
    function = _project(directory, "")
    (function / "gaia.manifest.toml").write_text(tomli_w.dumps({"mode": {"value": _without_surrogates(text)}}))
    _call(_people, "manifest", ".", cwd=function)


def _configure(directory: Path, text: str) -> None:
    function = _project(directory, "")
    said = _without_surrogates(text)
    (function / "gaia.toml").write_text(
        tomli_w.dumps({"function": {"name": said, said: said}, "slo": {"window_s": said}})
    )
    _call(_people, "analyze", ".", cwd=function)


def _ask(directory: Path, text: str) -> None:
    """Name what is not there; the text is never an option."""
    asked = f"x{text}".replace("\0", "")
    for command in ("rule", "simulate", "analyze", "lint", "manifest", "run"):
        _call(_people, command, asked, cwd=directory)


def _log(_directory: Path, text: str) -> None:
    history, event = RunHistory(), LogLine(CPU, 1, "stdout", text, None)
    history.apply(event)
    for screen, reading in ((LineScreen(), _people), (JsonScreen(), _json_lines)):
        printed = io.TextIOWrapper(io.BytesIO(), "utf-8", errors="surrogatepass")
        with contextlib.redirect_stdout(printed):
            screen.event(event, history)
        printed.seek(0)
        _check(printed.read(), reading)


_WAYS: tuple[Callable[[Path, str], None], ...] = (
    *(partial(_lint, form=form) for form in _LINTED),
    *(_analyze, _analyze_for_programs, _compare_manifest, _configure, _ask, _log),
)


def _project(directory: Path, text: str) -> Path:
    """Write a function whose literals and comments hold the text, beside a file of that name."""
    function = directory / "function"
    shutil.rmtree(function, ignore_errors=True)
    function.mkdir()
    comment = " ".join(text.splitlines()).replace("\0", "").encode(errors="replace")
    source = f'import torch\n\n\ndef handler(payload):\n    return torch.zeros(3).to("cuda:0" {text!a})  # '.encode()
    (function / "func.py").write_bytes(source + comment + b"\n")
    name = fsencode(text.replace("/", "_").replace("\0", "_"))[:_LONGEST_NAME]
    (function / fsdecode(name + b".py")).write_bytes(source + comment + b"\nx = (\n")
    return function


def _without_surrogates(text: str) -> str:
    return text.encode(errors="replace").decode()


def _call(reading: Reading, *arguments: str, cwd: Path) -> None:
    """Call Gaia, and look at all that it prints."""
    done = call_gaia(*arguments, cwd=cwd)
    assert "internal error" not in done.stderr, done.stderr[-500:]
    _check(done.stdout, reading)
    _check(done.stderr, _people)


def _check(printed: str, reading: Reading) -> None:
    steering = [
        one
        for one in printed
        if one in _SEPARATORS | _TURNING or (unicodedata.category(one) in ("Cc", "Cs") and one not in "\n\t")
    ]
    assert not steering, f"{steering[0]!r} is printed: {printed[max(0, printed.index(steering[0]) - 80) :][:160]!r}"
    commands = [command for command in _COMMANDS if command in printed]
    assert not commands, (
        f"a runner takes {commands[0]} for a command: {printed[max(0, printed.index(commands[0]) - 80) :][:160]!r}"
    )
    if printed:
        reading(printed)
