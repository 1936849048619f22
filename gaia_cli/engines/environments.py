"""A function's own virtual environment: made once for the same project and requirements, then reused by that project.

The environment is named by everything that decides what is in it. It is built where it will stay, because scripts name
their interpreter by its path, under a file lock, and counts only when its marker is there: a second `gaia run` waits
instead of building too, and what an interrupted build has left is thrown away. A function without requirements gets an
empty environment, because it must not see the packages that Gaia itself is made of.
"""

import os
import shutil
import signal
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from gaia_cli import places
from gaia_cli.engines import Progress
from gaia_cli.engines.environment_key import environment_key
from gaia_cli.engines.private_places import MARKER, check_own, discard, is_sealed, locked, make_private, seal
from gaia_cli.engines.variables import pip_environ
from gaia_cli.errors import RequirementsError
from gaia_cli.project.project import FunctionProject
from gaia_cli.project.requirements import Requirements
from runtime_images.policy.model import Accelerator

_KEPT_LINES = 15
_NOT_FOUND = "failed to find interpreter"
"""What virtualenv says of a Python that is not there."""
_SHOWN_STEPS = ("Collecting ", "Building ", "Installing ")
_NO_VARIABLES: Mapping[str, str] = {}


class ToolError(Exception):
    """A program could not be started or ended with an error; `last_lines` is what it said before."""

    def __init__(self, last_lines: Sequence[str]) -> None:
        super().__init__("\n".join(last_lines))
        self.last_lines = tuple(last_lines)


def function_python(
    project: FunctionProject,
    accelerator: Accelerator,
    progress: Progress,
    handed_over: Mapping[str, str] = _NO_VARIABLES,
) -> Path:
    """Return the interpreter of the function's environment, which is made if it is not there yet.

    pip sees the variables in `handed_over`, so that requirements may name them.

    Raises:
        RequirementsError: the environment cannot be made, or the requirements cannot be installed.
        ConfigurationError: the cache directory cannot be written, or is not this user's alone.
    """
    if project.python_said:
        progress(project.python_said)
    wanted = project.requirements_for(gpu=accelerator is Accelerator.NVIDIA)
    environ = {**pip_environ(os.environ), **handed_over}
    environments = cache_directory() / "environments"
    make_private(environments)
    home = environments / environment_key(project, wanted, environ)
    python = home / "bin" / "python"
    with locked(home, progress):
        check_own(home)
        if not (is_sealed(home) and python.exists()):
            if (home / MARKER).exists():
                progress("the function's environment was changed since it was made")
            _build(home, project, wanted, environ, progress)
    return python


def cache_directory() -> Path:
    """Return where Gaia keeps what can be made again."""
    return Path(places.cache_directory())


def _build(
    home: Path,
    project: FunctionProject,
    wanted: tuple[Requirements, ...],
    environ: Mapping[str, str],
    progress: Progress,
) -> None:
    discard(home)
    try:
        _make(home, project, environ, progress, with_pip=bool(wanted))
        if wanted:
            _install(home, project, wanted, environ, progress)
        seal(home)
    except BaseException:
        discard(home)
        raise


def _make(
    home: Path, project: FunctionProject, environ: Mapping[str, str], progress: Progress, *, with_pip: bool
) -> None:
    progress("creating a virtual environment" + ("" if with_pip else " without packages"))
    command = [sys.executable, "-P", "-m", "virtualenv", "--quiet", "--no-periodic-update", str(home)]
    command += ["--python", project.python or sys.executable]
    command += [] if with_pip else ["--no-seed"]
    try:
        run_tool(command, cwd=home.parent, env=environ, on_line=lambda _line: None)
    except ToolError as error:
        raise _unmade(project, error) from None


def _unmade(project: FunctionProject, error: ToolError) -> RequirementsError:
    if project.python and _NOT_FOUND in _last(error):
        return RequirementsError(
            f"the function asks for Python {project.python}, which is not on the PATH here",
            "install that Python, use --engine docker, or name another one in gaia.toml: [function] python",
        )
    python = f"Python {project.python}" if project.python else sys.executable
    return RequirementsError(
        f"cannot create a virtual environment with {python}: {_last(error)}",
        "install that Python, or change [function] python in gaia.toml",
    )


def _install(
    home: Path,
    project: FunctionProject,
    wanted: tuple[Requirements, ...],
    environ: Mapping[str, str],
    progress: Progress,
) -> None:
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
            limits = home / f"{number}-constraints.txt"
            limits.write_text("\n".join(requirements.constraints or ()) + "\n", encoding="utf-8")
            command += ["--constraint", str(limits)]
        command += ["--requirement", str(file)]

    def report(line: str) -> None:
        if line.startswith(_SHOWN_STEPS):
            progress("pip: " + line.partition(" (from ")[0])

    temporary = home / "tmp"  # so that what an interrupted pip leaves goes with the environment
    temporary.mkdir()
    try:
        run_tool(command, cwd=project.directory, env={**environ, "TMPDIR": str(temporary)}, on_line=report)
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
