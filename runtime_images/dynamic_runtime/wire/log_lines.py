"""The lines that a function prints, and how each carries the request that it belongs to.

The reader of a pipe cannot know which of several requests a line came from. So the worker's `sys.stdout` and
`sys.stderr` put the request's number before each line, from a context variable that threads and tasks both have, and
send whole lines only. What is written past them, by C code or a child process, has no number.
"""

import io
import os
import sys
import threading
from contextvars import ContextVar
from typing import Any

MAX_LINE_BYTES = 8192
REQUEST: ContextVar[int] = ContextVar("request", default=0)
"""The number of the request that this thread or task works on; 0 where it is none."""

_MARK, _END = b"\x1e", b"\x1f"
_MAX_UNFINISHED = 64


class LineOutput(io.RawIOBase):
    """Standard output or error of a worker, over the descriptor `fd`, which stays open."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._unfinished: dict[tuple[int, int], bytes] = {}

    def fileno(self) -> int:
        return self._fd

    def writable(self) -> bool:
        return True

    def write(self, data: Any, /) -> int:  # noqa: ANN401 -- any buffer; the type for it came with Python 3.12
        new = bytes(data)
        key = REQUEST.get(), threading.get_ident()
        whole, rest = cut(self._unfinished.pop(key, b"") + new)
        if rest:
            self._unfinished[key] = rest
        self._send(key[0], whole)
        if len(self._unfinished) > _MAX_UNFINISHED:
            self._finish_oldest()
        return len(new)

    def finish(self) -> None:
        """Send what has not ended in a line."""
        while self._unfinished:
            self._finish_oldest()

    def _finish_oldest(self) -> None:
        key = next(iter(self._unfinished))
        self._send(key[0], [self._unfinished.pop(key)])

    def _send(self, number: int, lines: list[bytes]) -> None:
        mark = _MARK + b"%d" % number + _END if number else b""
        rest = b"".join(mark + line + b"\n" for line in lines)
        while rest:
            rest = rest[os.write(self._fd, rest) :]


_OUTPUTS = (LineOutput(1), LineOutput(2))


def install() -> None:
    """Put the outputs in the place of `sys.stdout` and `sys.stderr`."""
    sys.stdout, sys.stderr = map(_text, _OUTPUTS)


def _text(output: LineOutput) -> io.TextIOWrapper:
    unbuffered: Any = output  # as `python -u` has it
    return io.TextIOWrapper(unbuffered, encoding="utf-8", errors="backslashreplace", write_through=True)


def finish() -> None:
    """Send what has not ended in a line; raise OSError if the function has closed its output."""
    for output in _OUTPUTS:
        output.finish()


def cut(data: bytes) -> tuple[list[bytes], bytes]:
    """Return the lines that have ended, and the rest; a rest that is too long counts as a line."""
    *whole, rest = data.split(b"\n")
    return ([*whole, rest], b"") if len(rest) > MAX_LINE_BYTES else (whole, rest)


def split(line: bytes) -> tuple[int | None, bytes]:
    """Return the number of the request and the text of a line, None where it has no number."""
    if not line.startswith(_MARK):
        return None, line
    number, end, text = line[1:].partition(_END)
    return (int(number), text) if end and number.isdigit() and len(number) <= 10 else (None, line)
