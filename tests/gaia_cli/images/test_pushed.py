"""Against a real registry."""

import base64
import json
import uuid
from pathlib import Path

import pytest

from gaia_cli.errors import ClusterRefused, MissingPartError
from gaia_cli.images.pushed import PinnedImage, look_up
from gaia_cli.images.references import parse_reference
from tests.support.registry import CONFIG, IMAGE, INDEX, PASSWORD, USER, Pusher

LABELS = {"faas.gaia.mode": "cpu", "faas.gaia.manifest": '{"a":1}'}
NOBODY: dict[str, str] = {"DOCKER_CONFIG": "/nonexistent"}


@pytest.fixture
def pusher(registry: str) -> Pusher:
    return Pusher(registry, f"team/fn-{uuid.uuid4().hex[:8]}")


@pytest.fixture
def guarded(guarded_registry: str) -> Pusher:
    return Pusher(guarded_registry, f"team/fn-{uuid.uuid4().hex[:8]}", guarded=True)


def logged_in(directory: Path, host: str, password: str = PASSWORD) -> dict[str, str]:
    auth = base64.b64encode(f"{USER}:{password}".encode()).decode()
    (directory / "config.json").write_text(json.dumps({"auths": {host: {"auth": auth}}}), encoding="utf-8")
    return {"DOCKER_CONFIG": str(directory)}


def found(reference: str, environ: dict[str, str] = NOBODY) -> PinnedImage | None:
    return look_up(parse_reference(reference), environ)


def test_all_four_forms_of_a_reference_are_one_image(pusher: Pusher) -> None:
    digest = pusher.image("latest", LABELS, (b"one", b"three"))
    pusher.image("1", LABELS, (b"one", b"three"))
    pinned = f"{pusher.host}/{pusher.name}@{digest}"
    name = f"{pusher.host}/{pusher.name}"
    for reference in (name, f"{name}:1", f"{name}@{digest}", f"{name}:1@{digest}"):
        assert found(reference) == PinnedImage(pinned, 8, LABELS, "65532")


def test_what_is_not_there_is_none(pusher: Pusher) -> None:
    pusher.image("1")
    assert found(f"{pusher.host}/{pusher.name}:2") is None
    assert found(f"{pusher.host}/other:1") is None
    assert found(f"{pusher.host}/{pusher.name}@sha256:{'0' * 64}") is None


def test_an_image_without_labels_has_none(pusher: Pusher) -> None:
    pusher.image("1", None)
    image = found(f"{pusher.host}/{pusher.name}:1")
    assert image is not None
    assert image.labels == {}


def test_an_image_for_several_platforms_is_pinned_as_a_whole(pusher: Pusher) -> None:
    small = pusher.image("arm", {"which": "arm"}, (b"1",))
    large = pusher.image("amd", {"which": "amd"}, (b"12345",))
    index = pusher.manifest(
        "1",
        {
            "schemaVersion": 2,
            "mediaType": INDEX,
            "manifests": [
                {"mediaType": IMAGE, "digest": small, "size": 1, "platform": {"os": "linux", "architecture": "arm64"}},
                {"mediaType": IMAGE, "digest": small, "size": 1, "platform": {"os": "unknown", "architecture": "?"}},
                {"mediaType": IMAGE, "digest": large, "size": 1, "platform": {"os": "linux", "architecture": "amd64"}},
            ],
        },
    )
    pinned = f"{pusher.host}/{pusher.name}@{index}"
    assert found(f"{pusher.host}/{pusher.name}:1") == PinnedImage(pinned, 5, {"which": "amd"}, "65532")


def test_a_chart_is_no_image(pusher: Pusher) -> None:
    chart = "application/vnd.cncf.helm.config.v1+json"
    assert chart != CONFIG
    pusher.manifest("1", {"schemaVersion": 2, "mediaType": IMAGE, "config": pusher.blob(b"{}", chart), "layers": []})
    with pytest.raises(ClusterRefused, match="no container image"):
        found(f"{pusher.host}/{pusher.name}:1")


def test_a_guarded_image_is_found_with_a_login(guarded: Pusher, tmp_path: Path) -> None:
    digest = guarded.image("1", LABELS)
    image = found(f"{guarded.host}/{guarded.name}:1", logged_in(tmp_path, guarded.host))
    assert image == PinnedImage(f"{guarded.host}/{guarded.name}@{digest}", 5, LABELS, "65532")


def test_without_a_login_the_command_for_one_is_shown(guarded: Pusher) -> None:
    with pytest.raises(MissingPartError, match="there is none") as caught:
        found(f"{guarded.host}/{guarded.name}:1")
    assert caught.value.hint == f"docker login {guarded.host}"


def test_a_wrong_login_is_refused_by_name_and_its_password_not_shown(guarded: Pusher, tmp_path: Path) -> None:
    environ = logged_in(tmp_path, guarded.host, "falsch")
    with pytest.raises(MissingPartError, match=f"login of {USER}") as caught:
        found(f"{guarded.host}/{guarded.name}:1", environ)
    assert "falsch" not in f"{caught.value.message}{caught.value.hint}"


def test_for_a_push_a_refused_login_counts_as_nothing_there_yet(guarded: Pusher, tmp_path: Path) -> None:
    environ = logged_in(tmp_path, guarded.host, "falsch")
    image = parse_reference(f"{guarded.host}/{guarded.name}:1")
    assert look_up(image, environ, for_push=True) is None
    with pytest.raises(MissingPartError):
        look_up(image, NOBODY, for_push=True)
