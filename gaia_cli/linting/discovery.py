"""Which files are linted: those that are named, and the Python files in directories that are.

Environments, caches and hidden directories are left out of directories. What `exclude` matches is left out always,
also when it is named, because hooks name every file that changed.
"""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from gaia_cli.errors import UsageError
from gaia_cli.linting.selection import matches

_NOT_THE_PROJECTS = frozenset({"__pycache__", "node_modules", "site-packages", "venv", "env", "build", "dist"})


def repository_root(start: Path) -> Path:
    """The repository that `start` lies in, else `start` itself."""
    return next((directory for directory in (start, *start.parents) if (directory / ".git").exists()), start)


def files_to_lint(named: Sequence[str], exclude: Sequence[str], base: Path) -> list[Path]:
    """The files, each once and in order; `exclude` is matched against the path below `base`.

    Raises:
        UsageError: something that was named is not there.
    """
    found: dict[Path, None] = {}
    for name in named or ["."]:
        path = Path(os.path.abspath(name))  # noqa: PTH100 -- as written: resolving a link would rename the file
        if path.is_dir():
            found |= dict.fromkeys(_below(path, exclude, base))
        elif not path.exists():
            raise UsageError(f"there is nothing at {name}", "give Python files, directories, or - for standard input")
        elif not _excluded(path, exclude, base):
            found[path] = None
    return list(found)


def _below(root: Path, exclude: Sequence[str], base: Path) -> Iterator[Path]:
    for directory, subdirectories, names in os.walk(root):
        here = Path(directory)
        subdirectories[:] = sorted(
            name
            for name in subdirectories
            if name not in _NOT_THE_PROJECTS and not name.startswith(".") and not _excluded(here / name, exclude, base)
        )
        yield from (
            here / name for name in sorted(names) if name.endswith(".py") and not _excluded(here / name, exclude, base)
        )


def _excluded(path: Path, exclude: Sequence[str], base: Path) -> bool:
    return bool(exclude) and any(matches(relative(path, base), glob) for glob in exclude)


def relative(path: Path, base: Path) -> str:
    """`path` below `base` with forward slashes; the way there with `..` where it lies elsewhere."""
    return os.path.relpath(path, base).replace(os.sep, "/")
