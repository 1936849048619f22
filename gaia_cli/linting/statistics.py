"""`--statistics`: how many findings there are of each rule, the most frequent first."""

from collections.abc import Iterable

from analyzers.formats.findings import LintFinding


def counted(findings: Iterable[LintFinding]) -> str:
    """A line for each code that was found: how often, its level, and the code."""
    counts: dict[str, int] = {}
    levels: dict[str, str] = {}
    for finding in findings:
        counts[finding.code] = counts.get(finding.code, 0) + 1
        levels[finding.code] = finding.level.word
    width = len(str(max(counts.values(), default=0)))
    ordered = sorted(counts, key=lambda code: (-counts[code], code))
    return "".join(f"{counts[code]:>{width}}  {code}  {levels[code]}\n" for code in ordered)
