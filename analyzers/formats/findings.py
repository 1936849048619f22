"""What the linter's formats are given: findings with their level, and what each rule says of itself.

A format is a pure function of a `Report`. `rules` and `sources` may load what they are asked for when they are asked,
so that a format that needs neither pays for neither.
"""

from collections.abc import Mapping

from analyzers.findings import Level as Level  # noqa: PLC0414 -- part of a report
from analyzers.lean.records import record


@record
class LintFinding:
    """One finding of the linter.

    `confidence` is how often its rule is right, from 0 to 1: a judgement of the rule's authors, not a measurement.
    `remedy` says what to write instead, empty where there is nothing to change.

    `path` has forward slashes; `line` and `column` count from 1 and `end_column` is just behind the stretch.
    `excerpt` is the source line, `ordinal` tells equal findings on equal lines of one file apart, from 0. In a notebook
    `cell` is the number of the cell, from 1, and `line` the line in it; `cell` is 0 everywhere else.
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
    """Everything that one run of the linter found, in the order of path, line, column and code.

    `files` are all that were read. A finding of the level `fails_from` or above makes the run fail. `rules` knows a
    rule by its code, `sources` a file's text by its path. `complete` is false where Gaia itself failed.
    """

    findings: tuple[LintFinding, ...]
    files: tuple[str, ...]
    version: str
    fails_from: Level
    rules: Mapping[str, RuleText]
    sources: Mapping[str, str]
    complete: bool = True
