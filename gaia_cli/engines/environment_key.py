"""What decides what is in an environment: the project, its requirements, the files that they name, pip's settings."""

import hashlib
import json
import os
import re
import stat
import sys
import sysconfig
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain, islice
from pathlib import Path
from urllib.parse import unquote

from analyzers.lean.files import open_regular
from analyzers.project.ignored import is_ignored
from gaia_cli.errors import ConfigurationError
from gaia_cli.project.project import FunctionProject
from gaia_cli.project.requirements import Requirements

_LAYOUT = 2
"""Raised when environments are built differently, so that old ones are not used."""
_MOST_NAMED = 20_000
_MOST_CONFIGURATION = 1024 * 1024
_VARIABLE = re.compile(r"\$\{([A-Z0-9_]+)\}")
_ARCHIVE = re.compile(r".+\.(whl|zip|tgz|tar|tar\.(gz|bz2|xz))")
_SHORT_OPTION = re.compile(r"^-[a-zA-Z](?=[^-])")
_BEHIND_PATH = re.compile(r"[\[;#?].*", re.DOTALL)
_SETTINGS = ("PIP_", "VIRTUALENV_")
_FILE_SETTINGS = re.compile(
    r"^(?:PIP_)?(?:find[-_]links|requirement|(?:build[-_])?constraint)[ \t]*[=:](.*(?:\n[ \t]+.*)*)",
    re.IGNORECASE | re.MULTILINE,
)

State = tuple[str, int, int, int, int]


def environment_key(project: FunctionProject, wanted: tuple[Requirements, ...], environ: Mapping[str, str]) -> str:
    """Return a name that changes with everything that decides what is in the environment.

    Files count by name, size, times and number: who changes one in place cannot give it back the time of its change.

    Raises:
        ConfigurationError: a directory that the requirements name has too many files in it.
    """
    lines = [line for requirements in wanted for line in requirements.lines]
    settings = [f"{name}={value}" for name, value in sorted(environ.items()) if name.startswith(_SETTINGS)]
    settings += _configuration(environ)
    mentioned = [*lines, *(f"-f {value}" for text in settings for value in _FILE_SETTINGS.findall(text))]
    paths = _paths(_folders(project.directory, wanted), mentioned, environ)
    decisive = {
        "layout": _LAYOUT,
        "directory": os.path.realpath(project.directory),
        "python": project.python or f"{sys.base_prefix} {sys.version}",
        "platform": sysconfig.get_platform(),
        "requirements": [requirements.lines for requirements in wanted],
        "locked": [requirements.constraints for requirements in wanted if not requirements.file],
        "variables": {name: environ.get(name) for line in lines for name in _VARIABLE.findall(line)},
        "settings": settings if wanted else [],
        "files": _states(paths) if wanted else [],
    }
    return hashlib.sha256(json.dumps(decisive).encode()).hexdigest()[:20]


def _folders(directory: Path, wanted: tuple[Requirements, ...]) -> list[Path]:
    """Return where the paths in requirements may begin: pip reads some from the folder of the file that names them."""
    return [directory, *{directory / folder for requirements in wanted for folder in requirements.folders}]


def _configuration(environ: Mapping[str, str]) -> list[str]:
    """Return the text of every configuration file that pip reads; one that is not there is empty."""
    home = Path(environ.get("HOME") or "~").expanduser()
    shared = (environ.get("XDG_CONFIG_DIRS") or "/etc/xdg").split(os.pathsep)
    own = environ.get("XDG_CONFIG_HOME") or home / ".config"
    places = [Path(place, "pip/pip.conf") for place in (*shared, own)]
    places += [Path("/etc/pip.conf"), home / ".pip/pip.conf", Path(environ.get("PIP_CONFIG_FILE") or os.devnull)]
    return [_text(place) for place in places]


def _text(path: Path) -> str:
    try:
        with open_regular(str(path)) as file:
            return file.read(_MOST_CONFIGURATION).decode(errors="replace")
    except OSError:
        return ""


def _paths(folders: list[Path], lines: Iterable[str], environ: Mapping[str, str]) -> list[Path]:
    """Return where the files and directories may be that the lines name."""
    names = {name for line in lines for name in _named(_expanded(line, environ))}
    return sorted({Path(os.path.normpath(folder / name)) for folder in folders for name in names})


def _states(paths: Iterable[Path]) -> list[State]:
    files = list(islice(chain.from_iterable(map(_files, paths)), _MOST_NAMED + 1))
    if len(files) > _MOST_NAMED:
        raise ConfigurationError(
            f"the requirements name directories with more than {_MOST_NAMED:,} files, such as {files[-1][0]}",
            "give what is installed from a directory one of its own",
        )
    return files


def _expanded(line: str, environ: Mapping[str, str]) -> str:
    return _VARIABLE.sub(lambda match: environ.get(match[1], match[0]), line)


def _named(line: str) -> Iterator[str]:
    """Yield what may be the path of a file or directory in a requirement line; whether it is one, the disk knows."""
    is_option = line.startswith("-")
    for word in chain([line], re.split(r"[\s=]+", line)):
        bare = _SHORT_OPTION.sub("", word.strip("\"'"), count=1)
        before, is_url, url = bare.rpartition("file:")
        path = _BEHIND_PATH.sub("", unquote(url.removeprefix("//localhost").removeprefix("//")) if is_url else bare)
        names_one = is_option or is_url or path.startswith(".") or "/" in path or _ARCHIVE.fullmatch(path)
        if path and names_one and "://" not in before + path and "\0" not in path:
            yield path


def _files(path: Path) -> Iterator[State]:
    """Yield the state of `path`, or those of the files in it; not of those that building and running leave there."""
    pending = [path]
    while pending:
        here = pending.pop()
        try:
            status = here.stat()
            if not stat.S_ISDIR(status.st_mode):
                yield (str(here), status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino)
            elif here == path or not here.is_symlink():
                pending += sorted(below for below in here.iterdir() if not _is_left_behind(below.name))
        except (OSError, ValueError):  # it is not there, it may not be read, or no path is like that
            continue


def _is_left_behind(name: str) -> bool:
    return is_ignored(name) or name.endswith(".egg-info")
