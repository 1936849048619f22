from gaia_cli.commands.manifest import manifest
from gaia_cli.errors import ExitCode
from tests.gaia_cli.linting.support import CLEAN, PINNED, Project


def test_a_pin_against_the_code_is_found_where_it_is_declared(project: Project) -> None:
    project.write("one/func.py", PINNED + "import bitsandbytes\n")
    project.write("one/gaia.toml", '[mode]\npin = "cpu"\n')

    assert project.codes("--ignore", "GA7") == ["GA801"]
    assert project.output.startswith("one/gaia.toml:2:")
    assert project.lint() is ExitCode.FINDINGS


def test_a_manifest_that_is_behind_its_sources_is_found(project: Project) -> None:
    project.write("one/func.py", CLEAN)
    manifest([project.root / "one"], write=True)
    assert project.codes("one") == []

    project.write("one/func.py", CLEAN + "# changed\n")
    assert project.codes("one") == ["GA804"]
    assert project.codes("one/func.py") == []
    assert project.codes("one", "--ignore", "GA8") == []
    assert project.codes("one", "--per-file-ignores", "one/*.toml:GA804") == []


def test_a_table_about_linting_makes_no_function(project: Project) -> None:
    project.write("func.py", CLEAN)
    project.write("gaia.toml", '[lint]\nselect = ["ALL"]\n')

    assert project.codes("--select", "GA8") == []


def test_what_is_excluded_is_not_held_against_anything(project: Project) -> None:
    project.write("old/func.py", CLEAN)
    project.write("old/gaia.manifest.toml", "no TOML")

    assert project.codes() == ["GA806"]
    assert project.codes("--exclude", "old") == []
