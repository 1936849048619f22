"""From what the analyzer found in each file to the findings that are wanted, with their level and confidence."""

from collections.abc import Iterable, Iterator

from analyzers.formats.findings import LintFinding
from analyzers.linting import FileResult
from analyzers.records import replace
from analyzers.rules.model import Finding
from gaia_cli.linting.configuration import Configuration
from gaia_cli.linting.discovery import relative
from gaia_cli.linting.profiles import UNUSED_SUPPRESSION, profile


def collected(results: Iterable[FileResult], configuration: Configuration) -> Iterator[LintFinding]:
    """The findings of every file that the configuration wants, file by file, by line and column."""
    selection = configuration.selection
    for result in results:
        path = relative(configuration.root / result.path, configuration.base)
        own = [_lint_finding(finding) for finding in result.findings if selection.wants(finding.rule, path)]
        if selection.wants(UNUSED_SUPPRESSION, path):
            own += unused_suppressions(result)
        yield from _numbered(sorted(own, key=lambda finding: (finding.line, finding.column, finding.code)))


def _lint_finding(finding: Finding) -> LintFinding:
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
    )


def unused_suppressions(result: FileResult) -> Iterator[LintFinding]:
    """A finding for each code that a comment silences in vain."""
    known = profile(UNUSED_SUPPRESSION)
    for comment in result.suppressions:
        for code in comment.codes:
            if any(comment.silences(finding) and finding.rule == code for finding in result.suppressed):
                continue
            yield LintFinding(
                UNUSED_SUPPRESSION,
                known.level,
                known.confidence,
                comment.path,
                comment.line,
                comment.column,
                comment.column + 1,
                f"this comment silences {code}, which finds nothing on its line",
                f"# {code}",
            )


def _numbered(findings: Iterable[LintFinding]) -> Iterator[LintFinding]:
    """The findings with an ordinal each, so that equal ones on equal lines have different fingerprints."""
    seen: dict[tuple[str, str], int] = {}
    for finding in findings:
        key = (finding.code, "".join(finding.excerpt.split()))
        yield replace(finding, ordinal=seen.get(key, 0))
        seen[key] = seen.get(key, 0) + 1
