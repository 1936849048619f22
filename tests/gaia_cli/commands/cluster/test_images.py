"""Against a real engine and real registries."""

import base64
import json
import uuid
from dataclasses import replace
from pathlib import Path

import docker
import pytest

from gaia_cli.commands.cluster.images import image_for, pushed_image
from gaia_cli.errors import ClusterRefused, ConfigurationError, MissingPartError, UsageError
from gaia_cli.images.pushed import PinnedImage
from gaia_cli.images.references import in_registry
from gaia_cli.project.manifests import manifest_of
from gaia_cli.project.project import load_project
from gaia_cli.project.targets import TargetSettings
from runtime_images.policy.model import ExecutionMode
from tests.support.cli import run_gaia
from tests.support.registry import PASSWORD, USER, Pusher


def deployed(directory: Path, registry: str, said: list[str], *, dry_run: bool = False) -> PinnedImage:
    project = load_project(directory)
    target = TargetSettings("prod", registry=registry)
    return image_for(project, target, manifest_of(project), ExecutionMode.CPU, said.append, dry_run=dry_run)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Docker's configuration, without any login, and its directory."""
    directory = tmp_path / "docker"
    directory.mkdir()
    monkeypatch.setenv("DOCKER_CONFIG", str(directory))
    return directory


def log_in(directory: Path, host: str) -> None:
    auth = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
    (directory / "config.json").write_text(json.dumps({"auths": {host: {"auth": auth}}}), encoding="utf-8")


@pytest.mark.docker
@pytest.mark.usefixtures("here")
def test_the_second_deploy_of_equal_sources_builds_nothing(
    docker_client: docker.DockerClient, function: Path, function_name: str, registry: str
) -> None:
    said: list[str] = []
    would_be = deployed(function, f"{registry}/team", said, dry_run=True)
    first = deployed(function, f"{registry}/team", said)
    for image in docker_client.images.list(filters={"label": f"faas.gaia.name={function_name}"}):
        docker_client.images.remove(str(image.id), force=True)
    said.clear()
    second = deployed(function, f"{registry}/team", said)

    assert would_be.reference.startswith(f"{registry}/team/{function_name}:")
    assert would_be.labels.items() <= first.labels.items()
    assert first.reference.startswith(f"{registry}/team/{function_name}@sha256:")
    assert first.size > 1_000_000
    assert first.labels["faas.gaia.mode"] == "cpu"
    assert second == first
    assert "has this image already" in said[-1]
    (function / "func.py").write_text("def handler(payload):\n    return 2\n", encoding="utf-8")
    assert deployed(function, f"{registry}/team", said, dry_run=True).reference != would_be.reference


@pytest.mark.docker
def test_a_push_without_a_login_ends_before_anything_is_built(
    here: Path, function: Path, guarded_registry: str
) -> None:
    said: list[str] = []
    with pytest.raises(MissingPartError) as caught:
        deployed(function, f"{guarded_registry}/team", said)
    assert caught.value.hint == f"docker login {guarded_registry}"
    assert not any("sending" in line for line in said)

    log_in(here, guarded_registry)
    assert "@sha256:" in deployed(function, f"{guarded_registry}/team", said).reference


@pytest.mark.docker
def test_a_built_image_is_pushed_and_its_digest_printed(
    here: Path, function: Path, function_name: str, guarded_registry: str
) -> None:
    environ = {"DOCKER_CONFIG": str(here)}
    tag = f"{guarded_registry}/team/{function_name}:1"
    refused = run_gaia("build", str(function), "--tag", tag, "--push", env=environ)
    log_in(here, guarded_registry)
    pushed = run_gaia("build", str(function), "--tag", tag, "--push", "--output-format", "json", env=environ)

    assert refused.returncode == 3
    assert f"docker login {guarded_registry}" in refused.stderr
    assert pushed.returncode == 0, pushed.stderr
    reference = json.loads(pushed.stdout)["pushed"]
    assert reference == pushed_image(tag).reference
    assert PASSWORD not in pushed.stdout + pushed.stderr + refused.stderr


@pytest.mark.docker
def test_a_build_needs_no_credential_helper_that_is_missing(here: Path, function: Path) -> None:
    (here / "config.json").write_text(json.dumps({"credsStore": "no-such-helper"}), encoding="utf-8")
    built = run_gaia("build", str(function), env={"DOCKER_CONFIG": str(here)})
    pushed = run_gaia("build", str(function), "--tag", "127.0.0.1:1/fn", "--push", env={"DOCKER_CONFIG": str(here)})

    assert built.returncode == 0, built.stderr
    assert pushed.returncode == 3
    assert "docker-credential-no-such-helper" in pushed.stderr


def test_what_is_pushed_is_deployed_by_its_digest(registry: str) -> None:
    name = f"team/fn-{uuid.uuid4().hex[:8]}"
    digest = Pusher(registry, name).image("1", {"faas.gaia.mode": "gpu"})
    assert pushed_image(f"{registry}/{name}:1").reference == f"{registry}/{name}@{digest}"
    with pytest.raises(ClusterRefused, match=f"{registry} has no image {registry}/{name}:2") as caught:
        pushed_image(f"{registry}/{name}:2")
    assert caught.value.exit_code == 4


def test_a_digest_needs_no_registry_within_reach(guarded_registry: str, here: Path) -> None:
    digest = f"sha256:{'a' * 64}"
    for host in (guarded_registry, "127.0.0.1:1"):
        assert pushed_image(f"{host}/fn:1@{digest}") == PinnedImage(f"{host}/fn@{digest}", 0, {})
    with pytest.raises(MissingPartError):
        pushed_image(f"{guarded_registry}/fn:1")
    (here / "config.json").write_text("{", encoding="utf-8")
    with pytest.raises(MissingPartError):
        pushed_image(f"{guarded_registry}/fn:1")


def test_half_a_digest_is_refused_before_any_registry_is_asked() -> None:
    with pytest.raises(UsageError, match=r"--image reg\.example/fn@sha256:abc"):
        pushed_image("reg.example/fn@sha256:abc")


def test_a_target_without_a_registry_cannot_get_an_image_that_is_built() -> None:
    target = TargetSettings("prod")
    with pytest.raises(ConfigurationError, match="prod has no registry") as caught:
        in_registry(target, "hello", "1")
    assert "--image" in caught.value.hint
    assert str(in_registry(replace(target, registry="reg.example:5000/team"), "hello", "1")) == (
        "reg.example:5000/team/hello:1"
    )


@pytest.mark.usefixtures("here")
def test_a_registry_that_has_no_such_image_has_answered(registry: str) -> None:
    with pytest.raises(ClusterRefused, match="has no image"):
        pushed_image(f"{registry}/team/none@sha256:{'0' * 64}")


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize(
    ("user", "said"),
    [("", "will run as root"), ("root", "will run as root"), ("0:0", "will run as root"), ("web", "non-numeric user")],
)
def test_an_image_that_no_node_would_start_is_refused_in_the_words_of_its_pod(
    registry: str, user: str, said: str
) -> None:
    pusher = Pusher(registry, f"team/fn-{uuid.uuid4().hex[:8]}")
    digest = pusher.image("1", None, user=user)

    with pytest.raises(ClusterRefused, match=f"runAsNonRoot.*{said}"):
        pushed_image(f"{registry}/{pusher.name}@{digest}")


@pytest.mark.usefixtures("here")
def test_an_image_with_a_user_by_number_keeps_it_and_one_of_gaias_is_taken(registry: str) -> None:
    pusher = Pusher(registry, f"team/fn-{uuid.uuid4().hex[:8]}")
    other = pushed_image(f"{registry}/{pusher.name}@{pusher.image('1', None, user='1000:1000')}")
    own = pushed_image(f"{registry}/{pusher.name}@{pusher.image('2', {'faas.gaia.mode': 'cpu'}, user='')}")

    assert (other.is_gaias, other.user) == (False, "1000:1000")
    assert own.is_gaias
