import os

from gaia_cli.linting.options import Options
from gaia_cli.linting.watch import changes, snapshot
from tests.gaia_cli.linting.support import Project


def test_the_first_look_is_a_change_and_so_is_every_edit(project: Project) -> None:
    path = project.write("func.py")
    seen = changes(Options(), period_s=0)
    next(seen)
    path.write_text("x = 1\n")
    next(seen)
    project.write("new.py", "x = 1\n")
    next(seen)
    path.unlink()
    next(seen)


def test_only_what_is_linted_and_its_configuration_is_looked_at(project: Project) -> None:
    project.write("func.py")
    before = snapshot(Options())
    project.write("notes.txt")
    assert snapshot(Options()) == before

    project.write("gaia.toml", "")
    assert snapshot(Options()) != before


def test_an_edit_of_the_same_size_is_seen_by_its_time(project: Project) -> None:
    path = project.write("func.py", "x = 1\n")
    before = snapshot(Options())
    path.write_text("x = 2\n")
    os.utime(path, ns=(1, 1))

    assert snapshot(Options()) != before


def test_a_configuration_that_is_wrong_for_a_moment_stops_nothing(project: Project) -> None:
    project.write("func.py")
    project.write("gaia.toml", "[lint]\nselect = [")

    assert snapshot(Options()) == {}
