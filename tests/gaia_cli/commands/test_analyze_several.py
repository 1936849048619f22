import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from gaia_cli.commands.analyze import analyze
from gaia_cli.commands.manifest import manifest
from gaia_cli.errors import ExitCode, UsageError
from tests.support.cli import GAIA
from tests.support.closed import CAN_CLOSE, WITHOUT_POWERS, closed

_CPU = "def handler(payload):\n    return payload\n"
_GPU = 'import torch\n\n\ndef handler(payload):\n    return torch.zeros(3).to("cuda")\n'
_BROKEN = "def handler(payload:\n    return 1\n"
_SERVED = "import torch\n\n\ndef handler(event, context):\n    return event\n"
_SERVERLESS = "functions:\n  one:\n    handler: one.handler\n  two:\n    handler: two.handler\n"


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, code in (("a", _CPU), ("b", _GPU), ("c", _CPU)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "func.py").write_text(code)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def _json(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    written: dict[str, Any] = json.loads(capsys.readouterr().out)
    return written


@pytest.mark.usefixtures("repository")
def test_people_see_a_row_for_each_function(capsys: pytest.CaptureFixture[str]) -> None:
    assert analyze(Path()) is ExitCode.OK

    rows = capsys.readouterr().out.splitlines()
    assert [row.split()[:2] for row in rows[:3]] == [["a", "cpu"], ["b", "gpu"], ["c", "cpu"]]
    assert "it needs a GPU" in rows[1]
    assert rows[3].startswith("3 functions: 2 cpu, 1 gpu")


@pytest.mark.usefixtures("repository")
def test_json_of_one_function_keeps_its_shape_and_all_makes_it_a_list(capsys: pytest.CaptureFixture[str]) -> None:
    analyze(Path("a"), output_format="json")
    one = _json(capsys)
    analyze(Path("a"), output_format="json", as_list=True)
    listed = _json(capsys)

    assert one["mode"] == "cpu"
    assert set(listed) == {"schema_version", "functions", "errors"}
    assert set(listed["functions"][0]) - set(one) == {"path", "name"}


@pytest.mark.usefixtures("repository")
def test_json_of_several_functions_is_the_list_with_or_without_all(capsys: pytest.CaptureFixture[str]) -> None:
    analyze(Path(), output_format="json")
    found = [(one["path"], one["name"], one["mode"]) for one in _json(capsys)["functions"]]

    assert found == [("a", "a", "cpu"), ("b", "b", "gpu"), ("c", "c", "cpu")]


@pytest.mark.usefixtures("repository")
def test_several_paths_are_taken_once_each(capsys: pytest.CaptureFixture[str]) -> None:
    assert analyze(Path("c"), Path("b/func.py"), Path("c"), output_format="json") is ExitCode.OK

    assert [one["path"] for one in _json(capsys)["functions"]] == ["c", "b/func.py"]


@pytest.mark.usefixtures("repository")
def test_a_wrong_path_is_exit_2_and_the_others_are_reported(capsys: pytest.CaptureFixture[str]) -> None:
    assert analyze(Path("a"), Path("missing"), Path("b"), output_format="json") is ExitCode.USAGE

    streams = capsys.readouterr()
    written = json.loads(streams.out)
    assert [one["path"] for one in written["functions"]] == ["a", "b"]
    assert [one["path"] for one in written["errors"]] == ["missing"]
    assert "error: missing: missing does not exist" in streams.err


def test_the_exit_code_is_the_worst_and_the_row_says_which_file(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (repository / "c" / "func.py").write_text(_BROKEN)

    assert analyze(Path()) is ExitCode.USAGE
    lines = capsys.readouterr().out.splitlines()
    assert lines[2].startswith("c ")
    assert "func.py:1: the code is not valid" in lines[3]
    assert "[GA901]" in lines[3]


def test_a_configuration_that_is_wrong_costs_its_function_only(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (repository / "a" / "gaia.toml").write_text("[function]\nnonsense = 1\n")

    assert analyze(Path(), output_format="json") is ExitCode.USAGE
    written = _json(capsys)
    assert [one["path"] for one in written["functions"]] == ["b", "c"]
    assert written["errors"][0]["path"] == "a"


def test_manifests_are_written_beside_each_and_found_again(repository: Path) -> None:
    assert analyze(Path(), write=True) is ExitCode.OK
    assert [(repository / name / "gaia.manifest.toml").is_file() for name in "abc"] == [True] * 3
    assert manifest() is ExitCode.OK
    assert manifest([Path()]) is ExitCode.OK

    (repository / "b" / "func.py").write_text(_CPU)
    assert manifest([Path()]) is ExitCode.FINDINGS
    assert manifest() is ExitCode.FINDINGS


def test_handlers_that_share_a_directory_have_no_manifest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "serverless.yml").write_text(_SERVERLESS)
    for name in ("one", "two"):
        (tmp_path / f"{name}.py").write_text(_SERVED)
    monkeypatch.chdir(tmp_path)

    assert analyze(Path(), output_format="json") is ExitCode.OK
    assert [(one["path"], one["name"]) for one in _json(capsys)["functions"]] == [("one.py", "one"), ("two.py", "two")]
    assert analyze(Path(), write=True) is ExitCode.USAGE
    assert "has several functions, and one manifest" in capsys.readouterr().err
    assert not (tmp_path / "gaia.manifest.toml").exists()


def test_shared_code_is_named_and_its_change_makes_the_manifest_stale(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (repository / "common").mkdir()
    (repository / "common" / "work.py").write_text("def work(x):\n    return x\n")
    code = "from common.work import work\n\n\ndef handler(payload):\n    return work(payload)\n"
    (repository / "a" / "func.py").write_text(code)

    assert analyze(Path("a"), write=True) is ExitCode.OK
    assert "a imports ../common/work.py outside of it: read" in capsys.readouterr().err
    assert manifest() is ExitCode.OK
    (repository / "common" / "work.py").write_text("import torch\n\n\ndef work(x):\n    return torch.ones(x).cuda()\n")
    assert manifest() is ExitCode.FINDINGS


def test_a_tree_without_any_python_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("no code")

    with pytest.raises(Exception, match="no Python file in"):
        analyze(tmp_path)
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match="contains no function"):
        analyze(tmp_path / "empty")


@pytest.mark.skipif(not CAN_CLOSE, reason="nothing is closed to root here")
@pytest.mark.parametrize("shut", ["b", "b/func.py"])
def test_what_may_not_be_read_is_exit_2_and_the_others_are_reported(repository: Path, shut: str) -> None:
    with closed(repository / shut):
        command = (*WITHOUT_POWERS, GAIA, "analyze", ".", "--all", "-o", "json")
        ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)

    written = json.loads(ended.stdout)
    assert ended.returncode == ExitCode.USAGE
    assert {"a", "c"} <= {one["path"] for one in written["functions"]}
    assert shut.rpartition("/")[2] in ended.stdout
    assert "may not be read" in ended.stdout
    assert "internal" not in ended.stderr
