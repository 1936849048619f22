"""A connection to a Docker engine: what it can be asked about images, and the making of containers.

Builds go to the classic builder, which is the one docker-py knows. Every failure leaves this room as an error for the
user.
"""

import contextlib
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import IO, Any, Self

import docker
import requests
from docker.auth import AuthConfig
from docker.errors import APIError, DockerException
from docker.types import DeviceRequest, LogConfig

from gaia_cli.engines.docker_api.container import Container
from gaia_cli.engines.docker_api.errors import follow_build, not_connected
from gaia_cli.engines.docker_api.pushing import explain_push, follow_push
from gaia_cli.engines.docker_api.translating import translated
from gaia_cli.images import wall
from gaia_cli.images.logins import Login, auth_config
from gaia_cli.images.references import Reference

LABEL = "faas.gaia"
"""On everything that Gaia makes on an engine, to distinguish it from what belongs to others."""

_PROBE_IMAGE = "gaia/probe"
_PROBE_PROGRAM = "/gaia-gpu-probe"


class Docker:
    """A connection to an engine; close it, or use it in a `with`."""

    def __init__(self, client: docker.DockerClient) -> None:
        self._client = client
        self._api: Any = client.api  # its type stubs leave half of the calls untyped

    @classmethod
    def connect(cls) -> "Docker":
        """Connect to the engine of the environment: DOCKER_HOST, else the current context, else the usual socket.

        Raises:
            EngineError: no engine answers there, or Docker's config.json cannot be used.
        """
        try:
            return cls(docker.from_env())
        except (DockerException, requests.RequestException, ValueError, TypeError, AttributeError) as error:
            raise not_connected(str(error)) from None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection."""
        self._client.close()

    def describe(self) -> str:
        """Return what the engine is, with its version."""
        with translated():
            return f"Docker Engine {self._client.version().get('Version', '?')}"

    def build(
        self,
        context: IO[bytes],
        tag: str,
        labels: dict[str, str],
        on_line: Callable[[str], None],
        *,
        no_cache: bool,
        logins: Mapping[str, Mapping[str, str]],
    ) -> str:
        """Build the Dockerfile in the tar `context` and return the image's id; `on_line` gets each line of its output.

        `logins` are those by host that it needs: docker-py would ask for all, and fail where one helper is missing.

        Raises:
            BuildError: a step failed.
            EngineError: the engine could not build at all.
        """
        with translated():
            self._api._auth_configs = AuthConfig({"auths": logins or {"": {}}})  # one without entries is read anew
            steps = self._api.build(
                fileobj=context,
                custom_context=True,
                tag=tag,
                labels={LABEL: "image"} | labels,
                nocache=no_cache,
                rm=True,
                forcerm=True,
                decode=True,
            )
            with contextlib.closing(steps):
                return follow_build(steps, on_line)

    def tag(self, image: str, tag: str) -> None:
        """Give `image` another name."""
        repository, _, version = tag.rpartition(":")
        with translated():
            self._api.tag(image, repository, version)

    def push(self, image: Reference, login: Login | None, on_step: Callable[[str], None]) -> str:
        """Push the tag `image`, and return its digest; `on_step` gets progress. It raises what `follow_push` does."""
        known, user = (auth_config(image.host, login), login.username) if login else ({}, "")
        with translated():
            try:
                events = self._api.push(image.repository, image.tag, stream=True, decode=True, auth_config=known)
            except APIError as error:
                raise explain_push(str(error.explanation or error), image, user) from None
            with contextlib.closing(events):
                return follow_push(events, image, on_step, user)

    def image_size(self, image: str) -> int:
        """Return the image's size in bytes."""
        with translated():
            return int(self._api.inspect_image(image)["Size"])

    def prune(self, labels: dict[str, str]) -> None:
        """Delete images with `labels` that have lost their last name; those in use stay.

        An engine prunes once at a time; while somebody else does, what is left waits for the next build.
        """
        wanted = [f"{name}={value}" for name, value in labels.items()]
        with translated():
            try:
                self._api.prune_images(filters={"dangling": True, "label": wanted})
            except APIError as error:
                if error.status_code != HTTPStatus.CONFLICT:
                    raise

    def create(
        self,
        image: str,
        *,
        environment: dict[str, str],
        ports: dict[int, tuple[str, int]],
        labels: dict[str, str],
        cpus: float | None,
        memory: str,
        gpus: int,
    ) -> Container:
        """Create a container, read-only, without privileges, bounded; it removes itself when it exits.

        The runtime is its process 1, as in a cluster, and adopts orphans itself. A function could open the output of
        an engine's own init, and write events there.

        `ports` maps a port inside to an address here, port 0 for any free one. `cpus` and `memory` ("512m") are limits,
        None and empty for none; `gpus` counts the NVIDIA GPUs passed through.

        Raises:
            EngineError: the engine refuses it.
        """
        with translated():
            host = self._api.create_host_config(
                port_bindings=dict(ports),
                read_only=True,
                tmpfs={wall.TEMPORARY: wall.TEMPORARY_OPTIONS},
                cap_drop=list(wall.DROPPED),
                security_opt=list(wall.SECURITY_OPTIONS),
                pids_limit=wall.MOST_PROCESSES,
                auto_remove=True,
                log_config=LogConfig(type=LogConfig.types.JSON, config={"max-size": "10m", "max-file": "2"}),
                mem_limit=memory or None,
                memswap_limit=memory or None,
                nano_cpus=None if cpus is None else int(cpus * 1e9),
                device_requests=[_gpu_request(gpus)] if gpus else None,
            )
            created = self._api.create_container(
                image,
                environment=environment,
                ports=list(ports),
                labels={LABEL: "function"} | labels,
                host_config=host,
                stop_timeout=wall.STOP_TIMEOUT_S,
                stdin_open=True,  # the lifeline: closes when whoever attached is gone
            )
        return Container(self._api, created["Id"])

    def can_give_gpu(self) -> bool:
        """Return whether a container here can have an NVIDIA GPU, found by asking for one.

        The probe is an image without its program, which the engine misses only after it has handed out the GPU.
        """
        with translated():
            if not self._api.images(_PROBE_IMAGE):
                self._api.import_image_from_data(bytes(1024), _PROBE_IMAGE, changes=[f"LABEL {LABEL}=probe"])
            host = self._api.create_host_config(device_requests=[_gpu_request(1)], network_mode="none")
            probe = self._api.create_container(_PROBE_IMAGE, [_PROBE_PROGRAM], host_config=host)
            try:
                self._api.start(probe["Id"])
            except APIError as error:
                return _PROBE_PROGRAM in str(error.explanation)
            finally:
                self._api.remove_container(probe["Id"], force=True)
        return False


def _gpu_request(count: int) -> DeviceRequest:
    return DeviceRequest(driver="nvidia", count=count, capabilities=[["gpu", "compute", "utility"]])
