"""Links of a repository inside of another tree lead no further than that repository; the tree's own links do."""

import os
from pathlib import Path

import pytest

from analyzers.lean.files import OutsideError, leads_out, read_inside
from tests.support.cli import call_gaia, run_gaia

SECRET = "the_secret_of_the_user = (\n"
HANDLER = "def handler(payload):\n    return payload\n"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Return a directory with a project of the user's own, something secret and a stranger's clone."""
    root = tmp_path / "home"
    (root / "project").mkdir(parents=True)
    (root / "clone" / ".git").mkdir(parents=True)
    (root / ".secret").write_text(SECRET)
    (root / "clone" / "func.py").write_text(HANDLER)
    (root / "clone" / "x.py").symlink_to("../.secret")
    (root / "clone" / "own.py").symlink_to("func.py")
    return root


@pytest.mark.parametrize(
    ("start", "named"),
    [
        ("project", "../clone/x.py"),
        ("project", "../clone"),
        (".", "clone/x.py"),
        (".", "."),
        (".", "mine.py"),
        (".", "{home}/clone/x.py"),
    ],
)
@pytest.mark.parametrize("command", ["lint", "analyze"])
def test_a_link_out_of_a_clone_is_not_followed_from_outside_of_the_clone(
    home: Path, start: str, named: str, command: str
) -> None:
    (home / "mine.py").symlink_to("clone/x.py")

    ended = call_gaia(command, named.format(home=home), cwd=home / start)

    assert "the_secret_of_the_user" not in ended.stdout + ended.stderr
    assert "internal error" not in ended.stderr


def test_a_module_that_is_a_link_out_of_a_clone_tells_nothing(home: Path) -> None:
    (home / ".secret").write_text('DEVICE = "cuda:the_secret_of_the_user"\n')
    (home / "clone" / "y.py").write_text("import torch\nfrom x import DEVICE\nz = torch.zeros(3).to(DEVICE)\n")

    ended = call_gaia("lint", "clone/y.py", "--select", "ALL", cwd=home)

    assert "the_secret_of_the_user" not in ended.stdout


def test_links_inside_of_a_tree_and_into_a_clone_are_followed(home: Path) -> None:
    (home / "into.py").symlink_to("clone/own.py")
    (home / "project" / "up.py").symlink_to("../into.py")
    (home / "folder").symlink_to("project")

    for path in ("clone/own.py", "into.py", "project/up.py", "folder/up.py", "folder/../into.py"):
        assert read_inside(str(home), path, 1000).decode() == HANDLER


@pytest.mark.parametrize(
    "path", ["clone/x.py", "into.py", "clone/up/.secret", "clone/root", "clone/chain41", "loop", "a\0b"]
)
def test_what_leads_out_of_a_clone_or_nowhere_is_outside(home: Path, path: str) -> None:
    (home / "into.py").symlink_to("clone/x.py")
    (home / "loop").symlink_to("loop")
    (home / "clone" / "up").symlink_to("..")
    (home / "clone" / "root").symlink_to(home / ".secret")
    (home / "clone" / "chain0").symlink_to("func.py")
    for number in range(1, 42):
        (home / "clone" / f"chain{number}").symlink_to(f"chain{number - 1}")

    assert leads_out(str(home), path)
    with pytest.raises(OutsideError):
        read_inside(str(home), path, 1000)


@pytest.mark.parametrize("arguments", [("analyze", ".", "--hardware", "link"), ("invoke", ".", "--data", "@link")])
def test_a_file_that_a_flag_names_is_not_read_through_a_link_out_of_the_checkout(
    home: Path, arguments: tuple[str, ...]
) -> None:
    clone = home / "clone"
    (home / "secret.toml").write_text('default = "the_secret_of_the_user"\n[gpu.one]\ngflops = 1\n')
    (clone / "link").symlink_to("../secret.toml")
    (clone / "link.toml").symlink_to("../secret.toml")

    ended = call_gaia(*(one.replace("link", "link.toml") for one in arguments), cwd=clone)

    assert ended.returncode == 2
    assert "leads out of" in ended.stderr
    assert "the_secret_of_the_user" not in ended.stdout + ended.stderr


def test_data_from_an_endless_device_is_refused(home: Path) -> None:
    ended = call_gaia("invoke", ".", "--data", "@/dev/zero", cwd=home / "clone")

    assert ended.returncode == 2
    assert "is larger than" in ended.stderr


@pytest.mark.parametrize("kind", ["pipe", "link", "hole"])
def test_a_directory_of_traces_may_hold_anything(tmp_path: Path, kind: str) -> None:
    traces = tmp_path / "traces"
    traces.mkdir()
    (tmp_path / "else").mkdir()
    (tmp_path / "secret").write_text(SECRET)
    if kind == "pipe":
        os.mkfifo(traces / "a.csv")
    elif kind == "link":
        (traces / "a.csv").symlink_to("../secret")
    else:
        with (traces / "a.csv").open("w") as file:
            file.truncate(20 * 1024**3)

    ended = run_gaia("simulate", "../traces", cwd=tmp_path / "else")

    assert ended.returncode == 2
    assert "a.csv" in ended.stderr
    assert "internal error" not in ended.stderr


def test_a_tree_deeper_than_the_stack_is_walked(home: Path) -> None:
    (home / "project" / "func.py").write_text(HANDLER)
    here = os.open(home / "project", os.O_RDONLY)
    for _ in range(1300):
        os.mkdir("d", dir_fd=here)
        above, here = here, os.open("d", os.O_RDONLY, dir_fd=here)
        os.close(above)
    os.close(here)

    try:
        for command in ("lint", "analyze", "manifest"):
            ended = run_gaia(command, *(["."] if command != "manifest" else []), cwd=home / "project")
            assert ended.returncode == 0, ended.stderr
    finally:
        remove_deep(home / "project" / "d")


def remove_deep(top: Path) -> None:
    """Remove nested directories, which are too deep for `shutil`, from the inside out."""
    paths = [str(top)]
    while os.path.isdir(f"{paths[-1]}/d"):  # noqa: PTH112 -- plain strings
        paths.append(f"{paths[-1]}/d")
    for path in reversed(paths):
        os.rmdir(path)  # noqa: PTH106 -- plain strings


@pytest.mark.parametrize(
    "line",
    [
        'entrypoint = "a\\u0000.py"',
        'entrypoint = "loop.py"',
        f'entrypoint = "{"a" * 300}.py"',
        'requirements = "\\u0000"',
    ],
)
def test_a_name_that_no_file_can_have_is_an_error_and_no_bug(home: Path, line: str) -> None:
    (home / "clone" / "loop.py").symlink_to("loop.py")
    (home / "clone" / "gaia.toml").write_text(f"[function]\n{line}\n")

    ended = call_gaia("analyze", ".", cwd=home / "clone")

    assert ended.returncode == 2
    assert "internal error" not in ended.stderr


def test_a_configuration_of_the_linter_may_be_a_link_inside_of_the_repository(home: Path) -> None:
    clone = home / "clone"
    (clone / "part").mkdir()
    (clone / "lint.toml").write_text('[lint]\nignore = ["GA2"]\n')
    (clone / "part" / "gaia.toml").symlink_to("../lint.toml")
    (clone / "part" / "a.py").write_text(HANDLER)

    ended = call_gaia("lint", "a.py", cwd=clone / "part")

    assert ended.returncode == 0, ended.stderr
