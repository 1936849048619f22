"""Which files are linted: named files, and the Python files and notebooks in named directories.

Environments, caches, hidden directories and links out of the repository are skipped in directories. What `exclude`
matches is always skipped, also when it is named, because hooks name every file that changed.
"""

# ruff: noqa: PTH100, PTH110, PTH112, PTH114, PTH116, PTH118 -- a hook does not load pathlib, which takes longer than to lint

import errno
import os
from collections.abc import Iterator, Sequence

from analyzers.lean.files import leads_out
from analyzers.project.ignored import walk
from gaia_cli.errors import UsageError
from gaia_cli.linting.selection import matches
from gaia_cli.places import repository_root


def root_of(paths: Sequence[str], root: str) -> str:
    """Return `root`, or the nearest directory above it that all of `paths` are below."""
    inside = root.rstrip("/") + "/"
    return root if all(path.startswith(inside) for path in paths) else os.path.commonpath([root, *paths])


def files_to_lint(named: Sequence[str], exclude: Sequence[str], base: str) -> list[str]:
    """Return absolute paths, each once and in order; `exclude` is matched against the path below `base`.

    A directory that may not be read is among them, as what cannot be linted.

    Raises:
        UsageError: a named file does not exist, or a named directory has nothing to lint.
    """
    found: dict[str, None] = {}
    for name in named or ["."]:
        path = os.path.abspath(name)
        if os.path.isdir(path):
            below = dict.fromkeys(_below(path, exclude, base))
            if named and not below and not any(_below(path, (), base)):
                raise UsageError(f"no Python file or notebook in {name}", "give a directory that has some")
            found |= below
        elif not os.path.exists(path):
            raise UsageError(f"{name} does not exist", "give Python files, directories, or - for standard input")
        elif not _excluded(path, exclude, base):
            found[path] = None
    return list(found)


def unless_excluded(name: str, exclude: Sequence[str], base: str) -> list[str]:
    """Return the absolute path of the file `name`, which need not exist; nothing when it is excluded."""
    path = os.path.abspath(name)
    return [] if _excluded(path, exclude, base) else [path]


def directories_below(named: Sequence[str], exclude: Sequence[str], base: str) -> Iterator[tuple[str, Sequence[str]]]:
    """Yield each directory among and below those in `named`, with the sorted names of its files."""
    for name in named or ["."]:
        yield from _walk(os.path.abspath(name), exclude, base)


def _below(root: str, exclude: Sequence[str], base: str) -> Iterator[str]:
    refused: list[str] = []
    for directory, names in walk(root, lambda path: not _excluded(path, exclude, base), refused.append):
        paths = (os.path.join(directory, name) for name in names if name.endswith((".py", ".ipynb")))
        yield from (path for path in paths if not _excluded(path, exclude, base) and not _leads_out(path, root))
    yield from refused


def _leads_out(path: str, root: str) -> bool:
    """Return whether a link leads out of the repository: to what is not the project's, and may be secret.

    One in a circle leads nowhere, as whoever reads it will find.
    """
    if not os.path.islink(path) or _is_circle(path):
        return False
    repository = repository_root(root)
    return leads_out(repository, relative(path, repository))


def _is_circle(link: str) -> bool:
    try:
        os.stat(link)
    except OSError as error:
        return error.errno == errno.ELOOP
    return False


def _walk(root: str, exclude: Sequence[str], base: str) -> Iterator[tuple[str, Sequence[str]]]:
    return walk(root, lambda path: not _excluded(path, exclude, base))


def _excluded(path: str, exclude: Sequence[str], base: str) -> bool:
    return bool(exclude) and any(matches(relative(path, base), glob) for glob in exclude)


def relative(path: str, base: str) -> str:
    """Return `path` relative to `base`, with forward slashes, and with `..` where it lies elsewhere."""
    inside = base.rstrip("/") + "/"
    return path.removeprefix(inside) if path.startswith(inside) else os.path.relpath(path, base).replace(os.sep, "/")
