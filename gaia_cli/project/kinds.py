"""What a configuration value may be: one small checker a kind, each saying in words what it expects.

A kind turns the value that TOML gave into the value that Gaia uses, or raises `ValueError`. It knows
nothing of files and keys, so one error message in `project.py` serves every key of the table there.
"""

import json
import math
import re
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any

from runtime_images.policy.model import ExecutionMode, WarmUp


@dataclass(frozen=True, slots=True)
class Kind:
    """A sort of value: `expects` finishes the sentence "must be ..." in an error."""

    expects: str
    convert: Callable[[object], Any]


class PartError(ValueError):
    """A value of several parts, one of which is wrong; the message says which."""


def number(low: float = 0.0, high: float = math.inf, *, above: bool = False) -> Kind:
    """A finite number from `low` (with `above`: greater than `low`) to `high`."""
    lowest = f"greater than {low:g}" if above else f"{low:g} or more"
    limits = lowest if high == math.inf else f"{lowest} and at most {high:g}"

    def convert(value: object) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise ValueError
        if value > high or value < low or (above and value == low):
            raise ValueError
        return float(value)

    return Kind(f"a number {limits}", convert)


def integer(low: int, high: int) -> Kind:
    """A whole number from `low` to `high`."""

    def convert(value: object) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise ValueError
        return value

    return Kind(f"a whole number from {low} to {high}", convert)


def text(pattern: str, expects: str) -> Kind:
    """A string that matches `pattern` as a whole."""
    compiled = re.compile(pattern)

    def convert(value: object) -> str:
        if not isinstance(value, str) or not compiled.fullmatch(value):
            raise ValueError
        return value

    return Kind(expects, convert)


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError  # noqa: TRY004 -- a kind has one way of saying no
    return value


def _mode(value: object) -> ExecutionMode:
    return ExecutionMode(str(value))


def _memory(value: object) -> str:
    """Docker's spelling of the size: a number and k, m or g, powers of 1024."""
    match = re.fullmatch(r"([1-9][0-9]*)([kmg])i?", value, re.IGNORECASE) if isinstance(value, str) else None
    if match is None:
        raise ValueError
    return match[1] + match[2].lower()


def _relative_file(value: object) -> str:
    if not isinstance(value, str) or not re.fullmatch(_FILE, value) or ".." in value.split("/"):
        raise ValueError
    return value


def _entrypoint(value: object) -> str:
    path, colon, attribute = value.partition(":") if isinstance(value, str) else ("", "", "")
    _relative_file(path)
    if not path.endswith(".py") or (colon and not attribute.isidentifier()):
        raise ValueError
    return str(value)


def _requirements(value: object) -> str | tuple[str, ...]:
    if isinstance(value, str):
        return _relative_file(value)
    if not isinstance(value, list) or not all(isinstance(line, str) for line in value):
        raise ValueError
    lines = tuple(line.strip() for line in value)
    if any(not line or line.startswith("-") or "\n" in line for line in lines):
        raise ValueError  # pip's options stand in requirement files, where paths have a meaning
    return lines


def _codes(value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(code, str) and re.fullmatch(_CODES, code) for code in value):
        raise ValueError
    return tuple(value)


def _globs(value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(glob, str) and glob for glob in value):
        raise ValueError
    return tuple(value)


def _codes_by_glob(value: object) -> tuple[tuple[str, tuple[str, ...]], ...]:
    if not isinstance(value, dict) or not all(value):
        raise ValueError
    return tuple((glob, _codes(codes)) for glob, codes in value.items())


def _warmup(value: object) -> WarmUp:
    """A table of method, path and body; a body that is no string is sent as JSON."""
    if not isinstance(value, dict):
        raise ValueError  # noqa: TRY004 -- a kind has one way of saying no
    known = [field.name for field in fields(WarmUp)]
    if unknown := sorted(set(value) - set(known)):
        raise PartError(f"unknown key {unknown[0]!r}; known here: {', '.join(known)}")
    for name, pattern, expects in (
        ("method", r"[A-Z]+", 'a method such as "POST", in capitals'),
        ("path", r"/[!-~]*", 'a path such as "/predict?size=1", without spaces'),
    ):
        if name in value and not (isinstance(value[name], str) and re.fullmatch(pattern, value[name])):
            raise PartError(f"{name} must be {expects}, not {value[name]!r}")
    body = value.get("body", "")
    try:
        return WarmUp(**{**value, "body": body if isinstance(body, str) else json.dumps(body)})
    except TypeError:
        raise PartError("body must be a string, or a value that JSON can hold") from None


def choice(*words: str) -> Kind:
    """One of a few words."""

    def convert(value: object) -> str:
        if value not in words:
            raise ValueError
        return str(value)

    return Kind("one of " + ", ".join(f'"{word}"' for word in words), convert)


_CODES = r"ALL|GA\d{0,3}"
_FILE = r"[^\s/\\][^\n\r\\]*"
DNS_LABEL = r"[a-z]([a-z0-9-]{0,61}[a-z0-9])?"
"""A Kubernetes service name: the strictest of the places where a function's name is used."""

NAME = text(DNS_LABEL, "lower-case letters, digits and hyphens, at most 63, beginning with a letter")
ENTRYPOINT = Kind('a Python file inside the function\'s directory, as "path.py" or "path.py:name"', _entrypoint)
PYTHON = text(r"3\.(1[1-9]|[2-9][0-9])", 'a Python version from "3.11" on, such as "3.12", as a string')
REQUIREMENTS = Kind('the name of a requirements file, or a list of requirements such as ["numpy>=2"]', _requirements)
HARDWARE = text(r"(?!.*\.\./)[A-Za-z0-9][A-Za-z0-9._/-]*", 'a profile such as "l4", or the name of a TOML file')
MODE = Kind("one of " + ", ".join(f'"{mode}"' for mode in ExecutionMode), _mode)
CURRENCY = text(r"[A-Z]{3}", 'a currency code of three capitals, such as "USD"')
IMAGE = text(r"[A-Za-z0-9][A-Za-z0-9._/:@-]{0,254}", 'an image name, such as "python:3.12-slim"')
MEMORY = Kind('a size such as "512Mi" or "2Gi"', _memory)
WARMUP = Kind('a table with path, method and body, such as { path = "/", body = { size = 1 } }', _warmup)
FLAG = Kind("true or false", _flag)
CODES = Kind('a list of rule codes or their beginnings, such as ["GA201", "GA7"]', _codes)
GLOBS = Kind('a list of patterns such as ["tests/*"]', _globs)
CODES_BY_GLOB = Kind(
    'a table of patterns with the rules to ignore there, such as {"tests/*" = ["GA2"]}', _codes_by_glob
)
