"""The lines that a function prints, and how each carries the request that it belongs to.

The reader of a pipe cannot know which of several requests a line came from. So the worker's `sys.stdout` and
`sys.stderr` put the request's number before each line, from a context variable that threads and tasks both have, and
send whole lines only. What is written past them, by C code or a child process, has no number. A line that is too long
comes in parts, and each says so.
"""

import io
import os
import sys
import threading
from contextvars import ContextVar
from typing import Any

MAX_LINE_BYTES = 8192
_CONTINUED, _CONTINUES = " …".encode(), "… ".encode()
_ROOM = 32  # of a line for these marks, and for the number before it
REQUEST: ContextVar[int] = ContextVar("request", default=0)
"""The number of the request that this thread or task works on; 0 where it is none."""

_MARK, _END = b"\x1e", b"\x1f"
_MAX_UNFINISHED = 64


class LineOutput(io.RawIOBase):
    """Standard output or error of a worker, over the descriptor `fd`, which stays open."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._unfinished: dict[tuple[int, int], bytes] = {}
        self._pid = os.getpid()

    def fileno(self) -> int:
        return self._fd

    def writable(self) -> bool:
        return True

    def write(self, data: Any, /) -> int:  # noqa: ANN401 -- any buffer; the type for it came with Python 3.12
        new = bytes(data)
        key = REQUEST.get(), threading.get_ident()
        whole, rest = cut(self._unfinished.pop(key, b"") + new, MAX_LINE_BYTES - _ROOM)
        if rest:
            self._unfinished[key] = rest
        self._send(key[0], whole)
        if len(self._unfinished) > _MAX_UNFINISHED:
            self._finish_oldest()
        return len(new)

    def flush(self) -> None:
        """Keep the line until it ends; a process that the function has forked may end without another word of it."""
        super().flush()
        if os.getpid() != self._pid:
            self.finish()

    def adopt(self) -> None:
        """Belong to this process."""
        self._pid = os.getpid()

    def forked(self) -> None:
        """Forget what the parent has not finished: that is the parent's to send."""
        self._unfinished = {}

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
    for output in _OUTPUTS:
        os.register_at_fork(after_in_child=output.forked)


def adopt() -> None:
    """Make the outputs those of this process, which was forked to be a worker."""
    for output in _OUTPUTS:
        output.adopt()


def _text(output: LineOutput) -> io.TextIOWrapper:
    unbuffered: Any = output  # as `python -u` has it
    return io.TextIOWrapper(unbuffered, encoding="utf-8", errors="backslashreplace", write_through=True)


def finish() -> None:
    """Send what has not ended in a line; raise OSError if the function has closed its output."""
    for output in _OUTPUTS:
        output.finish()


def cut(data: bytes, most: int = MAX_LINE_BYTES) -> tuple[list[bytes], bytes]:
    """Return the lines that have ended, and the rest; what is longer than `most` is cut into marked parts."""
    lines: list[bytes] = []
    *whole, rest = data.split(b"\n")
    for line in whole:
        lines += _parts(line, most) if len(line) > most else (line,)
    if len(rest) > most:
        *ended, rest = _parts(rest, most)
        lines += ended
    return lines, rest


def _parts(line: bytes, most: int) -> list[bytes]:
    """Return a long line in parts, each with marks where it goes on; no character is cut in two."""
    mark, number_end = b"", line.find(_END) + 1 if line.startswith(_MARK) else 0
    if 0 < number_end < _ROOM:  # of a line that a worker has marked, each part is of the same request
        mark, line = line[:number_end], line[number_end:]
    size, parts, start = most - _ROOM, [], 0
    while len(line) - start > size:
        end = start + size
        while end > start + size - 4 and line[end] & 0xC0 == 0x80:
            end -= 1
        parts.append(mark + (_CONTINUES if start else b"") + line[start:end] + _CONTINUED)
        start = end
    return [*parts, mark + (_CONTINUES if start else b"") + line[start:]]


def split(line: bytes) -> tuple[int | None, bytes]:
    """Return the number of the request and the text of a line, None where it has no number."""
    if not line.startswith(_MARK):
        return None, line
    number, end, text = line[1:].partition(_END)
    return (int(number), text) if end and number.isdigit() and len(number) <= 10 else (None, line)
