"""Where Gaia works: the repository around a directory, and the cache."""

# ruff: noqa: PTH100, PTH109, PTH110, PTH111, PTH116, PTH120 -- a hook does not load pathlib, which takes longer than to lint a file

import os
from collections.abc import Iterator

from analyzers.lean.files import FOR_ALL


def above(directory: str) -> Iterator[str]:
    """Yield `directory` and every directory above it, the nearest first."""
    yield directory
    while directory != os.path.dirname(directory):
        directory = os.path.dirname(directory)
        yield directory


def repository_root(start: str) -> str:
    """Return the repository that `start` lies in, else `start` itself."""
    return next((directory for directory in above(start) if _is_repository(directory)), start)


def _is_repository(directory: str) -> bool:
    """Return whether there is a repository; in a directory like /tmp anybody can have begun one, so there is none."""
    return os.path.exists(f"{directory}/.git") and os.stat(directory).st_mode & FOR_ALL != FOR_ALL


def working_tree() -> str:
    """Return the repository of the working directory, else that directory: what lies below may be a stranger's."""
    return repository_root(os.getcwd())


def cache_directory() -> str:
    """Return where Gaia keeps what can be made again: GAIA_CACHE_DIR, else `gaia` in the user's cache directory.

    Its links are kept, so that those can be refused that a checkout brings; but a home's own are followed.
    """
    home = os.path.expanduser("~")
    usual = f"{home}/.cache" if _is_repository(home) else os.path.realpath(f"{home}/.cache")
    chosen = os.environ.get("GAIA_CACHE_DIR") or f"{os.environ.get('XDG_CACHE_HOME') or usual}/gaia"
    return os.path.abspath(os.path.expanduser(chosen))
