"""How failures look: one sentence and a hint on standard error, the same as JSON for programs.

A bug is shown differently from a mistake: a report that can be pasted into an issue as it is.
"""

import platform
import shlex
import traceback
from collections.abc import Sequence

from gaia_cli.errors import ExitCode, GaiaError
from gaia_cli.version import __version__
from gaia_cli.views import console
from gaia_cli.views.outputs import OUTPUT_SCHEMA, ErrorDetails, ErrorOutput


def show_error(error: GaiaError, *, as_json: bool, report: Sequence[str] = ()) -> None:
    """Show an expected failure, and the `report` of a bug."""
    console.note(*f"error: {error.message}".split("\n"))
    if error.hint:
        console.note(f"hint: {error.hint}")
    console.note(*report)
    if as_json:
        details = ErrorDetails(message=error.message, hint=error.hint, exit_code=int(error.exit_code))
        console.json_line(ErrorOutput(schema_version=OUTPUT_SCHEMA, error=details))


def show_bug(error: BaseException, argv: Sequence[str], *, as_json: bool, exit_code: ExitCode) -> None:
    """Show a failure that nobody expected, with a report to paste into an issue."""
    message = f"internal error: {type(error).__name__}: {error}"
    bug = GaiaError(message, "this is a bug in Gaia; please report it with the lines below")
    bug.exit_code = exit_code
    show_error(bug, as_json=as_json, report=_report(error, argv))


def show_traceback(error: BaseException) -> None:
    """Show where a failure came from, for --debug."""
    console.note(*"".join(traceback.format_exception(error)).rstrip().split("\n"))


def _report(error: BaseException, argv: Sequence[str]) -> list[str]:
    frames = traceback.extract_tb(error.__traceback__)[-3:]
    places = [f"    {frame.filename}:{frame.lineno} in {frame.name}" for frame in frames]
    return [
        "",
        f"  gaia {__version__}, python {platform.python_version()}, {platform.platform()}",
        f"  command: {shlex.join(['gaia', *argv])}",
        f"  {type(error).__name__}: {error}",
        *places,
        "  (run it again with --debug for the whole traceback)",
    ]
