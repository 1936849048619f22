"""Where `gaia` begins: the fast paths, and the one place where a failure becomes words and an exit code.

Typer only parses: a verb of `gaia_cli.app` returns the call to make, and the call is made here, under one handler for
everything that can go wrong.
"""

import errno
import gc
import io
import itertools
import os
import sys
from collections.abc import Callable, Sequence
from types import FrameType

from gaia_cli.errors import ExitCode, GaiaError, UsageError, shell_word

TYPE_CHECKING = False  # as type checkers know it; importing `typing` takes as long as showing the version
if TYPE_CHECKING:
    from typer import TyperException

_VERSION_FLAGS = (["--version"], ["-V"])
_QUICK = (*_VERSION_FLAGS, ["lint"])
_HELP_FLAGS = frozenset({"--help", "-h"})
_DEBUG_FLAG = "--debug"
_FORMAT_FLAGS = ("--output-format", "-o")
_OUTPUT_IS_FULL = frozenset((errno.ENOSPC, errno.EDQUOT, errno.EIO))


def main(argv: Sequence[str] | None = None) -> int:
    """Run `gaia` with `argv` and return the exit code; by default with the process's own arguments, as a program."""
    return _program(sys.argv[1:]) if argv is None else _main(argv)


def lint_main() -> int:
    """Run `gaia-lint`, which is `gaia lint` under a name of its own for hooks."""
    return _program(["lint", *sys.argv[1:]])


def _program(arguments: Sequence[str]) -> int:
    """Run `gaia` as a process; a quick verb ends it at once, because tearing Python down takes a tenth of its time."""
    if arguments[:1] not in _QUICK:
        return _main(arguments)
    if arguments[:1] == ["lint"]:
        from analyzers.lean.garbage import GC_THRESHOLD

        gc.set_threshold(*GC_THRESHOLD)
    code = _main(arguments)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _main(argv: Sequence[str]) -> int:
    arguments = list(argv)
    _prepare_streams()
    if arguments[:1] in _VERSION_FLAGS:
        from gaia_cli.commands.version import version

        return guarded(version, arguments)
    import signal

    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _terminated)
    options, files = _apart(arguments)
    debug = _DEBUG_FLAG in options or os.environ.get("GAIA_DEBUG", "") not in ("", "0")
    kept = [option for option in options if option != _DEBUG_FLAG] + files or ["--help"]

    def work() -> int:
        if not files:
            _refuse_files(arguments)
        return _run(kept)

    return guarded(work, kept, debug=debug)


def _apart(arguments: list[str]) -> tuple[list[str], list[str]]:
    """Return what stands before `--`, and what begins with it."""
    end = arguments.index("--") if "--" in arguments else len(arguments)
    return arguments[:end], arguments[end:]


def guarded(work: Callable[[], int], arguments: Sequence[str], *, debug: bool = False) -> int:
    """Do `work`; any failure becomes a message, and the exit code that docs/reference.md promises."""
    try:
        code = work()
        sys.stdout.flush()
        return code
    except KeyboardInterrupt:
        return ExitCode.INTERRUPTED
    except Exception as error:  # noqa: BLE001 -- the last resort: a bug must become a report
        return _failed(error, arguments, debug=debug)


def _failed(error: Exception, arguments: Sequence[str], *, debug: bool) -> int:
    from gaia_cli.views import console

    if isinstance(error, BrokenPipeError):
        console.flush_quietly()  # the reader, such as `head`, has seen enough
        return ExitCode.OK
    if isinstance(error, OSError) and error.errno in _OUTPUT_IS_FULL:
        console.flush_quietly()
        error = UsageError(f"cannot write the output: {error.strerror}", "free some space there")
        arguments = ()  # a program could not be told
    code = error.exit_code if isinstance(error, GaiaError) else ExitCode.USAGE
    try:
        _show(error, arguments, code, debug=debug)
    except OSError:
        console.flush_quietly()  # nobody reads what is wrong: the code still says that something is
    return code


def _show(error: Exception, arguments: Sequence[str], code: ExitCode, *, debug: bool) -> None:
    from gaia_cli.views import errors

    if isinstance(error, PermissionError) and error.filename is not None:
        error = UsageError(f"no permission for {os.fsdecode(error.filename)}", "give yourself the right to it")
    elif isinstance(error, FileNotFoundError) and _is_nowhere():
        error = UsageError("the working directory is gone", "go to one that exists")
    as_json = _wants_json(arguments)
    if isinstance(error, GaiaError):
        errors.show_error(error, as_json=as_json)
    else:
        errors.show_bug(error, arguments, as_json=as_json, exit_code=code)
    if debug:
        errors.show_traceback(error)


def _is_nowhere() -> bool:
    """Return whether somebody has deleted the working directory."""
    try:
        os.getcwd()  # noqa: PTH109 -- `--version` does not load pathlib
    except FileNotFoundError:
        return True
    return False


def _prepare_streams() -> None:
    """Open the streams that cron or a shell has closed, and escape what an encoding lacks: writing must not fail."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_WRONLY), "w", encoding="utf-8"))
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")


def _run(arguments: list[str]) -> int:
    """Parse `arguments` and do what they ask for; linting, which hooks do all day, without loading Typer."""
    if arguments[0] == "lint" and _HELP_FLAGS.isdisjoint(arguments):
        from gaia_cli.commands.lint import lint
        from gaia_cli.linting.options import parse

        return lint(parse(arguments[1:]))
    from typer import Abort, TyperException

    from gaia_cli.app import app

    try:
        parsed = app(arguments, prog_name="gaia", standalone_mode=False)
    except Abort:
        raise KeyboardInterrupt from None
    except TyperException as error:
        raise _usage_error(error) from None
    return int(parsed() if callable(parsed) else parsed or 0)


def _refuse_files(arguments: Sequence[str]) -> None:
    """Refuse an option that is a file's name as well: hooks and globs name every file, and a checkout has chosen it.

    Where `--` stands before the files, none is both.

    Raises:
        UsageError: one is.
    """
    for argument in arguments:
        if argument.startswith("-") and argument != "-" and os.path.lexists(argument):
            hint = f"put -- before the files, or write {shell_word(argument)}"
            raise UsageError(f"{argument} is an option, and a file here", hint)


def _usage_error(error: "TyperException") -> UsageError:
    """Typer's error in the form of every other one: no capital, no full stop, and where to read on."""
    message = error.format_message().replace("Value error, ", "").rstrip(".")  # what pydantic puts before a reason
    context = getattr(error, "ctx", None)
    command = context.command_path if context is not None else "gaia"
    return UsageError(message[:1].lower() + message[1:], f"see {command} --help")


def _wants_json(arguments: Sequence[str]) -> bool:
    """Return whether the output is for a program, before parsing: that may be what fails."""
    words = [word for argument in arguments for word in argument.split("=", 1)]
    return any(flag in _FORMAT_FLAGS and value.startswith("json") for flag, value in itertools.pairwise(words))


def _terminated(_signum: int, _frame: FrameType | None) -> None:
    """Unwind as for Ctrl-C, so that everything started is stopped, and exit with 143."""
    sys.exit(ExitCode.TERMINATED)


if __name__ == "__main__":
    sys.exit(main())
