import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from gaia_cli.engines import environment_key as module
from gaia_cli.engines.environment_key import environment_key
from gaia_cli.errors import ConfigurationError
from gaia_cli.project.project import load_project

WHEEL = "tiny-1.0-py3-none-any.whl"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return make_project(tmp_path / "one")


def make_project(directory: Path) -> Path:
    """Make a project with two wheels in `wheels`, a local package, and a list of constraints."""
    for name in ("wheels", "mine", "lists/deep"):
        (directory / name).mkdir(parents=True)
    for name in ("func.py", f"wheels/{WHEEL}", "wheels/other-2.tar.gz", "mine/setup.py", "limits.txt", WHEEL):
        (directory / name).write_text("x = 1\n")
    (directory / "with blank").mkdir()
    (directory / "with blank" / WHEEL).write_text("x")
    return directory


def key(directory: Path, requirements: str, environ: Mapping[str, str] | None = None) -> str:
    file, text = directory / "requirements.txt", f"{requirements}\n"
    if not file.exists() or file.read_text() != text:
        file.write_text(text)
    loaded = load_project(directory)
    return environment_key(loaded, loaded.requirements_for(gpu=False), environ or {})


def replace(path: Path) -> None:
    """Write another content of the same size to the file, and give it back its time."""
    before = path.stat()
    path.write_text("x = 2\n" if before.st_size == 6 else "y")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert path.stat().st_size == before.st_size


@pytest.mark.parametrize("requirements", ["", "numpy", f"./wheels/{WHEEL}", "--no-index\n-f wheels\ntiny"])
def test_no_two_projects_have_an_environment_in_common(tmp_path: Path, requirements: str) -> None:
    assert key(make_project(tmp_path / "a"), requirements) != key(make_project(tmp_path / "b"), requirements)


def test_a_project_reached_through_a_link_is_the_same(project: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(project)

    assert key(tmp_path / "link", "numpy") == key(project, "numpy")


@pytest.mark.parametrize(
    ("requirements", "changed"),
    [
        (f"wheels/{WHEEL}", f"wheels/{WHEEL}"),
        (f"./wheels/{WHEEL}", f"wheels/{WHEEL}"),
        (f"{WHEEL}", WHEEL),
        (f"./wheels/{WHEEL}[extra] ; python_version > '3'", f"wheels/{WHEEL}"),
        (f"wheels/{WHEEL} --hash=sha256:00", f"wheels/{WHEEL}"),
        (f"./with blank/{WHEEL}", f"with blank/{WHEEL}"),
        ("--find-links wheels\ntiny", f"wheels/{WHEEL}"),
        ("--find-links=./wheels\ntiny", "wheels/other-2.tar.gz"),
        ("-f ./wheels\ntiny", f"wheels/{WHEEL}"),
        ("-fwheels\ntiny", f"wheels/{WHEEL}"),
        ("-f file:wheels\ntiny", f"wheels/{WHEEL}"),
        (f"tiny @ file:wheels/{WHEEL}", f"wheels/{WHEEL}"),
        (f"tiny@file:wheels/{WHEEL}#sha256=00", f"wheels/{WHEEL}"),
        (f"file:with%20blank/{WHEEL}", f"with blank/{WHEEL}"),
        ("-e mine", "mine/setup.py"),
        ("-e ./mine[extra]", "mine/setup.py"),
        ("--editable=mine", "mine/setup.py"),
        ("mine/", "mine/setup.py"),
        ("./mine", "mine/setup.py"),
        (".", "mine/setup.py"),
        ("../one/mine", "mine/setup.py"),
        ("-c limits.txt\nnumpy", "limits.txt"),
        ("--constraint limits.txt\nnumpy", "limits.txt"),
        ("-f ${WHEELS}\ntiny", f"wheels/{WHEEL}"),
    ],
)
def test_a_file_that_a_requirement_names_and_that_is_changed_in_place_decides(
    project: Path, requirements: str, changed: str
) -> None:
    before = key(project, requirements, {"WHEELS": "wheels"})
    assert key(project, requirements, {"WHEELS": "wheels"}) == before
    replace(project / changed)

    assert key(project, requirements, {"WHEELS": "wheels"}) != before


def test_a_whole_address_of_a_file_is_followed(project: Path, tmp_path: Path) -> None:
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared" / WHEEL).write_text("x")
    for start in ("", "file://", "file://localhost", "tiny @ file://"):
        before = key(project, f"{start}{tmp_path}/shared/{WHEEL}")
        replace(tmp_path / "shared" / WHEEL)
        assert key(project, f"{start}{tmp_path}/shared/{WHEEL}") != before
        (tmp_path / "shared" / WHEEL).write_text("x")


@pytest.mark.parametrize("line", ["-f wheels", "-c limits.txt"])
def test_a_path_in_an_included_list_may_begin_beside_that_list(project: Path, line: str) -> None:
    (project / "lists/deep/wheels").mkdir()
    for name in (f"wheels/{WHEEL}", "limits.txt"):
        (project / "lists/deep" / name).write_text("x = 1\n")
    (project / "lists/deep/more.txt").write_text(f"{line}\nnumpy\n")
    before = key(project, "-r lists/deep/more.txt")
    replace(project / "lists/deep/limits.txt")
    replace(project / "lists/deep/wheels" / WHEEL)

    assert key(project, "-r lists/deep/more.txt") != before


@pytest.mark.parametrize("requirements", ["numpy", "mine", "wheels", "tiny==1.0", "https://x.example/wheels"])
def test_a_file_that_no_requirement_names_decides_nothing(project: Path, requirements: str) -> None:
    before = key(project, requirements)
    replace(project / "mine/setup.py")
    replace(project / "wheels" / WHEEL)

    assert key(project, requirements) == before


@pytest.mark.parametrize(
    "left", ["__pycache__/x.pyc", "build/lib/x.py", "mine.egg-info/PKG-INFO", ".git/index", "dist/x"]
)
def test_what_building_and_running_leave_behind_decides_nothing(project: Path, left: str) -> None:
    before = key(project, "./mine")
    (project / "mine" / left).parent.mkdir(parents=True)
    (project / "mine" / left).write_text("x")

    assert key(project, "./mine") == before


@pytest.mark.parametrize("name", ["PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_NO_BINARY", "PIP_FIND_LINKS"])
def test_pips_settings_decide(project: Path, name: str) -> None:
    one, two = ({name: value} for value in ("https://one.example/", "https://two.example/"))

    assert len({key(project, "numpy"), key(project, "numpy", one), key(project, "numpy", two)}) == 3


def test_other_variables_decide_nothing_unless_a_requirement_names_them(project: Path) -> None:
    environ = {"HOST": "one", "OTHER": "1"}

    assert key(project, "numpy", environ) == key(project, "numpy", {})
    assert key(project, "-i https://${HOST}/", environ) != key(
        project, "-i https://${HOST}/", environ | {"HOST": "two"}
    )


@pytest.mark.parametrize(
    "place", ["home/.config/pip/pip.conf", "home/.pip/pip.conf", "own/pip/pip.conf", "xdg/pip/pip.conf"]
)
def test_pips_configuration_decides_wherever_it_is(project: Path, tmp_path: Path, place: str) -> None:
    environ = {"HOME": str(tmp_path / "home"), "XDG_CONFIG_DIRS": f"{tmp_path}/xdg", "PIP_CONFIG_FILE": ""}
    environ |= {"XDG_CONFIG_HOME": str(tmp_path / "own")} if place.startswith("own") else {}
    before = key(project, "numpy", environ)
    (tmp_path / place).parent.mkdir(parents=True)
    (tmp_path / place).write_text("[global]\nindex-url = https://packages.example/\n")

    assert key(project, "numpy", environ) != before


@pytest.mark.parametrize("text", ["[global]\nfind-links = {}\n", "[install]\nfind-links =\n    https://x/\n    {}\n"])
def test_files_that_pips_configuration_names_decide(project: Path, tmp_path: Path, text: str) -> None:
    (tmp_path / "pip.conf").write_text(text.format(project / "wheels"))
    environ = {"PIP_CONFIG_FILE": str(tmp_path / "pip.conf")}
    before = key(project, "tiny", environ)
    replace(project / "wheels" / WHEEL)

    assert key(project, "tiny", environ) != before


def test_the_cache_that_pips_configuration_names_decides_nothing(project: Path) -> None:
    environ = {"PIP_CACHE_DIR": str(project / "wheels"), "PIP_FIND_LINKS": str(project / "mine")}
    before = key(project, "tiny", environ)
    replace(project / "wheels" / WHEEL)

    assert key(project, "tiny", environ) == before


def test_a_pipe_in_the_place_of_a_configuration_holds_nothing_up(project: Path, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pip.conf")

    assert key(project, "numpy", {"PIP_CONFIG_FILE": str(tmp_path / "pip.conf")})


def test_links_in_a_circle_end(project: Path) -> None:
    (project / "mine/again").symlink_to(project)
    (project / "mine/loop").symlink_to("loop")

    assert key(project, "./mine")


def test_a_directory_without_end_of_files_is_an_error(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MOST_NAMED", 1)

    with pytest.raises(ConfigurationError, match="more than 1 files, such as"):
        key(project, "-f wheels\ntiny")
