"""The engine `process`: the runtime as a child process here, the function in a virtual environment of its own.

Two things tie the runtime's life to this one's. Its standard input is a pipe that closes when this process
is gone, however it went, and the runtime then drains and exits. And it leads a session of its own, so that
Ctrl-C on the terminal reaches only the command line, which then stops it.
"""

import os
import queue
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Container, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO, ClassVar

from gaia_cli.engines import Launch, Progress, RunningFunction
from gaia_cli.engines.environments import function_python
from gaia_cli.engines.ports import is_free
from gaia_cli.engines.runtime import GRACE_S, StartedRuntime, unexpected
from gaia_cli.engines.variables import clean_environ
from gaia_cli.errors import EngineError, UsageError
from runtime_images.dynamic_runtime.settings import Settings
from runtime_images.dynamic_runtime.workers.orphans import adopt_orphans, children, end_adopted, leave_orphans
from runtime_images.policy.model import Accelerator

_LONGEST_TEMPORARY = 60
"""A Unix socket's path may have 107 characters."""
_DIRECTORY_PREFIX = "gaia-admin-"
_LEFT_AFTER_S = 60.0
"""An empty directory younger than this may belong to a runtime that is about to put its socket there."""
_READERS_END_S = 1.0
"""How long a pipe of an ended runtime is waited for; a grandchild may hold its other end for ever."""
_AT_ONCE_S = 2.0
"""How long a runtime may take to end at once, with all that the function has started."""


class ProcessEngine:
    """Runs functions as processes of this machine's Python."""

    name = "process"

    def describe(self) -> str:
        """Say in one line what this engine is, for the screen."""
        return "process: a virtual environment on this machine, no container"

    def accelerators(self) -> tuple[Accelerator, ...]:
        """Return an NVIDIA GPU where the driver shows one, and the emulated lane."""
        from runtime_images.dynamic_runtime.telemetry.devices import nvidia_gpus

        real = (Accelerator.NVIDIA,) if nvidia_gpus() else ()
        return (*real, Accelerator.EMULATED)

    def start(self, launch: Launch, progress: Progress) -> RunningFunction:
        """Make the environment and start the runtime."""
        python = function_python(launch.project, launch.accelerator, progress, launch.handed_over)
        if not is_free(launch.settings.port):
            raise UsageError(f"port {launch.settings.port} is taken", "use another --port; 0 takes a free one")
        directory = _private_directory()
        try:
            settings = launch.settings_with(
                function_dir=launch.project.directory,
                function_python=str(python),
                admin=f"unix://{directory / 'admin.sock'}",
                lifeline=True,
            )
            others = children()
            process = _launch(settings, launch.variables)
            return RunningProcess(process, directory, settings.drain_timeout_s, others)
        except BaseException:
            shutil.rmtree(directory, ignore_errors=True)
            raise


class RunningProcess(StartedRuntime):
    """The runtime's process, with the private directory that holds its admin socket.

    Both of its output pipes are read at all times, by a thread each: a runtime that cannot write could not exit either.
    What the function has started is the runtime's to end; of a runtime that is killed, this process inherits it.
    `others` are the processes that were this one's before.
    """

    _all: ClassVar[set[int]] = set()
    """The runtimes that run now: each leads the session of all that it has started."""

    def __init__(
        self, process: subprocess.Popen[bytes], directory: Path, drain_timeout_s: float, others: Container[int]
    ) -> None:
        super().__init__()
        adopt_orphans()
        self._process = process
        self._all.add(process.pid)
        self._others = others
        self._directory = directory
        self._drain_timeout_s = drain_timeout_s
        self._lines: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._readers = (
            threading.Thread(target=self._read_events, name="runtime-stdout", daemon=True),
            threading.Thread(target=self._read_last_lines, name="runtime-stderr", daemon=True),
        )
        for reader in self._readers:
            reader.start()

    def close(self, *, at_once: bool = False) -> int:
        """Stop, wait as long as draining may take, end what is left and return the exit code."""
        try:
            self.stop()
            if at_once:
                self._process.send_signal(signal.SIGQUIT)
            _pipe(self._process.stdin).close()
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(_AT_ONCE_S if at_once else self._drain_timeout_s + GRACE_S)
        finally:
            code = self._end_what_is_left()
        self._join_readers()
        self._lines.put(None)
        return code if code >= 0 else 128 - code

    def _end_what_is_left(self) -> int:
        """End the runtime, and what it could not end itself if it was killed; return its exit code."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        code = self._process.wait()
        self._all.discard(self._process.pid)
        if code < 0:
            end_adopted(self._is_anothers)
        leave_orphans()
        shutil.rmtree(self._directory, ignore_errors=True)
        return code

    def _is_anothers(self, pid: int) -> bool:
        """Return whether a child was there before this runtime, or is another one, or of another one's session."""
        with suppress(ProcessLookupError):
            return pid in self._others or os.getsid(pid) in self._all
        return True

    def _event_lines(self) -> Iterator[bytes]:
        yield from iter(self._lines.get, None)
        self._process.wait()

    def _terminate(self) -> None:
        self._process.send_signal(signal.SIGTERM)

    def _end(self) -> tuple[str, str]:
        self._join_readers()
        code = self._process.wait()
        if code == -signal.SIGKILL:
            said = "the runtime ended unexpectedly (killed by SIGKILL)"
            return said, "another program has killed it, or the memory has run out"
        return unexpected(f"exit code {code}" if code >= 0 else f"killed by {signal.Signals(-code).name}")

    def _read_events(self) -> None:
        with _pipe(self._process.stdout) as lines:
            for line in lines:
                self._lines.put(line)
        self._lines.put(None)

    def _read_last_lines(self) -> None:
        with _pipe(self._process.stderr) as lines:
            for line in lines:
                self._keep(line)

    def _join_readers(self) -> None:
        for reader in self._readers:
            reader.join(timeout=_READERS_END_S)


def _launch(settings: Settings, variables: Mapping[str, str]) -> subprocess.Popen[bytes]:
    """Start the runtime; -P keeps files in the current directory from standing in for its modules."""
    try:
        return subprocess.Popen(
            [sys.executable, "-P", "-m", "runtime_images.dynamic_runtime"],
            env={**clean_environ(os.environ), **variables, **settings.to_environ()},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
    except OSError as error:
        raise EngineError(f"cannot start {sys.executable}: {error.strerror}", "reinstall Gaia") from None


def _private_directory() -> Path:
    """Make a directory that only this user may enter, with a path short enough for a socket in it."""
    usual = tempfile.gettempdir()
    place = Path(usual if len(usual) <= _LONGEST_TEMPORARY else "/tmp")  # noqa: S108 -- mkdtemp makes it private
    _sweep(place)
    return Path(tempfile.mkdtemp(prefix=_DIRECTORY_PREFIX, dir=place))


def _sweep(place: Path) -> None:
    """Remove what commands that were killed have left: the runtime has deleted its socket, the directory stayed."""
    for left in place.glob(f"{_DIRECTORY_PREFIX}*"):
        with suppress(OSError):  # it is somebody else's, or not empty and so in use
            if time.time() - left.stat().st_mtime > _LEFT_AFTER_S:
                left.rmdir()


def _pipe(stream: IO[bytes] | None) -> IO[bytes]:
    assert stream is not None, "every standard stream of the runtime is a pipe"
    return stream
