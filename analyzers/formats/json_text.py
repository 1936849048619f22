"""JSON as every output of Gaia has it: the true text, in bytes that steer nothing and that any parser reads.

What is not seen is written as an escape of JSON. So are two number signs before a bracket, which runners of CI take
for a command. Half of a surrogate pair, as bytes in a file's name that are no UTF-8 become one, is no text to many
parsers: it is written as its escape in Python, with the backslash. A number that JSON has none for is null.
"""

import json

from analyzers.lean.printable import replaced, without_commands

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_LARGEST = 1.7976931348623157e308


def json_text(value: "Any", indent: int | None = None) -> str:  # noqa: ANN401 -- anything that JSON holds
    """Return `value` as JSON, on one line or with `indent`, without a line end behind it."""
    try:
        text = json.dumps(value, indent=indent, ensure_ascii=False, allow_nan=False)
    except ValueError:
        text = json.dumps(_finite(value), indent=indent, ensure_ascii=False)
    if not text.isascii() or "\x7f" in text:
        text = "\n".join(line if line.isascii() and line.isprintable() else _escaped(line) for line in text.split("\n"))
    return without_commands(text, lambda sign: f"\\u{ord(sign):04x}")


def _finite(value: "Any") -> "Any":  # noqa: ANN401 -- as above
    if isinstance(value, dict):
        return {key: _finite(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(one) for one in value]
    return None if isinstance(value, float) and not -_LARGEST <= value <= _LARGEST else value


def _escaped(line: str) -> str:
    return replaced(line, _escape)


def _escape(character: str) -> str:
    code = ord(character)
    if 0xD800 <= code < 0xE000:
        return f"\\\\u{code:04x}"
    return json.dumps(character)[1:-1] if code != 0x7F else "\\u007f"
