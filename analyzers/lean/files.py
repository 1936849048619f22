"""The one way to read the files of a tree that may be a stranger's; writing.py beside it is the one to write there.

Whoever made the tree chose its links, pipes and sizes. So what is read lies below the root after all links, is a
regular file, is opened without waiting, and is no larger than the caller takes. This holds for a tree that lies still:
it is no protection against a program that exchanges directories meanwhile.
"""

# ruff: noqa: PTH100, PTH109, PTH118, PTH114, PTH116, PTH119, PTH120, PTH123 -- a hook does not load pathlib, which is slow

import errno
import os
import stat
from functools import lru_cache

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import BinaryIO

TEXT_BYTES = 1024 * 1024
"""The most that is read of a file which people write, or a tool for people: configuration, requirements, a manifest."""

NOTEBOOK = ".ipynb"
NOTEBOOK_BYTES = 16 * TEXT_BYTES
"""Notebooks hold pictures beside their code; the code itself is held to `TEXT_BYTES`."""

DATA_BYTES = 256 * 1024 * 1024
"""The most that is read of a file which a program writes: a cache, a baseline, recorded requests."""

DEVICES = ("/dev/", "/proc/")
"""Where files are made by the system: `/dev/stdin` is a link, and may even lead to a regular file."""

_OUTSIDE = "it leads out of the directory"


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
    return open_regular(real)


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
    """Return where `path` is after all links, empty where that is outside of the directory `root`.

    Most paths have no link below the root, which is told without walking down from the top of the file system. A text
    with a NUL is no path, so it lies nowhere.
    """
    if "\0" in path:
        return ""
    top = _real_root(root if root.startswith("/") else f"{os.getcwd()}/{root}")
    real = top.rstrip("/")
    for part in path.split("/"):
        real = f"{real}/{part}"
        if part in ("", ".", "..") or os.path.islink(real):
            real = os.path.realpath(os.path.join(top, path))
            return real if real == top or real.startswith(top.rstrip("/") + "/") else ""
    return real


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
    """Open the file at `path`, which the user named, for reading bytes: below the directory `tree` by its rules.

    Elsewhere it may also be a pipe or a link, as in `/dev/stdin`.

    Raises:
        OSError: it cannot be opened.
    """
    inside = below_tree(tree, path)
    return open_inside(tree, inside) if inside else open(path, "rb")


def read_named(tree: str, path: str, limit: int) -> bytes:
    """Return the bytes of the file at `path`, which the user named; see `open_named`.

    Raises:
        TooLargeError: it has more than `limit` bytes.
        OSError: it cannot be read.
    """
    with open_named(tree, path) as file:
        return read_bounded(file, path, limit)


def below_tree(tree: str, path: str) -> str:
    """Return `path` relative to the directory `tree`, as it is spelled; empty where it lies elsewhere."""
    if path.startswith(DEVICES):
        return ""
    whole = os.path.abspath(path)
    real = f"{os.path.realpath(os.path.dirname(whole))}/{os.path.basename(whole)}"
    tops = (os.path.abspath(tree).rstrip("/") + "/", os.path.realpath(tree).rstrip("/") + "/")
    pairs = ((one, top) for one in (whole, real) for top in tops)
    return next((one.removeprefix(top) for one, top in pairs if one.startswith(top)), "")
