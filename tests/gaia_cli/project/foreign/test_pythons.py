"""The Python of a function is one that its project allows, and the one that is there where it may be."""

from pathlib import Path

import pytest

from analyzers.lean import toml
from gaia_cli.project.foreign.pythons import python_of
from gaia_cli.project.project import load_project


def wanted(directory: Path, pyproject: str, running: str = "3.11") -> tuple[str, str]:
    (directory / "pyproject.toml").write_text(pyproject)
    return python_of(directory, toml.loads(pyproject), running)


@pytest.mark.parametrize(
    ("pyproject", "python"),
    [
        ('[project]\nrequires-python = ">=3.11"\n', ""),
        ('[project]\nrequires-python = ">=3.12,<3.14"\n', "3.12"),
        ('[project]\nrequires-python = "==3.13.*"\n', "3.13"),
        ('[project]\nrequires-python = ">=3.11.5"\n', ""),
        ('[project]\nrequires-python = "nonsense"\n', ""),
        ('[tool.poetry.dependencies]\npython = "~3.12"\n', "3.12"),
        ("project = 3\n[tool]\npoetry = []\n", ""),
        ("", ""),
    ],
)
def test_it_is_the_running_one_or_the_oldest_that_is_allowed(tmp_path: Path, pyproject: str, python: str) -> None:
    assert wanted(tmp_path, pyproject) == (python, "")


@pytest.mark.parametrize(
    ("pinned", "python"), [("3.13\n", "3.13"), ("3.13.2", "3.13"), ("3.11", "3.12"), ("pypy", "3.12")]
)
def test_the_one_that_its_author_works_with_goes_before_older_ones(tmp_path: Path, pinned: str, python: str) -> None:
    (tmp_path / ".python-version").write_text(pinned)

    assert wanted(tmp_path, '[project]\nrequires-python = ">=3.12"\n') == (python, "")


@pytest.mark.parametrize(
    ("pyproject", "words"),
    [
        ('[project]\nname = "x"\nrequires-python = "<3.11"\n', ':3: requires-python = "<3.11"'),
        ('[tool.poetry.dependencies]\npython = "~3.8"\n', ':2: python = "~3.8"'),
    ],
)
def test_who_asks_for_an_older_one_is_told_what_runs_instead(tmp_path: Path, pyproject: str, words: str) -> None:
    python, said = wanted(tmp_path, pyproject)

    assert python == ""
    assert said == f"{tmp_path}/pyproject.toml{words}: Gaia runs Python 3.11 to 3.14, and takes 3.11"


@pytest.mark.parametrize(("version", "python", "is_said"), [("3.12", "3.12", 0), ("3.11.4", "", 0), ("3.9", "", 1)])
def test_that_of_cog_is_taken(tmp_path: Path, version: str, python: str, is_said: int) -> None:
    (tmp_path / "cog.yaml").write_text(f'build:\n  python_version: "{version}"\n')
    taken, said = python_of(tmp_path, {}, "3.11")

    assert (taken, said.count(f"cog.yaml:2: python_version: {version}")) == (python, is_said)


def test_the_one_in_gaia_toml_goes_before_all_and_says_nothing(tmp_path: Path) -> None:
    (tmp_path / "func.py").write_text("def handler(payload): ...\n")
    (tmp_path / "pyproject.toml").write_text('[project]\nrequires-python = "<3.11"\n')
    assert load_project(tmp_path).python_said

    (tmp_path / "gaia.toml").write_text('[function]\npython = "3.12"\n')
    project = load_project(tmp_path)
    assert (project.python, project.python_said) == ("3.12", "")
