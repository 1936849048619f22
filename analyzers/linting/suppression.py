"""Comments that silence rules, named by code or, but for `noqa`, by name (`hard-coded-device`).

    x = y.cuda()  # noqa: GA701                      its line; as other linters read it
    x = y.cuda()  # gaia: ignore[GA701] reason       its line; where it stands alone, the next line of code
    # gaia: disable[GA701] reason                    all up to `# gaia: enable[GA701]`, or to the end of the block
    # gaia: file-ignore[GA701] reason                the file, as `# flake8: noqa: GA701` and `# ruff: noqa: GA701` do

A line that goes on behind a backslash, or within a string, takes no comment: the one at its end is for all of it. A
bare `# noqa` belongs to other tools. Failures of the analysis cannot be silenced. Only real comments count, never a
string that looks like one, so a file that may have some is read by the tokenizer.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from functools import cache

from analyzers.findings import LONGEST_MESSAGE, Finding, Place, Signal
from analyzers.lean.lines import lines_of
from analyzers.lean.patterns import Pattern
from analyzers.lean.printable import in_short
from analyzers.lean.records import record, replace
from analyzers.lean.registry import ROWS
from analyzers.linting.results import Vain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from tokenize import TokenInfo

_COMMENT = Pattern(
    r"#\s*+(?:(?P<file>(?:flake8|ruff)\s*+:\s*+)?+noqa\s*+:\s*+(?P<noqa>(?:[A-Z]++[0-9]++[,\s]*+)++)"
    r"|gaia\s*+:\s*+(?:(?P<scope>ignore|file-ignore|disable|enable)"
    r"(?:\[(?P<rules>[^\]#]*+)\]|(?=\s*+$|[\s:(]++GA\d))|(?P<odd>[\w-]++)\[\s*+GA\d))",
    re.IGNORECASE,
)
_OWN = Pattern(r"GA\d++", re.IGNORECASE)
_END = 1 << 30
"""Beyond the last line of any file that is read."""


@record
class Suppression:
    """A comment that silences `codes` on the lines from `first` to `last`; it stands at `line` and `column`, from 1.

    `fault` says what is wrong with it, beside that it may silence nothing.
    """

    path: str
    line: int
    column: int
    codes: tuple[str, ...]
    first: int
    last: int
    fault: str = ""


def suppressions(path: str, text: str) -> tuple[Suppression, ...]:
    """Return the comments in the Python file `path` that silence rules of Gaia, from top to bottom."""
    lower = text.lower()
    if "noqa" not in lower and "gaia" not in lower:
        return ()
    if not any(any(_codes(match)) for match in _COMMENT.finditer(text)):
        return ()  # as most: such comments are other tools' as a rule, and to read tokens takes long
    reader = _Reader(path, text)
    for token in _tokens(text):
        reader.read(token)
    return reader.all()


def split(
    findings: Iterable[Finding], comments: Iterable[Suppression]
) -> tuple[tuple[Finding, ...], tuple[Finding, ...]]:
    """Return the findings that stand, and those that one of `comments` silences."""
    silences = _silences(comments)
    kept: list[Finding] = []
    silenced: list[Finding] = []
    for finding in findings:
        (silenced if silences(finding) else kept).append(finding)
    return tuple(kept), tuple(silenced)


def in_vain(comments: Iterable[Suppression], silenced: Iterable[Finding]) -> Iterator[Vain]:
    """Yield what is wrong with `comments`: a code that silences none of the findings `silenced`, or a fault."""
    lines: dict[str, list[int]] = {}
    for finding in silenced:
        lines.setdefault(finding.rule, []).append(finding.place.line)
    for found in lines.values():
        found.sort()
    for comment in comments:
        from bisect import bisect_left, bisect_right  # few files have such comments

        place = Place(comment.path, comment.line, comment.column)
        if comment.fault:
            yield Vain(place, in_short(comment.fault, LONGEST_MESSAGE))
        for code in comment.codes:
            there = lines.get(code, [])
            if bisect_left(there, comment.first) == bisect_right(there, comment.last):
                where = "its line" if comment.first == comment.last == comment.line else "the lines that it is for"
                yield Vain(place, f"this comment silences {code}, which finds nothing on {where}")


def _silences(comments: Iterable[Suppression]) -> Callable[[Finding], bool]:
    """Return whether one of the comments silences a finding, found in a time that does not grow with their number."""
    spans: dict[tuple[str, str], list[tuple[int, int]]] = {}
    for comment in comments:
        for code in comment.codes:
            spans.setdefault((comment.path, code), []).append((comment.first, comment.last))
    joined = {key: _joined(found) for key, found in spans.items()}

    def silences(finding: Finding) -> bool:
        own = joined.get((finding.place.path, finding.rule))
        if own is None or finding.signal is Signal.FAILURE:
            return False
        from bisect import bisect_right

        at = bisect_right(own, (finding.place.line, _END)) - 1
        return at >= 0 and finding.place.line <= own[at][1]

    return silences


def _joined(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return spans of lines sorted, with those that overlap made one."""
    joined: list[tuple[int, int]] = []
    for first, last in sorted(spans):
        if joined and first <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], last))
        else:
            joined.append((first, last))
    return joined


class _Reader:
    """Follows the lines of code past the comments: what is `open` silences a block, what is `waiting` the next line."""

    def __init__(self, path: str, text: str) -> None:
        import token as kinds  # few files hold such a comment

        self._kinds = kinds
        self._path, self._lines = path, lines_of(text)
        self._found: list[Suppression] = []
        self._open: list[tuple[int, Suppression]] = []
        self._waiting: list[Suppression] = []
        self._begin = ""
        self._joined = 0

    def read(self, token: "TokenInfo") -> None:
        """Take the next token; `_begin` is the first of a statement, `_joined` the line where the last line begins."""
        if token.type == self._kinds.COMMENT:
            self._comment(*token.start, token.string)
        elif token.type in (self._kinds.NL, self._kinds.NEWLINE):
            if token.type == self._kinds.NEWLINE and self._begin != "@":  # what is decorated comes with its decorators
                self._found += [replace(one, first=one.line, last=token.end[0]) for one in self._waiting]
                self._waiting.clear()
            self._begin = self._begin if token.type == self._kinds.NL else ""
            self._joined = 0
        elif token.type not in (self._kinds.INDENT, self._kinds.DEDENT):
            self._joined = self._joined or token.start[0]
            if not self._begin:
                self._begin = token.string or "the end"
                self._close(*token.start)

    def all(self) -> tuple[Suppression, ...]:
        """Return what was found, once everything is read."""
        rest = [*(one for _, one in self._open), *self._waiting]
        return tuple(sorted((*self._found, *rest), key=lambda one: (one.line, one.column)))

    def _comment(self, line: int, offset: int, comment: str) -> None:
        for match in _COMMENT.finditer(comment):
            scope = "file-ignore" if match["file"] else (match["scope"] or "ignore").lower()
            codes, fault = _codes(match)
            if not codes and not fault:
                continue
            one = Suppression(self._path, line, offset + match.start() + 1, codes, line, line, fault)
            before = self._lines[line - 1][:offset] if line <= len(self._lines) else ""
            indent = len(before) - len(before.lstrip())
            if scope == "file-ignore":
                self._found.append(replace(one, first=1, last=_END))
            elif scope == "disable":
                self._open.append((indent, replace(one, last=_END)))
            elif scope == "enable":
                self._enable(one, indent)
            elif match["scope"] and not before.strip():
                self._waiting.append(one)
            else:
                self._found.append(replace(one, first=self._joined or line))

    def _enable(self, one: Suppression, indent: int) -> None:
        ended = [pair for pair in self._open if pair[0] == indent and set(pair[1].codes) <= set(one.codes)]
        self._open = [pair for pair in self._open if pair not in ended]
        self._found += [replace(begun, last=one.line) for _, begun in ended]
        ending = {code for _, begun in ended for code in begun.codes}
        if vain := [code for code in one.codes if code not in ending]:
            fault = f"this comment enables {', '.join(vain)}, which no `disable` before it in its block names"
            self._found.append(replace(one, codes=(), fault=fault))

    def _close(self, line: int, column: int) -> None:
        """End the blocks that a line of code at `column` is outside of."""
        self._found += [replace(one, last=line - 1) for indent, one in self._open if column < indent]
        self._open = [pair for pair in self._open if column >= pair[0]]


def _codes(match: re.Match[str]) -> tuple[tuple[str, ...], str]:
    """Return the codes of the rules that a comment names, and what is wrong with the names of others."""
    if match["odd"]:
        return (), f"{match['odd']!r} is none of `ignore`, `file-ignore`, `disable` and `enable`"
    listed = match["rules"] or ""
    names = _OWN.findall(match["noqa"]) if match["noqa"] else [name.strip() for name in listed.split(",")]
    if match["scope"] and not any(names):
        return (), f"this comment names no rule: write `# gaia: {match['scope'].lower()}[GA701]`"
    codes = {name: _by_name().get(name.lower(), name.upper()) for name in names if name}
    unknown = [name for name, code in codes.items() if code not in ROWS]
    fault = f"this comment names {', '.join(unknown)}, which is no rule of Gaia" if unknown else ""
    return tuple(dict.fromkeys(code for code in codes.values() if code in ROWS)), fault


@cache
def _by_name() -> dict[str, str]:
    """Return the codes of the rules by name, which is that of the rule's module."""
    return {module.rpartition(".")[2].replace("_", "-"): code for code, (module, *_) in ROWS.items() if "." in module}


def _tokens(text: str) -> "Iterator[TokenInfo]":
    import io
    import tokenize

    try:
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            if token.type == tokenize.ERRORTOKEN:
                return  # the file is not valid Python; what comes behind might be tried from each of its characters
            yield token
    except (tokenize.TokenError, SyntaxError):
        return  # the file is not valid Python, which is a finding already
