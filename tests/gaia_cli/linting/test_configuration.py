from pathlib import Path

import pytest

from gaia_cli.errors import ConfigurationError, ExitCode, UsageError
from gaia_cli.project.project import load_project
from tests.gaia_cli.linting.support import BROKEN, PINNED, Project


def test_gaia_toml_says_what_is_linted(project: Project) -> None:
    project.write("func.py")
    project.write("old.py", BROKEN)
    project.write("gaia.toml", '[lint]\nselect = ["GA2"]\nexclude = ["old.py"]\nfail-on = "note"\n')

    assert project.codes() == ["GA201"]
    assert project.lint() is ExitCode.FINDINGS


def test_pyproject_says_so_too_and_flags_go_before(project: Project) -> None:
    project.write("func.py")
    project.write("pyproject.toml", '[tool.gaia.lint]\nignore = ["GA701"]\nextend-select = ["GA201"]\n')

    assert project.codes() == ["GA201"]
    assert project.codes("--ignore", "GA201") == ["GA701"]
    assert project.codes("--select", "GA7", "--ignore", "GA3") == ["GA201", "GA701"]


def test_a_file_named_by_a_hook_is_excluded_all_the_same(project: Project) -> None:
    project.write("vendored/func.py")
    project.write("gaia.toml", '[lint]\nexclude = ["vendored"]\n')

    assert project.codes("vendored/func.py") == []
    assert project.codes("vendored") == []


def test_rules_are_ignored_by_file(project: Project) -> None:
    project.write("tests/func.py")
    project.write("func.py")
    project.write("gaia.toml", '[lint.per-file-ignores]\n"tests/*" = ["GA7"]\n')

    assert project.codes() == ["GA701"]
    assert project.codes("--per-file-ignores", "func.py:GA701") == []


def test_the_nearest_configuration_above_is_used(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    project.write("one/deep/func.py")
    project.write("gaia.toml", '[lint]\nignore = ["GA701"]\n')
    monkeypatch.chdir(project.root / "one" / "deep")
    assert project.codes() == []

    project.write("one/pyproject.toml", '[tool.gaia.lint]\nselect = ["GA701"]\n')
    assert project.codes() == ["GA701"]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ('selct = ["GA2"]', ["selct", "select"]),
        ('select = "GA2"', ["select", "a list of rule codes"]),
        ('ignore = ["E501"]', ["ignore", "a list of rule codes"]),
        ('fail-on = "never"', ["fail-on", '"note"']),
        ("exclude = [1]", ["exclude", "a list of at most 500 patterns"]),
        ('per-file-ignores = ["a"]', ["per-file-ignores", "a table of at most 500 patterns"]),
    ],
)
def test_a_wrong_key_or_value_is_named(project: Project, line: str, words: list[str]) -> None:
    project.write("func.py")
    project.write("gaia.toml", f"[lint]\n{line}\n")

    with pytest.raises(ConfigurationError) as raised:
        project.lint()
    for word in words:
        assert word in f"{raised.value.message} {raised.value.hint}"


def test_a_rule_that_does_not_exist_is_named_with_its_place(project: Project) -> None:
    project.write("gaia.toml", '[lint]\nselect = ["GA299"]\n')

    with pytest.raises(UsageError, match=r"\[lint\]: no rule is called 'GA299'"):
        project.lint()


def test_an_ignore_by_file_without_a_file_is_named(project: Project) -> None:
    with pytest.raises(UsageError, match="GLOB:CODES"):
        project.lint("--per-file-ignores", "GA2")


def test_a_function_with_a_lint_table_is_still_a_function(tmp_path: Path) -> None:
    (tmp_path / "func.py").write_text(PINNED)
    (tmp_path / "gaia.toml").write_text('[lint]\nselect = ["GA2"]\n[slo]\nlatency_p95_ms = 5\n')

    assert load_project(tmp_path).slo.latency_p95_ms == 5
