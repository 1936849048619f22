import multiprocessing
import os
import stat
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from gaia_cli.errors import UsageError
from gaia_cli.running.records import LocalFunction, Record, records_directory, running_functions
from gaia_cli.running.steering import find_local

HELLO = LocalFunction("hello", "http://127.0.0.1:1", "unix:///run/admin.sock", "secret")


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "gaia"


def serve(place: Path, told: Connection) -> None:
    """Leave a record, say so, and stay until killed."""
    with Record(place) as record:
        record.leave(HELLO)
        told.send(None)
        told.recv()


def test_a_function_is_found_while_its_context_lasts_and_no_longer(place: Path) -> None:
    with Record(place) as record:
        assert running_functions(place) == []
        record.leave(HELLO)
        assert running_functions(place) == [HELLO]

    assert running_functions(place) == []
    assert not place.exists()


def test_nobody_else_may_look_at_a_record_or_for_one(place: Path) -> None:
    with Record(place) as record:
        record.leave(HELLO)

        modes = [stat.S_IMODE(path.stat().st_mode) for path in (place, *place.iterdir())]
    assert modes == [0o700, 0o600]


def test_the_record_of_a_run_that_was_killed_counts_no_more_and_goes(place: Path) -> None:
    here, there = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=serve, args=(place, there))
    process.start()
    here.recv()
    assert running_functions(place) == [HELLO]

    process.kill()
    process.join()

    assert running_functions(place) == []
    assert list(place.iterdir()) == []


def test_a_directory_that_others_may_enter_is_neither_written_to_nor_believed(place: Path) -> None:
    with Record(place) as record:
        record.leave(HELLO)
        place.chmod(0o755)
        assert running_functions(place) == []

    place.mkdir(exist_ok=True)
    place.chmod(0o777)
    with pytest.raises(PermissionError), Record(place) as record:
        record.leave(HELLO)


def test_a_link_in_the_place_of_the_directory_is_not_followed(tmp_path: Path, place: Path) -> None:
    (tmp_path / "elsewhere").mkdir(mode=0o700)
    place.symlink_to(tmp_path / "elsewhere")

    with pytest.raises(PermissionError), Record(place) as record:
        record.leave(HELLO)
    assert running_functions(place) == []


def test_what_is_no_record_is_left_out(place: Path) -> None:
    with Record(place) as record, Record(place) as other:
        record.leave(HELLO)
        other.leave(HELLO)
        unreadable, _ = sorted(place.glob("*.json"))
        unreadable.write_text("{")
        (place / "a-directory.json").mkdir()
        (place / "a-link.json").symlink_to("/etc/hostname")

        assert running_functions(place) == [HELLO]
        (place / "a-directory.json").rmdir()


def test_two_functions_of_one_name_are_told_apart_by_nobody(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(place.parent))
    with Record(place) as record, Record(place) as other:
        record.leave(HELLO)
        assert find_local("hello") == HELLO
        other.leave(LocalFunction("hello", "http://127.0.0.1:2", ""))

        with pytest.raises(UsageError, match=r"2 functions named hello run here: http://127\.0\.0\.1:"):
            find_local("hello")
    assert find_local("hello") is None


@pytest.mark.parametrize("session", ["", "relative"])
def test_without_a_directory_of_the_session_records_stand_in_the_temporary_one(session: str) -> None:
    assert records_directory({"XDG_RUNTIME_DIR": session}).name == f"gaia-{os.geteuid()}"
