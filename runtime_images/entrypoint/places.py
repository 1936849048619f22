"""From which folders a function's own modules are imported, and under which name its entry point is.

What serves a project elsewhere starts in the function's directory (Knative, `python -m`), beside the file
(functions-framework, Lambda, a script), or above the package that the file is in, where `uvicorn app.main:app` is
started and what an installed project is imported from.
"""

from collections.abc import Callable

_SOURCES = "src/"
"""The folder that many projects import from as if it were their root."""

Holds = Callable[[str], bool]
"""Returns whether there is a file at a path relative to the function's directory."""


def import_folders(path: str, holds: Holds) -> tuple[str, ...]:
    """Return the folders that the file at `path` imports from, in order; empty is the function's directory."""
    source = (_SOURCES.rstrip("/"),) if path.startswith(_SOURCES) else ()
    return tuple(dict.fromkeys(("", _folder(path), package_folder(path, holds), *source)))


def package_folder(path: str, holds: Holds) -> str:
    """Return the folder that holds the outermost package around the file at `path`."""
    folder = _folder(path)
    while folder and holds(f"{folder}/__init__.py"):
        folder = _folder(folder)
    return folder


def module_name(path: str, holds: Holds) -> str:
    """Return the dotted name of the file at `path`: as its package is called, else from the function's directory.

    A package has one name, so that its modules are not loaded twice.
    """
    folder = package_folder(path, holds)
    is_in_package = folder != _folder(path)
    name = path.removeprefix(f"{folder}/") if folder and is_in_package else path
    return name.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def _folder(path: str) -> str:
    return path.rpartition("/")[0]
