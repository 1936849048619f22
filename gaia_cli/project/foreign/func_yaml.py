"""Knative's func.yaml, as far as it concerns Gaia: the function's name, and the variables that it has when it runs.

They are read as `func run` reads them: a value may be `{{ env:NAME }}`, which is that of a variable here. What refers
to a secret or a ConfigMap stands in a cluster, and has to be given here. Nothing is resolved before a function is to
run: to read a project must not need its variables.
"""

import re
from collections.abc import Callable, Container, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from gaia_cli.errors import ConfigurationError
from gaia_cli.project.environment import ENV
from gaia_cli.project.foreign.yaml_nodes import composed, keys, rows, said
from gaia_cli.project.kinds import PartError
from gaia_cli.project.own_files import text_of
from gaia_cli.project.parts import part

FILE = "func.yaml"
_NAME = (
    r"""\s*+("(?P<double>[^"\\]++)"|'(?P<single>[^']++)'|(?P<plain>[^\s\[\]{}&*!|>%@`"'#,:][^#"':]*+))\s*+(#.*+)?+"""
)
"""A value of YAML that is a string in one line: quoted, or plain where its first character has no other meaning."""
_LOCAL = re.compile(r"\{\{\s*env\s*:(\w+)\s*\}\}")
_OF_A_CLUSTER = re.compile(r"\{\{\s*(secret|configMap)\s*:.*\}\}")
_WHAT = {"secret": "a secret", "configMap": "a ConfigMap"}


class _Variable(NamedTuple):
    """A variable as it stands in the file; `name` is empty where all keys of a secret are meant."""

    line: int
    name: str
    value: str


def name_in(directory: Path) -> str:
    """Return the top-level `name:`, empty where there is none.

    Raises:
        ConfigurationError: it is not a plain string.
    """
    for number, line in enumerate((text_of(directory, FILE) or "").splitlines(), 1):
        if stated := re.match(r"name\s*:(?=\s|$)(.*)", line):
            name = re.fullmatch(_NAME, stated[1])
            if name is None:
                hint = "write it as `name: my-function`, or name the function in gaia.toml"
                raise ConfigurationError(f"{directory / FILE}:{number}: the name is not a plain string", hint)
            return name["double"] or name["single"] or name["plain"].rstrip()
    return ""


def variables(
    directory: Path, environ: Mapping[str, str], known: Container[str], say: Callable[[str], None]
) -> dict[str, str]:
    """Return the variables of a function that is to run, but those in `known`, which get their values elsewhere.

    `say` is told what is left out, and what is taken from `environ`.

    Raises:
        ConfigurationError: the file cannot be read, or names what is not here.
    """
    place = directory / FILE
    values: dict[str, str] = {}
    for one in _variables(directory, place):
        if one.name in known:
            continue
        value = _value(one, place, environ, say)
        try:
            values |= part(ENV, {one.name: value})
        except PartError as error:
            say(f"{place}:{one.line}: the variable is left out: {one.name} {error}")
    return values


def _value(one: _Variable, place: Path, environ: Mapping[str, str], say: Callable[[str], None]) -> str:
    where = f"{place}:{one.line}"
    again = f"give --env {one.name or 'NAME'}=VALUE, or write it into gaia.toml: [run.env]"
    if found := _OF_A_CLUSTER.fullmatch(one.value):
        raise ConfigurationError(f"{where}: {one.name or one.value} is {_WHAT[found[1]]} of a cluster", again)
    if not (local := _LOCAL.fullmatch(one.value)):
        return one.value
    if local[1] not in environ:
        raise ConfigurationError(f"{where}: {one.name} is to be {local[1]}, which is not set here", again)
    say(f"{FILE} gives the function {local[1]} of your environment, as {one.name}")
    return environ[local[1]]


def _variables(directory: Path, place: Path) -> Iterator[_Variable]:
    """Yield what stands in `run.envs`, or in `envs` as older files have it."""
    text = text_of(directory, FILE) or ""
    if "envs" not in text:
        return
    top = keys(composed(text, place))
    for envs in (top.get("envs"), keys(top.get("run")).get("envs")):
        for entry in rows(envs):
            name, value = (said(keys(entry).get(key)) for key in ("name", "value"))
            if value is not None:  # without one, func leaves the variable out
                yield _Variable(entry.start_mark.line + 1, name.value if name is not None else "", value.value)
