"""The record that a running function leaves on this machine, so that `gaia switch` finds it by its name.

It holds the admin address and its token: so it stands in a directory that this user alone may enter. The process that
left it holds a lock on it for as long as it lives, however it ends: a record without a lock is of a function that is
gone, whoever has its process number by now.
"""

import fcntl
import json
import os
import stat
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

_MOST_BYTES = 64 * 1024
_DRAFT_FLAGS = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_READ_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


@dataclass(frozen=True, slots=True)
class LocalFunction:
    """A function that `gaia run` serves here: its name and URL, the admin address and the token that it asks for."""

    name: str
    url: str
    admin: str
    token: str = ""


def records_directory(environ: Mapping[str, str] = os.environ) -> Path:
    """Return where this user's records stand: in the session's own directory, else in the temporary one."""
    own = environ.get("XDG_RUNTIME_DIR", "")
    return Path(own) / "gaia" if own.startswith("/") else Path(tempfile.gettempdir()) / f"gaia-{os.geteuid()}"


class Record:
    """A record for as long as the context lasts; `leave` writes it."""

    def __init__(self, directory: Path | None = None) -> None:
        self._directory = directory or records_directory()
        self._path: Path | None = None
        self._lock = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._path is not None:
            with suppress(OSError):
                self._path.unlink()
                self._directory.rmdir()  # as long as nobody else has a record there
            os.close(self._lock)

    def leave(self, function: LocalFunction) -> None:
        """Write the record; it is complete and locked before anybody can see it.

        Raises:
            OSError: the directory is not this user's alone, or cannot be written to.
        """
        name = os.urandom(8).hex()
        draft = self._directory / f".{name}"
        self._lock = self._open(draft)
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        os.write(self._lock, json.dumps(asdict(function)).encode())
        self._path = self._directory / f"{name}.json"
        draft.rename(self._path)

    def _open(self, draft: Path) -> int:
        while True:
            _make_private(self._directory)
            try:
                return os.open(draft, _DRAFT_FLAGS, 0o600)
            except FileNotFoundError:  # another run has just ended, and taken the empty directory away
                continue


def running_functions(directory: Path | None = None) -> list[LocalFunction]:
    """Return the functions that this user's `gaia run` serves now, and remove the records of those that are gone."""
    place = directory or records_directory()
    if not _is_private(place):
        return []
    read = [_read(path) for path in sorted(place.glob("*.json"))]
    return [function for function in read if function is not None]


def _read(path: Path) -> LocalFunction | None:
    """Return what a record says whose writer lives; remove any other."""
    try:
        file = os.open(path, _READ_FLAGS)
    except OSError:  # it has just been removed, or is none
        return None
    try:
        if not stat.S_ISREG(os.fstat(file).st_mode):
            return None
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return _parsed(os.read(file, _MOST_BYTES))
    else:
        with suppress(OSError):
            path.unlink()
        return None
    finally:
        os.close(file)


def _parsed(content: bytes) -> LocalFunction | None:
    try:
        said = json.loads(content)
        return LocalFunction(*(str(said[name]) for name in ("name", "url", "admin", "token")))
    except (ValueError, KeyError, TypeError):
        return None


def _make_private(directory: Path) -> None:
    with suppress(FileExistsError):
        directory.mkdir(mode=0o700)
    if not _is_private(directory):
        raise PermissionError(f"{directory} is not this user's alone")


def _is_private(directory: Path) -> bool:
    try:
        status = directory.lstat()
    except OSError:
        return False
    others = status.st_mode & (stat.S_IRWXG | stat.S_IRWXO)
    return stat.S_ISDIR(status.st_mode) and status.st_uid == os.geteuid() and not others
