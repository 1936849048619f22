"""Scenario port-tag-and-digest: each form of a reference becomes one digest in the cluster, half a one is refused."""

import uuid
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from runtime_images.cluster.kinds import CONFIGURATION
from tests.support.control_plane.objects import Objects
from tests.support.registry import INDEX, Pusher

LABELS = {"faas.gaia.mode": "cpu"}
HALF = f"@sha256:{'a' * 63}"
TWO = f"@sha256:{'a' * 64}@sha256:{'b' * 64}"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    directory = tmp_path / "hello"
    directory.mkdir()
    (directory / "func.py").write_text("def handler(payload):\n    return payload\n", encoding="utf-8")
    (directory / "gaia.toml").write_text('[function]\nname = "hello"\n', encoding="utf-8")
    return directory


@pytest.fixture
def pusher(registry: str) -> Pusher:
    return Pusher(registry, f"team/fn-{uuid.uuid4().hex[:8]}")


def deployed(objects: Objects) -> str:
    (configuration,) = objects.all(CONFIGURATION)
    image: str = configuration["spec"]["template"]["spec"]["containers"][0]["image"]
    return image


def test_each_form_of_a_reference_is_deployed_by_one_digest(
    gaia: Callable[..., CompletedProcess[str]], project: Path, pusher: Pusher, objects: Objects
) -> None:
    pusher.image("latest", LABELS)
    digest = pusher.image("1", LABELS)
    name = f"{pusher.host}/{pusher.name}"
    for form in ("", ":1", f"@{digest}", f":1@{digest}"):
        done = gaia("deploy", str(project), "--image", name + form, "--yes")
        assert done.returncode == 0, done.stderr
        assert deployed(objects) == f"{name}@{digest}"
    assert len(objects.revisions("hello-cpu")) == 1


def test_an_index_with_attestations_is_deployed_as_a_whole(
    gaia: Callable[..., CompletedProcess[str]], project: Path, pusher: Pusher, objects: Objects
) -> None:
    child = pusher.image("child", LABELS)
    kind = "application/vnd.oci.image.manifest.v1+json"
    entries = [
        {"mediaType": kind, "digest": child, "size": 1, "platform": {"os": system, "architecture": processor}}
        for system, processor in (("unknown", "unknown"), ("linux", "amd64"))
    ]
    digest = pusher.manifest("1", {"schemaVersion": 2, "mediaType": INDEX, "manifests": entries})
    done = gaia("deploy", str(project), "--image", f"{pusher.host}/{pusher.name}:1", "--yes")
    assert done.returncode == 0, done.stderr
    assert deployed(objects) == f"{pusher.host}/{pusher.name}@{digest}"


@pytest.mark.parametrize(("end", "code"), [(HALF, 2), (TWO, 2), (":nowhere", 4)])
def test_what_means_no_image_is_refused_with_the_reference_and_nothing_is_sent(
    end: str, code: int, gaia: Callable[..., CompletedProcess[str]], project: Path, pusher: Pusher, objects: Objects
) -> None:
    reference = f"{pusher.host}/{pusher.name}{end}"
    done = gaia("deploy", str(project), "--image", reference, "--yes")
    assert done.returncode == code
    assert reference in done.stderr
    assert pusher.host in done.stderr
    assert not objects.all(CONFIGURATION)
