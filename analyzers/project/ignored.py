"""Folders that hold no code of the project, wherever it is walked: environments, caches, what a build has left."""

ENVIRONMENTS = ("__pycache__", "node_modules", "venv")
"""Folders that can be made again; nobody has code of their own there."""
_LEFT_BEHIND = ("build", "dist", "env", "site-packages")
_FOLDERS = frozenset({*ENVIRONMENTS, *_LEFT_BEHIND})


def is_ignored(folder: str) -> bool:
    """Whether a folder of this name is passed over, as hidden ones are."""
    return folder.startswith(".") or folder in _FOLDERS
