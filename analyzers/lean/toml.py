"""TOML that may be a stranger's, read by the standard library where its time grows with the text and no faster.

`tomllib` walks through all parts of a dotted name for each part of it, and through the whole name of a table for each
key in it: one line of 40 KB takes it five seconds. People write three or four parts.
"""

from analyzers.lean.patterns import Pattern

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

_PARTS_MOST = 32
_PART = r"""(?:[\w-]++|"[^"\n]*+"|'[^'\n]*+')"""
_LONG_NAME = Pattern(rf"(?<![\w-])(?:{_PART}[ \t]*+\.[ \t]*+){{{_PARTS_MOST}}}")


def loads(text: str, parse_float: "Callable[[str], Any]" = float) -> "dict[str, Any]":
    """Return the content of the TOML `text`; `parse_float` makes values of numbers with a point.

    Raises:
        ValueError: it is no TOML, or a name in it has too many parts.
    """
    import tomllib

    if _LONG_NAME.search(text):
        raise ValueError(f"a dotted name has more than {_PARTS_MOST} parts")
    return tomllib.loads(text, parse_float=parse_float)
