r"""Foreign text made printable: names of files, literals in code, what functions, clients and engines say.

`printable` is for where such text enters a message, a finding or a view. It comes out as one line in which everything
is seen: what would steer a terminal, end the line, turn its direction or stay invisible is written as Python writes
it, `\x1b`, `\u202e`. So are marks that have no letter below them, and the top of a pile that would cover the lines
around it. A backslash stays, so that a second call changes nothing, and code looks as it is.

`harmless` is for where lines are written: runners of CI take commands from a job's log. GitHub takes a line that
begins with two colons, and anywhere in a line two number signs and a bracket; Azure Pipelines and TeamCity take that
with their name before the bracket. Buildkite and Travis fold what comes below a line of theirs, so that nobody sees it.
The sections of GitLab need an escape character, which `printable` has taken.

Nothing here costs plain text more than a look at it.
"""

from functools import cache

from analyzers.lean.patterns import Pattern

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

_BLANK_LETTERS = "\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u3164\uffa0\ufffc"
"""Fillers, and selectors of Mongolian and Khmer: letters and marks to Unicode, and nothing on the screen."""

_BLANK_SIGNS = "\u2800\U00013441\U00013442\U00016fe4\U0001d159"
"""The empty sign of Braille, and those of hieroglyphs, of Khitan and of music."""

_MOST_MARKS = 8
"""More than any writing puts above and below one letter."""

_FIRST_MARK = "\u0300"

_COLOURS = r"(?:\x1b\[[0-9;]*m)*"
_COLOURED = r"(?:[ \t]|\x1b\[[0-9;]*m)*"
_LINE_COMMAND = Pattern(rf"(?m)^({_COLOURED}):(?=:)")
_GROUPS = ("---", "+++", "~~~", "^^^")
_GROUP = Pattern(rf"(?m)^({_COLOURS})([-+~^])(?=\2\2\s)")
_FOLD = Pattern(r"(travis_fold|travis_time):(?=(?:start|end):)")
_COMMAND = Pattern(r"##(?=\w*\[)")


def printable(text: str) -> str:
    """Return `text` as one line of characters that are seen."""
    if text.isascii() and text.isprintable():
        return text
    return replaced(text, escape)


def printable_lines(text: str) -> str:
    """Return `text` with its line feeds and tabs, and else of characters that are seen."""
    if text.isascii() and text.replace("\n", "").isprintable():
        return text
    return "\n".join("\t".join(map(printable, line.split("\t"))) for line in text.split("\n"))


def in_short(text: str, most: int) -> str:
    """Return `text` as one line of at most `most` characters that are seen, its middle left out where it is longer."""
    shown = printable(text)
    return shown if len(shown) <= most else f"{shown[: most // 2 - 2]} ... {shown[3 - most // 2 :]}"


def harmless(text: str, *, is_patch: bool = False) -> str:
    """Return the printable lines `text` without anything that a runner of CI takes for a command.

    Nor do they fold anything away, but for the heads of files, which a patch must have.
    """
    if "::" in text:
        text = _LINE_COMMAND.sub(r"\1\\x3a", text)
    if not is_patch and any(signs in text for signs in _GROUPS):
        text = _GROUP.sub(lambda found: found[1] + escape(found[2]), text)
    return without_commands(text)


def escape(character: str) -> str:
    """Return a character as Python writes it in a string, in hexadecimal."""
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def without_commands(text: str, write: "Callable[[str], str]" = escape) -> str:
    """Return `text` with a sign, as `write` writes it, of each command or fold that may stand anywhere in a line."""
    if "##" in text:
        text = _COMMAND.sub(lambda _: f"#{write('#')}", text)
    if "travis_" in text:
        text = _FOLD.sub(lambda found: found[1] + write(":"), text)
    return text


def replaced(text: str, write: "Callable[[str], str]") -> str:
    """Return `text` with each character that is not seen, and each mark too many, as `write` writes it."""
    blank, shown, marks = _blank(), [], _MOST_MARKS  # at the beginning there is no letter for a mark
    for one in text:
        marks = marks + 1 if one >= _FIRST_MARK and _is_mark(one) else 0
        shown.append(one if one.isprintable() and one not in blank and marks <= _MOST_MARKS else write(one))
    return "".join(shown)


@cache
def _is_mark(character: str) -> bool:
    from unicodedata import category  # most text has no such letters

    return category(character) in ("Mn", "Me")


@cache
def _blank() -> frozenset[str]:
    """Return what `str.isprintable` lets pass although nobody sees it, the selectors of variants among it."""
    return frozenset(
        {*_BLANK_LETTERS, *_BLANK_SIGNS, *map(chr, range(0xFE00, 0xFE10)), *map(chr, range(0xE0100, 0xE01F0))}
    )


def stretch(line: str, column: int, end_column: int) -> tuple[str, int, int]:
    """Return a line of code as it is shown, and where a stretch of it begins and ends there, counted from 0.

    `column` and `end_column` are those of a `Place`. A tab is shown as one space. Nothing in the line is a command to a
    runner of CI.
    """
    line = line.expandtabs(1).rstrip()
    shown, before, inside = (
        _shown(part) for part in (line, line[: max(column - 1, 0)], line[: max(end_column - 1, 0)])
    )
    return shown, len(before), max(len(inside), len(before) + 1)


def _shown(part: str) -> str:
    return without_commands(printable(part))
