"""From what the analyzer found in each file to the findings that are wanted, with their level and confidence."""

from collections.abc import Iterable, Iterator, Mapping
from functools import cache

from analyzers.formats.findings import LintFinding
from analyzers.lean.files import lines_of
from analyzers.lean.profiles import profile
from analyzers.lean.records import replace
from gaia_cli.linting.configuration import Configuration
from gaia_cli.linting.discovery import relative
from gaia_cli.linting.selection import ENTANGLED, UNUSED_SUPPRESSION

TYPE_CHECKING = False  # as type checkers know it; see options.py
if TYPE_CHECKING:
    from analyzers.findings import Finding
    from analyzers.linting.results import FileResult


def collected(
    results: "Iterable[FileResult]", configuration: Configuration, sources: Mapping[str, str]
) -> Iterator[LintFinding]:
    """The findings of every file that the configuration wants, file by file, by line and column.

    `sources` has the files' texts; it is asked only where a comment that silences nothing is to be shown.
    """
    selection = configuration.selection
    for result in results:
        path = relative(f"{configuration.root}/{result.path}", configuration.base)
        wanted = (finding for finding in result.findings if selection.wants(finding.rule, path))
        own = [_lint_finding(finding) for finding in _entangled_once(wanted)]
        if selection.wants(UNUSED_SUPPRESSION, path):
            own += unused_suppressions(result, sources)
        yield from _numbered(sorted(own, key=_order))


def _order(finding: LintFinding) -> tuple[int, int, int, str]:
    return finding.cell, finding.line, finding.column, finding.code


def _entangled_once(findings: "Iterable[Finding]") -> "Iterator[Finding]":
    """The findings, with only the first of those that say the same of the whole file: its code is entangled."""
    seen = False
    for finding in findings:
        if finding.rule != ENTANGLED or not seen:
            yield finding
        seen |= finding.rule == ENTANGLED


def _lint_finding(finding: "Finding") -> LintFinding:
    known = profile(finding.rule)
    place = finding.place
    return LintFinding(
        finding.rule,
        known.level,
        known.confidence,
        place.path,
        place.line,
        place.column,
        place.end_column,
        finding.message,
        finding.excerpt,
        cell=place.cell,
        remedy=known.remedy,
    )


def unused_suppressions(result: "FileResult", sources: Mapping[str, str]) -> Iterator[LintFinding]:
    """A finding for each code that a comment silences in vain."""
    known = profile(UNUSED_SUPPRESSION)
    lines_in = cache(lambda cell: _lines(sources.get(result.path, ""), cell))
    for comment in result.suppressions:
        for code in comment.codes:
            if any(comment.silences(finding) and finding.rule == code for finding in result.suppressed):
                continue
            lines = lines_in(comment.cell)
            excerpt = lines[comment.line - 1] if comment.line <= len(lines) else ""
            yield LintFinding(
                UNUSED_SUPPRESSION,
                known.level,
                known.confidence,
                comment.path,
                comment.line,
                comment.column,
                max(len(excerpt.rstrip()), comment.column) + 1,
                f"this comment silences {code}, which finds nothing on its line",
                excerpt,
                cell=comment.cell,
                remedy=known.remedy,
            )


def _lines(text: str, cell: int) -> list[str]:
    """The lines of a file's text, or of one cell of a notebook's; none where the cell is not there any more."""
    if cell:
        from analyzers.project.notebooks import NotANotebookError, cells_of

        try:
            cells = cells_of(text)
        except NotANotebookError:
            return []
        text = cells[cell - 1] if cell <= len(cells) else ""
    return lines_of(text)


def _numbered(findings: Iterable[LintFinding]) -> Iterator[LintFinding]:
    """The findings with an ordinal each, so that equal ones on equal lines have different fingerprints."""
    seen: dict[tuple[str, str], int] = {}
    for finding in findings:
        key = (finding.code, "".join(finding.excerpt.split()))
        yield replace(finding, ordinal=seen.get(key, 0))
        seen[key] = seen.get(key, 0) + 1
