"""The one way to write into a tree that may be a stranger's; files.py beside it is the one to read there.

Whoever made the tree chose its links. So directories are held by their descriptors, no link is followed, and a draft
with a random name, which nobody can have made before, replaces the file as a whole.
"""

# ruff: noqa: PTH103, PTH110, PTH112, PTH113, PTH119, PTH123 -- a hook does not load pathlib, which is slow

import errno
import os
import stat

from analyzers.lean.files import DEVICES, OutsideError, below_tree, check_regular

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_DRAFT = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


def write_named(tree: str, path: str, content: bytes, time_ns: int | None = None) -> None:
    """Write the file at `path`, which the user named: below the directory `tree` through no link.

    Elsewhere links are the user's own, and what is no regular file is written to, as `/dev/stdout` is.

    Raises:
        OSError: it cannot be written.
    """
    inside = below_tree(tree, path)
    if inside:
        write_inside(tree, inside, content, time_ns)
    elif path.startswith(DEVICES) or (os.path.exists(path) and not os.path.isfile(path)):
        with open(path, "wb") as file:
            file.write(content)
    else:
        directory, name = os.path.split(os.path.realpath(path))
        write_inside(directory, name, content, time_ns)


def check_named(tree: str, path: str) -> None:
    """Check that a file can be written at `path`, as far as that shows before it is; see `write_named`.

    Raises:
        OSError: it cannot.
    """
    inside = below_tree(tree, path)
    root, name = (tree, inside) if inside else os.path.split(os.path.realpath(path))
    if os.path.isdir(path):
        raise IsADirectoryError(errno.EISDIR, "Is a directory", path)
    if path.startswith(DEVICES):
        return
    directory = _directory_of(root, name)
    try:
        _mode(directory, os.path.basename(name))
        if not os.access(".", os.W_OK, dir_fd=directory):
            raise PermissionError(errno.EACCES, "its directory is not writable", path)
    finally:
        os.close(directory)


def write_inside(root: str, path: str, content: bytes, time_ns: int | None = None) -> None:
    """Write the file at `path`, relative to the directory `root`, whole or not at all.

    No directory below `root` may be a link, and neither may the file itself. A file that was there keeps its
    permissions. `time_ns` becomes the time of the file, in nanoseconds since 1970.

    Raises:
        OSError: it cannot be written, or a part of `path` is a link.
    """
    directory = _directory_of(root, path)
    try:
        _replace(directory, os.path.basename(path), content, time_ns)
    finally:
        os.close(directory)


def make_directories(tree: str, path: str, mode: int = 0o777) -> None:
    """Make the directory `path`, which the user named, and those above it, with these permissions; see `write_named`.

    Raises:
        OSError: it cannot be made, or a part of `path` is a link.
    """
    inside = below_tree(tree, path)
    if inside:
        os.close(_directory_of(tree, f"{inside}/file", make=mode))
    else:
        above, _ = os.path.split(path)
        if above and not os.path.isdir(above):
            make_directories(tree, above, mode)
        os.makedirs(path, mode, exist_ok=True)


def _directory_of(root: str, path: str, make: int | None = None) -> int:
    """Return a descriptor of the directory that holds `path`, reached from `root` through no link.

    Missing directories are made with the permissions `make`, where these are given.
    """
    parts = path.split("/")
    if not {"", ".", ".."}.isdisjoint(parts):
        raise OutsideError(errno.EXDEV, "it leads out of the directory", path)
    directory = os.open(os.path.realpath(root), _DIRECTORY)
    try:
        for part in parts[:-1]:
            if make is not None:
                _make(directory, part, make)
            _refuse_link(os.stat(part, dir_fd=directory, follow_symlinks=False), part)
            above, directory = directory, os.open(part, _DIRECTORY, dir_fd=directory)
            os.close(above)
    except OSError:
        os.close(directory)
        raise
    return directory


def _make(directory: int, name: str, mode: int) -> None:
    try:
        os.mkdir(name, mode, dir_fd=directory)
    except FileExistsError:
        return


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
    check_regular(status, name)
    return stat.S_IMODE(status.st_mode)


def _refuse_link(status: os.stat_result, name: str) -> None:
    if stat.S_ISLNK(status.st_mode):
        raise OSError(errno.ELOOP, f"{name} is a link, and nothing is written through links", name)
