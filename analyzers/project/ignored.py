"""Folders that hold no code of the project, wherever it is walked: environments, caches, what a build has left."""

ENVIRONMENTS = ("__pycache__", "node_modules", "venv")
"""Folders that can be made again; nobody has code of their own there."""
_FOLDERS = frozenset({*ENVIRONMENTS, "build", "dist", "env", "site-packages"})


def is_ignored(folder: str) -> bool:
    """Return whether a folder of this name is skipped, as hidden ones are."""
    return folder.startswith(".") or folder in _FOLDERS
