"""Directories in the cache that are this user's alone: checked before they are used, read-only once they are made.

Whoever else can write there could put code into the functions of this user. As ssh does with its files, a directory of
another user, or one that others may write to, is refused; nothing is opened through a link.
"""

import fcntl
import hashlib
import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from analyzers.lean.files import open_regular
from analyzers.lean.writing import make_directories
from gaia_cli.engines import Progress
from gaia_cli.errors import ConfigurationError
from gaia_cli.places import working_tree

MARKER = "gaia-complete"
_NOT_OBEYED = (MARKER, "__pycache__")
"""What Python itself writes, where root runs it: permissions do not hold root up."""
_ROOT = 0
_BY_OTHERS = stat.S_IWGRP | stat.S_IWOTH
_ANY_WRITE = stat.S_IWUSR | _BY_OTHERS
_LOCK_FLAGS = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_MARKER_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_READ_WHOLE_BYTES = 256 * 1024


def make_private(directory: Path) -> None:
    """Make `directory` below a cache directory, both for this user alone, and check that they are.

    Raises:
        ConfigurationError: they cannot be made, belong to somebody else, or others may write there.
    """
    cache = directory.parent
    try:
        make_directories(working_tree(), str(directory), 0o700)
    except OSError as error:
        raise ConfigurationError(
            f"cannot write to the cache in {directory}: {error.strerror}",
            "set GAIA_CACHE_DIR to a directory of your own",
        ) from None
    status = cache.stat()
    if status.st_uid != _ROOT:
        _check_owner(cache, status)
    if not status.st_mode & stat.S_ISVTX:
        _check_writers(cache, status)
    check_own(directory)
    _check_writers(directory, directory.lstat())


def check_own(directory: Path) -> None:
    """Check that `directory`, if it is there, is one, and this user's own.

    Raises:
        ConfigurationError: it is not.
    """
    try:
        status = directory.lstat()
    except FileNotFoundError:
        return
    if not stat.S_ISDIR(status.st_mode):
        raise ConfigurationError(f"{directory} is no directory", "delete it, or set GAIA_CACHE_DIR to another place")
    _check_owner(directory, status)


def _check_owner(place: Path, status: os.stat_result) -> None:
    if status.st_uid != os.geteuid():
        raise ConfigurationError(
            f"{place} belongs to another user (number {status.st_uid}), who could change what runs",
            "set GAIA_CACHE_DIR to a directory of your own",
        )


def _check_writers(place: Path, status: os.stat_result) -> None:
    if status.st_mode & _BY_OTHERS:
        raise ConfigurationError(
            f"other users may write to {place}, and so change what runs",
            f"take that away (chmod go-w {place}), or set GAIA_CACHE_DIR to a directory of your own",
        )


@contextmanager
def locked(home: Path, progress: Progress) -> Iterator[None]:
    """Hold the lock beside `home`; the system releases it whatever becomes of this process."""
    path = home.with_suffix(".lock")
    try:
        lock = os.open(path, _LOCK_FLAGS, 0o600)
    except OSError as error:
        raise ConfigurationError(f"cannot open {path}: {error.strerror}", "delete it") from None
    try:
        _check_owner(path, os.fstat(lock))
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            progress("waiting for another gaia to finish the same environment")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def seal(home: Path) -> None:
    """Take every right to write to the environment `home` away, and mark it as complete."""
    for parent, directories, names in os.walk(home):
        for path in (os.path.join(parent, name) for name in (*directories, *names)):  # noqa: PTH118 -- thousands of files
            status = os.lstat(path)
            if not stat.S_ISLNK(status.st_mode):
                os.chmod(path, stat.S_IMODE(status.st_mode) & ~_ANY_WRITE)  # noqa: PTH101 -- likewise
    with os.fdopen(os.open(home / MARKER, _MARKER_FLAGS, 0o400), "w", encoding="ascii") as marker:
        marker.write(_surface(home))
    home.chmod(stat.S_IMODE(home.lstat().st_mode) & ~_ANY_WRITE)


def is_sealed(home: Path) -> bool:
    """Return whether the environment `home` is complete, read-only, and what every start of Python obeys unchanged."""
    try:
        read_only = not home.lstat().st_mode & _ANY_WRITE
        return read_only and _read(home / MARKER) == _surface(home).encode()
    except OSError:
        return False


def discard(home: Path) -> None:
    """Delete `home` with all that is in it, if it is there; it may be read-only, or a link."""
    if home.is_symlink():
        home.unlink()
        return
    for parent, _directories, _names in os.walk(home):
        with suppress(OSError):
            os.chmod(parent, 0o700)  # noqa: PTH101 -- a path of os.walk
    shutil.rmtree(home, ignore_errors=True)


def _surface(home: Path) -> str:
    """Return a digest of what every start of Python in `home` obeys: its settings, and what stands in site-packages.

    The times of their last changes are in it: neither an archive nor a checkout can set those, so none brings an
    environment that counts. Deeper files are read only when a function imports them; to read thousands at each start
    would take too long.
    """
    digest = hashlib.sha256()
    for folder in ("", "bin", *sorted(f"lib/{python.name}/site-packages" for python in (home / "lib").iterdir())):
        with os.scandir(home / folder) as entries:
            kept = (entry for entry in entries if entry.name not in _NOT_OBEYED)
            for entry in sorted(kept, key=lambda entry: entry.name):
                digest.update(f"{folder}/{entry.name}\0{_content(entry)}\0".encode(errors="surrogateescape"))
    return digest.hexdigest()


def _content(entry: os.DirEntry[str]) -> str:
    if entry.is_symlink():
        return str(Path(entry).readlink())
    if not entry.is_file():
        return "directory"
    status = entry.stat()
    if status.st_size > _READ_WHOLE_BYTES:
        return f"{status.st_ctime_ns} {status.st_size} {status.st_mtime_ns}"
    return f"{status.st_ctime_ns} {hashlib.sha256(_read(Path(entry))).hexdigest()}"


def _read(path: Path) -> bytes:
    with open_regular(str(path)) as file:
        return file.read(_READ_WHOLE_BYTES)
