"""Where output goes: results to standard output, everything else to standard error.

Plain writes cost no import; `rich_console` loads rich for the views that draw.
"""

import sys

TYPE_CHECKING = False  # as type checkers know it; importing `typing` takes as long as showing the version
if TYPE_CHECKING:
    from typing import Any

    from rich.console import Console

_VISIBLE = {code: f"\\x{code:02x}" for code in (*range(32), *range(127, 160)) if chr(code) not in "\t\n"}
"""How control characters in a file's name or a function's log are written."""


def result(text: str) -> None:
    """Write a result, a line of its own, to standard output."""
    sys.stdout.write(text if text.endswith("\n") else text + "\n")
    sys.stdout.flush()


def raw(content: bytes) -> None:
    """Write bytes that are no text to standard output, unchanged."""
    sys.stdout.flush()
    sys.stdout.buffer.write(content)
    sys.stdout.buffer.flush()


def note(text: str) -> None:
    """Write something beside the result to standard error; names and logs in it cannot steer the terminal."""
    sys.stdout.flush()
    sys.stderr.write(text.translate(_VISIBLE) + "\n")
    sys.stderr.flush()


def progress(text: str) -> None:
    """Show the progress of long work on a terminal's standard error, over what it showed before; empty clears it."""
    if sys.stderr.isatty():
        sys.stderr.write(f"\r\x1b[2K{text}")
        sys.stderr.flush()


def json_line(value: "Any") -> None:  # noqa: ANN401 -- anything that JSON holds
    """Write `value` as one line of JSON to standard output."""
    import json

    result(json.dumps(value, ensure_ascii=False))


def shows_to_a_person() -> bool:
    """Return whether standard output is a terminal, so that it may be laid out for reading."""
    return sys.stdout.isatty()


def rich_console(*, stderr: bool = False) -> "Console":
    """Make a rich console on standard output or standard error; it honours NO_COLOR and the terminal's width."""
    from rich.console import Console

    class Plain(Console):
        def on_broken_pipe(self) -> None:
            """Leave a reader that has seen enough to `__main__`, where rich would exit with 1."""
            raise BrokenPipeError

    return Plain(stderr=stderr, highlight=False)
