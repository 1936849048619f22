"""Fixtures for tests that need a Docker engine; they skip, saying how to get one, where none answers.

Registered in tests/conftest.py. Names of images and functions are made for each test, so that tests may run side by
side and leave nothing behind. Gaia is imported by the fixtures that use it, so that a slip in one of its modules fails
the tests of that module and not the start of every test run.
"""

import fcntl
import gc
import io
import os
import platform
import uuid
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import docker
import pytest
from docker.errors import DockerException, ImageNotFound

from tests.support.base_image import CHANGES, write_base_image

if TYPE_CHECKING:
    from gaia_cli.engines.docker_api.client import Docker

HOW_TO_GET_ONE = "no Docker engine answers: run `scripts/ci_docker.sh start` as root, or install Docker"
NO_FAKE_GPU = "the engine has no stand-in GPU: `scripts/ci_docker.sh start --fake-gpu` starts one that has"
NO_PYTHON = "this Python has no ensurepip to make the base image with: install python3-venv"


@pytest.fixture(scope="session")
def docker_client() -> Iterator[docker.DockerClient]:
    """A connection to the engine for looking at what Gaia has done there."""
    client = _connect()
    if client is None:
        pytest.skip(HOW_TO_GET_ONE)
    yield client
    client.close()


def _connect() -> docker.DockerClient | None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # docker-py leaves the socket of a failed attempt open
        try:
            return docker.from_env()
        except DockerException:
            pass
        gc.collect()
    return None


@pytest.fixture
def engine(docker_client: docker.DockerClient) -> "Iterator[Docker]":  # noqa: ARG001 -- it skips where none answers
    """Gaia's own connection to the engine."""
    from gaia_cli.engines.docker_api.client import Docker

    with Docker.connect() as connected:
        yield connected


@pytest.fixture(scope="session")
def base_image(docker_client: docker.DockerClient, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The name of a base image with this Python, made once an engine; it never shadows an official name."""
    name = f"gaia-test/python:{platform.python_version()}"
    with (tmp_path_factory.getbasetemp().parent / "base-image.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # several test processes share one engine
        try:
            docker_client.images.get(name)
        except ImageNotFound:
            _import_base_image(docker_client, name)
        _keep_layers(name, tmp_path_factory.mktemp("layers"))
    return name


def _keep_layers(base: str, directory: Path) -> None:
    """Build an image that stays and so keeps the layers that all have in common, or each test would make them anew."""
    from gaia_cli.engines.build import build_image
    from gaia_cli.engines.docker_api.client import Docker
    from gaia_cli.images.plan import Target
    from gaia_cli.project.manifests import Manifest
    from gaia_cli.project.project import FunctionProject
    from runtime_images.policy.model import ExecutionMode

    (directory / "func.py").write_text("def handler(payload): ...\n", encoding="utf-8")
    project = FunctionProject(directory, "test-layers", base_image=base)
    manifest = Manifest("", "{}", ExecutionMode.CPU, "")
    with Docker.connect() as engine:
        tags = ("gaia-test/layers:latest",)
        build_image(engine, project, manifest, Target(ExecutionMode.CPU), lambda _step: None, tags=tags)


def _import_base_image(client: docker.DockerClient, name: str) -> None:
    content = io.BytesIO()
    try:
        write_base_image(content)
    except FileNotFoundError:
        pytest.skip(NO_PYTHON)
    client.api.import_image_from_data(content.getvalue(), name, changes=list(CHANGES))


@pytest.fixture(scope="session")
def fake_gpu(docker_client: docker.DockerClient, base_image: str) -> None:
    """Skips unless a container that asks for a GPU gets the stand-in one."""
    from gaia_cli.engines.docker_api.client import LABEL

    request = docker.types.DeviceRequest(driver="nvidia", count=1, capabilities=[["gpu"]])
    try:
        docker_client.containers.run(
            base_image, ["cat", "/run/fake-nvml/state"], device_requests=[request], remove=True, labels={LABEL: "test"}
        )
    except DockerException:
        for container in docker_client.containers.list(
            all=True, filters={"status": "created", "label": f"{LABEL}=test"}
        ):
            container.remove(force=True)
        pytest.skip(NO_FAKE_GPU)


@pytest.fixture
def function_name(docker_client: docker.DockerClient) -> Iterator[str]:
    """A function's name that nobody else uses; its images are deleted after the test."""
    name = f"test-{os.getpid()}-{uuid.uuid4().hex[:8]}"
    yield name
    for image in docker_client.images.list(filters={"label": f"faas.gaia.name={name}"}):
        docker_client.images.remove(str(image.id), force=True)


@pytest.fixture
def function(tmp_path: Path, function_name: str, base_image: str) -> Path:
    """The directory of a small function, built on the test's base image."""
    directory = tmp_path / "function"
    directory.mkdir()
    (directory / "func.py").write_text(
        'def handler(payload):\n    return {"hello": payload["name"]}\n', encoding="utf-8"
    )
    (directory / "gaia.toml").write_text(
        f'[function]\nname = "{function_name}"\n\n[build]\nbase_image = "{base_image}"\n', encoding="utf-8"
    )
    return directory
