"""A project's identity is the same on every machine, for every user, in every checkout."""

import subprocess
from pathlib import Path

import pytest

from gaia_cli.errors import UsageError
from gaia_cli.images.context import ID_FILE
from gaia_cli.project.project import load_project
from gaia_cli.targets.identity import identity_of, keep_id, new_id, remote_name


def function(directory: Path) -> Path:
    directory.mkdir(parents=True)
    (directory / "func.py").write_text("def handler(payload):\n    return payload\n")
    return directory


def git(directory: Path, *arguments: str) -> None:
    subprocess.run(["git", "-C", str(directory), *arguments], check=True, capture_output=True)


@pytest.mark.parametrize(
    "url",
    [
        "git@github.com:Team/Repo.git",
        "https://github.com/Team/Repo",
        "https://ci-token:geheim@GitHub.com/Team/Repo.git/",
        "ssh://git@github.com:22/Team/Repo.git",
    ],
)
def test_a_remote_is_one_whatever_way_it_was_cloned_and_shows_no_password(url: str) -> None:
    assert remote_name(url) == "github.com/Team/Repo"


@pytest.mark.parametrize("url", ["/srv/git/repo.git", "../repo", "file:///srv/git/repo.git", "", "C:\\repo"])
def test_a_remote_of_this_machine_is_none(url: str) -> None:
    assert remote_name(url) == ""


def test_two_checkouts_of_a_repository_are_one_project(tmp_path: Path) -> None:
    found = []
    for place, url in (("one", "git@github.com:team/repo.git"), ("far/other", "https://github.com/team/repo")):
        directory = function(tmp_path / place / "functions" / "hello")
        git(tmp_path / place, "init", "-q")
        git(tmp_path / place, "remote", "add", "origin", url)
        found.append(identity_of(load_project(directory)).project)

    assert found == ["git:github.com/team/repo//functions/hello"] * 2


def test_a_fork_knows_its_project_by_the_remote_upstream(tmp_path: Path) -> None:
    directory = function(tmp_path / "fork")
    git(directory, "init", "-q")
    git(directory, "remote", "add", "origin", "https://github.com/ada/repo")
    git(directory, "remote", "add", "upstream", "https://github.com/team/repo")

    assert identity_of(load_project(directory)).project == "git:github.com/team/repo"


def test_without_a_repository_a_file_beside_the_function_says_it(tmp_path: Path) -> None:
    project = load_project(function(tmp_path / "hello"))
    before = identity_of(project)
    made = new_id()
    keep_id(project, made)
    after = identity_of(project)

    assert (before.project, after.project) == ("", made)
    assert after.sources == before.sources  # the file itself is none of them


def test_equal_sources_have_one_digest_wherever_they_lie(tmp_path: Path) -> None:
    one, other = function(tmp_path / "one"), function(tmp_path / "other")
    same = identity_of(load_project(one)).sources
    assert identity_of(load_project(other)).sources == same

    (other / "gaia.toml").write_text('[function]\nname = "one"\n')

    assert identity_of(load_project(other)).sources != same


def test_a_file_that_holds_something_else_is_refused(tmp_path: Path) -> None:
    directory = function(tmp_path / "hello")
    (directory / ID_FILE).write_text("whatever\n")

    with pytest.raises(UsageError, match="holds no id"):
        identity_of(load_project(directory))
