"""A function's own virtual environment: made once for the same requirements, then reused.

The environment is keyed by everything that decides what is in it. It is built where it will stay, because scripts name
their interpreter by its path, under a file lock, and counts only when its marker is there: a second `gaia run` waits
instead of building too, and what an interrupted build has left is thrown away. A function without requirements gets an
empty environment, because it must not see the packages that Gaia itself is made of.
"""

import fcntl
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import sysconfig
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from analyzers.project.requirements import local_path
from gaia_cli.engines import Progress
from gaia_cli.errors import ConfigurationError, RequirementsError
from gaia_cli.project.project import FunctionProject
from gaia_cli.project.requirements import Requirements
from runtime_images.policy.model import Accelerator

_LAYOUT = 1
"""Raised when environments are built differently, so that old ones are not used."""
_MARKER = "gaia-complete"
_KEPT_LINES = 15
_OWN_VARIABLES = ("PYTHONPATH", "PYTHONHOME", "PYTHONSAFEPATH", "VIRTUAL_ENV", "__PYVENV_LAUNCHER__")
_SHOWN_STEPS = ("Collecting ", "Building ", "Installing ")


class ToolError(Exception):
    """A program could not be started or ended with an error; `last_lines` is what it said before."""

    def __init__(self, last_lines: Sequence[str]) -> None:
        super().__init__("\n".join(last_lines))
        self.last_lines = tuple(last_lines)


def function_python(project: FunctionProject, accelerator: Accelerator, progress: Progress) -> Path:
    """Return the interpreter of the function's environment, which is made if it is not there yet.

    Raises:
        RequirementsError: the environment cannot be made, or the requirements cannot be installed.
        ConfigurationError: the cache directory cannot be written.
    """
    wanted = project.requirements_for(gpu=accelerator is Accelerator.NVIDIA)
    home = cache_directory() / "environments" / _key(project, wanted)
    python = home / "bin" / "python"
    with _locked(home, progress):
        if not ((home / _MARKER).is_file() and python.exists()):
            _build(home, project, wanted, progress)
    return python


def cache_directory() -> Path:
    """Return where Gaia keeps what can be made again: GAIA_CACHE_DIR, else `gaia` in the user's cache directory."""
    if own := os.environ.get("GAIA_CACHE_DIR"):
        return Path(own).expanduser().resolve()
    base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(base).expanduser().resolve() / "gaia"


def clean_environ(environ: Mapping[str, str]) -> dict[str, str]:
    """Return `environ` as a function may see it: without Gaia's settings and secrets, without Gaia's own Python."""
    kept = {
        name: value for name, value in environ.items() if not name.startswith("GAIA_") and name not in _OWN_VARIABLES
    }
    if sys.prefix != sys.base_prefix and "PATH" in kept:
        own = str(Path(sys.prefix, "bin"))
        kept["PATH"] = os.pathsep.join(place for place in kept["PATH"].split(os.pathsep) if place != own)
    return kept


def _key(project: FunctionProject, wanted: tuple[Requirements, ...]) -> str:
    """Return a name that changes with everything that decides what is in the environment."""
    decisive = {
        "layout": _LAYOUT,
        "python": project.python or f"{sys.base_prefix} {sys.version}",
        "platform": sysconfig.get_platform(),
        "requirements": [requirements.lines for requirements in wanted],
        "local": [_local_state(project.directory, line) for requirements in wanted for line in requirements.lines],
    }
    return hashlib.sha256(json.dumps(decisive).encode()).hexdigest()[:20]


def _local_state(directory: Path, line: str) -> list[object]:
    """Return names, sizes and times of the local files that a requirement line points at; empty for most lines."""
    named = local_path(line)
    path = directory / named
    if not named or not path.exists():
        return []
    files = [path] if path.is_file() else sorted(file for file in path.rglob("*.*") if file.is_file())
    states = [(str(file), file.stat()) for file in files if "__pycache__" not in file.parts]
    return [(name, state.st_size, state.st_mtime_ns) for name, state in states]


@contextmanager
def _locked(home: Path, progress: Progress) -> Iterator[None]:
    """Hold the lock of the environment `home`; the system releases it whatever becomes of this process."""
    try:
        home.parent.mkdir(parents=True, exist_ok=True)
        lock = home.with_suffix(".lock").open("w")
    except OSError as error:
        raise ConfigurationError(
            f"cannot write to the cache in {home.parent}: {error.strerror}",
            "set GAIA_CACHE_DIR to a directory of your own",
        ) from None
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            progress("waiting for another gaia to finish the same environment")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _build(home: Path, project: FunctionProject, wanted: tuple[Requirements, ...], progress: Progress) -> None:
    shutil.rmtree(home, ignore_errors=True)
    try:
        _make(home, project, progress, with_pip=bool(wanted))
        if wanted:
            _install(home, project, wanted, progress)
        (home / _MARKER).touch()
    except BaseException:
        shutil.rmtree(home, ignore_errors=True)
        raise


def _make(home: Path, project: FunctionProject, progress: Progress, *, with_pip: bool) -> None:
    progress("creating a virtual environment" + ("" if with_pip else " without packages"))
    command = [sys.executable, "-m", "virtualenv", "--quiet", "--no-periodic-update", str(home)]
    command += ["--python", project.python or sys.executable]
    command += [] if with_pip else ["--no-seed"]
    try:
        run_tool(command, cwd=home.parent, env=clean_environ(os.environ), on_line=lambda _line: None)
    except ToolError as error:
        python = f"Python {project.python}" if project.python else sys.executable
        raise RequirementsError(
            f"cannot create a virtual environment with {python}: {_last(error)}",
            "install that Python, or change [function] python in gaia.toml",
        ) from None


def _install(home: Path, project: FunctionProject, wanted: tuple[Requirements, ...], progress: Progress) -> None:
    progress(f"installing the requirements of {project.name}")
    # -P keeps the function's own files, a json.py say, from standing in for pip's modules.
    command = [str(home / "bin" / "python"), "-P", "-m", "pip", "install"]
    command += ["--no-input", "--progress-bar=off", "--disable-pip-version-check"]
    for number, requirements in enumerate(wanted):
        file = home / f"{number}.txt"
        if requirements.file:
            file = project.directory / requirements.file  # paths in it are relative to it
        else:
            file.write_text("\n".join(requirements.lines) + "\n", encoding="utf-8")
        command += ["--requirement", str(file)]

    def report(line: str) -> None:
        if line.startswith(_SHOWN_STEPS):
            progress("pip: " + line.partition(" (from ")[0])

    temporary = home / "tmp"  # so that what an interrupted pip leaves goes with the environment
    temporary.mkdir()
    environ = clean_environ(os.environ) | {"TMPDIR": str(temporary)}
    try:
        run_tool(command, cwd=project.directory, env=environ, on_line=report)
        shutil.rmtree(temporary)
    except ToolError as error:
        named = ", ".join(requirements.file for requirements in wanted if requirements.file)
        raise RequirementsError(
            f"the requirements of {project.name} cannot be installed: {_last(error)}",
            f"correct {named or 'the requirements'}, or see whether pip can reach its index",
            error.last_lines,
        ) from None


def _last(error: ToolError) -> str:
    """Return the line that says what went wrong: pip's last ERROR, else the last line."""
    lines = [line for line in error.last_lines if line.strip()]
    wrong = [line.removeprefix("ERROR: ") for line in lines if line.startswith("ERROR: ")]
    return (wrong or lines or ["it said nothing"])[-1]


def run_tool(command: Sequence[str], *, cwd: Path, env: Mapping[str, str], on_line: Callable[[str], None]) -> None:
    """Run `command` to its end, passing each line of its output to `on_line`; whatever ends this ends its whole group.

    Raises:
        ToolError: it could not be started, or ended with an error.
    """
    last: deque[str] = deque(maxlen=_KEPT_LINES)
    try:
        process = subprocess.Popen(
            command,
            cwd=cwd,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        )
    except OSError as error:
        raise ToolError([f"{command[0]}: {error.strerror}"]) from None
    with process:
        try:
            assert process.stdout is not None
            for line in process.stdout:
                last.append(line.rstrip())
                on_line(line.strip())
            code = process.wait()
        except BaseException:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            raise
    if code != 0:
        raise ToolError(last)
