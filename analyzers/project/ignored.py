"""Folders that hold no code of the project, wherever it is walked: environments, caches, what a build has left."""

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Refused = Callable[[str], object]

ENVIRONMENTS = ("__pycache__", "node_modules", "venv")
"""Folders that can be made again; nobody has code of their own there."""
_FOLDERS = frozenset({*ENVIRONMENTS, "build", "dist", "env", "site-packages"})
_HIDDEN_CODE = ".runpod"
"""The hidden folder in which RunPod looks for a worker's handler and its Dockerfile."""


def is_ignored(folder: str) -> bool:
    """Return whether a folder of this name is skipped, as all but one of the hidden ones are."""
    return (folder.startswith(".") and folder != _HIDDEN_CODE) or folder in _FOLDERS


def walk(
    root: str, enters: "Callable[[str], bool]" = lambda _path: True, refused: "Refused" = lambda _path: None
) -> "Iterator[tuple[str, list[str]]]":
    """Yield `root` and the directories below it, each with the sorted names of its files, however deep they are.

    No link is followed, and what is ignored, unreadable or not to be entered is skipped; `enters` is given paths, and
    `refused` those that may not be read: they may hold anything.
    """
    pending = [root]
    while pending:
        directory = pending.pop()
        folders, files = _entries(directory, refused)
        yield directory, files
        paths = [f"{directory.rstrip('/')}/{name}" for name in folders if not is_ignored(name)]
        pending += [path for path in reversed(paths) if enters(path)]


def _entries(directory: str, refused: "Refused") -> tuple[list[str], list[str]]:
    """Return the sorted names of the folders in a directory, and of all else but links to folders."""
    folders, files = [], []
    try:
        with os.scandir(directory) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    folders.append(entry.name)
                elif not (entry.is_symlink() and os.path.isdir(entry.path)):  # noqa: PTH112 -- for hooks, without pathlib
                    files.append(entry.name)
    except PermissionError:
        refused(directory)
        return [], []
    except OSError:
        return [], []
    return sorted(folders), sorted(files)
