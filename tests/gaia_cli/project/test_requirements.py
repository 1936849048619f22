from pathlib import Path

import pytest

from gaia_cli.errors import ConfigurationError
from gaia_cli.project.project import load_project
from gaia_cli.project.requirements import requirements_file


@pytest.fixture
def function(tmp_path: Path) -> Path:
    (tmp_path / "func.py").write_text("def handler(payload):\n    return payload\n")
    return tmp_path


def test_requirements_txt_is_found(function: Path) -> None:
    (function / "requirements.txt").write_text("# tools\nnumpy>=2  # arrays\n\n  httpx [http2]\n")
    (function / "pyproject.toml").write_text('[project]\ndependencies = ["torch"]\n')

    project = load_project(function)
    assert project.requirements.lines == ("numpy>=2", "httpx [http2]")
    assert project.requirements.file == "requirements.txt"


def test_the_dependencies_of_pyproject_count_without_a_requirements_file(function: Path) -> None:
    (function / "pyproject.toml").write_text('[project]\ndependencies = ["numpy", "torch"]\n')

    project = load_project(function)
    assert (project.requirements.lines, project.requirements.file) == (("numpy", "torch"), "")


def test_the_configured_ones_go_before_what_is_found(function: Path) -> None:
    (function / "requirements.txt").write_text("numpy\n")
    (function / "gaia.toml").write_text('[function]\nrequirements = ["httpx"]\n')

    assert load_project(function).requirements.lines == ("httpx",)


def test_an_empty_list_means_none(function: Path) -> None:
    (function / "requirements.txt").write_text("numpy\n")
    (function / "gaia.toml").write_text("[function]\nrequirements = []\n")

    assert load_project(function).requirements.lines == ()


def test_included_files_are_flattened_and_long_lines_joined(function: Path) -> None:
    (function / "deps").mkdir()
    (function / "requirements.txt").write_text("-r deps/a.txt\nlast\n")
    (function / "deps" / "a.txt").write_text("first \\\n  --hash=sha256:00\n--requirement=b.txt\n")
    (function / "deps" / "b.txt").write_text("second\n")

    assert load_project(function).requirements.lines == ("first   --hash=sha256:00", "second", "last")


def test_a_missing_included_file_is_reported_with_the_line_that_includes_it(function: Path) -> None:
    (function / "requirements.txt").write_text("-r absent.txt\n")

    with pytest.raises(ConfigurationError, match=r"requirements\.txt: -r absent\.txt: cannot read .*absent\.txt"):
        load_project(function)


def test_a_missing_configured_file_is_reported_with_its_key(function: Path) -> None:
    (function / "gaia.toml").write_text('[function]\ngpu_requirements = "absent.txt"\n')

    with pytest.raises(ConfigurationError, match=r"gaia\.toml: \[function\] gpu_requirements: cannot read"):
        load_project(function)


def test_files_that_include_each_other_are_reported(function: Path) -> None:
    (function / "requirements.txt").write_text("-r requirements.txt\n")

    with pytest.raises(ConfigurationError, match="include each other"):
        load_project(function)


def test_dependencies_that_are_no_list_are_reported(function: Path) -> None:
    (function / "pyproject.toml").write_text('[project]\ndependencies = "numpy"\n')

    with pytest.raises(ConfigurationError, match=r"pyproject\.toml: \[project\] dependencies must be a list"):
        load_project(function)


def test_the_lines_of_constraints_are_known_where_all_their_files_are(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("-c limits.txt\nnumpy\n", encoding="utf-8")
    assert requirements_file(tmp_path, "requirements.txt", "").constraints is None
    (tmp_path / "limits.txt").write_text("numpy<3\n-c more.txt\n", encoding="utf-8")
    assert requirements_file(tmp_path, "requirements.txt", "").constraints is None
    (tmp_path / "more.txt").write_text("scipy<2\n", encoding="utf-8")
    assert requirements_file(tmp_path, "requirements.txt", "").constraints == ("numpy<3", "scipy<2")
