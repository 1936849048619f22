"""The one way to write into a tree that may be a stranger's; files.py beside it is the one to read there.

Whoever made the tree chose its links. So directories are held by their descriptors, no link is followed, and a draft
with a random name, which nobody can have made before, replaces the file as a whole.
"""

# ruff: noqa: PTH103, PTH109, PTH110, PTH112, PTH113, PTH119, PTH120, PTH123 -- a hook does not load pathlib, which is slow

import errno
import os
import stat

from analyzers.lean.files import STREAMS, OutsideError, check_regular, trees_entered

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_PERMISSIONS = stat.S_IRWXU | stat.S_IRWXG | stat.S_IRWXO
_DRAFT = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


def write_named(tree: str, path: str, content: bytes) -> None:
    """Write the file at `path`, which the user named: in somebody's tree through no link.

    Somebody's are the directory `tree`, the working directory, any repository, and what lies below a leading `..`.

    Elsewhere links are the user's own, and what is no regular file is written to, as `/dev/stdout` is.

    Raises:
        OSError: it cannot be written.
    """
    root, inside = _place(tree, path)
    if inside:
        write_inside(root, inside, content)
    else:
        with open(path, "wb") as file:
            file.write(content)


def check_named(tree: str, path: str) -> None:
    """Check that a file can be written at `path`, as far as that shows before it is; see `write_named`.

    Raises:
        OSError: it cannot.
    """
    if os.path.isdir(path):
        raise IsADirectoryError(errno.EISDIR, "Is a directory", path)
    root, inside = _place(tree, path)
    if not inside:
        return
    directory = _directory_of(root, inside)
    try:
        _replaced(directory, os.path.basename(inside))
        if not os.access(".", os.W_OK, dir_fd=directory):
            raise PermissionError(errno.EACCES, "its directory is not writable", path)
    finally:
        os.close(directory)


def _place(tree: str, path: str) -> tuple[str, str]:
    """Return the directory and the path in it behind which no link is followed; both empty for what is no file."""
    root, inside = _first_tree(tree, path)
    is_stream = os.path.dirname(path) in STREAMS or (os.path.exists(path) and not os.path.isfile(path))
    if inside or is_stream:
        return root, inside
    return os.path.split(os.path.realpath(path))


def _first_tree(tree: str, path: str) -> tuple[str, str]:
    """Return the first tree that `path` enters and the rest of the path there; both empty where it enters none."""
    up = [step for step in os.path.normpath(path).split("/") if step == ".."]
    trees = (tree, "/".join((os.getcwd(), *up)))
    return next(trees_entered(trees, path), ("", ""))


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
    root, inside = _first_tree(tree, path)
    if inside:
        os.close(_directory_of(root, f"{inside}/file", make=mode))
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
    replaced = _replaced(directory, name)
    draft = f".gaia-{os.urandom(8).hex()}"
    try:
        with open(os.open(draft, _DRAFT, 0o666 if replaced is None else 0o600, dir_fd=directory), "wb") as file:
            if replaced is not None:
                _take_over(file.fileno(), replaced)
            file.write(content)
            file.flush()
            if time_ns is not None:
                os.utime(file.fileno(), ns=(time_ns, time_ns))
        os.replace(draft, name, src_dir_fd=directory, dst_dir_fd=directory)
    except BaseException:
        _discard(directory, draft)
        raise


def _take_over(draft: int, replaced: os.stat_result) -> None:
    """Give a draft the permissions of the file that it replaces, so far as they mean the same.

    Not those that would run it as its owner, who may now be another one, nor those of a group that it cannot keep.
    """
    mode = stat.S_IMODE(replaced.st_mode) & _PERMISSIONS
    try:
        os.fchown(draft, replaced.st_uid if os.geteuid() == 0 else -1, replaced.st_gid)
    except PermissionError:
        mode &= ~stat.S_IRWXG
    os.fchmod(draft, mode)


def _discard(directory: int, draft: str) -> None:
    try:
        os.unlink(draft, dir_fd=directory)
    except FileNotFoundError:  # it was never made
        return


def _replaced(directory: int, name: str) -> os.stat_result | None:
    """Return the state of a file that is to be replaced, None where there is none."""
    try:
        status = os.stat(name, dir_fd=directory, follow_symlinks=False)
    except FileNotFoundError:
        return None
    _refuse_link(status, name)
    check_regular(status, name)
    if not os.access(name, os.W_OK, dir_fd=directory):
        raise PermissionError(errno.EACCES, "Permission denied", name)
    return status


def _refuse_link(status: os.stat_result, name: str) -> None:
    if stat.S_ISLNK(status.st_mode):
        raise OSError(errno.ELOOP, f"{name} is a link, and nothing is written through links", name)
