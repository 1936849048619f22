"""The options of `gaia lint`: one table for the parser of the fast path and for the Typer command.

Both give an `Options`, in which None means that the flag was not given, so that the configuration file counts.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from analyzers.lean.records import record
from gaia_cli.errors import UsageError

TYPE_CHECKING = False  # as type checkers know it; importing `typing` takes longer than parsing the options
if TYPE_CHECKING:
    from typing import Any

FORMATS = ("full", "concise", "json", "json-lines", "sarif", "github", "gitlab", "junit")
LEVELS = ("note", "warning", "error")
CONFIDENCES = ("low", "medium", "high")
STDIN = "-"
_HINT = "see gaia lint --help"


@record
class Option:
    """One option. Without a metavar and choices it is a switch; a repeatable one collects its values."""

    name: str
    help: str
    metavar: str = ""
    choices: tuple[str, ...] = ()
    repeatable: bool = False

    @property
    def flag(self) -> str:
        """The option as it is typed."""
        return f"--{self.name}"

    @property
    def field(self) -> str:
        """The field of `Options` that it fills."""
        return self.name.replace("-", "_")

    @property
    def is_switch(self) -> bool:
        """Whether it takes no value."""
        return not self.metavar and not self.choices


OPTIONS: tuple[Option, ...] = (
    Option("output-format", "How findings are written to standard output.", choices=FORMATS),
    Option("output", "Also write a report to a file, such as sarif:gaia.sarif.", "FORMAT:FILE", repeatable=True),
    Option("select", "Only these rules: codes or prefixes, such as GA2; ALL for every rule.", "CODES", (), True),
    Option("extend-select", "Also these rules.", "CODES", repeatable=True),
    Option("ignore", "Skip these rules.", "CODES", repeatable=True),
    Option("per-file-ignores", "Skip these rules in files that match.", "GLOB:CODES", repeatable=True),
    Option("exclude", "Skip files and directories that match.", "GLOB", repeatable=True),
    Option("min-confidence", "Skip rules of lower confidence.", choices=CONFIDENCES),
    Option("fail-on", "The lowest level that makes the run fail.", choices=LEVELS),
    Option("exit-zero", "Exit with 0 even if there are findings."),
    Option("baseline", "Hide the findings recorded in this file.", "FILE"),
    Option("write-baseline", "Record today's findings in this file, and exit with 0.", "FILE"),
    Option("add-noqa", "Silence what is found today with a comment on each line."),
    Option("fix", "Fix what can be fixed safely."),
    Option("diff", "Show what --fix would change, and change nothing."),
    Option("stdin-filename", "The name of the file that - reads from standard input.", "NAME"),
    Option("no-cache", "Neither read nor write the cache."),
    Option("cache-dir", "Keep the cache in this directory instead of the user's cache directory.", "DIR"),
)


@record
class Options:
    """The values on the command line; None and empty stand for not given."""

    files: tuple[str, ...] = ()
    output_format: str | None = None
    output: tuple[str, ...] = ()
    select: tuple[str, ...] | None = None
    extend_select: tuple[str, ...] = ()
    ignore: tuple[str, ...] | None = None
    per_file_ignores: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    min_confidence: str | None = None
    fail_on: str | None = None
    exit_zero: bool = False
    baseline: str | None = None
    write_baseline: str | None = None
    add_noqa: bool = False
    fix: bool = False
    diff: bool = False
    stdin_filename: str | None = None
    no_cache: bool = False
    cache_dir: str | None = None


def parse(arguments: Sequence[str]) -> Options:
    """Parse options before, between and after files; everything after `--` is a file.

    The standard library's parser takes longer to load and set up than a cached file to lint.

    Raises:
        UsageError: a flag is unknown, or its value is missing or unknown.
    """
    known = {option.flag: option for option in OPTIONS}
    values: dict[str, Any] = {}
    files: list[str] = []
    pending = iter(arguments)
    for argument in pending:
        if argument == "--":
            files += pending
        elif not argument.startswith("-") or argument == STDIN:
            files.append(argument)
        else:
            flag, equals, attached = argument.partition("=")
            option = known.get(flag)
            if option is None:
                raise UsageError(f"no such option: {flag}", _nearest(flag, known))
            _take(option, values, attached if equals else None, pending)
    return from_values(values | {"files": files})


def _take(option: Option, values: "dict[str, Any]", attached: str | None, pending: Iterator[str]) -> None:
    """Put the value of `option`, attached by `=` or the next argument, into `values`."""
    if option.is_switch:
        if attached is not None:
            raise UsageError(f"{option.flag} takes no value", _HINT)
        values[option.field] = True
        return
    value = next(pending, None) if attached is None else attached
    if value is None:
        raise UsageError(f"{option.flag} needs a value", _HINT)
    if option.choices and value not in option.choices:
        raise UsageError(f"{option.flag} cannot be {value!r}", f"use one of {', '.join(option.choices)}")
    values[option.field] = [*values.get(option.field, ()), value] if option.repeatable else value


def _nearest(flag: str, known: Iterable[str]) -> str:
    from difflib import get_close_matches

    near = get_close_matches(flag, known, n=1)
    return f"did you mean {near[0]}? {_HINT}" if near else _HINT


def from_values(values: Mapping[str, object]) -> Options:
    """Return `Options` from a parser's values: lists for what is repeatable, None for what was not given."""
    given: dict[str, Any] = {
        name: tuple(map(str, value)) if isinstance(value, list) else value
        for name, value in values.items()
        if value is not None
    }
    return Options(**given)


def codes(values: Iterable[str]) -> tuple[str, ...]:
    """Return the codes in values that may each hold several, separated by commas."""
    return tuple(code.strip() for value in values for code in value.split(",") if code.strip())
