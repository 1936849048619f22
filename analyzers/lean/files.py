"""The one way to read the files of a tree that may be a stranger's; writing.py beside it is the one to write there.

Whoever made the tree chose its links, pipes and sizes. So what is read lies below the root after all links, is a
regular file, is opened without waiting, and is no larger than the caller takes. A repository inside of the tree may be
a stranger's, so that its links lead no further than itself. Where a program puts a link in the way between the look and
the opening, Linux tells what was opened; on other systems all this holds for a tree that lies still.
"""

# ruff: noqa: PTH100, PTH109, PTH115, PTH114, PTH116, PTH120, PTH123 -- a hook does not load pathlib, which is slow

import errno
import os
import stat
from functools import lru_cache

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import BinaryIO

TEXT_BYTES = 1024 * 1024
"""The most that is read of a file which people write, or a tool for people: configuration, requirements, a manifest."""

NOTEBOOK = ".ipynb"
NOTEBOOK_BYTES = 16 * TEXT_BYTES
"""Notebooks hold pictures beside their code; the code itself is held to `TEXT_BYTES`."""

DATA_BYTES = 256 * 1024 * 1024
"""The most that is read of a file which a program writes: a cache, a baseline, recorded requests."""

STREAMS = ("/dev", "/dev/fd", "/proc/self/fd")
"""Where files are what this process has open: `/dev/stdin` is a link, and may even lead to a regular file."""

LFS_POINTER = b"version https://git-lfs.github.com/spec/"
"""What stands at the start of a file whose content Git LFS keeps elsewhere."""

FOR_ALL = stat.S_ISVTX | stat.S_IWOTH
"""The permissions of a directory like /tmp, where anybody may have put what is there."""

_REPLACED = " (deleted)"
"""What Linux adds to the path of a file that is open and has been replaced, as editors do."""

_OUTSIDE = "it leads out of the directory"
_MOST_LINKS = 40
"""As many as the kernel follows for one path."""


class OutsideError(OSError):
    """The file lies outside of the tree, after all links."""


class TooLargeError(OSError):
    """The file is larger than what the reader takes."""


def source_bytes(path: str) -> int:
    """Return how much of the source file `path` is read: a larger one is data, or generated, and is not analyzed."""
    return NOTEBOOK_BYTES if path.endswith(NOTEBOOK) else TEXT_BYTES


def leads_out(root: str, path: str) -> bool:
    """Return whether `path`, relative to the directory `root`, lies outside of it after all links."""
    return not _real_path(root, path)


def open_inside(root: str, path: str) -> "BinaryIO":
    """Open the regular file at `path`, relative to the directory `root`, for reading bytes.

    Raises:
        OutsideError: it lies outside of `root` after all links.
        OSError: it cannot be opened, or is no regular file.
    """
    real = _real_path(root, path)
    if not real:
        raise OutsideError(errno.EXDEV, _OUTSIDE, path)
    file = open_regular(real)
    if _opened(file.fileno(), real) != real:
        file.close()
        raise OutsideError(errno.EXDEV, _OUTSIDE, path)
    return file


def _opened(handle: int, asked: str) -> str:
    """Return the path of the file that was opened: another one, where a program has put a link in its way meanwhile.

    Systems other than Linux do not tell; there it counts as the one that was asked for.
    """
    try:
        return os.readlink(f"/proc/self/fd/{handle}").removesuffix(_REPLACED)
    except OSError:
        return asked


def open_regular(path: str) -> "BinaryIO":
    """Open the regular file at `path` for reading bytes, wherever it lies; a pipe or a device is not even opened.

    Raises:
        OSError: it cannot be opened, or is no regular file.
    """
    check_regular(os.stat(path), path)
    return open(path, "rb", opener=_without_waiting)


def _without_waiting(path: str, flags: int) -> int:
    """Open a file that was regular a moment ago; if it is none any more, that is at least found out at once."""
    handle = os.open(path, flags | os.O_NONBLOCK)
    try:
        check_regular(os.fstat(handle), path)
    except OSError:
        os.close(handle)
        raise
    return handle


def check_regular(status: os.stat_result, path: str) -> None:
    """Check that the file at `path` is neither a directory nor a pipe or a device.

    Raises:
        OSError: it is.
    """
    if not stat.S_ISREG(status.st_mode):
        if stat.S_ISDIR(status.st_mode):
            raise IsADirectoryError(errno.EISDIR, "Is a directory", path)
        raise OSError(errno.EINVAL, "Not a regular file", path)


@lru_cache(maxsize=8)
def _real_root(root: str) -> str:
    """Return where the directory `root`, an absolute path, is after all links: roots are the user's, and few."""
    return os.path.realpath(root)


def _real_path(root: str, path: str) -> str:
    """Return where `path` is after all links, empty where that is outside of the directory `root` or nowhere.

    Where links are passed, it is also empty outside of the repository of any of them.
    """
    top = _real_root(root if root.startswith("/") else f"{os.getcwd()}/{root}").rstrip("/")
    real = "" if path.startswith("/") else top
    bounds, links = {top}, 0
    parts = path.split("/")[::-1]
    while parts:
        part = parts.pop()
        if part == "..":
            real = real.rpartition("/")[0]
        elif part not in ("", "."):
            above, real = real, f"{real}/{part}"
            if target := _target(real):
                links += 1
                if links > _MOST_LINKS:
                    return ""
                bounds.add(repository_of(above, top))
                parts += target.split("/")[::-1]
                real = "" if target.startswith("/") else above
    return real if all(f"{real}/".startswith(f"{bound}/") for bound in bounds) and "\0" not in path else ""


def _target(path: str) -> str:
    """Return where the link at `path` leads, empty where there is no link."""
    try:
        return os.readlink(path)
    except (OSError, ValueError):
        return ""


def repository_of(directory: str, top: str) -> str:
    """Return the repository below `top` that `directory` lies in, else `top`."""
    while directory.startswith(f"{top}/"):
        if os.path.lexists(f"{directory}/.git"):
            return directory
        directory = directory.rpartition("/")[0]
    return top


def read_inside(root: str, path: str, limit: int) -> bytes:
    """Return the bytes of the regular file at `path`, relative to the directory `root`.

    Raises:
        OutsideError: it lies outside of `root` after all links.
        TooLargeError: it has more than `limit` bytes.
        OSError: it cannot be read, or is no regular file.
    """
    with open_inside(root, path) as file:
        return read_bounded(file, path, limit)


def read_bounded(file: "BinaryIO", path: str, limit: int) -> bytes:
    """Return what is left in `file`, which lies at `path`.

    Raises:
        TooLargeError: that is more than `limit` bytes.
    """
    data = file.read(limit + 1)
    if len(data) > limit:
        raise TooLargeError(errno.EFBIG, f"it is larger than {limit // 1024} KiB", path)
    return data


def open_named(tree: str, path: str) -> "BinaryIO":
    """Open the file at `path`, which the user named, for reading bytes: in somebody's tree by its rules.

    Elsewhere it may also be a pipe or a link, as in `/dev/stdin`.

    Raises:
        OSError: it cannot be opened.
    """
    if left_tree(tree, path):
        raise OutsideError(errno.EXDEV, _OUTSIDE, path)
    root, inside = next(trees_entered((tree,), path), ("", ""))
    return open_inside(root, inside) if inside else open(path, "rb")


def read_named(tree: str, path: str, limit: int) -> bytes:
    """Return the bytes of the file at `path`, which the user named; see `open_named`.

    Raises:
        TooLargeError: it has more than `limit` bytes.
        OSError: it cannot be read.
    """
    with open_named(tree, path) as file:
        return read_bounded(file, path, limit)


def left_tree(tree: str, path: str) -> str:
    """Return the tree of somebody else's that `path`, which the user named, enters and leads out of; empty for none."""
    return next((root for root, inside in trees_entered((tree,), path) if leads_out(root, inside)), "")


def trees_entered(trees: "Iterable[str]", path: str) -> "Iterator[tuple[str, str]]":
    """Yield each tree of somebody else's that `path`, which the user named, enters, and the rest of the path there.

    Those are the directories in `trees`, and any repository. Links before the first one are the user's own.

    Raises:
        OSError: a link is another user's, in a directory that is for all.
    """
    if os.path.dirname(path) in STREAMS:
        return
    known = [os.path.realpath(tree) for tree in trees]
    left = _steps(os.path.abspath(path))
    here, links = "", 0
    while left:
        if (here or "/") in known or os.path.lexists(f"{here}/.git"):
            yield here or "/", "/".join(left)
        step = left.pop(0)
        if step == "..":
            here = here.rpartition("/")[0]
        elif os.path.islink(f"{here}/{step}") and links < _MOST_LINKS:
            links += 1
            target = _followed(here, step)
            here = "" if target.startswith("/") else here
            left = _steps(target) + left
        else:
            here = f"{here}/{step}"


def _followed(directory: str, name: str) -> str:
    """Return where the link `name` leads; not one that somebody else has put into a directory like /tmp.

    The kernel follows no such link either, but here links are followed by their text.
    """
    link, place = os.lstat(f"{directory}/{name}"), os.stat(directory or "/")
    if place.st_mode & FOR_ALL == FOR_ALL and link.st_uid not in (os.geteuid(), place.st_uid):
        raise PermissionError(errno.EACCES, "a link of another user", f"{directory}/{name}")
    return os.readlink(f"{directory}/{name}")


def _steps(path: str) -> list[str]:
    return [step for step in path.split("/") if step not in ("", ".")]
