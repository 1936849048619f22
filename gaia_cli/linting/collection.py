"""From what the analyzer found in each file to the selected findings, with their level and confidence."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from itertools import count

from analyzers.findings import TOO_ENTANGLED, Place
from analyzers.formats.findings import LintFinding
from analyzers.lean.lines import LONGEST_EXCERPT
from analyzers.lean.profiles import profile
from analyzers.lean.records import replace
from gaia_cli.linting.configuration import Configuration
from gaia_cli.linting.discovery import relative
from gaia_cli.linting.selection import UNUSED_SUPPRESSION

_SAID_ONCE = frozenset({"GA701"})
"""Rules of which one finding says what to do in the whole file."""

TYPE_CHECKING = False  # as type checkers know it; see options.py
if TYPE_CHECKING:
    from analyzers.linting.results import FileResult


def collected(
    results: "Iterable[FileResult]", configuration: Configuration, sources: Mapping[str, str]
) -> Iterator[LintFinding]:
    """Yield the findings that the configuration selects, file by file, by line and column.

    `sources` has the files' texts; it is read only to show a comment that silences nothing.
    """
    selection = configuration.selection
    for result in results:
        path = relative(f"{configuration.root}/{result.path}", configuration.base)
        wanted = [finding for finding in result.findings if selection.wants(finding.rule, path)]
        entangled = next((finding for finding in wanted if finding.rule == TOO_ENTANGLED), None)  # once a file
        own = [
            _lint_finding(finding.rule, finding.place, finding.message, finding.excerpt)
            for finding in wanted
            if finding.rule != TOO_ENTANGLED or finding is entangled
        ]
        if result.vain and selection.wants(UNUSED_SUPPRESSION, path):
            own += _vain_comments(result, sources)
        yield from _numbered(sorted(own, key=lambda one: (one.cell, one.line, one.column, one.code)))


def said_once(findings: Iterable[LintFinding]) -> Iterator[LintFinding]:
    """Yield the findings; of those that ask for one change in a whole file the first, with how many more there are."""
    all_found = list(findings)
    numbers = Counter((one.path, one.code) for one in all_found if one.code in _SAID_ONCE)
    for finding in all_found:
        number = numbers.pop((finding.path, finding.code), 0) if finding.code in _SAID_ONCE else 1
        if number > 1:
            places = "one more place" if number == 2 else f"{number - 1} more places"
            yield replace(finding, message=f"{finding.message} (also at {places} in this file)")
        elif number:
            yield finding


def _lint_finding(code: str, place: Place, message: str, excerpt: str) -> LintFinding:
    known = profile(code)
    return LintFinding(
        code,
        known.level,
        known.confidence,
        place.path,
        place.line,
        place.column,
        place.end_column,
        message,
        excerpt,
        cell=place.cell,
        remedy=known.remedy,
    )


def _vain_comments(result: "FileResult", sources: Mapping[str, str]) -> Iterator[LintFinding]:
    """Yield a finding for each comment that silences nothing, with its line."""
    cells = cache(lambda: _cells(sources.get(result.path, "")))
    lines_in = cache(lambda cell: _lines(cells() if cell else [sources.get(result.path, "")], cell or 1))
    for comment in result.vain:
        lines, line = lines_in(comment.place.cell), comment.place.line
        excerpt = lines[line - 1] if line <= len(lines) else ""
        end = max(len(excerpt.rstrip()), comment.place.column) + 1
        place = replace(comment.place, end_column=end)
        yield _lint_finding(UNUSED_SUPPRESSION, place, comment.message, excerpt[:LONGEST_EXCERPT])


def _cells(text: str) -> list[str]:
    """Return the cells of a notebook's text; none where it is a notebook no more."""
    from analyzers.project.notebooks.cells import NotANotebookError, cells_of

    try:
        return cells_of(text)
    except NotANotebookError:
        return []


def _lines(cells: list[str], cell: int) -> list[str]:
    """Return the lines of one of the cells, which are counted from 1; none where the cell is gone."""
    from analyzers.lean.lines import lines_of

    return lines_of(cells[cell - 1]) if cell <= len(cells) else []


def _numbered(findings: Iterable[LintFinding]) -> Iterator[LintFinding]:
    """Give each finding an ordinal, so that equal ones on equal lines have different fingerprints."""
    ordinals: defaultdict[tuple[str, str], Iterator[int]] = defaultdict(count)
    for finding in findings:
        key = (finding.code, "".join(finding.excerpt.split()))
        yield replace(finding, ordinal=next(ordinals[key]))
