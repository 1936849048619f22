"""One container of a real pod: a process in the pod's network, its environment, its log, its restarts.

There is no image: what an image holds is a directory of this machine, and of its file system a container has only its
account's credentials for itself. A process that ends is started again after a pause that grows, as kubelets do.
"""

import asyncio
import contextlib
import os
import signal
import sys
from datetime import UTC, datetime
from pathlib import Path

from tests.support.control_plane.build import programs
from tests.support.control_plane.rest import Object

ROOT = Path(__file__).resolve().parents[4]
QUEUE_PROXY = "queue-proxy"

_ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount"
_ENTER = f'mount -t tmpfs tmpfs /run && mkdir -p {_ACCOUNT} && mount --bind "$0" {_ACCOUNT} && exec "$@"'
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 1.0, 10.0
_MESSAGE_LINES = 20


def now() -> str:
    """Return the time as the API writes it."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class Container:
    """A container; `image` is what stands for its image, see `command_of`."""

    def __init__(self, spec: Object, image: Object, environment: dict[str, str], space: str, directory: Path) -> None:
        self.name: str = spec["name"]
        self.spec = spec
        self.ready = False
        self.restarts = 0
        self.state: Object = {"waiting": {"reason": "ContainerCreating"}}
        self.last_state: Object = {}
        self._command = command_of(spec, image)
        self._environment = _base(image) | environment
        self._space = space
        self._directory = directory
        self._process: asyncio.subprocess.Process | None = None
        self._ending = asyncio.Event()

    @property
    def log(self) -> Path:
        """The log of the present process, or of the last one."""
        return log_of(self._directory, self.name, self.restarts)

    async def run(self, changed: asyncio.Event) -> None:
        """Run it, again and again, until it is ended; `changed` is set when there is something to report."""
        pause = _FIRST_PAUSE_S
        while not self._ending.is_set():
            began = now()
            code = await self._once(changed)
            self.ready = False
            ended = {"exitCode": code, "reason": "Completed" if code == 0 else "Error", "message": self._last_words()}
            self.last_state = {"terminated": ended | {"startedAt": began, "finishedAt": now()}}
            if self._ending.is_set():
                self.state = dict(self.last_state)
                changed.set()
                return
            message = f"back-off {pause:.0f}s restarting failed container={self.name}"
            self.state = {"waiting": {"reason": "CrashLoopBackOff", "message": message}}
            self.restarts += 1
            changed.set()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._ending.wait(), pause)
            pause = min(2 * pause, _LONGEST_PAUSE_S)

    async def end(self, grace_s: float) -> None:
        """Ask it to end, and end it when its time is over."""
        self._ending.set()
        process = self._process
        if process is None or process.returncode is not None:
            return
        process.send_signal(signal.SIGTERM)
        try:
            await asyncio.wait_for(process.wait(), grace_s)
        except TimeoutError:
            process.kill()
            await process.wait()

    def kill(self) -> None:
        """End it at once; a liveness probe that fails does so too, and then it is started again."""
        if self._process is not None and self._process.returncode is None:
            self._process.kill()

    def forget(self) -> None:
        """End it at once and for good."""
        self._ending.set()
        self.kill()

    @property
    def is_running(self) -> bool:
        return "running" in self.state

    def status(self) -> Object:
        """Return what a pod's status says of it."""
        return {
            "name": self.name,
            "image": self.spec["image"],
            "imageID": "",
            "ready": self.ready,
            "started": self.is_running,
            "restartCount": self.restarts,
            "state": self.state,
            **({"lastState": self.last_state} if self.restarts else {}),
        }

    async def _once(self, changed: asyncio.Event) -> int:
        enter = ["setpriv", "--pdeathsig", "KILL", "nsenter", f"--net=/run/netns/{self._space}"]
        apart = ["unshare", "--mount", "sh", "-c", _ENTER, str(self._directory / "account")]
        self._process = process = await asyncio.create_subprocess_exec(
            *enter,
            *apart,
            *self._command,
            env=self._environment,
            cwd=ROOT,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        self.state = {"running": {"startedAt": now()}}
        changed.set()
        await self._keep_log(process)
        code = await process.wait()
        return code if code >= 0 else 128 - code

    async def _keep_log(self, process: asyncio.subprocess.Process) -> None:
        """Write down what a process says, each line with its time, until it has ended."""
        assert process.stdout is not None
        with self.log.open("ab", buffering=0) as file:
            while line := await process.stdout.readline():
                time = datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
                file.write(time.encode() + b" " + line.rstrip(b"\n") + b"\n")

    def _last_words(self) -> str:
        lines = self.log.read_text(errors="replace").splitlines()[-_MESSAGE_LINES:] if self.log.exists() else []
        return "\n".join(line.partition(" ")[2] for line in lines)[-2000:]


def log_of(directory: Path, container: str, attempt: int) -> Path:
    """Return the log of the process that was started after so many restarts."""
    return directory / f"{container}-{attempt}.log"


def command_of(spec: Object, image: Object) -> list[str]:
    """Return what a container runs: what the pod says, else what its image does."""
    if spec["name"] == QUEUE_PROXY:
        return [str(programs() / "queue")]
    entry = spec.get("command") or image.get("command") or [sys.executable, "-m", "runtime_images.dynamic_runtime"]
    return [*entry, *spec.get("args", ())]


def _base(image: Object) -> dict[str, str]:
    """Return the environment that an image brings along."""
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "LD_LIBRARY_PATH") if name in os.environ}
    base = kept | {"HOME": "/run", "TMPDIR": "/run", "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
    return base | ({"GAIA_FUNCTION_DIR": image["directory"]} if "directory" in image else {})
