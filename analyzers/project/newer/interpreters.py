"""The newer Pythons that may be asked: those that are installed, and the one that a function asks for.

Looked at are the absolute folders of PATH, and the standard folders of uv and pyenv; nothing is started to find them. A
folder that anybody may write to is passed over, and so are pyenv's shims, which know only the Pythons that are switched
on.
"""

import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from pathlib import Path

from analyzers.project.newer.signs import RUNNING, Version

_NEWEST = 30
"""Beyond any Python 3.N that may come."""
_SHIMS = "shims"
_ASKED: ContextVar[Version | None] = ContextVar("asked", default=None)


@contextmanager
def function_python(version: str) -> Iterator[None]:
    """Let what is parsed meanwhile be for the Python `version`, such as "3.12", where a function asks for one."""
    major, dot, minor = version.partition(".")
    token = _ASKED.set((int(major), int(minor)) if dot and major.isdecimal() and minor.isdecimal() else None)
    try:
        yield
    finally:
        _ASKED.reset(token)


def asked() -> Version | None:
    """Return the Python that the function asks for, None where it asks for none."""
    return _ASKED.get()


def chosen(since: Version) -> tuple[Version, str] | None:
    """Return the Python to ask about syntax that came with `since`, and its program; None where none is installed.

    It is the function's own where that is there, else the next newer one; without one, the newest.
    """
    wanted = asked()
    fitting = [(version, program) for version, program in _installed().items() if version >= (wanted or since)]
    return next(iter(fitting if wanted else fitting[::-1]), None)


@lru_cache(maxsize=1)
def _installed() -> Mapping[Version, str]:
    """Return the programs of the Pythons that are newer than the running one, by their versions, the oldest first."""
    return dict(sorted(find(os.environ).items()))


def find(environ: Mapping[str, str], running: Version = RUNNING) -> dict[Version, str]:
    """Return the first program of each Python newer than `running`."""
    found: dict[Version, str] = {}
    for folder in filter(_is_safe, _folders(environ)):
        for minor in range(running[1] + 1, _NEWEST):
            program = f"{folder}/python3.{minor}"
            if (3, minor) not in found and os.access(program, os.X_OK) and Path(program).is_file():
                found[3, minor] = program
    return found


def _folders(environ: Mapping[str, str]) -> Iterator[str]:
    home = environ.get("HOME") or str(Path.home())
    data = environ.get("XDG_DATA_HOME") or f"{home}/.local/share"
    by_uv = environ.get("UV_PYTHON_INSTALL_DIR") or f"{data}/uv/python"
    by_pyenv = f"{environ.get('PYENV_ROOT') or f'{home}/.pyenv'}/versions"
    yield from (folder for folder in environ.get("PATH", "").split(os.pathsep) if not folder.endswith(_SHIMS))
    yield from (f"{place}/{name}/bin" for place in (by_uv, by_pyenv) for name in _names(place))
    yield from ("/usr/local/bin", "/usr/bin")


def _names(place: str) -> list[str]:
    try:
        return sorted(path.name for path in Path(place).iterdir())
    except OSError:
        return []


def _is_safe(folder: str) -> bool:
    """Return whether programs may be started from `folder`: it is no place that depends, or that is for all."""
    try:
        return folder.startswith("/") and not Path(folder).stat().st_mode & stat.S_IWOTH
    except OSError:
        return False
