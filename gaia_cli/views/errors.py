"""How failures look: one sentence and a hint on standard error, the same as JSON for programs.

A bug is shown differently from a mistake: a report that can be pasted into an issue as it is.
"""

import os
import platform
import shlex
import sys
import traceback
from collections.abc import Sequence

from gaia_cli.errors import GaiaError
from gaia_cli.version import __version__
from gaia_cli.views import console
from gaia_cli.views.outputs import OUTPUT_SCHEMA, ErrorDetails, ErrorOutput


def show_error(error: GaiaError, *, as_json: bool) -> None:
    """Show an expected failure."""
    console.note(f"error: {error.message}")
    if error.hint:
        console.note(f"hint: {error.hint}")
    if as_json:
        _as_json(error.message, error.hint, error.exit_code)


def show_bug(error: BaseException, argv: Sequence[str], *, as_json: bool, exit_code: int) -> None:
    """Show a failure that nobody expected, with a report to paste into an issue."""
    message = f"internal error: {type(error).__name__}: {error}"
    hint = "this is a bug in Gaia; please report it with the lines below"
    console.note(f"error: {message}")
    console.note(f"hint: {hint}")
    console.note(_report(error, argv))
    if as_json:
        _as_json(message, hint, exit_code)


def show_traceback(error: BaseException) -> None:
    """Show where a failure came from, for --debug."""
    console.note("".join(traceback.format_exception(error)).rstrip())


def _as_json(message: str, hint: str, exit_code: int) -> None:
    error = ErrorDetails(message=message, hint=hint, exit_code=int(exit_code))
    console.json_line(ErrorOutput(schema_version=OUTPUT_SCHEMA, error=error))


def _report(error: BaseException, argv: Sequence[str]) -> str:
    frames = traceback.extract_tb(error.__traceback__)[-3:]
    places = [f"    {frame.filename}:{frame.lineno} in {frame.name}" for frame in frames]
    lines = [
        "",
        f"  gaia {__version__}, python {platform.python_version()}, {platform.platform()}",
        f"  command: {shlex.join(['gaia', *argv])}",
        f"  {type(error).__name__}: {error}",
        *places,
        "  (run it again with --debug for the whole traceback)",
    ]
    return "\n".join(lines)


def flush_quietly() -> None:
    """Flush standard output; where nobody can take it any more, stop Python from complaining about that at exit."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
