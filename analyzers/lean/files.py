"""Files opened without waiting, and their text in the lines that Python's parser counts."""

import errno
import os
import stat

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import BinaryIO


def open_file(path: str) -> "BinaryIO":
    """Open the file at `path` for reading bytes; a pipe that lies there would hold up everything for ever.

    Raises:
        OSError: it cannot be opened, or is no regular file.
    """
    return open(path, "rb", opener=_without_waiting)


def _without_waiting(path: str, flags: int) -> int:
    handle = os.open(path, flags | getattr(os, "O_NONBLOCK", 0))
    mode = os.fstat(handle).st_mode
    if not stat.S_ISREG(mode):
        os.close(handle)
        raise OSError(errno.EINVAL, "Is a directory" if stat.S_ISDIR(mode) else "Not a regular file", path)
    return handle


def lines_of(text: str) -> list[str]:
    """Return the lines of `text` without their ends; the last one is empty where the text ends in a line break.

    Only line feeds and carriage returns end a line, as in Python's parser. `str.splitlines` also breaks at form feeds
    and at a handful of Unicode's separators, which may stand inside of a line.
    """
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    return text.split("\n")
