from pathlib import Path

import pytest

from gaia_cli.commands.manifest import manifest
from gaia_cli.errors import AnalysisError, ExitCode, UsageError

NAME = "gaia.manifest.toml"
CLEAN = "def handler(payload):\n    return payload\n"
PINNED = 'import torch\n\n\ndef handler(payload):\n    return torch.zeros(3).to("cuda").tolist()\n'


@pytest.fixture
def function(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "one").mkdir()
    (tmp_path / "one" / "func.py").write_text(CLEAN)
    manifest([Path("one")], write=True)
    return tmp_path / "one"


def test_a_manifest_just_written_is_current(function: Path) -> None:
    assert (function / NAME).is_file()
    assert manifest() is ExitCode.OK
    assert manifest([Path("one")]) is ExitCode.OK


@pytest.mark.parametrize(
    ("file", "text", "reported"),
    [
        ("func.py", PINNED, "its mode is cpu, the sources say gpu"),
        ("func.py", CLEAN + "# changed\n", "its sources have changed"),
        ("gaia.toml", "[slo]\nlatency_p95_ms = 5\n", "[slo] has changed"),
        (NAME, "no TOML", "not valid TOML"),
        (NAME, "x = " + "[" * 5000, "not valid TOML"),
        (NAME, "mode = 3", "its mode is none"),
        (NAME, "", "missing"),
    ],
)
def test_what_has_changed_is_reported(
    function: Path, file: str, text: str, reported: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (function / file).write_text(text)
    capsys.readouterr()

    assert manifest() is ExitCode.FINDINGS
    assert reported in capsys.readouterr().out
    assert manifest(write=True) is ExitCode.OK
    assert manifest() is ExitCode.OK


def test_an_edit_by_hand_is_reported(function: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (function / NAME).write_text((function / NAME).read_text() + "# mine\n")
    capsys.readouterr()

    assert manifest() is ExitCode.FINDINGS
    assert "edited by hand" in capsys.readouterr().out


def test_every_function_below_is_checked(function: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("two", "three/deep", ".hidden"):
        other = function.parent / name
        other.mkdir(parents=True)
        (other / "func.py").write_text(PINNED)
        (other / NAME).write_text("")

    assert manifest() is ExitCode.FINDINGS
    reported = capsys.readouterr().out
    assert f"two/{NAME}" in reported
    assert f"three/deep/{NAME}" in reported
    assert "hidden" not in reported


def test_a_directory_without_any_manifest_is_no_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)

    assert manifest() is ExitCode.OK
    assert "--write" in capsys.readouterr().err


def test_a_function_that_cannot_be_analyzed_gets_no_manifest(function: Path) -> None:
    (function / "func.py").write_text("def handler(:\n")
    before = (function / NAME).read_bytes()

    with pytest.raises(AnalysisError, match=r"one/func\.py:1"):
        manifest(write=True)
    assert (function / NAME).read_bytes() == before


def test_a_single_file_has_its_manifest_beside_it(function: Path) -> None:
    (function / "other.py").write_text(PINNED)

    assert manifest([function / "other.py"], write=True) is ExitCode.OK
    assert b'value = "gpu"' in (function / NAME).read_bytes()


def test_a_path_that_is_not_there_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    with pytest.raises(UsageError, match="two does not exist"):
        manifest([Path("two")])
