"""Every fuzzer passes a few hundred cases of a fixed seed, and finds a fault that is planted in what it tries."""

import re
import tomllib
from collections.abc import Callable
from functools import lru_cache, partial
from pathlib import Path

import pytest

from analyzers.formats import github
from benchmarks import fuzz_analyzer
from gaia_cli.linting.fixing import fix
from gaia_cli.running.playing import requests_file
from runtime_images.dynamic_runtime.edge import fast_path, response_head
from runtime_images.dynamic_runtime.edge.response_head import ResponseHead
from runtime_images.events import codec
from tests.fuzz import projects
from tests.fuzz.catalogue import FUZZERS
from tests.fuzz.code import Code
from tests.fuzz.events import Events
from tests.fuzz.frames import Frames
from tests.fuzz.fuzzer import Failure, Fuzzer, run
from tests.fuzz.heads import Heads
from tests.fuzz.http import Http
from tests.fuzz.projects import Projects
from tests.fuzz.texts import Texts
from tests.fuzz.traces import Traces
from tests.support.serving import serving_quickly

SEED = 1
CASES = {
    "http": 300,
    "heads": 500,
    "frames": 8,
    "events": 2000,
    "code": 150,
    "projects": 80,
    "traces": 200,
    "texts": 60,
}


@pytest.mark.parametrize("name", FUZZERS)
def test_cases_of_a_fixed_seed_pass(name: str) -> None:
    outcome = run(FUZZERS[name](), SEED, CASES[name])

    assert outcome.cases == CASES[name]
    assert not outcome.failures


def first_found(fuzzer: Fuzzer, cases: int = 1000) -> Failure:
    """The first failure that a fuzzer finds, cut down to its smallest case."""
    outcome = run(fuzzer, SEED, cases, goes_on=lambda so_far: not so_far.failures)
    assert outcome.failures, "the fault is not found"
    return outcome.failures[0]


def test_a_parser_that_takes_a_bare_newline_for_a_line_end_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    pattern = fast_path.ordinary_head.__self__.pattern  # type: ignore[attr-defined]  # a bound method of the pattern
    monkeypatch.setattr(fast_path, "ordinary_head", re.compile(pattern.replace(rb"\r\n", rb"\r?\n")).match)

    assert re.search(rb"[^\r]\n", first_found(Http()).case)


def checked_by(monkeypatch: pytest.MonkeyPatch, check: Callable[[bytes], ResponseHead | None]) -> None:
    monkeypatch.setattr(response_head, "check_head", lru_cache(check))


def test_a_check_that_lets_a_control_character_pass_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    check = response_head.check_head.__wrapped__
    checked_by(monkeypatch, lambda raw: check(raw.replace(b"\x7f", b"~")))

    assert "it is let pass" in first_found(Heads()).what


def test_a_check_that_tries_every_way_to_read_blanks_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    check, slow = (
        response_head.check_head.__wrapped__,
        re.compile(rb"[ -~]*\r\n(?:[a-z-]+: *[^\x00-\x08\n-\x1f]*\r\n)*"),
    )
    checked_by(monkeypatch, lambda raw: check(raw) if slow.fullmatch(raw) else None)
    fuzzer = Heads()
    fuzzer.limit_s, fuzzer.shrink_s = 0.3, 0.0

    assert re.search("TooSlow|takes", first_found(fuzzer).what)


def test_a_front_that_lets_an_error_out_is_found(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(
        "from runtime_images.dynamic_runtime.front.link import WorkerLink\n"
        "def raises(self, data):\n"
        "    self._answers_received(self, self._parser.feed(data))\n"
        "WorkerLink.data_received = raises\n"
    )
    fuzzer = Frames(partial(serving_quickly, GAIA_MODE="cpu", GAIA_REQUEST_TIMEOUT_S="1", PYTHONPATH=str(tmp_path)))
    fuzzer.shrink_s = 0.0

    assert "Traceback" in first_found(fuzzer, 20).what


def test_a_codec_that_takes_a_number_for_a_moment_that_is_none_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(codec, "_read_moment", float)

    assert b'"event"' in first_found(Events()).case


def test_a_fix_that_never_ends_fixing_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fuzz_analyzer, "fix", lambda source, name, rules: fix(source + b"\n", name, rules))

    assert "a second fix" in first_found(Code()).what


def test_a_reader_of_configuration_that_lets_an_error_out_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def read(directory: Path, _root: Path) -> object:
        return tomllib.loads((directory / "gaia.toml").read_text()) if (directory / "gaia.toml").exists() else None

    monkeypatch.setattr(projects, "load_lint", read)

    assert first_found(Projects()).case[0] == list(projects.SEEDS).index("gaia.toml")


def test_a_player_that_can_be_made_to_send_another_header_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(requests_file, "_VALUE", re.compile(r"[\x00-\xff]*"))

    assert b"headers" in first_found(Traces()).case


def test_a_format_that_lets_line_ends_pass_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(github, "_message", str)

    assert first_found(Texts()).case
