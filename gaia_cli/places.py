"""Where Gaia works: the repository around a directory, the functions that are declared in it, and the cache."""

# ruff: noqa: PTH114, PTH100, PTH109, PTH110, PTH111, PTH116, PTH120 -- a hook does not load pathlib, which takes longer than to lint a file

import os
from collections.abc import Iterator, Sequence

from analyzers.lean.files import FOR_ALL, TEXT_BYTES, read_inside
from gaia_cli.errors import ConfigurationError

_MANIFEST = "gaia.manifest.toml"
_ABOUT_A_FUNCTION = {
    "gaia.toml": (b"[function", b"[mode", b"[slo"),
    "pyproject.toml": (b"[tool.gaia.function", b"[tool.gaia.mode", b"[tool.gaia.slo"),
}


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


def declares(directory: str, names: Sequence[str]) -> bool:
    """Return whether one of the files `names` in `directory` declares a function: a manifest, or its configuration.

    Raises:
        ConfigurationError: one that may do so cannot be read.
    """
    if _MANIFEST in names:
        return True
    contents = (
        (content_of(directory, name, directory), words) for name, words in _ABOUT_A_FUNCTION.items() if name in names
    )
    return any(word in content for content, words in contents for word in words)


def content_of(directory: str, name: str, root: str) -> bytes:
    """Return the content of a configuration file, which may be a link to one below `root`; nothing without it.

    Raises:
        ConfigurationError: it leads out of `root`, is no regular file, is too large, or cannot be read.
    """
    path = os.path.relpath(f"{directory}/{name}", root)
    try:
        return read_inside(root, path, TEXT_BYTES)
    except IsADirectoryError:
        return b""
    except OSError as error:
        if isinstance(error, FileNotFoundError) and not os.path.islink(f"{directory}/{name}"):
            return b""
        message = f"cannot read {directory}/{name}: {error.strerror}"
        raise ConfigurationError(message, "make it a readable file") from None


def cache_directory() -> str:
    """Return where Gaia keeps what can be made again: GAIA_CACHE_DIR, else `gaia` in the user's cache directory.

    Its links are kept, so that those can be refused that a checkout brings; but a home's own are followed.
    """
    home = os.path.expanduser("~")
    usual = f"{home}/.cache" if _is_repository(home) else os.path.realpath(f"{home}/.cache")
    chosen = os.environ.get("GAIA_CACHE_DIR") or f"{os.environ.get('XDG_CACHE_HOME') or usual}/gaia"
    return os.path.abspath(os.path.expanduser(chosen))
