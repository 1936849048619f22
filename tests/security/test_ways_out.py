"""However a path is spelled, and wherever one stands: what a checkout or an archive brings is no way out of it."""

import os
import shutil
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

from analyzers.lean.writing import check_named, make_directories, write_inside, write_named
from tests.security.support import AT_IMPORT, PINNED, SECRET
from tests.support.cli import call_gaia


@pytest.fixture
def checkout(tmp_path: Path, victim: Path) -> Path:
    """A repository with a link to a directory of the user's, and one to a file there."""
    root = tmp_path / "checkout"
    (root / ".git").mkdir(parents=True)
    (root / "early.py").write_text(AT_IMPORT)
    (root / "out").symlink_to(victim)
    (root / "report").symlink_to(victim / "file")
    return root


@pytest.fixture
def aside(tmp_path: Path) -> Path:
    """A directory that is no repository."""
    directory = tmp_path / "aside"
    directory.mkdir()
    return directory


def check_untouched(victim: Path) -> None:
    assert {path.name: path.read_text() for path in victim.iterdir()} == {"file": SECRET}


SPELLINGS = ("{checkout}", "/{checkout}", "///{checkout}", "{checkout}/.", "{checkout}/../checkout", "{alias}")


@pytest.mark.parametrize("name", ["report", "out/new", "out/file"])
@pytest.mark.parametrize("spelling", [*SPELLINGS, "/proc/self/cwd", "/dev/fd/../../proc/self/cwd"])
def test_no_spelling_of_a_path_leads_through_the_links_of_a_checkout(
    checkout: Path, victim: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spelling: str, name: str
) -> None:
    alias = tmp_path / "alias"
    alias.symlink_to(checkout)
    monkeypatch.chdir(alias)
    path = f"{spelling.format(checkout=checkout, alias=alias)}/{name}"

    with pytest.raises(OSError, match=r"is a link|No such file"):
        write_named(str(checkout), path, b"x")
    with pytest.raises(OSError, match=r"is a link|No such file"):
        check_named(str(checkout), path)
    check_untouched(victim)


@pytest.mark.parametrize("relative", [False, True])
@pytest.mark.parametrize("name", ["report", "out/new"])
def test_a_checkout_is_one_also_for_who_stands_elsewhere(
    checkout: Path, victim: Path, aside: Path, monkeypatch: pytest.MonkeyPatch, name: str, relative: bool
) -> None:
    monkeypatch.chdir(aside)
    path = f"../checkout/{name}" if relative else str(checkout / name)

    with pytest.raises(OSError, match="is a link"):
        write_named(str(aside), path, b"x")
    with pytest.raises(OSError, match=r"is a link|exists"):
        make_directories(str(aside), path)
    check_untouched(victim)


def test_the_users_link_to_a_checkout_makes_its_links_no_better(
    checkout: Path, victim: Path, aside: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(aside)
    mine = aside.parent / "mine"
    mine.symlink_to(checkout / "out" / "new")

    with pytest.raises(OSError, match="is a link"):
        write_named(str(aside), str(mine), b"x")
    check_untouched(victim)


def test_an_archive_above_the_working_directory_is_no_way_out(
    victim: Path, aside: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (aside / "src").mkdir()
    (aside / "out").symlink_to(victim)
    monkeypatch.chdir(aside / "src")

    with pytest.raises(OSError, match="is a link"):
        write_named(".", "../out/new", b"x")
    check_untouched(victim)


def test_links_in_a_circle_end(aside: Path) -> None:
    (aside / "a").symlink_to("b")
    (aside / "b").symlink_to("a")

    with pytest.raises(OSError, match=r"symbolic links|is a link|Not a directory"):
        write_named(str(aside / "nowhere"), str(aside / "a" / "x"), b"x")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
@pytest.mark.parametrize("path", ["link", "directory/x"])
def test_a_link_of_another_user_in_a_directory_for_all_is_not_followed(
    victim: Path, aside: Path, tmp_path: Path, path: str
) -> None:
    aside.chmod(0o1777)
    os.chown(aside, 1, 1)
    for name, target in (("link", victim / "file"), ("directory", victim)):
        (aside / name).symlink_to(target)
        os.lchown(aside / name, 65534, 65534)

    with pytest.raises(PermissionError, match="a link of another user"):
        write_named(str(tmp_path / "elsewhere"), str(aside / path), b"x")
    check_untouched(victim)


def test_a_repository_that_anybody_can_have_begun_decides_nothing(aside: Path) -> None:
    aside.chmod(0o1777)
    (aside / ".git").mkdir()
    (aside / "gaia.toml").write_text('[lint]\nexclude = ["*"]\n')
    (aside / "mine").mkdir()
    (aside / "mine" / "early.py").write_text(AT_IMPORT)

    assert "GA701" in call_gaia("lint", cwd=aside / "mine").stdout


def test_memory_as_a_disk_is_a_disk(
    victim: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    memory = Path("/dev/shm", f"gaia-test-{os.getpid()}")
    if not os.access(memory.parent, os.W_OK):
        pytest.skip("there is no such disk")
    memory.mkdir()
    request.addfinalizer(partial(shutil.rmtree, memory))
    (memory / "x").symlink_to(victim / "file")
    monkeypatch.chdir(victim)

    with pytest.raises(OSError, match="is a link"):
        write_named(str(memory), str(memory / "x"), b"x")
    check_untouched(victim)


@pytest.mark.parametrize(
    "arguments",
    [
        ("analyze", "../checkout/function", "--write"),
        ("manifest", "../checkout/function", "--write"),
        ("init", "../checkout/out/deep"),
        ("simulate", "ramp", "--report", "../checkout/report"),
        ("run", "../checkout", "--record", "../checkout/report"),
    ],
)
def test_a_command_given_from_elsewhere_writes_through_no_link(
    checkout: Path, victim: Path, aside: Path, arguments: tuple[str, ...]
) -> None:
    (victim / "func.py").write_text(PINNED)
    (checkout / "function").symlink_to(victim)

    ended = call_gaia(*arguments, cwd=aside)

    assert ended.returncode == 2
    assert "is a link" in ended.stderr or "leads out of" in ended.stderr
    (victim / "func.py").unlink()
    check_untouched(victim)


def test_a_function_that_is_no_repository_is_no_way_out_for_its_record(
    victim: Path, aside: Path, tmp_path: Path
) -> None:
    function = tmp_path / "function"
    function.mkdir()
    (function / "func.py").write_text("def handler(payload):\n    return payload\n")
    (function / "load.csv").symlink_to(victim / "file")

    ended = call_gaia("run", str(function), "--record", str(function / "load.csv"), cwd=aside)

    assert ended.returncode == 2
    assert "load.csv is a link" in ended.stderr
    check_untouched(victim)


@pytest.mark.parametrize("where", ["GAIA_CACHE_DIR", "XDG_CACHE_HOME", "HOME"])
@pytest.mark.parametrize("relative", [False, True])
def test_a_cache_directory_in_the_checkout_is_no_way_out(
    checkout: Path, victim: Path, monkeypatch: pytest.MonkeyPatch, where: str, relative: bool
) -> None:
    (checkout / ".cache").symlink_to(victim)
    chosen = "." if where == "HOME" else ".cache"
    monkeypatch.delenv("GAIA_CACHE_DIR", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)

    ended = call_gaia("lint", "early.py", cwd=checkout, env={where: chosen if relative else str(checkout / chosen)})

    assert "GA701" in ended.stdout
    check_untouched(victim)


def test_a_home_may_keep_its_cache_on_another_disk(
    aside: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "disk").mkdir()
    (aside / ".cache").symlink_to(tmp_path / "disk")
    (aside / "early.py").write_text(AT_IMPORT)
    monkeypatch.delenv("GAIA_CACHE_DIR", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)

    call_gaia("lint", "early.py", cwd=aside, env={"HOME": str(aside)})

    assert list((tmp_path / "disk" / "gaia" / "lint").glob("*.json"))


FILES_LIKE_OPTIONS = (
    ("--output=json:{victim}/file",),
    ("--write-baseline={victim}/file",),
    ("--output", "json:{victim}/file"),
    ("--fix",),
    ("--help",),
)


@pytest.mark.parametrize("names", FILES_LIKE_OPTIONS)
def test_a_file_whose_name_is_an_option_is_not_obeyed(checkout: Path, victim: Path, names: tuple[str, ...]) -> None:
    arguments = [name.format(victim=victim) for name in names]
    for argument in arguments:
        (checkout / argument).parent.mkdir(parents=True, exist_ok=True)
        (checkout / argument).write_text(AT_IMPORT)

    ended = call_gaia("lint", *arguments, "early.py", cwd=checkout)

    assert ended.returncode == 2
    assert "is an option, and a file here" in ended.stderr
    assert (checkout / "early.py").read_text() == AT_IMPORT
    check_untouched(victim)


def test_a_file_whose_name_is_an_option_is_linted_behind_two_dashes(checkout: Path) -> None:
    (checkout / "--fix.py").write_text(AT_IMPORT)

    assert "./--fix.py" not in call_gaia("lint", "--", "--fix.py", cwd=checkout).stderr
    assert "GA701" in call_gaia("lint", "--", "--fix.py", cwd=checkout).stdout
    assert "GA701" in call_gaia("lint", "./--fix.py", cwd=checkout).stdout


def test_a_cache_directory_with_other_files_loses_none_and_is_not_ignored(checkout: Path) -> None:
    old = [".golangci-lint.json", "eslint-lint.json", f"{'g' * 32}-lint.json", f"{'a' * 31}-lint.json"]
    unused = f"{'a' * 32}-switchability.json"
    for name in (*old, unused):
        (checkout / name).write_text("{}")
        os.utime(checkout / name, (0, 0))

    call_gaia("lint", "--cache-dir", ".", cwd=checkout)

    names = {path.name for path in checkout.iterdir()}
    assert names.issuperset(old)
    assert unused not in names
    assert ".gitignore" not in names
    assert any(name.endswith("-switchability.json") for name in names)


def test_the_cache_itself_is_never_a_link_or_a_pipe(checkout: Path, victim: Path, aside: Path) -> None:
    env = {"GAIA_CACHE_DIR": str(aside)}
    call_gaia("lint", "early.py", cwd=checkout, env=env)
    (cache,) = (aside / "lint").glob("*.json")

    cache.unlink()
    cache.symlink_to(victim / "file")
    linked = call_gaia("lint", "early.py", cwd=checkout, env=env)
    cache.unlink()
    os.mkfifo(cache)
    waiting = call_gaia("lint", "early.py", cwd=checkout, env=env)

    assert "GA701" in linked.stdout
    assert "GA701" in waiting.stdout
    check_untouched(victim)


def test_a_large_file_in_the_place_of_a_cache_is_not_read(checkout: Path, aside: Path) -> None:
    env = {"GAIA_CACHE_DIR": str(aside)}
    call_gaia("lint", "early.py", cwd=checkout, env=env)
    (cache,) = (aside / "lint").glob("*.json")
    cache.write_text('{"entries": [' + "[]," * 1_000_000 + "0]}")

    code = (
        "import json, sys; json.loads = lambda text: sys.exit('parsed'); "
        "from analyzers import lint; print(len(list(lint(['early.py'], root=sys.argv[1], cache_dir=sys.argv[2]))))"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code, str(checkout), str(aside / "lint")], capture_output=True, text=True, check=True
    )
    assert ended.stdout == "1\n"


@pytest.mark.parametrize("mode", [0o4755, 0o2755, 0o1777, 0o6777])
def test_what_is_written_runs_as_nobody_else(tmp_path: Path, mode: int) -> None:
    (tmp_path / "x").write_text("old")
    (tmp_path / "x").chmod(mode)

    write_inside(str(tmp_path), "x", b"new")

    assert (tmp_path / "x").stat().st_mode & 0o7777 == mode & 0o777


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_a_file_of_another_user_stays_theirs(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("old")
    os.chown(tmp_path / "x", 65534, 65534)
    (tmp_path / "x").chmod(0o640)

    write_inside(str(tmp_path), "x", b"new")

    status = (tmp_path / "x").stat()
    assert (status.st_uid, status.st_gid, status.st_mode & 0o777) == (65534, 65534, 0o640)


def test_a_group_that_cannot_be_kept_gives_its_rights_to_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_arguments: object) -> None:
        raise PermissionError

    (tmp_path / "x").write_text("old")
    (tmp_path / "x").chmod(0o664)
    monkeypatch.setattr(os, "fchown", refused)

    write_inside(str(tmp_path), "x", b"new")

    assert (tmp_path / "x").stat().st_mode & 0o777 == 0o604


def test_a_read_only_file_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "x").write_text("old")
    monkeypatch.setattr(os, "access", lambda *_arguments, **_options: False)  # for root no file is read-only

    with pytest.raises(PermissionError):
        write_inside(str(tmp_path), "x", b"new")
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("x", "old")]


@pytest.mark.parametrize("end", [KeyboardInterrupt, SystemExit, OSError(28, "No space left on device")])
def test_what_is_interrupted_leaves_the_old_file_and_no_draft(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, end: type[BaseException] | OSError
) -> None:
    def interrupted(*_arguments: object, **_options: object) -> None:
        raise end

    (tmp_path / "x").write_text("old")
    monkeypatch.setattr(os, "replace", interrupted)

    with pytest.raises(end if isinstance(end, type) else OSError):
        write_inside(str(tmp_path), "x", b"new")
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("x", "old")]


@pytest.mark.parametrize("arguments", [("lint",), ("analyze", "."), ("init", "new"), ("run", ".")])
def test_a_working_directory_that_is_gone_is_named(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    code = (
        "import os, sys; os.mkdir('gone'); os.chdir('gone'); os.rmdir('../gone'); "
        "from gaia_cli.__main__ import main; sys.exit(main(sys.argv[1:]))"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code, *arguments], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 2
    assert "error: the working directory is gone" in ended.stderr
