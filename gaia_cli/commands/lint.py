"""`gaia lint`: configuration, files, findings, reports, exit code."""

import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping

from analyzers.formats.findings import Report
from analyzers.formats.full import counted
from analyzers.lean.files import source_bytes
from analyzers.lean.printable import printable
from analyzers.lean.records import replace
from analyzers.linting import engine
from analyzers.linting.results import FileResult
from gaia_cli.errors import ExitCode, UsageError
from gaia_cli.linting.collection import collected, said_once
from gaia_cli.linting.configuration import Configuration, configure
from gaia_cli.linting.functions import mode_results
from gaia_cli.linting.options import STDIN, Options
from gaia_cli.linting.outputs import FOR_PEOPLE, RulesWhenAsked, SourcesWhenAsked, targets, write_files, written
from gaia_cli.linting.selection import MODE_CODES, NOT_OF_THE_CODE
from gaia_cli.version import __version__
from gaia_cli.views import console

TYPE_CHECKING = False  # as type checkers know it; see options.py
if TYPE_CHECKING:
    from gaia_cli.linting.baseline import Entry


def lint(options: Options) -> ExitCode:
    """Lint what `options` ask for and write the reports.

    Returns `FINDINGS` where something at or above the level of --fail-on was found, `USAGE` where Gaia itself failed.
    """
    _check(options)
    wanted = targets(options.output)
    configuration = configure(options, os.getcwd())  # noqa: PTH109 -- as in discovery.py
    known = _known(options, configuration)
    found = _report(options, configuration)
    report = _without(found, known)
    if options.diff:
        return _show_changes(report, configuration)
    if (options.fix and _fix(report, configuration)) or (options.add_noqa and _silence(report, configuration)):
        found = _report(options, configuration)
        report = _without(found, known)
    if options.write_baseline:
        return _remember(options.write_baseline, found, configuration)
    if held := len(found.findings) - len(report.findings):
        console.note(f"{counted(held, 'finding')} held back by {printable(str(options.baseline))}")
    report = replace(report, findings=tuple(said_once(report.findings)))
    write_files(wanted, report, configuration.root)
    form = options.output_format or "full"
    if text := written(form, report, configuration.root):
        console.answer(console.result if form in FOR_PEOPLE else console.exact, text)
    return _exit_code(report, options)


def _check(options: Options) -> None:
    if STDIN in options.files and (len(options.files) > 1 or options.fix or options.diff or options.add_noqa):
        raise UsageError("- reads standard input: give no other file, no --fix, no --diff and no --add-noqa")
    if options.stdin_filename is not None and options.files != (STDIN,):
        raise UsageError("--stdin-filename names what - reads", "give - as the only file")


def _report(options: Options, configuration: Configuration) -> Report:
    results, sources = _results(options, configuration)
    findings = tuple(collected(results, configuration, sources))
    files = tuple(result.path for result in results)
    complete = not any(finding.code in NOT_OF_THE_CODE for finding in findings)
    return Report(findings, files, __version__, configuration.fail_on, RulesWhenAsked(), sources, complete)


def _known(options: Options, configuration: Configuration) -> "frozenset[Entry]":
    """Return what the baseline knows, nothing without one."""
    if not options.baseline:
        return frozenset()
    from gaia_cli.linting.baseline import read_baseline

    return read_baseline(options.baseline, configuration.root)


def _without(report: Report, known: "frozenset[Entry]") -> Report:
    """Return the report without what is known."""
    if not known:
        return report
    from gaia_cli.linting.baseline import without_known

    return replace(report, findings=without_known(report.findings, known))


def _results(options: Options, configuration: Configuration) -> tuple[list[FileResult], Mapping[str, str]]:
    """Return what was found in each file, and the files' texts."""
    evidence = configuration.selection.wants_evidence
    if options.files == (STDIN,):
        if not configuration.files:
            return [], {}  # it is excluded
        data = sys.stdin.buffer.read(source_bytes(configuration.files[0]) + 1)
        result = engine.lint_text(data, configuration.files[0], root=configuration.root, evidence=evidence)
        return [result], {result.path: data.decode(errors="replace")}
    processes = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    root, cache = configuration.root, configuration.cache
    found = engine.lint(configuration.files, root=root, cache_dir=cache, processes=processes, evidence=evidence)
    for_programs = (options.output_format or "full") not in FOR_PEOPLE
    results = list(with_progress(found, len(configuration.files), for_programs=for_programs))
    if any(configuration.selection.wants(code) for code in MODE_CODES):
        results += mode_results(configuration.functions, configuration.root)
    return results, SourcesWhenAsked(configuration.root, tuple(result.path for result in results))


def with_progress(
    results: Iterable[FileResult],
    total: int,
    *,
    for_programs: bool = False,
    clock: Callable[[], float] = time.monotonic,
) -> Iterator[FileResult]:
    """Yield the `results` as they come, of `total` in all; on a terminal, say how many there are."""
    with console.Progress(for_programs=for_programs, clock=clock) as tell:
        for done, result in enumerate(results, 1):
            tell(f"linted {done} of {total} files")
            yield result


def _remember(path: str, report: Report, configuration: Configuration) -> ExitCode:
    from gaia_cli.linting.baseline import write_baseline

    count = write_baseline(path, configuration.root, report, configuration.selection.wants)
    console.note(f"wrote {counted(count, 'finding')} to {path}", *_unread(report))
    return ExitCode.OK if report.complete else ExitCode.USAGE


def _unread(report: Report) -> list[str]:
    """Return a line for each finding that says what was not looked at, for what shows no report."""
    unread = (finding for finding in report.findings if finding.code in NOT_OF_THE_CODE)
    return [f"{finding.path}:{finding.line}: {finding.message} [{finding.code}]" for finding in unread]


def _show_changes(report: Report, configuration: Configuration) -> ExitCode:
    """Show what --fix would change; something to fix is a finding."""
    from gaia_cli.linting.fixing import changes, diff

    shown = [diff(change) for change in changes(report.findings, configuration.root)]
    if shown:
        console.answer(console.patch, "".join(shown))
    if not report.complete:
        console.note(*_unread(report))
        return ExitCode.USAGE
    return ExitCode.FINDINGS if shown else ExitCode.OK


def _fix(report: Report, configuration: Configuration) -> int:
    """Fix what can be fixed, say what was and what was not, and return the number of places that were."""
    from gaia_cli.linting.fixing import FIXABLE, apply, changes

    places, files = apply(changes(report.findings, configuration.root))
    if places:
        console.note(f"fixed {counted(places, 'place')} in {counted(files, 'file')}")
    if left := sum(finding.code in FIXABLE for finding in report.findings) - places:
        console.note(f"not fixed: {counted(left, 'place')} where no change is sure to be right")
    return places


def _silence(report: Report, configuration: Configuration) -> int:
    """Silence what comments can silence, say how much that was, and return it."""
    from gaia_cli.linting.fixing import apply
    from gaia_cli.linting.silencing import silenced

    places, _ = apply(silenced(report.findings, configuration.root))
    if places:
        console.note(f"silenced {counted(places, 'finding')}")
    return places


def _exit_code(report: Report, options: Options) -> ExitCode:
    if not report.complete:
        return ExitCode.USAGE
    failing = any(finding.level >= report.fails_from for finding in report.findings)
    return ExitCode.FINDINGS if failing and not options.exit_zero else ExitCode.OK
