"""Kinds of values that have parts: tables and lists, checked to the last key, with the way to what is wrong.

A key that nobody knows is an error wherever it stands: in what goes to a cluster, a misspelt one would be taken and
ignored.
"""

import difflib
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from gaia_cli.project.kinds import Kind, PartError

_PASSWORD = re.compile(r"://[^/\s]*@")
_LONGEST = 60


def part(kind: Kind, value: object, *path: str | int) -> Any:  # noqa: ANN401 -- what the kind makes of it
    """Return a value as its kind converts it.

    Raises:
        PartError: it, or a part of it, is not of the kind; its path begins with `path`.
    """
    try:
        converted = kind.convert(value)
    except PartError as error:
        raise PartError(str(error), (*path, *error.path), error.hint) from None
    if converted is None:
        raise PartError(f"must be {kind.expects}, not {shown(value)}", path, kind.hint)
    return converted


def table(keys: Mapping[str, Kind], *required: str, foreign: Mapping[str, str] | None = None) -> Kind:
    """Return the kind of a table that has these keys and no other.

    `foreign` are keys of other tools with the hint that helps who writes one.
    """

    def convert(value: object) -> dict[str, Any] | None:
        if not isinstance(value, dict):
            return None
        for key in value:
            if key not in keys:
                raise PartError("is not known here", (key,), (foreign or {}).get(key) or nearest(key, keys))
        if missing := [key for key in required if key not in value]:
            raise PartError("is missing", (missing[0],), f"it must be {keys[missing[0]].expects}")
        return {key: part(keys[key], inner, key) for key, inner in value.items()}

    return Kind(f"a table with {', '.join(keys)}", convert)


def by_name(name: Kind, value: Kind, expects: str) -> Kind:
    """Return the kind of a table whose keys the user chooses, all of one kind."""

    def convert(content: object) -> dict[str, Any] | None:
        if not isinstance(content, dict):
            return None
        converted = {}
        for key, inner in content.items():
            part(name, key, key)
            converted[key] = part(value, inner, key)
        return converted

    return Kind(expects, convert)


def several(kind: Kind, expects: str, *, least: int = 0) -> Kind:
    """Return the kind of a list of values of one kind."""

    def convert(value: object) -> tuple[Any, ...] | None:
        if not isinstance(value, list) or len(value) < least:
            return None
        return tuple(part(kind, one, place) for place, one in enumerate(value))

    return Kind(expects, convert)


def that(kind: Kind, check: Callable[[Any], None]) -> Kind:
    """Return a kind whose converted value `check` looks at as well; it raises PartError."""

    def convert(value: object) -> Any:  # noqa: ANN401 -- what the kind makes of it
        converted = kind.convert(value)
        if converted is not None:
            check(converted)
        return converted

    return Kind(kind.expects, convert, kind.hint)


def nearest(unknown: str, known: Iterable[str]) -> str:
    """Return a hint: the known key that is nearest, else all that is known."""
    names = tuple(known)
    return near(unknown, names) or f"known here: {', '.join(names)}"


def near(unknown: str, known: Iterable[str]) -> str:
    """Return a hint that names the known key that is near enough to be meant, empty where none is."""
    found = difflib.get_close_matches(unknown, tuple(known), n=1, cutoff=0.6)
    return f"did you mean {found[0]!r}?" if found else ""


def dotted(path: Iterable[str | int]) -> str:
    """Return the way to a value as people write it: `targets.prod.tolerations[0].effect`."""
    written = ""
    for step in path:
        if isinstance(step, int):
            written += f"[{step}]"
        else:
            bare = step if re.fullmatch(r"[\w-]++", step, re.ASCII) else f'"{step}"'
            written += f".{bare}" if written else bare
    return written


def shown(value: object) -> str:
    """Return a value as the user recognises it, with its type where that is what is wrong."""
    if isinstance(value, dict):
        return "a table"
    text = str(value).lower() if isinstance(value, bool) else _PASSWORD.sub("://***@", repr(value))
    kind = "the string " if isinstance(value, str) else "the list " if isinstance(value, list) else ""
    return kind + (text if len(text) <= _LONGEST else text[: _LONGEST - 3] + "...")
