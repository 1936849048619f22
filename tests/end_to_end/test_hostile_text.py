"""Hostile checkouts, functions and answers, as a terminal, a pipe and a program get what `gaia` says of them."""

import json
import os
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from xml.etree import ElementTree as ET

import pytest

from analyzers.lean.printable import harmless, printable
from tests.support.cli import GAIA, call_gaia, run_gaia
from tests.support.hostile import commands, on_a_terminal, unseen

CODE = 'import torch\nx = torch.zeros(3, device="cuda")  # \x1b[31m\u202e##[set-output name=a;]b \x9b2J\n'
NAMES = (
    "::add-mask::d.py",
    "::set-output name=passed::true;b.py",
    " ::error::e.py",
    "##[group]f.py",
    "a\x1b]0;OWNED\x07.py",
    "line\n::error::x\r.py",
    "\u202egnp.\u2028\x9b31m.py",
    "caf\udce9.py",
    "[red]x[bold] [link=http:evil] :bomb:.py",
    "quoted \"'$(touch x)`\\.py",
    "]]><img src=x>&.py",
)
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A repository of files with hostile names and hostile lines."""
    subprocess.run(["git", "init", "-q", "."], cwd=tmp_path, check=True)
    for name in NAMES:
        (tmp_path / name).write_text(CODE, encoding="utf-8")
    return tmp_path


def written_as_text(name: str) -> str:
    return name.replace("\udce9", "\\udce9")


def assert_harmless(text: str) -> None:
    assert unseen(text) == set()
    assert commands(text) == []


@pytest.mark.parametrize("form", ["full", "concise"])
def test_a_terminal_and_a_pipe_get_findings_that_steer_nothing_and_name_their_files(form: str, checkout: Path) -> None:
    piped = call_gaia("lint", ".", "--no-cache", "--output-format", form, cwd=checkout).stdout
    shown = on_a_terminal([GAIA, "lint", ".", "--no-cache", "--output-format", form], checkout)

    assert piped == shown
    assert_harmless(shown)
    for name in NAMES:
        assert shown.count(harmless(printable(f"{name}:2:"))) == 1


def test_every_format_for_programs_names_the_files_in_harmless_bytes(checkout: Path) -> None:
    said = {
        form: call_gaia("lint", ".", "--no-cache", "--output-format", form, cwd=checkout).stdout
        for form in ("json", "json-lines", "sarif", "gitlab", "junit")
    }

    for text in said.values():
        assert_harmless(text)
    truth = {written_as_text(name) for name in NAMES}
    assert {one["path"] for one in json.loads(said["json"])["findings"]} == truth
    assert {json.loads(line)["path"] for line in said["json-lines"].splitlines()} == truth
    assert {one["location"]["path"] for one in json.loads(said["gitlab"])} == truth
    assert len(json.loads(said["sarif"])["runs"][0]["results"]) == len(NAMES)
    assert len(list(ET.fromstring(said["junit"]).iter("failure"))) == len(NAMES)  # noqa: S314 -- ours


def test_github_gets_an_annotation_a_finding_and_no_command_of_the_checkouts(checkout: Path) -> None:
    text = call_gaia("lint", ".", "--no-cache", "--output-format", "github", cwd=checkout).stdout

    assert unseen(text) == set()
    lines = text.splitlines()
    assert len(lines) == len(NAMES)
    assert all(line.startswith("::warning title=gaia (GA70") for line in lines)
    assert "##[" not in text


def test_reports_in_files_are_as_harmless(checkout: Path) -> None:
    call_gaia("lint", ".", "--no-cache", "--output", "full:full.txt", "--output", "junit:junit.xml", cwd=checkout)

    for name in ("full.txt", "junit.xml"):
        assert_harmless((checkout / name).read_text("utf-8"))


def test_hostile_names_are_fixed_cached_and_known_from_a_baseline(checkout: Path) -> None:
    call_gaia("lint", ".", "--write-baseline", "known.json", cwd=checkout)
    assert_harmless((checkout / "known.json").read_text("utf-8"))
    for _ in range(2):  # from the cache, too
        again = call_gaia("lint", ".", "--baseline", "known.json", cwd=checkout)
        assert again.stdout == f"nothing found in {len(NAMES)} files\n"

    assert call_gaia("lint", ".", "--fix", cwd=checkout).stderr == f"fixed {len(NAMES)} places in {len(NAMES)} files\n"
    assert all("is_available" in (checkout / name).read_text("utf-8") for name in NAMES)


def test_a_diff_applies_where_it_is_piped_and_steers_nothing_on_a_terminal(checkout: Path) -> None:
    subprocess.run(["git", "add", "-A"], cwd=checkout, check=True)
    piped = run_gaia("lint", "--diff", "--no-cache", ".", cwd=checkout).stdout
    shown = on_a_terminal([GAIA, "lint", "--diff", "--no-cache", "."], checkout)

    assert_harmless(shown)
    assert shown.count("+x = torch") == len(NAMES)
    subprocess.run(["git", "apply"], cwd=checkout, input=piped.encode(), check=True)
    assert all("is_available" in (checkout / name).read_text("utf-8") for name in NAMES)


def test_an_analysis_is_harmless_to_a_terminal_a_pipe_and_a_program(tmp_path: Path) -> None:
    (tmp_path / "func.py").write_text(
        "import torch\n\n\ndef handler(payload):\n"
        r'    x = torch.zeros(3).to("cuda:0\x1b]0;OWNED\x07\u202e\n::add-mask::e\n")'
        f"  {CODE.partition('  ')[2]}    return x\n"
    )

    shown = _COLOURS.sub("", on_a_terminal([GAIA, "analyze", "."], tmp_path))
    assert_harmless(shown)
    assert "\\x1b]0;OWNED\\x07\\u202e\\x0a::add-mask::e" in shown
    assert_harmless(call_gaia("analyze", ".", cwd=tmp_path).stdout)
    as_json = call_gaia("analyze", ".", "--output-format", "json", cwd=tmp_path).stdout
    assert_harmless(as_json)
    assert json.loads(as_json)["mode"] == "gpu"


def test_a_manifest_that_says_an_odd_mode_is_quoted_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "func.py").write_text("def handler(payload):\n    return payload\n")
    call_gaia("analyze", ".", "--write", cwd=tmp_path)
    manifest = tmp_path / "gaia.manifest.toml"
    evil = r'value = "\u001b]0;OWNED\u0007\n::error::x ##[x] [red]"'
    manifest.write_text(re.sub('value = ".*"', lambda _: evil, manifest.read_text(), count=1))

    said = call_gaia("manifest", ".", cwd=tmp_path).stdout
    assert_harmless(said)
    assert said.startswith("gaia.manifest.toml: its mode is \\x1b]0;OWNED\\x07\\x0a::error::x #\\x23[x] [red], the ")
    assert_harmless(call_gaia("lint", ".", "--select", "GA8", cwd=tmp_path).stdout)


@pytest.mark.parametrize(
    "arguments",
    [
        ["lint"], ["analyze"], ["build"], ["run"], ["invoke"], ["init", "--name"], ["manifest"], ["simulate"], ["rule"],
        ["lint", "--select"], ["lint", "--baseline"], ["lint", "--output"], ["build", ".", "--tag"], [],
        ["invoke", "http://127.0.0.1:1", "--header"], ["run", ".", "--play"],
    ],
    ids=" ".join,
)  # fmt: skip
def test_an_argument_that_a_glob_made_of_a_files_name_is_named_in_one_line(
    arguments: list[str], tmp_path: Path
) -> None:
    for name in NAMES[:-3]:
        failed = call_gaia(*arguments, f"-{name}" if arguments == ["lint"] else f"{name}/no", cwd=tmp_path)

        assert failed.returncode == 2, failed
        assert_harmless(failed.stdout + failed.stderr)
        assert re.fullmatch("error: .*\n(hint: .*\n)?", failed.stderr), failed.stderr


class Evil(BaseHTTPRequestHandler):
    """Answers with text that would rename the terminal, hide, and command a runner of CI."""

    def do_GET(self) -> None:
        kind = self.path.strip("/")
        body = {
            "json": '{"a": "\x7f\x9b2J\u202e##[x]"}'.encode(),
            "text": "\x1b]0;OWNED\x07\n::error::x\r##[x]\u202e\n".encode(),
            "binary": b"\xff\x00\x1b]0;OWNED\x07\n::error::x\n",
        }[kind]
        self.send_response(200, "OK\x1b]0;OWNED\x07 ##[x]")
        self.send_header("Content-Type", "application/json" if kind == "json" else "text/plain")
        self.send_header("X-Gaia-Backend", "cpu\x9b2J ##[x]\x1b[2J")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_arguments: object) -> None:
        """Say nothing."""


@contextmanager
def evil_server() -> Iterator[str]:
    """The URL of a server of hostile answers, for as long as it is entered."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Evil)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_an_answer_is_harmless_on_a_terminal_and_goes_into_a_pipe_as_it_is(tmp_path: Path) -> None:
    with evil_server() as url:
        for kind in ("json", "text", "binary"):
            command = [GAIA, "invoke", f"{url}/{kind}", "--verbose"]
            assert_harmless(on_a_terminal(command, tmp_path))
            done = subprocess.run(command, capture_output=True, check=True, timeout=60)
            assert_harmless(done.stderr.decode())
            assert b"OWNED" in done.stdout or "\u202e".encode() in done.stdout
        assert done.stdout == b"\xff\x00\x1b]0;OWNED\x07\n::error::x\n"


def test_a_locale_without_the_characters_gets_escapes_and_programs_get_utf_8(tmp_path: Path) -> None:
    (tmp_path / "größe.py").write_text(CODE.replace("\x1b", "雪"), encoding="utf-8")
    ascii_only = {**os.environ, "PYTHONIOENCODING": "ascii"}
    for form, code in (("full", "ascii"), ("json", "utf-8"), ("junit", "utf-8"), ("sarif", "utf-8")):
        done = subprocess.run(
            [GAIA, "lint", ".", "--no-cache", "--output-format", form],
            cwd=tmp_path, env=ascii_only, capture_output=True, check=False, timeout=60,
        )  # fmt: skip

        assert (done.returncode, done.stderr) == (1, b"")
        assert done.stdout.decode(code)
