"""The engine `docker`: the image of `gaia build`, run as one container, its GPU passed through where there is one.

The container's life hangs on this process in two ways. Its standard input is attached to us alone and closes when we
are gone, however we went; the runtime then drains and exits. And it removes itself when it exits. The admin port is
published on the loopback address only, and asks for a token that is made for each run.
"""

import secrets
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from functools import cache

from gaia_cli.engines import Launch, Progress, RunningFunction
from gaia_cli.engines.build import build_image
from gaia_cli.engines.docker_api.client import Docker
from gaia_cli.engines.docker_api.container import Container
from gaia_cli.engines.ports import HOST
from gaia_cli.engines.runtime import GRACE_S, StartedRuntime, unexpected
from gaia_cli.images.plan import FUNCTION_PYTHON, NAME_LABEL, PORT, Target
from gaia_cli.project.manifests import manifest_of
from runtime_images.dynamic_runtime.settings import Settings
from runtime_images.events.lifecycle import Ready
from runtime_images.events.model import Event
from runtime_images.policy.model import Accelerator

ADMIN_PORT = 9901
KILLED = 137
"""The exit code of a process that was sent SIGKILL."""


class DockerEngine:
    """Runs functions as containers of the Docker engine that answers."""

    name = "docker"

    def describe(self) -> str:
        """Say in one line what this engine is, for the screen."""
        with Docker.connect() as docker:
            return f"docker: a container on {docker.describe()}"

    def accelerators(self) -> tuple[Accelerator, ...]:
        """Return an NVIDIA GPU where the engine hands one out, and the emulated lane."""
        return (Accelerator.NVIDIA, Accelerator.EMULATED) if _gives_gpu() else (Accelerator.EMULATED,)

    def start(self, launch: Launch, progress: Progress) -> RunningFunction:
        """Build the image and start a container of it."""
        project = launch.project
        with ExitStack() as undo:
            docker = undo.enter_context(Docker.connect())
            target = Target(launch.settings.mode, real_gpu=launch.accelerator is Accelerator.NVIDIA)
            tags = (f"gaia/{project.name}:run",)
            image = build_image(docker, project, manifest_of(project), target, progress, tags=tags)
            progress("starting the container")
            token = launch.settings.admin_token or secrets.token_urlsafe(24)
            container = _create(docker, launch, image.identifier, token)
            undo.callback(container.remove)
            container.start()
            running = RunningContainer(docker, container, launch.settings, token)
            undo.pop_all()
            return running


@cache
def _gives_gpu() -> bool:
    """Ask the engine, once a process: the answer costs the start of a container."""
    with Docker.connect() as docker:
        return docker.can_give_gpu()


def _create(docker: Docker, launch: Launch, image: str, token: str) -> Container:
    settings, project = launch.settings, launch.project
    inside = launch.settings_with(
        function_dir="/function",
        function_python=FUNCTION_PYTHON,
        listen_address="0.0.0.0",  # noqa: S104 -- inside the container; it is published on the loopback address
        port=PORT,
        admin=f"0.0.0.0:{ADMIN_PORT}",
        admin_token=token,
        lifeline=True,
    )
    return docker.create(
        image,
        environment={**launch.variables, **inside.to_environ()},
        ports={PORT: (settings.listen_address, settings.port), ADMIN_PORT: (HOST, 0)},
        labels={NAME_LABEL: project.name},
        cpus=project.cpus,
        memory=project.memory,
        gpus=project.gpus if launch.accelerator is Accelerator.NVIDIA else 0,
    )


class RunningContainer(StartedRuntime):
    """A container that serves a function. `admin_token` is the bearer token of the admin address."""

    def __init__(self, docker: Docker, container: Container, settings: Settings, admin_token: str) -> None:
        super().__init__()
        self.admin_token = admin_token
        self.identifier = container.identifier
        self._docker = docker
        self._container = container
        self._settings = settings

    def close(self, *, at_once: bool = False) -> int:
        """Stop, wait as long as draining may take, remove what is left and return the exit code."""
        drained = threading.Thread(target=self._discard_output, name="container-output", daemon=True)
        try:
            self.stop()
            drained.start()
            self._container.wait(0.0 if at_once else self._settings.drain_timeout_s + GRACE_S)
        finally:
            self._container.remove()
        code = self._container.wait(GRACE_S)
        drained.join(GRACE_S)
        self._docker.close()
        return KILLED if code is None else code

    def _event_lines(self) -> Iterator[bytes]:
        out = err = b""
        for is_stdout, chunk in self._container.output():
            if is_stdout:
                *lines, out = (out + chunk).split(b"\n")
                yield from lines
            else:
                *lines, err = (err + chunk).split(b"\n")
                for line in lines:
                    self._keep(line)

    def _terminate(self) -> None:
        self._container.terminate()

    def _seen_from_here(self, event: Event) -> Event:
        """Return `event`; in `ready` the addresses become those that lead into the container from this machine."""
        if not isinstance(event, Ready):
            return event
        host = self._settings.listen_address
        url = f"http://{f'[{host}]' if ':' in host else host}:{self._container.published(PORT)}"
        return replace(event, url=url, admin=f"http://{HOST}:{self._container.published(ADMIN_PORT)}")

    def _end(self) -> tuple[str, str]:
        code = self._container.wait(GRACE_S)
        if code == KILLED:
            hint = "raise [run] memory in gaia.toml if it ran out of memory"
            return f"the container was killed (exit code {code})", hint
        return unexpected(f"exit code {code}")

    def _discard_output(self) -> None:
        """Read on to the end: a runtime that cannot write its last events cannot exit either."""
        for _chunk in self._container.output():
            pass
