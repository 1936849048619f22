"""Folders that are functions by their own code: an entry point of the function contract, or what a platform starts.

Folders that one program imports are parts of it, however they look: one that another of them reaches is none.
"""

import re
from itertools import islice
from pathlib import Path

from analyzers.project.ignored import walk
from analyzers.project.model import UnreadableError
from analyzers.project.parsing import syntax_tree
from analyzers.project.platforms import WEB_SERVER, platform_in
from analyzers.project.reading import read_code, read_entry
from analyzers.project.sources import MAX_FILES, is_aside, reached
from runtime_images.entrypoint import EntryError, find_entry

_NOT_HERE = "no_entry"
_HOLDS_THE_CODE = re.compile(r"src|function|code|model|\d{1,9}")
"""Folders whose code may be that of the folder above."""
_INNER = re.compile(r"(code/inference|model/model|\d{1,9}/model)\.py")
"""Where SageMaker, Truss and Triton look below the folder that is the function."""


def begins_in(folder: Path) -> bool:
    """Return whether something begins to serve in `folder`: then what lies below is a part of it."""
    return bool(_starts(folder, web_servers=True))


def beginning_below(root: Path) -> list[Path]:
    """Return the uppermost folders below `root` in which something begins to serve, each a program of its own."""
    starts: dict[Path, list[str]] = {}
    for folder in _folders(root):
        if starts.keys().isdisjoint(folder.parents) and (found := _starts(folder, web_servers=False)):
            starts[folder] = [(folder / name).relative_to(root).as_posix() for name in found]
    if len(starts) < 2:
        return list(starts)
    reach = {folder: reached(root, names) for folder, names in starts.items()}
    return [folder for folder, names in starts.items() if not _is_imported(folder, names, reach)]


def _is_imported(folder: Path, names: list[str], reach: dict[Path, frozenset[str]]) -> bool:
    return any(other != folder and not files.isdisjoint(names) for other, files in reach.items())


def _folders(root: Path) -> list[Path]:
    """Return the folders below `root` that may be functions, the upper ones first; none of more files than one has."""
    found: dict[Path, None] = {}
    count = 0
    for directory, names in walk(str(root), lambda path: not is_aside(f"{path.rpartition('/')[2]}/")):
        programs = sum(name.endswith(".py") for name in names)
        count += programs
        if count > MAX_FILES:
            return []
        if programs:
            folder = Path(directory)
            found |= dict.fromkeys([folder.parent, folder] if _HOLDS_THE_CODE.fullmatch(folder.name) else [folder])
    found.pop(root, None)
    return sorted((folder for folder in found if folder != root.parent), key=lambda folder: len(folder.parts))


def _starts(folder: Path, *, web_servers: bool) -> list[str]:
    """Return the files in `folder` that begin to serve; a file that is looked for and cannot be read is one."""
    try:
        return [find_entry(folder, read=read_entry, parse=syntax_tree).path]
    except EntryError as error:
        if error.kind != _NOT_HERE:
            return [error.path]
    unwanted = ("",) if web_servers else ("", WEB_SERVER)
    return [name for name in _python_files(folder) if not is_aside(name) and _platform(folder, name) not in unwanted]


def _python_files(folder: Path) -> list[str]:
    """Return the Python files in `folder`, and those below it where platforms look for them."""
    here = [name for _, names in islice(walk(str(folder)), 1) for name in names if name.endswith(".py")]
    inner = (path.relative_to(folder).as_posix() for path in folder.glob("*/*.py"))
    return here + sorted(name for name in inner if _INNER.fullmatch(name))


def _platform(folder: Path, name: str) -> str:
    try:
        return platform_in(read_code(folder, name))
    except UnreadableError:
        return ""
