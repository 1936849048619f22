"""What looks like syntax of a newer Python, on the line where a parser gave up.

Most files that are no Python for Gaia are none for anybody: templates, halves of a merge, Python 2. So a newer Python
is asked only where the line shows what that would have understood.
"""

import sys

from analyzers.lean.patterns import Pattern

Version = tuple[int, int]

RUNNING: Version = (sys.version_info[0], sys.version_info[1])

_GENERIC = Pattern(r"\s*+(?:type\s++\w++\s*+[\[=]|(?:async\s++)?+(?:def|class)\s++\w++\s*+\[)")
_FORMATTED = Pattern(r"""\b(?:[fF][rR]?|[rR][fF])["']""")
_UNWRAPPED = Pattern(r"\s*+except\s*+\*?+\s*+[\w.]++\s*+,\s*+(?:[a-z_]\w*+\.)*+[A-Z]")
"""Of `except` without parentheses; Python 2 has a name behind the comma, which nobody writes like a class."""
_TEMPLATE = Pattern(r"""\b(?:[tT][rR]?|[rR][tT])["']""")
_LAZY = Pattern(r"\s*+lazy\s++(?:import|from)\s")
_SAID_OF_FORMATTED = "f-string"
"""How Python before 3.12 begins what it says about them, on whatever line."""


def needed(text: str, error: SyntaxError, running: Version = RUNNING) -> Version | None:
    """Return the Python that `text` looks as if it were for, where it is newer than `running`, which found `error`."""
    line = _line(text, error.lineno or 0)
    of_a_formatted = (error.msg or "").startswith(_SAID_OF_FORMATTED) or _FORMATTED.search(line)
    signs: tuple[tuple[Version, object], ...] = (
        ((3, 12), _GENERIC.match(line) or of_a_formatted),
        ((3, 14), _UNWRAPPED.match(line) or _TEMPLATE.search(line)),
        ((3, 15), _LAZY.match(line)),
    )
    return next((since for since, sign in signs if sign and since > running), None)


def _line(text: str, number: int) -> str:
    lines = text.splitlines()
    return lines[number - 1] if 0 < number <= len(lines) else ""
