"""Which project a function is of: the same answer on every machine, for every user, in every checkout.

A name says little: two people call their function `hello`. A repository that comes from somewhere says who it is, by
its remote and the path in it, whatever way it was cloned. Where there is none, an id is kept in a file beside
gaia.toml, to be committed with it. Neither names a user, a machine or a path on one. Equal sources are the same
function in any case.
"""

import re
import subprocess
import uuid
from dataclasses import dataclass
from pathlib import Path

from analyzers.lean.writing import write_inside
from gaia_cli.errors import UsageError
from gaia_cli.images.context import ID_FILE, MANIFEST_FILE, sources_digest
from gaia_cli.project.own_files import text_of
from gaia_cli.project.project import FunctionProject
from gaia_cli.targets.protocol import Identity

_ID = re.compile(r"id:[0-9a-f]{32}")
_SSH = re.compile(r"(?:[^@/\s]+@)?(?P<host>[A-Za-z0-9.-]{2,}):(?P<path>[^/\s].*)")
_URL = re.compile(r"[a-z+]+://(?:[^@/\s]*@)?(?P<host>[A-Za-z0-9.-]+)(?::\d+)?/(?P<path>\S+)")
_REMOTES = ("upstream", "origin")
"""Of these remotes the first that is there: a fork knows by `upstream` what it is a fork of."""
_GIT_S = 10.0


@dataclass(frozen=True, slots=True)
class _Repository:
    remote: str
    prefix: str


def identity_of(project: FunctionProject) -> Identity:
    """Return what is known of the project's identity; `project` in it is empty where nothing has said one yet.

    Raises:
        ConfigurationError: the id file or a source cannot be read.
    """
    directory = project.directory
    sources = sources_digest(directory, (ID_FILE, MANIFEST_FILE))
    if kept := (text_of(directory, ID_FILE) or "").strip():
        if not _ID.fullmatch(kept):
            raise UsageError(f"{directory / ID_FILE} holds no id of a project", "take it from version control, or away")
        return Identity(kept, directory.name, sources)
    if repository := _repository(directory):
        where = f"{repository.remote}//{repository.prefix.rstrip('/')}".rstrip("/")
        return Identity(f"git:{where}", where, sources)
    return Identity("", directory.name, sources)


def new_id() -> str:
    """Return an id for a project that has none."""
    return f"id:{uuid.uuid4().hex}"


def keep_id(project: FunctionProject, identity: str) -> Path:
    """Write the identity beside gaia.toml, and return the file.

    Raises:
        UsageError: it cannot be written.
    """
    file = project.directory / ID_FILE
    try:
        write_inside(str(project.directory), ID_FILE, f"{identity}\n".encode())
    except OSError as error:
        hint = "make its directory writable, or keep the function in a repository with a remote"
        raise UsageError(f"cannot write {file}, which says whose function this is: {error.strerror}", hint) from None
    return file


def remote_name(url: str) -> str:
    """Return where a remote is as host/path, the same for each way to clone it; empty for one of this machine."""
    found = _URL.fullmatch(url) or _SSH.fullmatch(url)
    if found is None or url.startswith("file:"):
        return ""
    path = found["path"].strip("/").removesuffix(".git").strip("/")
    return f"{found['host'].lower()}/{path}" if path else ""


def _repository(directory: Path) -> _Repository | None:
    """Return the repository that holds the function, None where it has no remote that others see."""
    prefix = _git(directory, "rev-parse", "--show-prefix")
    if prefix is None:
        return None
    for remote in _REMOTES:
        if name := remote_name(_git(directory, "config", "--local", "--get", f"remote.{remote}.url") or ""):
            return _Repository(name, prefix)
    return None


def _git(directory: Path, *arguments: str) -> str | None:
    """Return what git answers, None where it is missing or says no; only what reads is asked of it.

    A checkout of another user's, as in a pipeline's container, is read as well: nothing of it is run.
    """
    command = ["git", "-c", "safe.directory=*", "-c", "core.fsmonitor=false", "-C", str(directory), *arguments]
    try:
        done = subprocess.run(command, capture_output=True, timeout=_GIT_S, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.decode(errors="replace").strip() if done.returncode == 0 else None
