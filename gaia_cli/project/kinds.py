"""What a configuration value may be: one small checker a kind, each saying in words what it expects.

A kind knows nothing of files and keys, so one error message in `tables.py` serves every key of the table there.
"""

import json
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any

from analyzers.project.requirements import is_single
from runtime_images.policy.model import ExecutionMode, WarmUp

_MOST_GLOBS = 500
_LONGEST_GLOB = 500
"""Each pattern is tried on each file, so that a stranger's table must not have a hundred thousand."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A sort of value: `expects` finishes the sentence "must be ..." in an error, `hint` says what to do then.

    `convert` turns the value that TOML gave into the value that Gaia uses, None if it is not of this kind.
    """

    expects: str
    convert: Callable[[object], Any]
    hint: str = "correct the value"


class PartError(Exception):
    """A value of several parts, one of which is wrong.

    The message says which, or else `path` does: the keys and places in lists that lead to it.
    """

    def __init__(self, message: str, path: tuple[str | int, ...] = (), hint: str = "correct the value") -> None:
        super().__init__(message)
        self.path = path
        self.hint = hint


def number(low: float = 0.0, high: float = sys.float_info.max, *, above: bool = False) -> Kind:
    """Return the kind of a finite number from `low` (with `above`: greater than `low`) to `high`."""
    lowest = f"greater than {low:g}" if above else f"{low:g} or more"
    limits = lowest if high == sys.float_info.max else f"{lowest} and at most {high:.15g}"

    def convert(value: object) -> float | None:
        if isinstance(value, bool) or not isinstance(value, int | float):
            return None
        return float(value) if low <= value <= high and not (above and value == low) else None

    return Kind(f"a number {limits}", convert)


def integer(low: int, high: int) -> Kind:
    """Return the kind of a whole number from `low` to `high`."""

    def convert(value: object) -> int | None:
        if isinstance(value, bool) or not isinstance(value, int):
            return None
        return value if low <= value <= high else None

    return Kind(f"a whole number from {low} to {high}", convert)


def text(pattern: str, expects: str) -> Kind:
    """Return the kind of a string that matches `pattern` as a whole."""
    return Kind(expects, lambda value: value if isinstance(value, str) and re.fullmatch(pattern, value) else None)


def choice(*words: str) -> Kind:
    """Return the kind of a value that is one of `words`."""
    listed = ", ".join(f'"{word}"' for word in words)
    return Kind(f"one of {listed}", lambda value: next((word for word in words if word == value), None))


def _list(pattern: str, expects: str, most: int = sys.maxsize) -> Kind:
    """Return the kind of a list of at most so many strings that each match `pattern` as a whole."""

    def convert(value: object) -> tuple[str, ...] | None:
        if not isinstance(value, list) or len(value) > most:
            return None
        fits = all(isinstance(one, str) and re.fullmatch(pattern, one) for one in value)
        return tuple(value) if fits else None

    return Kind(expects, convert)


def _memory(value: object) -> str | None:
    """Return the size in Docker's spelling: a number and k, m or g, powers of 1024."""
    match = re.fullmatch(r"([1-9][0-9]*)([kmg])i?", value, re.IGNORECASE) if isinstance(value, str) else None
    return match[1] + match[2].lower() if match else None


def _entrypoint(value: object) -> object:
    path, colon, attribute = value.partition(":") if isinstance(value, str) else ("", "", "")
    fits = re.fullmatch(_FILE, path) and path.endswith(".py") and (not colon or attribute.isidentifier())
    return value if fits else None


def _requirements(value: object) -> str | tuple[str, ...] | None:
    if isinstance(value, str):
        return value if re.fullmatch(_FILE, value) else None
    if not isinstance(value, list) or not all(isinstance(line, str) for line in value):
        return None
    lines = tuple(line.strip() for line in value)
    # pip's options stand in requirement files, where paths have a meaning
    return None if any(not line or not is_single(line) for line in lines) else lines


def _codes_by_glob(value: object) -> tuple[tuple[str, tuple[str, ...]], ...] | None:
    if not isinstance(value, dict) or len(value) > _MOST_GLOBS:
        return None
    by_glob = tuple((glob, CODES.convert(codes)) for glob, codes in value.items())
    return None if any(not 0 < len(glob) <= _LONGEST_GLOB or codes is None for glob, codes in by_glob) else by_glob


def _warmup(value: object) -> WarmUp | None:
    """Read a table of method, path and body; a body that is no string is sent as JSON."""
    if not isinstance(value, dict):
        return None
    known = [field.name for field in fields(WarmUp)]
    if unknown := sorted(set(value) - set(known)):
        raise PartError(f"unknown key {unknown[0]!r}; known here: {', '.join(known)}")
    for name, kind in (("method", _METHOD), ("path", _URL_PATH)):
        if name in value and kind.convert(value[name]) is None:
            raise PartError(f"{name} must be {kind.expects}, not {value[name]!r}")
    body = value.get("body", "")
    try:
        return WarmUp(**{**value, "body": body if isinstance(body, str) else json.dumps(body)})
    except TypeError:
        raise PartError("body must be a string, or a value that JSON can hold") from None


_FILE = r"(?!(.*/)?\.\.(/|$))[^\s/\\][^\n\r\\]*"
_METHOD = text(r"[A-Z]+", 'a method such as "POST", in capitals')
_URL_PATH = text(r"/[!-~]*", 'a path such as "/predict?size=1", without spaces')
DNS_LABEL = r"[a-z]([a-z0-9-]{0,61}[a-z0-9])?"
"""A Kubernetes service name: the strictest of the places where a target's name is used."""

ENTRYPOINT = Kind('a Python file inside the function\'s directory, as "path.py" or "path.py:name"', _entrypoint)
PYTHON = text(r"3\.(1[1-9]|[2-9][0-9])", 'a Python version from "3.11" on, such as "3.12", as a string')
REQUIREMENTS = Kind('the name of a requirements file, or a list of requirements such as ["numpy>=2"]', _requirements)
HARDWARE = text(r"(?!.*\.\./)[A-Za-z0-9][A-Za-z0-9._/-]*", 'a profile such as "l4", or the name of a TOML file')
MODE = choice(*ExecutionMode)
SOURCE = text(r"https?://[!-~]+|(?![A-Za-z]+://)[^\n\r]+", 'a file such as "node.csv", or an http or https address')
CURRENCY = text(r"[A-Z]{3}", 'a currency code of three capitals, such as "USD"')
IMAGE = text(r"[A-Za-z0-9][A-Za-z0-9._/:@-]{0,254}", 'an image name, such as "python:3.12-slim"')
MEMORY = Kind('a size such as "512Mi" or "2Gi"', _memory)
WARMUP = Kind('a table with path, method and body, such as { path = "/", body = { size = 1 } }', _warmup)
FLAG = Kind("true or false", lambda value: value if isinstance(value, bool) else None)
CODES = _list(r"ALL|GA\d{0,3}", 'a list of rule codes or their beginnings, such as ["GA201", "GA7"]')
GLOBS = _list(
    rf"(?s).{{1,{_LONGEST_GLOB}}}+", f'a list of at most {_MOST_GLOBS} patterns such as ["tests/*"]', _MOST_GLOBS
)
CODES_BY_GLOB = Kind(
    f'a table of at most {_MOST_GLOBS} patterns with the rules to ignore, such as {{"tests/*" = ["GA2"]}}',
    _codes_by_glob,
)
