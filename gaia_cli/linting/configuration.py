"""What `gaia lint` is to do: flags over the configuration file over the defaults, in one frozen value.

The file is the nearest gaia.toml with a [lint] table, or pyproject.toml with [tool.gaia.lint], from the working
directory up to the root of the repository. Reading TOML takes longer than linting a file, so a file in which the
table's name does not even occur is not parsed.
"""

from collections.abc import Iterable, Iterator

from analyzers.findings import CONFIDENCES
from analyzers.formats.findings import Level
from analyzers.lean.records import record
from gaia_cli.errors import UsageError
from gaia_cli.linting.discovery import above, file_to_come, files_to_lint, repository_root, root_of
from gaia_cli.linting.functions import declared_functions
from gaia_cli.linting.options import STDIN, Options, codes
from gaia_cli.linting.selection import Selection, check_codes
from gaia_cli.linting.table import LintTable

_FILES = (("gaia.toml", (b"lint",)), ("pyproject.toml", (b"gaia", b"lint")))


@record
class Configuration:
    """What to lint, and how. Reported paths are relative to `root`, globs and the cache to `base`; all are absolute.

    Of standard input `files` has the name, unless it is excluded. `functions` are the directories of functions whose
    declarations are held against their code.
    """

    files: tuple[str, ...]
    functions: tuple[str, ...]
    root: str
    base: str
    selection: Selection
    fail_on: Level


def configure(options: Options, start: str) -> Configuration:
    """The configuration for `options` given in the directory `start`.

    Raises:
        UsageError: a flag names a rule that does not exist, or a file does not.
        ConfigurationError: the configuration file is unusable.
    """
    root = repository_root(start)
    found = next((directory for directory in _up_to(root, start) if _speaks_of_lint(directory)), None)
    base = found or start
    table = _read(found) if found else LintTable()
    exclude = (*table.exclude, *options.exclude)
    is_text = options.files == (STDIN,)
    name = options.stdin_filename or "stdin.py"
    files = file_to_come(name, exclude, base) if is_text else files_to_lint(options.files, exclude, base)
    functions = () if is_text else declared_functions(options.files, exclude, base)
    fail_on = Level[(options.fail_on or table.fail_on).upper()]
    return Configuration(
        tuple(files), functions, root_of((*files, *functions), root), base, _selection(options, table), fail_on
    )


def _up_to(root: str, start: str) -> Iterator[str]:
    for directory in above(start):
        yield directory
        if directory == root:
            return


def _speaks_of_lint(directory: str) -> bool:
    return any(_holds(f"{directory}/{name}", words) for name, words in _FILES)


def _holds(path: str, words: tuple[bytes, ...]) -> bool:
    try:
        with open(path, "rb") as file:  # noqa: PTH123 -- a hook does not load pathlib
            content = file.read()
    except OSError:
        return False
    return all(word in content for word in words)


def _read(directory: str) -> LintTable:
    from pathlib import Path

    from gaia_cli.project.project import load_lint

    table = load_lint(Path(directory))
    named = (*(table.select or ()), *table.extend_select, *(table.ignore or ()))
    check_codes((*named, *(code for _, codes in table.per_file_ignores for code in codes)), f"{directory}: [lint]")
    return table


def _selection(options: Options, table: LintTable) -> Selection:
    select = _flag(options.select, "--select")
    ignore = _flag(options.ignore, "--ignore")
    return Selection(
        select=table.select if select is None else select,
        extend=(*table.extend_select, *(_flag(options.extend_select, "--extend-select") or ())),
        ignore=(table.ignore if ignore is None else ignore) or (),
        per_file=(*table.per_file_ignores, *map(_per_file, options.per_file_ignores)),
        min_confidence=CONFIDENCES[options.min_confidence or table.min_confidence],
    )


def _flag(values: Iterable[str] | None, flag: str) -> tuple[str, ...] | None:
    """The codes that a flag names, each of which must exist; None where it was not given."""
    if values is None:
        return None
    wanted = codes(values)
    check_codes(wanted, flag)
    return wanted


def _per_file(value: str) -> tuple[str, tuple[str, ...]]:
    glob, _, listed = value.rpartition(":")
    if not glob:
        raise UsageError(f"--per-file-ignores takes GLOB:CODES, not {value!r}", "such as 'tests/*:GA2,GA301'")
    return glob, _flag([listed], "--per-file-ignores") or ()
