"""What `gaia lint` is to do: flags over the configuration file over the defaults, in one frozen value.

The file is the nearest gaia.toml with a [lint] table, or pyproject.toml with [tool.gaia.lint], from the working
directory up to the root of the repository. Reading TOML takes longer than linting a file, so a file in which the
table's name does not even occur is not parsed.
"""

from collections.abc import Iterable
from pathlib import Path

from analyzers.formats.findings import Confidence, Level
from analyzers.records import record
from gaia_cli.errors import UsageError
from gaia_cli.linting.discovery import repository_root
from gaia_cli.linting.options import Options, codes
from gaia_cli.linting.selection import Selection, check_codes
from gaia_cli.linting.table import LintTable

_FILES = (("gaia.toml", (b"lint",)), ("pyproject.toml", (b"gaia", b"lint")))


@record
class Configuration:
    """How to lint. `root` is what paths are relative to; `base` is where globs and the cache have their start."""

    root: Path
    base: Path
    selection: Selection
    exclude: tuple[str, ...]
    fail_on: Level


def configure(options: Options, start: Path) -> Configuration:
    """The configuration for `options` given in the directory `start`.

    Raises:
        UsageError: a flag names a rule that does not exist.
        ConfigurationError: the configuration file is unusable.
    """
    root = repository_root(start)
    found = next((directory for directory in _upwards(start, root) if _speaks_of_lint(directory)), None)
    base = found or start
    table = _read(found) if found else LintTable()
    exclude = (*table.exclude, *options.exclude)
    return Configuration(
        root, base, _selection(options, table), exclude, Level[(options.fail_on or table.fail_on).upper()]
    )


def _upwards(start: Path, root: Path) -> Iterable[Path]:
    return [directory for directory in (start, *start.parents) if directory.is_relative_to(root)]


def _speaks_of_lint(directory: Path) -> bool:
    for name, words in _FILES:
        try:
            content = (directory / name).read_bytes()
        except OSError:
            continue
        if all(word in content for word in words):
            return True
    return False


def _read(directory: Path) -> LintTable:
    from gaia_cli.project import load_lint

    table = load_lint(directory)
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
        min_confidence=Confidence[(options.min_confidence or table.min_confidence).upper()],
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
