"""A checkout brings links; nothing is ever written through one."""

import hashlib
import os
from pathlib import Path

import pytest

from analyzers.lean.writing import write_inside, write_named
from tests.security.support import AT_IMPORT, PINNED, SECRET
from tests.support.cli import call_gaia


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    root = tmp_path / "checkout"
    (root / ".git").mkdir(parents=True)
    (root / "func.py").write_text(PINNED)
    (root / "early.py").write_text(AT_IMPORT)
    return root


def state(directory: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in sorted(directory.iterdir())}


COMMANDS = {
    "gaia.manifest.toml": ("analyze", ".", "--write"),
    "known.json": ("lint", "--write-baseline", "known.json"),
    "out.sarif": ("lint", "--output", "sarif:out.sarif"),
    "load.csv": ("run", ".", "--record", "load.csv"),
    "page.html": ("simulate", "ramp", "--report", "page.html"),
    "requirements.txt": ("init", "."),
}
"""The name of a file that a command writes, and the command."""


@pytest.mark.parametrize("name", COMMANDS)
@pytest.mark.parametrize("target", ["file", "new"])
def test_a_file_that_a_command_writes_is_no_way_out(checkout: Path, victim: Path, name: str, target: str) -> None:
    if name == "requirements.txt":
        (checkout / "func.py").unlink()
    (checkout / name).symlink_to(victim / target)

    ended = call_gaia(*COMMANDS[name], cwd=checkout)

    assert ended.returncode == 2
    assert name in ended.stderr
    assert "Traceback" not in ended.stderr
    assert state(victim) == {"file": SECRET}
    assert (checkout / name).is_symlink()


def test_manifest_writes_through_no_link(checkout: Path, victim: Path) -> None:
    (checkout / "gaia.manifest.toml").symlink_to(victim / "file")

    ended = call_gaia("manifest", ".", "--write", cwd=checkout)

    assert ended.returncode == 2
    assert "gaia.manifest.toml leads out of the function's directory" in ended.stderr
    assert state(victim) == {"file": SECRET}


@pytest.mark.parametrize(
    "arguments", [("--write-baseline", "out/x"), ("--output", "json:out/x"), ("--cache-dir", "out/x")]
)
def test_a_directory_that_is_a_link_is_no_way_out(checkout: Path, victim: Path, arguments: tuple[str, str]) -> None:
    (checkout / "out").symlink_to(victim)

    ended = call_gaia("lint", *arguments, cwd=checkout)

    assert ended.returncode == (1 if "--cache-dir" in arguments else 2)
    assert state(victim) == {"file": SECRET}


def cache_name(root: Path) -> str:
    return f"{hashlib.blake2b(os.fsencode(root), digest_size=16).hexdigest()}-switchability.json"


@pytest.mark.parametrize("what", ["the directory", "its ignore file", "its file"])
@pytest.mark.parametrize("where", [".gaia_cache", "deep/kept"])
def test_the_cache_is_no_way_out(checkout: Path, victim: Path, what: str, where: str) -> None:
    cache = checkout / where
    if what == "the directory":
        cache.parent.mkdir(exist_ok=True)
        cache.symlink_to(victim)
    else:
        cache.mkdir(parents=True)
        name = ".gitignore" if what == "its ignore file" else cache_name(checkout)
        (cache / name).symlink_to(victim / "file")

    for arguments in ((), ("--cache-dir", where)):
        ended = call_gaia("lint", "early.py", *arguments, cwd=checkout)
        assert "GA701" in ended.stdout
    assert state(victim) == {"file": SECRET}


def test_by_default_nothing_is_written_into_the_checkout(checkout: Path, tmp_path: Path) -> None:
    before = sorted(checkout.rglob("*"))

    call_gaia("lint", cwd=checkout, env={"GAIA_CACHE_DIR": str(tmp_path / "cache")})

    assert sorted(checkout.rglob("*")) == before
    assert [path.name for path in (tmp_path / "cache" / "lint").glob("*.json")] == [cache_name(checkout)]


def test_a_fix_goes_through_no_link(checkout: Path, victim: Path) -> None:
    (victim / "own.py").write_text(PINNED)
    (checkout / "linked.py").symlink_to(victim / "own.py")
    (checkout / "inner.py").symlink_to("func.py")

    ended = call_gaia("lint", "--fix", "linked.py", "inner.py", "func.py", "--select", "ALL", cwd=checkout)

    assert (victim / "own.py").read_text() == PINNED
    assert "is_available" in (checkout / "func.py").read_text()
    assert (checkout / "inner.py").is_symlink()
    assert "linked.py" in ended.stdout
    assert "leads out" in ended.stdout


def test_what_the_user_names_elsewhere_is_written_as_they_spell_it(
    checkout: Path, victim: Path, tmp_path: Path
) -> None:
    (tmp_path / "mine").symlink_to(victim / "file")

    ended = call_gaia("lint", "--output", f"json:{tmp_path / 'mine'}", cwd=checkout)

    assert ended.returncode == 1
    assert (tmp_path / "mine").is_symlink()
    assert (victim / "file").read_text().startswith("{")


def test_a_file_keeps_its_permissions_and_no_draft_is_left(tmp_path: Path) -> None:
    (tmp_path / "run.sh").write_text("old")
    (tmp_path / "run.sh").chmod(0o750)

    write_inside(str(tmp_path), "run.sh", b"new")

    assert (tmp_path / "run.sh").read_text() == "new"
    assert (tmp_path / "run.sh").stat().st_mode & 0o777 == 0o750
    assert [path.name for path in tmp_path.iterdir()] == ["run.sh"]


@pytest.mark.parametrize("path", ["../x", "a/../../x", "/etc/x", "", "a/", "./x", "there/x"])
def test_a_path_that_is_not_plainly_below_the_root_is_refused(tmp_path: Path, path: str) -> None:
    (tmp_path / "root").mkdir()
    (tmp_path / "root" / "there").symlink_to(tmp_path)

    with pytest.raises(OSError, match=r"leads out|is a link"):
        write_inside(str(tmp_path / "root"), path, b"x")
    assert [entry.name for entry in tmp_path.iterdir()] == ["root"]


def test_a_pipe_that_a_tree_brings_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "out")

    with pytest.raises(OSError, match="Not a regular file"):
        write_named(str(tmp_path), str(tmp_path / "out"), b"x")


def test_a_function_behind_a_link_out_of_the_repository_is_neither_read_nor_written(
    checkout: Path, victim: Path
) -> None:
    (victim / "func.py").write_text(PINNED)
    (checkout / "function").symlink_to(victim)

    for arguments in (
        ("analyze", "function", "--write"),
        ("manifest", "function", "--write"),
        ("analyze", "function/func.py"),
    ):
        ended = call_gaia(*arguments, cwd=checkout)
        assert ended.returncode == 2
        assert "leads out of" in ended.stderr
    assert sorted(state(victim)) == ["file", "func.py"]


def test_nothing_is_begun_in_a_directory_behind_a_link(checkout: Path, victim: Path) -> None:
    (checkout / "new").symlink_to(victim)

    for name in ("new", "new/deeper"):
        ended = call_gaia("init", name, cwd=checkout)
        assert ended.returncode == 2
        assert "new is a link" in ended.stderr
    assert state(victim) == {"file": SECRET}


def test_links_one_behind_the_other_are_no_way_out(checkout: Path, victim: Path) -> None:
    (checkout / "first").symlink_to("second")
    (checkout / "second").symlink_to(victim)

    ended = call_gaia("lint", "--output", "json:first/x.json", cwd=checkout)

    assert ended.returncode == 2
    assert state(victim) == {"file": SECRET}
