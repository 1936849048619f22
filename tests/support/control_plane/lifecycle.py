"""Start and end planes, and stop and start the programs of one that runs."""

import asyncio
import contextlib
import fcntl
import json
import os
import select
import shutil
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from tests.support.control_plane import build, commands, installation, network
from tests.support.control_plane.layout import MOST_PLANES, Layout
from tests.support.control_plane.supervisor import FAILED, READY

_ROOT = Path(__file__).resolve().parents[3]
_START_S = 90.0


class PlaneError(Exception):
    """A plane cannot be started here; the sentence says why."""


@dataclass(frozen=True, slots=True)
class Plane:
    """A plane that runs."""

    layout: Layout

    @property
    def kubeconfig(self) -> Path:
        return self.layout.kubeconfig

    def stop(self, program: str, number: signal.Signals = signal.SIGKILL) -> None:
        """End a program of the plane, such as kube-apiserver, and keep it down."""
        self._command("stop", program, number)

    def start(self, program: str) -> None:
        """Start a program that was stopped; it may need a moment to answer."""
        self._command("start", program)

    def send(self, program: str, number: signal.Signals) -> None:
        """Send a signal to a program, such as SIGSTOP to let it hang; one that ends of it is started again."""
        self._command("signal", program, number)

    def restore(self) -> None:
        """Start whatever was stopped and let go on whatever was halted, and wait until all of it works."""
        for program in commands.everything(self.layout):
            self.start(program.name)
            self.send(program.name, signal.SIGCONT)
        self.until_ready()

    def restart_api_server(self, meanwhile: Callable[[], None] = lambda: None) -> None:
        """Kill the API server and start it again after `meanwhile`.

        The programs that watch it are started anew, too: by themselves they would try again after half a minute.
        """
        self.stop(commands.API_SERVER)
        meanwhile()
        self.start(commands.API_SERVER)
        self.until_ready()
        for watcher in commands.WATCHERS:
            self.send(watcher, signal.SIGTERM)

    def until_ready(self) -> None:
        """Wait until the API server and Knative's webhook answer."""
        asyncio.run(installation.wait_for_webhook(self.layout))

    def provide(self, image: str, directory: Path, command: list[str] | None = None) -> None:
        """Let a function's directory stand for an image, whose path has /real/ in it; or a command of its own."""
        if "/real/" not in image:
            raise ValueError(f"the kubelet runs only images with /real/ in their path: {image}")
        stands = {"directory": str(directory)} | ({"command": command} if command else {})
        file = self.layout.directory / "images" / quote(image, safe="")
        fresh = file.with_name(f"{file.name}.new")
        fresh.write_text(json.dumps(stands))
        fresh.rename(file)

    def log(self, program: str) -> str:
        """Return what a program has said so far."""
        return (self.layout.directory / "logs" / f"{program}.log").read_text(errors="replace")

    def _command(self, do: str, program: str, number: int = 0) -> None:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(30)
            connection.connect(str(self.layout.socket))
            connection.sendall(json.dumps({"do": do, "program": program, "signal": number}).encode() + b"\n")
            said = json.loads(connection.makefile().readline() or '"the plane has gone"')
        if said:
            raise PlaneError(said)


def unavailable() -> str:
    """Return why no plane can be started here, empty if one can."""
    if sys.platform != "linux" or os.geteuid() != 0:
        return "a control plane needs Linux and root, for its network namespaces"
    tools = [tool for tool in ("ip", "unshare", "openssl") if shutil.which(tool) is None]
    return f"a control plane needs {' and '.join(tools)}" if tools else build.missing()


def up(layout: Layout, owner: int | None = None) -> Plane:
    """Start a plane and wait until it is ready; it ends with the process `owner`, or when `down` says so.

    Raises:
        PlaneError: it cannot be started, with the reason.
    """
    if reason := unavailable():
        raise PlaneError(reason)
    with _lock(layout):
        if is_up(layout):
            return Plane(layout)
        return _begin(layout, owner)


def down(layout: Layout) -> None:
    """End a plane, whatever state it is in, and leave nothing of it."""
    with _lock(layout):
        _sweep(layout)


def is_up(layout: Layout) -> bool:
    """Whether a plane of this number runs and is ready."""
    return _first_process(layout) is not None and (layout.directory / READY).exists()


def up_anywhere(owner: int) -> Plane:
    """Start a plane of our own under the first number that nobody uses.

    Raises:
        PlaneError: it cannot be started, with the reason.
    """
    if reason := unavailable():
        raise PlaneError(reason)
    for layout in map(Layout, range(MOST_PLANES)):
        with _lock(layout, wait=False) as is_ours:
            if is_ours and _first_process(layout) is None:
                return _begin(layout, owner)
    raise PlaneError(f"{MOST_PLANES} planes run already: end one with `python -m tests.support.control_plane down`")


def has_owner(layout: Layout) -> bool:
    """Whether a plane ends with the process that it was started for."""
    return (layout.directory / "owner").read_text() != ""


def _begin(layout: Layout, owner: int | None) -> Plane:
    _sweep(layout)
    layout.directory.mkdir()
    (layout.directory / "owner").write_text("" if owner is None else str(owner))
    try:
        _await_ready(layout, _spawn(layout, owner))
    except BaseException:
        _end(layout)
        raise
    return Plane(layout)


def _spawn(layout: Layout, owner: int | None) -> int:
    """Start a plane's first process; it is waited for by nobody, since it may outlive us."""
    watched = "" if owner is None else str(os.pidfd_open(owner))
    spaces = ["unshare", "--net", "--mount", "--pid", "--mount-proc", "--fork", "--kill-child"]
    module = [sys.executable, "-m", "tests.support.control_plane.supervisor", str(layout.number), watched]
    said = (os.POSIX_SPAWN_OPEN, 1, str(layout.directory / "supervisor.log"), os.O_WRONLY | os.O_CREAT, 0o600)
    files = [(os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0), said, (os.POSIX_SPAWN_DUP2, 1, 2)]
    if watched:
        os.set_inheritable(int(watched), True)
    environment = {**os.environ, "PYTHONPATH": str(_ROOT)}
    pid = os.posix_spawnp(spaces[0], [*spaces, *module], environment, file_actions=files, setsid=True)
    if watched:
        os.close(int(watched))
    (layout.directory / "pid").write_text(str(pid))
    _await_namespace(pid)
    network.connect(layout, pid)
    return pid


def _await_namespace(pid: int) -> None:
    """Wait until a process has left our network."""
    ours = Path("/proc/self/ns/net").readlink()
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        if Path(f"/proc/{pid}/ns/net").readlink() != ours:
            return
        time.sleep(0.005)
    raise PlaneError("no network namespace can be made here")


def _await_ready(layout: Layout, pid: int) -> None:
    deadline = time.monotonic() + _START_S
    while not (layout.directory / READY).exists():
        if os.waitpid(pid, os.WNOHANG)[0] or time.monotonic() > deadline:
            failed = layout.directory / FAILED
            said = failed.read_text() if failed.exists() else (layout.directory / "supervisor.log").read_text()
            raise PlaneError(f"the control plane did not start; its logs are in {layout.directory}: {said[-2000:]}")
        time.sleep(0.02)


def _sweep(layout: Layout) -> None:
    """Take away a plane, or what is left of one that was killed."""
    _end(layout)
    network.disconnect(layout)
    shutil.rmtree(layout.directory, ignore_errors=True)


def _end(layout: Layout) -> None:
    pid = _first_process(layout)
    if pid is None:
        return
    watched = os.pidfd_open(pid)
    os.kill(pid, signal.SIGKILL)
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, 0)
    select.select([watched], [], [], 10)
    os.close(watched)


def _first_process(layout: Layout) -> int | None:
    """Return the process that holds the plane, None if it has ended; its number may be another's by now."""
    try:
        pid = int((layout.directory / "pid").read_text())
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except (FileNotFoundError, ProcessLookupError, ValueError):
        return None
    return pid if b"unshare" in words[0] and str(layout.number).encode() in words else None


@contextlib.contextmanager
def _lock(layout: Layout, *, wait: bool = True) -> Iterator[bool]:
    """Hold a plane's lock; without `wait` only if nobody else does, which is what is yielded."""
    with (build.programs() / f"plane-{layout.number}.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            yield False
        else:
            yield True
