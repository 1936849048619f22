"""The tree of code that only a newer Python can parse, in this Python's own nodes."""

import ast
import json
import subprocess
from functools import lru_cache

from analyzers.project.newer import child
from analyzers.project.newer.interpreters import asked, chosen
from analyzers.project.newer.signs import RUNNING, Version, needed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_LONGEST_S = 60
"""Seconds on the clock for a trial that is held to a few of processor time."""


class OfNewerPythonError(SyntaxError):
    """The code is none of this Python's, and looks as if it were for a newer one; `said` is what to know of that."""

    said = ""


def newer_tree(text: str, error: SyntaxError, seconds: int, memory: int) -> ast.Module:
    """Return the tree of `text`, in which this Python found `error`, by a newer one that is held to the limits.

    Raises:
        SyntaxError: it is no newer Python either, its function asks for none, or none is installed: then it says which.
    """
    wanted = asked()
    since = needed(text, error) or wanted
    if since is None or since <= RUNNING:
        raise error
    if wanted is not None and wanted <= RUNNING:
        raise _with(error, f"it looks like Python {_shown(since)}, and the function asks for {_shown(wanted)}")
    newer = chosen(since)
    if newer is None:
        raise _with(error, _to_install(wanted, since))
    version, program = newer
    found = _parsed(text, program, seconds, memory)
    if "error" in found:
        message, line, column = found["error"]
        error = SyntaxError(message, ("", line, column, ""))
        later = needed(text, error, version)
        said = _to_install(None, later) if later else f"Python {_shown(version)} was tried as well"
        raise _with(error, said)
    try:
        return _built(found["nodes"])
    except (AttributeError, TypeError, LookupError, ValueError):
        raise _with(error, f"Python {_shown(version)} did not get done with it: run Gaia with that") from None


def _to_install(wanted: Version | None, since: Version) -> str:
    shown = _shown(wanted or since)
    why = f"the function asks for Python {shown}" if wanted else f"it looks like Python {shown}"
    return f"{why}: run Gaia with that, or put a python{shown} on the PATH for it to ask"


def _shown(version: Version) -> str:
    return ".".join(map(str, version))


def _with(error: SyntaxError, said: str) -> OfNewerPythonError:
    found = OfNewerPythonError(error.msg, ("", error.lineno, error.offset, error.text))
    found.said = said
    return found


@lru_cache(maxsize=4)  # an entry point is parsed to find it, and once more to read it
def _parsed(text: str, program: str, seconds: int, memory: int) -> "dict[str, Any]":
    """Return what a newer Python says of `text`, nothing where it fails; it is isolated from all that is the user's."""
    command = [program, "-I", "-S", "-B", child.__file__, str(seconds), str(memory)]
    try:
        ended = subprocess.run(
            command,
            input=json.dumps(text).encode(),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd="/",
            timeout=_LONGEST_S,
            check=True,
        )
        found = json.loads(ended.stdout)
    except (OSError, subprocess.SubprocessError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _built(written: "list[Any]") -> ast.Module:
    """Return the tree that child.py has written.

    Raises:
        AttributeError, TypeError, LookupError, ValueError: this Python knows no such node.
    """
    nodes: list[ast.AST] = []
    for kind, position, fields in written:
        made = getattr(ast, kind)
        if not issubclass(made, ast.AST) or not fields.keys() <= set(made._fields):
            raise TypeError(kind)
        node = made(**{name: _value(value, nodes) for name, value in fields.items()})
        if position is not None:
            node.lineno, node.col_offset, node.end_lineno, node.end_col_offset = position
        nodes.append(node)
    module = nodes[-1]
    if not isinstance(module, ast.Module):
        raise TypeError(type(module).__name__)
    return module


_NAMED = {"True": True, "False": False, "Ellipsis": ...}


def _value(written: "list[Any] | str | None", nodes: list[ast.AST]) -> object:
    if written is None or isinstance(written, str):
        return written
    kind, *rest = written
    match kind:
        case "node":
            return nodes[rest[0]]
        case "list":
            return [_value(one, nodes) for one in rest]
        case "constant":
            return _NAMED[rest[0]]
        case "bytes":
            return bytes.fromhex(rest[0])
        case "int":
            return int(rest[0], 16)
        case "float":
            return float.fromhex(rest[0])
        case "complex":
            return complex(float.fromhex(rest[0]), float.fromhex(rest[1]))
    raise ValueError(kind)
