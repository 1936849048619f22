"""What `gaia lint` does: flags over the configuration file over the defaults, in one frozen value.

The file is the nearest gaia.toml with a [lint] table, or pyproject.toml with [tool.gaia.lint], from the working
directory up to the root of the repository. Reading TOML takes longer than linting a file, so a file that does not
mention the table is not parsed.
"""

from collections.abc import Iterable

from analyzers.findings import CONFIDENCES
from analyzers.formats.findings import Level
from analyzers.lean.records import record
from gaia_cli.errors import UsageError
from gaia_cli.linting.discovery import files_to_lint, root_of, unless_excluded
from gaia_cli.linting.functions import declared_functions
from gaia_cli.linting.options import STDIN, Options, codes
from gaia_cli.linting.selection import Selection, check_codes
from gaia_cli.places import above, cache_directory, content_of, repository_root

_FILES = (("gaia.toml", (b"lint",)), ("pyproject.toml", (b"gaia", b"lint")))


@record
class LintTable:
    """What [lint] in gaia.toml or [tool.gaia.lint] in pyproject.toml says; a flag of `gaia lint` overrides each key."""

    select: tuple[str, ...] | None = None
    extend_select: tuple[str, ...] = ()
    ignore: tuple[str, ...] | None = None
    per_file_ignores: tuple[tuple[str, tuple[str, ...]], ...] = ()
    exclude: tuple[str, ...] = ()
    min_confidence: str = "low"
    fail_on: str = "warning"


@record
class Configuration:
    """What to lint, and how. Reported paths are relative to `root`, globs to `base`; both are absolute.

    Standard input stands in `files` by its name, unless it is excluded. `functions` are the directories of functions
    whose declarations are compared with their code. `cache` is the directory for results, None to keep none.
    """

    files: tuple[str, ...]
    functions: tuple[str, ...]
    root: str
    base: str
    selection: Selection
    fail_on: Level
    cache: str | None = None


def configure(options: Options, start: str) -> Configuration:
    """Return the configuration for `options` given in the directory `start`.

    Raises:
        UsageError: a flag names a rule that does not exist, or a file does not.
        ConfigurationError: the configuration file is unusable.
    """
    root = repository_root(start)
    inside = (directory for directory in above(start) if len(directory) >= len(root))
    found = next((directory for directory in inside if _mentions_lint(directory, root)), None)
    base = found or start
    table = _read(found, root) if found else LintTable()
    exclude = (*table.exclude, *options.exclude)
    functions: tuple[str, ...] = ()
    if options.files == (STDIN,):
        files = unless_excluded(options.stdin_filename or "stdin.py", exclude, base)
    else:
        files = files_to_lint(options.files, exclude, base)
        functions = declared_functions(options.files, exclude, base)
    fail_on = Level[(options.fail_on or table.fail_on).upper()]
    return Configuration(
        tuple(files),
        functions,
        root_of((*files, *functions), root),
        base,
        _selection(options, table),
        fail_on,
        None if options.no_cache else options.cache_dir or f"{cache_directory()}/lint",
    )


def _mentions_lint(directory: str, root: str) -> bool:
    contents = ((content_of(directory, name, root), words) for name, words in _FILES)
    return any(all(word in content for word in words) for content, words in contents)


def _read(directory: str, root: str) -> LintTable:
    from pathlib import Path

    from gaia_cli.project.project import load_lint

    table = LintTable(**load_lint(Path(directory), Path(root)))
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
    """Return the codes that a flag names, each of which must exist; None where it was not given."""
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
