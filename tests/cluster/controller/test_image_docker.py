"""The controller's own image, built by an engine: what is in it, and that it leads in a real control plane."""

import io
import json
import tarfile
import uuid
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest

import runtime_images
from gaia_cli.targets.knative.controlling import FUNCTION_RULES, LEASE_RULES, NAME
from runtime_images.cluster.kinds import LEASE
from tests.cluster.conftest import Gaia
from tests.support.control_plane.lifecycle import Plane
from tests.support.control_plane.objects import Objects
from tests.support.control_plane.people import with_rules
from tests.support.control_plane.rest import Object

pytestmark = [pytest.mark.docker, pytest.mark.long]
PACKAGE = Path(runtime_images.__file__).parent
_ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount"


def context(base: str) -> bytes:
    """Return what an engine is sent for the recipe, which begins at an image that is there already."""
    recipe = (PACKAGE / "recipes" / "Dockerfile.controller").read_text()
    first = next(line for line in recipe.splitlines() if line.startswith("FROM "))
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        archive.add(PACKAGE, PACKAGE.name, filter=lambda one: None if "__pycache__" in one.name else one)
        text = recipe.replace(first, f"FROM {base}").encode()
        entry = tarfile.TarInfo("Dockerfile")
        entry.size = len(text)
        archive.addfile(entry, io.BytesIO(text))
    return packed.getvalue()


@pytest.fixture(scope="module")
def built(docker_client: docker.DockerClient, base_image: str) -> Iterator[str]:
    """The controller's image; skips where the package index is out of the engine's reach."""
    name = f"gaia-test/controller:{uuid.uuid4().hex[:8]}"
    try:
        docker_client.images.build(fileobj=io.BytesIO(context(base_image)), custom_context=True, tag=name, rm=True)
    except docker.errors.BuildError as error:
        log = "".join(str(line.get("stream", "")) for line in error.build_log)
        if "No matching distribution" in log or "connection" in log.lower():
            pytest.skip(f"the engine does not reach a package index: {log[-300:]}")
        raise AssertionError(log[-2000:]) from error
    yield name
    docker_client.images.remove(name, force=True)


def said_by(client: docker.DockerClient, image: str, code: str) -> list[str]:
    """Return the words that a Python program prints in the image."""
    command = ["/opt/gaia/venv/bin/python", "-c", code]
    said: bytes = client.containers.run(image, command[1:], entrypoint=command[:1], remove=True)
    return said.decode().split()


def test_it_holds_no_analyzer_and_no_command_line_and_runs_as_nobody(
    docker_client: docker.DockerClient, built: str
) -> None:
    code = "import os; print(os.getuid(), *sorted(n for _, d, f in os.walk('/opt/gaia/runtime_images') for n in d))"
    user, *folders = said_by(docker_client, built, code)
    libraries = said_by(docker_client, built, "import os, lightkube as k; print(*os.listdir(k.__path__[0] + '/..'))")

    assert user == "65532"
    assert {"policy", "cluster", "controller"} <= set(folders)
    assert not {"gaia_cli", "analyzers", "dynamic_runtime", "recipes"} & set(folders)
    assert not {"typer", "astroid", "docker", "rich"} & set(libraries)


def test_outside_of_a_pod_it_says_so_and_ends(docker_client: docker.DockerClient, built: str) -> None:
    with pytest.raises(docker.errors.ContainerError) as raised:
        docker_client.containers.run(built, remove=True)

    assert raised.value.exit_status == 4
    assert "runs in no pod" in str(raised.value)


def test_it_leads_with_the_rights_of_an_install_and_gives_the_lead_back(
    docker_client: docker.DockerClient, built: str, a_plane: Plane, objects: Objects, gaia: Gaia, tmp_path: Path
) -> None:
    kubeconfig = json.loads(
        with_rules(objects, a_plane.kubeconfig, [*FUNCTION_RULES, *LEASE_RULES], tmp_path / "k", name=NAME).read_text()
    )
    account = tmp_path / "account"
    account.mkdir()
    (account / "token").write_text(kubeconfig["users"][0]["user"]["token"])
    (account / "namespace").write_text(objects.namespace)
    authority = kubeconfig["clusters"][0]["cluster"]["certificate-authority"]
    (account / "ca.crt").write_text(Path(authority).read_text())
    host, port = a_plane.layout.server.removeprefix("https://").split(":")

    running = docker_client.containers.run(
        built, detach=True, network_mode="host", read_only=True, cap_drop=["ALL"],
        security_opt=["no-new-privileges"], volumes={str(account): {"bind": _ACCOUNT, "mode": "ro"}},
        environment={"KUBERNETES_SERVICE_HOST": host, "KUBERNETES_SERVICE_PORT": port,
                     "GAIA_NAMESPACE": objects.namespace, "GAIA_CONTROLLER_PORT": "0"},
    )  # fmt: skip
    try:
        objects.until(LEASE, NAME, holder)
        assert gaia("controller", "status").returncode == 0
        running.stop(timeout=20)
        assert running.wait()["StatusCode"] == 0, running.logs().decode()
    finally:
        running.remove(force=True)

    lease = objects.get(LEASE, NAME)
    assert lease is not None
    assert holder(lease) == ""


def holder(lease: Object) -> str:
    """Return who holds a Lease."""
    return str(lease["spec"].get("holderIdentity") or "")
