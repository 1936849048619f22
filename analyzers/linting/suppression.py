"""Comments that silence a rule on one line: `# noqa: GA201` or `# gaia: ignore[GA201] reason`.

The codes must be named: a bare `# noqa` belongs to other tools. Failures of the analysis cannot be silenced. Only real
comments count, never a string that looks like one, so a file that may have some is read by the tokenizer.
"""

import re
from collections.abc import Iterable, Iterator

from analyzers.findings import Finding, Signal
from analyzers.lean.patterns import Pattern
from analyzers.lean.records import record

_COMMENT = Pattern(
    r"#\s*+(?:noqa:(?P<noqa>[A-Z0-9,\s]++)|gaia:\s*+ignore\[(?P<gaia>[A-Z0-9,\s]++)\]\s*+(?P<reason>.*+))"
)
_CODE = r"GA\d{3}"


@record
class Suppression:
    """A comment that silences rules on its line; `line` and `column` count from 1, `cell` is that of a `Place`."""

    path: str
    line: int
    column: int
    codes: tuple[str, ...]
    reason: str = ""
    cell: int = 0

    def silences(self, finding: Finding) -> bool:
        """Return whether this comment silences `finding`."""
        return (
            finding.rule in self.codes
            and finding.place.line == self.line
            and finding.place.cell == self.cell
            and finding.place.path == self.path
            and finding.signal is not Signal.FAILURE
        )


def suppressions(path: str, text: str) -> tuple[Suppression, ...]:
    """Return the comments in the Python file `path` that silence rules of Gaia, from top to bottom."""
    if "GA" not in text or _COMMENT.search(text) is None:
        return ()
    return tuple(_read(path, text))


def split(
    findings: Iterable[Finding], comments: Iterable[Suppression]
) -> tuple[tuple[Finding, ...], tuple[Finding, ...]]:
    """Return the findings that stand, and those that one of `comments` silences."""
    by_line: dict[int, list[Suppression]] = {}
    for comment in comments:
        by_line.setdefault(comment.line, []).append(comment)
    kept: list[Finding] = []
    silenced: list[Finding] = []
    for finding in findings:
        near = by_line.get(finding.place.line, ())
        (silenced if any(comment.silences(finding) for comment in near) else kept).append(finding)
    return tuple(kept), tuple(silenced)


def _read(path: str, text: str) -> Iterator[Suppression]:
    for line, offset, comment in _comments(text):
        match = _COMMENT.search(comment)
        codes = tuple(dict.fromkeys(re.findall(_CODE, match["noqa"] or match["gaia"]))) if match else ()
        if match and codes:
            yield Suppression(path, line, offset + match.start() + 1, codes, (match["reason"] or "").strip())


def _comments(text: str) -> Iterator[tuple[int, int, str]]:
    import io
    import tokenize  # few files hold such a comment

    try:
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            if token.type == tokenize.ERRORTOKEN:
                return  # the file is not valid Python; what comes behind might be tried from each of its characters
            if token.type == tokenize.COMMENT:
                yield *token.start, token.string
    except (tokenize.TokenError, SyntaxError):
        return  # the file is not valid Python, which is a finding already
