"""Findings for tools that only know files and lines: a place in a notebook's cell becomes one in its file.

The line is that of the notebook's JSON, where code scanning and merge requests show a mark, and the message names the
cell. It is the first one where the notebook has become unreadable.
"""

from collections.abc import Iterator

from analyzers.formats.findings import LintFinding, Report
from analyzers.lean.records import replace

TYPE_CHECKING = False  # as type checkers know it
if TYPE_CHECKING:
    from analyzers.project.notebooks.positions import NotebookFile


def in_files(report: Report) -> Iterator[LintFinding]:
    """Yield the report's findings, in their order, with those in cells placed in their files."""
    notebooks: dict[str, NotebookFile] = {}
    for finding in report.findings:
        yield _in_file(finding, report, notebooks) if finding.cell else finding


def _in_file(finding: LintFinding, report: Report, notebooks: "dict[str, NotebookFile]") -> LintFinding:
    from analyzers.findings import Place
    from analyzers.project.notebooks.positions import NotebookFile

    if finding.path not in notebooks:
        notebooks[finding.path] = NotebookFile(report.sources.get(finding.path, ""))
    place = notebooks[finding.path].place(
        Place(finding.path, finding.line, finding.column, finding.end_column, finding.cell)
    )
    message = f"{finding.message} (cell {finding.cell}, line {finding.line})"
    return replace(finding, line=place.line, column=place.column, end_column=place.end_column, message=message, cell=0)
