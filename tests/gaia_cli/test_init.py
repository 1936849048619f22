import tomllib
from pathlib import Path

import pytest

from gaia_cli.project.project import load_project
from runtime_images.entrypoint import EntryForm, find_entry
from tests.support.cli import call_gaia


@pytest.mark.parametrize(("template", "form"), [("handler", EntryForm.HANDLER), ("knative", EntryForm.NEW)])
def test_what_is_written_is_a_function(template: str, form: EntryForm, tmp_path: Path) -> None:
    done = call_gaia("init", "My Function", "--template", template, cwd=tmp_path)

    written = tmp_path / "My Function"
    assert done.returncode == 0
    assert {path.name for path in written.iterdir()} == {"func.py", "gaia.toml", "requirements.txt"}
    assert find_entry(written).form is form
    assert load_project(written).name == "my-function"
    assert load_project(written).requirements.lines == ()


def test_the_name_can_be_given(tmp_path: Path) -> None:
    call_gaia("init", "x", "--name", "other", cwd=tmp_path)

    assert tomllib.loads((tmp_path / "x" / "gaia.toml").read_text())["function"] == {"name": "other"}


def test_a_name_that_is_not_valid_is_refused_with_one_that_is(tmp_path: Path) -> None:
    failed = call_gaia("init", "x", "--name", "My Name", cwd=tmp_path)

    assert failed.returncode == 2
    assert "hint: use --name my-name" in failed.stderr
    assert not (tmp_path / "x").exists()


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    (tmp_path / "func.py").write_text("mine")

    failed = call_gaia("init", ".", cwd=tmp_path)
    assert failed.returncode == 2
    assert "func.py would be overwritten" in failed.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["func.py"]
    assert (tmp_path / "func.py").read_text() == "mine"


def test_other_files_may_be_there(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").touch()

    assert call_gaia("init", ".", cwd=tmp_path).returncode == 0


def test_a_place_that_cannot_be_a_directory_is_reported(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    failed = call_gaia("init", "file/x", cwd=tmp_path)
    assert failed.returncode == 2
    assert "error: cannot write to file/x" in failed.stderr


def test_the_next_steps_are_quoted_for_the_shell(tmp_path: Path) -> None:
    assert "gaia run 'a b'" in call_gaia("init", "a b", cwd=tmp_path).stdout


def test_a_directory_that_begins_with_a_dash_is_not_shown_as_an_option(tmp_path: Path) -> None:
    written = call_gaia("init", "--", "-f", cwd=tmp_path)

    assert "gaia run ./-f\n" in written.stdout
    assert call_gaia("analyze", "./-f", cwd=tmp_path).returncode == 0
