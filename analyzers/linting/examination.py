"""Findings made ready for a report: with their line of code, and in notebooks with their cell."""

from collections.abc import Sequence

from analyzers.findings import Finding, Place
from analyzers.lean.lines import LONGEST_EXCERPT, lines_of
from analyzers.lean.records import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from analyzers.linting.results import Vain
    from analyzers.project.model import Code, Source


def with_excerpts(findings: Sequence[Finding], sources: "Sequence[Source | Code]") -> list[Finding]:
    """Return the findings with their lines of `sources`."""
    wanted = {finding.place.path for finding in findings}
    lines = {source.path: lines_of(source.text) for source in sources if source.path in wanted}

    def excerpt(finding: Finding) -> str:
        known = lines.get(finding.place.path, [])
        whole = known[finding.place.line - 1] if finding.place.line <= len(known) else ""
        return (whole or finding.excerpt)[:LONGEST_EXCERPT]  # a cell that is no Python is blanked

    return [replace(finding, excerpt=excerpt(finding)) for finding in findings]


def in_cells(findings: Sequence[Finding], sources: "Sequence[Source | Code]") -> list[Finding]:
    """Return the findings with those in notebooks placed by cell and by the line in it."""
    if not any(source.cells for source in sources):
        return list(findings)
    return [replace(finding, place=in_its_cell(finding.place, sources)) for finding in findings]


def in_its_cell(place: Place, sources: "Sequence[Source | Code]") -> Place:
    """Return `place` by cell and by the line in it when its file is a notebook among `sources`."""
    starts = next((source.cells for source in sources if source.path == place.path), ())
    if not starts:
        return place
    from analyzers.project.notebooks.cells import in_cell

    return in_cell(place, starts)


def vain_in_cells(vain: "Sequence[Vain]", sources: "Sequence[Source | Code]") -> "tuple[Vain, ...]":
    """Return the comments that are in vain, those in notebooks placed by cell and by the line in it."""
    return tuple(replace(one, place=in_its_cell(one.place, sources)) for one in vain)
