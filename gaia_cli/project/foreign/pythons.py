"""On which Python a function runs: what its project asks for, among those that Gaia runs.

Where the Python that runs Gaia will do, it is taken: it is there. Else it is the one of `.python-version`, which its
author works with, else the oldest that is allowed: of that one most is known to work. A project for older Pythons runs
all the same, since most do, and whoever runs it is told.
"""

import sys
from pathlib import Path
from typing import Any, NamedTuple

from analyzers.project.dependency_lists import PYPROJECT, poetry_versions, table_in
from analyzers.project.requirements import pythons
from gaia_cli.project.foreign import cog_yaml
from gaia_cli.project.lines import line_of
from gaia_cli.project.own_files import text_of

RUNNING = f"{sys.version_info[0]}.{sys.version_info[1]}"
"""The Python that runs Gaia."""

_RUN = ("3.11", "3.12", "3.13", "3.14")
_PINNED = ".python-version"


class Wanted(NamedTuple):
    """A Python, such as "3.12", empty for the one that runs Gaia; `said` is what there is to say about it, or empty."""

    version: str
    said: str = ""


class _Stated(NamedTuple):
    """What a project says, and where: a specifier, and the words and the place for a message."""

    specifier: str
    words: str
    place: str


def python_of(directory: Path, pyproject: dict[str, Any], running: str) -> Wanted:
    """Return the Python of a function, where its configuration names none.

    Raises:
        ConfigurationError: a file that may say so cannot be read.
    """
    stated = _stated(directory, pyproject)
    if stated is None:
        return Wanted("")
    fitting = pythons(stated.specifier, _RUN)
    if running in fitting:
        return Wanted("")
    if fitting:
        pinned = ".".join((text_of(directory, _PINNED) or "").strip().split(".")[:2])
        return Wanted(pinned if pinned in fitting else fitting[0])
    known = f"{_RUN[0]} to {_RUN[-1]}"
    return Wanted("", f"{stated.place}: {stated.words}: Gaia runs Python {known}, and takes {running}")


def _stated(directory: Path, pyproject: dict[str, Any]) -> _Stated | None:
    asked = table_in(pyproject, "project").get("requires-python")
    by_poetry = table_in(pyproject, "tool", "poetry", "dependencies").get("python")
    if isinstance(asked, str) and asked:
        return _Stated(asked, f'requires-python = "{asked}"', _place(directory, "project", "requires-python"))
    if isinstance(by_poetry, str) and (versions := poetry_versions(by_poetry)):
        place = _place(directory, "tool", "poetry", "dependencies", "python")
        return _Stated(versions, f'python = "{by_poetry}"', place)
    if (version := cog_yaml.read(directory).python) is not None:
        wanted = ".".join(version.value.split(".")[:2])
        place = f"{directory / cog_yaml.FILE}:{version.line}"
        return _Stated(f"=={wanted}.*", f"python_version: {version.value}", place)
    return None


def _place(directory: Path, *path: str) -> str:
    return f"{directory / PYPROJECT}:{line_of(text_of(directory, PYPROJECT) or '', path)}"
