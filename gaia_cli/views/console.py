"""Where output goes: results to standard output, everything else to standard error.

What is for people goes through `line`, `result`, `note`, `progress` or a console of rich: whatever it holds, it steers
neither the terminal nor a runner of CI that reads it. A `line` and a `note` are one line each, whatever they name. Who
lays out lines for `result` and for rich makes the foreign text in them `printable` first. What is for programs goes
through `exact` and `raw`, and stays as it is; `exact` on a terminal is in the terminal's own encoding, since bytes of
UTF-8 may steer one that has another.

Plain writes cost no import; `rich_console` loads rich for the views that draw.
"""

import os
import sys
import time

TYPE_CHECKING = False  # as type checkers know it; importing `typing` takes as long as showing the version
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import IO, Any

    from rich.console import Console


_FIRST_S = 1.0
"""Seconds before long work says how far it is; shorter work says nothing."""
_PERIOD_S = 0.2


def line(text: str) -> None:
    """Write a result for people that is one line to standard output."""
    result(_printable(text))


def result(text: str) -> None:
    """Write a result for people, laid out in lines, to standard output."""
    _write(_shown(text))


def patch(text: str) -> None:
    """Write a patch to standard output: on a terminal for people, else for programs."""
    if shows_to_a_person():
        _write(_shown(text, is_patch=True))
    else:
        exact(text)


def exact(text: str) -> None:
    """Write a result for programs, and a line end behind it, to standard output: unchanged, in UTF-8 if not shown."""
    if shows_to_a_person():
        _write(text)
    else:
        raw(_ended(text).encode())


def raw(content: bytes) -> None:
    """Write bytes that are no text to standard output, unchanged."""
    sys.stdout.flush()
    sys.stdout.buffer.write(content)
    sys.stdout.buffer.flush()


def answer(write: "Callable[[str], None]", text: str) -> None:
    """Write `text` by `write` for a verb whose exit code counts: no reader that has gone, such as `head`, ends that."""
    try:
        write(text)
    except BrokenPipeError:
        flush_quietly()


def note(*lines: str) -> None:
    """Write something beside the result to standard error, a line each."""
    sys.stdout.flush()
    sys.stderr.write("".join(f"{_shown(_printable(one))}\n" for one in lines))
    sys.stderr.flush()


class Progress:
    """A block of work that says on a terminal how far it is, once it takes longer than a moment; nothing remains of it.

    Nothing is shown where only programs look: in CI, and where `for_programs` goes into a pipe.
    """

    def __init__(self, *, for_programs: bool = False, clock: "Callable[[], float]" = time.monotonic) -> None:
        self._clock = clock
        self._is_shown = False
        watched = sys.stderr.isatty() and not os.environ.get("CI")
        self._due = clock() + _FIRST_S if watched and (shows_to_a_person() or not for_programs) else float("inf")

    def __enter__(self) -> "Callable[[str], None]":
        return self._tell

    def __exit__(self, *_raised: object) -> None:
        if self._is_shown:
            progress("")

    def _tell(self, text: str) -> None:
        now = self._clock()
        if now >= self._due:
            progress(text)
            self._due, self._is_shown = now + _PERIOD_S, True


def progress(text: str) -> None:
    """Show the progress of long work on a terminal's standard error, over what it showed before; empty clears it."""
    if sys.stderr.isatty():
        sys.stderr.write(f"\r\x1b[2K{_shown(_printable(text))}")
        sys.stderr.flush()


def json_line(value: "Any") -> None:  # noqa: ANN401 -- anything that JSON holds
    """Write `value` as one line of JSON to standard output."""
    from analyzers.formats.json_text import json_text

    exact(json_text(value))


def reaches_a_person() -> bool:
    """Return whether a question can be asked, and answered, on a terminal."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def agrees(question: str) -> bool:
    """Ask a person on the terminal; all but a yes is a no."""
    sys.stderr.write(f"{question} [y/N] ")
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def flush_quietly() -> None:
    """Flush both streams; where a reader is gone, keep Python from complaining about that at exit."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def shows_to_a_person() -> bool:
    """Return whether standard output is a terminal, so that it may be laid out for reading."""
    return sys.stdout.isatty()


def rich_console(*, stderr: bool = False) -> "Console":
    """Make a rich console on standard output or standard error; it honours NO_COLOR and the terminal's width.

    Text is text to it: brackets are no markup, and words between colons no emoji.
    """
    from rich.console import Console

    class Plain(Console):
        def on_broken_pipe(self) -> None:
            """Leave a reader that has seen enough to `__main__`, where rich would exit with 1."""
            raise BrokenPipeError

    file: Any = _Harmless(sys.stderr if stderr else sys.stdout)  # as much of a file as rich asks for
    return Plain(file=file, stderr=stderr, highlight=False, markup=False, emoji=False)


class _Harmless:
    """A stream on which no line is a command of CI, wherever rich has broken the lines.

    What must keep to the terminal's width is made harmless before it is laid out, since this makes lines longer.
    """

    def __init__(self, stream: "IO[str]") -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write `text`, which begins with a line or in the middle of one."""
        from analyzers.lean.printable import harmless

        return self._stream.write(harmless(text))

    def __getattr__(self, name: str) -> object:
        return getattr(self._stream, name)


def _write(text: str) -> None:
    sys.stdout.write(_ended(text))
    sys.stdout.flush()


def _ended(text: str) -> str:
    return text if text.endswith("\n") else f"{text}\n"


def _printable(text: str) -> str:
    from analyzers.lean.printable import printable

    return printable(text)


def _shown(text: str, *, is_patch: bool = False) -> str:
    if text.isascii() and text.isprintable() and text[:1].isalnum() and "##" not in text and "travis_" not in text:
        return text  # without an import
    from analyzers.lean.printable import harmless, printable_lines

    return harmless(printable_lines(text), is_patch=is_patch)
