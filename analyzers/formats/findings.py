"""The report that the linter's formats render: findings with their level, and the texts of the rules.

`rules` and `sources` may load their content on demand, so that a format that needs neither pays for neither.
"""

from collections.abc import Mapping

from analyzers.findings import Level as Level  # noqa: PLC0414 -- part of a report
from analyzers.lean.records import record


@record
class LintFinding:
    """One finding of the linter; the place is that of a `Place`, with forward slashes in `path`.

    `confidence` is how often its rule is right, from 0 to 1: a judgement of the rule's authors, not a measurement.
    `remedy` says what to write instead, empty where there is nothing to change. `excerpt` is the source line; `ordinal`
    counts equal findings on equal lines of one file, from 0.
    """

    code: str
    level: Level
    confidence: float
    path: str
    line: int
    column: int
    end_column: int
    message: str
    excerpt: str = ""
    ordinal: int = 0
    cell: int = 0
    remedy: str = ""


@record
class RuleText:
    """What a rule says of itself. `help` is Markdown."""

    code: str
    name: str
    summary: str
    help: str
    level: Level
    confidence: float


@record
class Report:
    """What a run of the linter found, in the order of path, line, column and code.

    `files` are all that were read. A finding of the level `fails_from` or above makes the run fail. `rules` are by
    code, `sources` are the files' texts by path. `complete` is false where Gaia itself failed.
    """

    findings: tuple[LintFinding, ...]
    files: tuple[str, ...]
    version: str
    fails_from: Level
    rules: Mapping[str, RuleText]
    sources: Mapping[str, str]
    complete: bool = True
