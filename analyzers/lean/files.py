"""The two doors to a tree that may be a stranger's: how its files are read, and how files are written into it.

Whoever wrote the tree chose its links, pipes and sizes. So what is read lies below the root after all links, is a
regular file, is opened without waiting, and is bounded by the caller; and what is written goes through no link at all.
Both hold for a tree that stays as it is: they are no protection against a program that exchanges directories meanwhile.
"""

# ruff: noqa: PTH100, PTH110, PTH113, PTH114, PTH116, PTH119, PTH120, PTH123 -- a hook does not load pathlib, which takes longer than to lint a file

import errno
import os
import stat
from functools import lru_cache

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import BinaryIO

_OUTSIDE = "it leads out of the directory"
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_DEVICES = ("/dev/", "/proc/")
_DRAFT = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


class OutsideError(OSError):
    """The file lies outside of the tree, after all links."""


class TooLargeError(OSError):
    """The file is larger than what the reader takes."""


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
    _check_regular(os.stat(path), path)
    return open(path, "rb", opener=_without_waiting)


def _without_waiting(path: str, flags: int) -> int:
    """Open a file that was regular a moment ago; if it is none any more, that is at least found out at once."""
    handle = os.open(path, flags | os.O_NONBLOCK)
    try:
        _check_regular(os.fstat(handle), path)
    except OSError:
        os.close(handle)
        raise
    return handle


def _check_regular(status: os.stat_result, path: str) -> None:
    if not stat.S_ISREG(status.st_mode):
        if stat.S_ISDIR(status.st_mode):
            raise IsADirectoryError(errno.EISDIR, "it is a directory", path)
        raise OSError(errno.EINVAL, "it is no regular file", path)


@lru_cache(maxsize=8)
def _real_root(root: str) -> str:
    """Return where the directory `root` is after all links: roots are the user's, and few."""
    return os.path.realpath(root)


def _real_path(root: str, path: str) -> str:
    """Return where `path` is after all links, empty where that is outside of the directory `root`.

    Most paths have no link below the root, which is told without walking down from the top of the file system.
    """
    top = _real_root(root)
    real = top.rstrip("/")
    for part in path.split("/"):
        real = f"{real}/{part}"
        if part in ("", ".", "..") or os.path.islink(real):
            real = os.path.realpath(f"{top}/{path}")
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
    inside = _below_tree(tree, path)
    return open_inside(tree, inside) if inside else open(path, "rb")


def write_named(tree: str, path: str, content: bytes, time_ns: int | None = None) -> None:
    """Write the file at `path`, which the user named: below the directory `tree` through no link.

    Elsewhere links are the user's own, and what is no regular file is written to, as `/dev/stdout` is.

    Raises:
        OSError: it cannot be written.
    """
    inside = _below_tree(tree, path)
    if inside:
        write_inside(tree, inside, content, time_ns)
    elif path.startswith(_DEVICES) or (os.path.exists(path) and not os.path.isfile(path)):
        with open(path, "wb") as file:
            file.write(content)
    else:
        directory, name = os.path.split(os.path.realpath(path))
        write_inside(directory, name, content, time_ns)


def _below_tree(tree: str, path: str) -> str:
    """Return `path` relative to the directory `tree`, as it is spelled; empty where it lies elsewhere."""
    whole = os.path.abspath(path)
    real = f"{os.path.realpath(os.path.dirname(whole))}/{os.path.basename(whole)}"
    tops = (os.path.abspath(tree).rstrip("/") + "/", os.path.realpath(tree).rstrip("/") + "/")
    pairs = ((one, top) for one in (whole, real) for top in tops)
    return next((one.removeprefix(top) for one, top in pairs if one.startswith(top)), "")


def write_inside(root: str, path: str, content: bytes, time_ns: int | None = None) -> None:
    """Write the file at `path`, relative to the directory `root`, whole or not at all.

    Directories below `root` are made where they are missing, and none may be a link; neither may the file itself. A
    file that was there keeps its permissions. `time_ns` becomes the time of the file, in nanoseconds since 1970.

    Raises:
        OSError: it cannot be written, or a part of `path` is a link.
    """
    *directories, name = path.split("/")
    if not {"", ".", ".."}.isdisjoint((*directories, name)):
        raise OutsideError(errno.EXDEV, _OUTSIDE, path)
    directory = os.open(os.path.realpath(root), _DIRECTORY)
    try:
        for part in directories:
            directory = _below(directory, part)
        _replace(directory, name, content, time_ns)
    finally:
        os.close(directory)


def _below(parent: int, name: str) -> int:
    """Return a descriptor of the directory `name` in the directory `parent`, and close that of `parent`."""
    try:
        os.mkdir(name, dir_fd=parent)
    except FileExistsError:
        _refuse_link(os.stat(name, dir_fd=parent, follow_symlinks=False), name)
    directory = os.open(name, _DIRECTORY, dir_fd=parent)
    os.close(parent)
    return directory


def _replace(directory: int, name: str, content: bytes, time_ns: int | None) -> None:
    """Replace the file `name` in a directory by a draft with `content`; its random name is nobody's to guess."""
    mode = _mode(directory, name)
    draft = f".gaia-{os.urandom(8).hex()}"
    try:
        with open(os.open(draft, _DRAFT, 0o666, dir_fd=directory), "wb") as file:
            file.write(content)
            file.flush()
            if mode is not None:
                os.fchmod(file.fileno(), mode)
            if time_ns is not None:
                os.utime(file.fileno(), ns=(time_ns, time_ns))
        os.replace(draft, name, src_dir_fd=directory, dst_dir_fd=directory)
    except BaseException:
        _discard(directory, draft)
        raise


def _discard(directory: int, draft: str) -> None:
    try:
        os.unlink(draft, dir_fd=directory)
    except FileNotFoundError:  # it was never made
        return


def _mode(directory: int, name: str) -> int | None:
    """Return the permissions of a file that is to be replaced, None where there is none."""
    try:
        status = os.stat(name, dir_fd=directory, follow_symlinks=False)
    except FileNotFoundError:
        return None
    _refuse_link(status, name)
    _check_regular(status, name)
    return stat.S_IMODE(status.st_mode)


def _refuse_link(status: os.stat_result, name: str) -> None:
    if stat.S_ISLNK(status.st_mode):
        raise OSError(errno.ELOOP, f"{name} is a link, and nothing is written through links", name)
