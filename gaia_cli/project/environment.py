"""Environment variables of a function, as gaia.toml gives them: the same strings on a laptop and in a cluster.

A number and a truth value become the text that stands in the file; "" is a variable that is set, and empty. A date is
none of these: which text it should be, nobody can tell. What Gaia and the platforms set themselves is not the user's.
"""

import datetime as dt
from collections.abc import Mapping

from gaia_cli.project.kinds import Kind, PartError, text
from gaia_cli.project.parts import by_name, that

_LONGEST = 128 * 1024 - 1
"""Bytes of NAME=VALUE: Linux starts no program with more in one variable."""
_EXPECTS = "a string, a number, true or false"
_OTHERS = {dict: "a table", list: "a list", dt.date: "a date", dt.time: "a time"}
_OF_GAIA = ("LISTEN_ADDRESS", "CUDA_VISIBLE_DEVICES", "NVIDIA_VISIBLE_DEVICES")
_OF_PYTHON = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV")
"""What tells Gaia's own interpreter where its modules are: the function never sees them."""

NAME = text(r"[A-Za-z_][A-Za-z0-9_]*", "a variable's name: letters, digits and underscores, not beginning with a digit")


class Written(float):
    """A number with a point, and how it was written: 1.10 is the text "1.10" where a text is wanted."""

    def __init__(self, written: str) -> None:
        self.written = written.replace("_", "")


def free_name(name: object) -> str | None:
    """Return the name of a variable that the user may set, None where it is no name.

    Raises:
        PartError: it is a name, and not the user's.
    """
    if not isinstance(name, str) or NAME.convert(name) is None:
        return None
    if name.startswith("K_") or name == "PORT":
        raise PartError(f"is set by the platform: {name} cannot be given", (), "choose another name")
    if is_gaias(name):
        raise PartError(f"is set by Gaia: {name} cannot be given", (), "use the key of gaia.toml, or another name")
    if name in _OF_PYTHON:
        raise PartError(f"is kept from the function: {name} cannot be given", (), "put modules beside the function")
    return name


def is_gaias(name: str) -> bool:
    """Return whether a variable is one that Gaia itself sets for a function."""
    return name.startswith("GAIA_") or name in _OF_GAIA


def _text(value: object) -> str:
    """Return a value as the text that a process sees; what is none may be a password, which no message shows."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Written):
        return value.written
    if isinstance(value, int | float):
        return str(value)
    if not isinstance(value, str):
        found = next((word for type_, word in _OTHERS.items() if isinstance(value, type_)), "that")
        raise PartError(f"must be {_EXPECTS}, not {found}", (), "write it as a string, in quotes")
    if "\0" in value:
        raise PartError("must be a text without a zero byte", (), "no program can be given one")
    return value


VALUE = Kind(_EXPECTS, _text)
FREE_NAME = Kind(NAME.expects, free_name, "such as MODEL_PATH")


def _fits(env: Mapping[str, str]) -> None:
    for name, value in env.items():
        if len(f"{name}={value}".encode()) > _LONGEST:
            raise PartError(f"must be at most {_LONGEST} bytes long, with its name", (name,), "put it into a file")


ENV = that(by_name(FREE_NAME, VALUE, 'a table of variables, such as { WORKERS = 4, MODEL = "small" }'), _fits)
"""A table of variables; see `free_name` for the names."""


def merged(function: Mapping[str, str], target: Mapping[str, str], secrets: Mapping[str, object]) -> dict[str, str]:
    """Return the variables of a function on a target, in the order of their names.

    What the target says goes before what the function says, and so does a secret of the target.
    """
    own = {name: value for name, value in function.items() if name not in secrets}
    return dict(sorted({**own, **target}.items()))
