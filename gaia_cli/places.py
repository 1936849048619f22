"""Where Gaia works: the repository around a directory, and the cache."""

# ruff: noqa: PTH109, PTH110, PTH111, PTH120 -- a hook does not load pathlib, which takes longer than to lint a file

import os
from collections.abc import Iterator


def above(directory: str) -> Iterator[str]:
    """Yield `directory` and every directory above it, the nearest first."""
    yield directory
    while directory != os.path.dirname(directory):
        directory = os.path.dirname(directory)
        yield directory


def repository_root(start: str) -> str:
    """Return the repository that `start` lies in, else `start` itself."""
    return next((directory for directory in above(start) if os.path.exists(f"{directory}/.git")), start)


def working_tree() -> str:
    """Return the repository of the working directory, else that directory: what lies below may be a stranger's."""
    return repository_root(os.getcwd())


def cache_directory() -> str:
    """Return where Gaia keeps what can be made again: GAIA_CACHE_DIR, else `gaia` in the user's cache directory."""
    chosen = os.environ.get("GAIA_CACHE_DIR") or f"{os.environ.get('XDG_CACHE_HOME') or '~/.cache'}/gaia"
    return os.path.realpath(os.path.expanduser(chosen))
