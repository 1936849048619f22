"""What counts is this apply: not what was ready before, not what is on its way out, not what was superseded."""

import threading
import time
from pathlib import Path

import httpx2
import pytest

from runtime_images.cluster.answers import Checked
from runtime_images.cluster.kinds import CONFIGURATION, NAMESPACE, REVISION, ROUTE
from tests.cluster.conftest import Gaia
from tests.support.control_plane.faults import Gpus
from tests.support.control_plane.objects import Objects, is_ready
from tests.support.deploying import emulated, function, image, revisions, route, shares, versions, with_gpus

_HELD = "gaia.test/held"


def revision_of(objects: Objects, tag: str, name: str = "hello") -> str:
    traffic = route(objects, name)["status"]["traffic"]
    return str(next(one["revisionName"] for one in traffic if one["tag"] == tag))


def test_an_image_that_cannot_be_fetched_fails_in_seconds_and_what_served_serves(
    gaia: Gaia, objects: Objects, tmp_path: Path
) -> None:
    directory = function(tmp_path / "f", emulated())
    gaia("deploy", str(directory), "--image", image(), "-y")
    began = time.monotonic()

    failed = gaia("deploy", str(directory), "--image", image("some/missing/one"), "-y")

    assert failed.returncode == 4
    assert time.monotonic() - began < 30  # of the 60 that it may wait, on a busy machine
    assert "ImagePullBackOff" in failed.stderr
    assert "hello-cpu-00002" in failed.stderr
    assert "hello-cpu-00001 still serves" in failed.stderr
    assert revision_of(objects, "cpu") == "hello-cpu-00001"


def test_without_waiting_it_says_that_it_is_not_ready_yet(gaia: Gaia, objects: Objects, tmp_path: Path) -> None:
    directory = function(tmp_path / "f", emulated())
    gaia("deploy", str(directory), "--image", image(), "-y")

    done = gaia("deploy", str(directory), "--image", image("some/missing/one"), "-y", "--no-wait")

    assert done.returncode == 0
    assert "not yet ready" in done.stdout
    assert revision_of(objects, "cpu") == "hello-cpu-00001"


def test_without_waiting_what_serves_already_is_not_called_unready(
    gaia: Gaia, objects: Objects, tmp_path: Path
) -> None:
    directory = function(tmp_path / "f", emulated())
    gaia("deploy", str(directory), "--image", image(), "-y")
    before = versions(objects)

    done = gaia("deploy", str(directory), "--image", image(), "-y", "--no-wait")

    assert done.returncode == 0, done.stderr
    assert "nothing to change" in done.stdout
    assert "hello serves at" in done.stdout
    assert "not yet ready" not in done.stdout
    assert versions(objects) == before


def test_a_container_that_ends_at_once_is_shown_in_its_own_words(gaia: Gaia, objects: Objects, tmp_path: Path) -> None:
    failed = gaia("deploy", str(function(tmp_path / "f", emulated())), "--image", image("some/crashing/one"), "-y")

    assert failed.returncode == 4
    assert "exit code" in failed.stderr
    assert "nothing serves" in failed.stderr
    assert objects.get(CONFIGURATION, "hello-cpu") is not None  # the next deploy completes it


def test_the_next_deploy_completes_what_failed(gaia: Gaia, objects: Objects, tmp_path: Path) -> None:
    directory = function(tmp_path / "f", emulated())
    gaia("deploy", str(directory), "--image", image("some/missing/one"), "-y")

    done = gaia("deploy", str(directory), "--image", image(), "-y")

    assert done.returncode == 0, done.stderr
    assert shares(route(objects)) == {"cpu": 100, "gpu": 0}
    assert revisions(objects) == ["hello-cpu-00002", "hello-gpu-00002"]  # the dead ones are taken away
    assert "never got ready" in done.stdout


def test_a_revision_that_failed_for_good_is_tried_again_with_a_new_one(
    gaia: Gaia, objects: Objects, gpus: Gpus, tmp_path: Path
) -> None:
    directory = function(tmp_path / "f", with_gpus(gpus.resource, "progress_deadline_s = 5\n"), mode="gpu")
    gpus.set(1)
    gpus.take()
    gaia("deploy", str(directory), "--image", image(), "-y", "--timeout", "2s")
    objects.until(
        REVISION,
        "hello-gpu-00001",
        lambda found: any("never achieved" in (one.get("message") or "") for one in found["status"]["conditions"]),
    )
    gpus.set(2)

    plan = gaia("deploy", str(directory), "--image", image(), "--dry-run=server")
    done = gaia("deploy", str(directory), "--image", image(), "-y")

    assert "hello-gpu-00001 failed for good, a new one is tried" in plan.stdout
    assert done.returncode == 0, done.stderr
    assert revision_of(objects, "gpu") == "hello-gpu-00002"
    before = versions(objects)
    again = gaia("deploy", str(directory), "--image", image(), "-y")
    assert again.returncode == 0
    assert versions(objects) == before
    assert gaia("diff", str(directory), "--image", image()).returncode == 0


def test_a_superseded_revision_never_wins_the_gpu(gaia: Gaia, objects: Objects, gpus: Gpus, tmp_path: Path) -> None:
    directory = function(tmp_path / "f", with_gpus(gpus.resource, "min_scale = 1\n"), mode="gpu")
    gpus.set(1)
    assert gaia("deploy", str(directory), "--image", image("one"), "-y").returncode == 0
    gaia("deploy", str(directory), "--image", image("two"), "-y", "--no-wait")

    third = gaia("deploy", str(directory), "--image", image("three"), "-y", "--no-wait")

    assert "hello-gpu-00002" in third.stdout
    assert "superseded" in third.stdout
    objects.until(CONFIGURATION, "hello-gpu", lambda found: found["status"]["latestCreatedRevisionName"][-1] == "3")
    assert revisions(objects) == ["hello-gpu-00001", "hello-gpu-00003"]
    gpus.set(2)
    objects.until(REVISION, "hello-gpu-00003", is_ready)
    objects.until(ROUTE, "hello", lambda found: found["status"]["traffic"][0]["revisionName"] == "hello-gpu-00003")


def test_the_only_gpu_is_let_go_of_first_where_the_user_says_so(
    gaia: Gaia, objects: Objects, gpus: Gpus, tmp_path: Path
) -> None:
    directory = function(tmp_path / "f", with_gpus(gpus.resource, 'release = "first"\nmin_scale = 1\n'), mode="gpu")
    gpus.set(1)
    assert gaia("deploy", str(directory), "--image", image("one"), "-y").returncode == 0

    done = gaia("deploy", str(directory), "--image", image("two"), "-y")

    assert done.returncode == 0, done.stderr
    assert revision_of(objects, "gpu") == "hello-gpu-00002"


def test_what_is_being_deleted_is_waited_for_and_made_anew(
    gaia: Gaia, objects: Objects, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory = function(tmp_path / "f", emulated())
    gaia("deploy", str(directory), "--image", image(), "-y")
    old = route(objects)["metadata"]["uid"]
    objects.merge(ROUTE, "hello", {"metadata": {"finalizers": ["routes.serving.knative.dev", _HELD]}})
    objects.delete(ROUTE, "hello")

    late = gaia("deploy", str(directory), "--image", image(), "-y", "--timeout", "2s")
    assert late.returncode == 4
    assert _HELD in late.stderr

    seen, send = threading.Event(), Checked.handle_async_request

    async def noted(self: Checked, request: httpx2.Request) -> httpx2.Response:
        answer = await send(self, request)
        if request.url.path.endswith("/routes/hello"):
            seen.set()
        return answer

    def let_go() -> None:
        assert seen.wait(60)
        objects.merge(ROUTE, "hello", {"metadata": {"finalizers": []}})

    monkeypatch.setattr(Checked, "handle_async_request", noted)
    letting = threading.Thread(target=let_go)
    letting.start()
    done = gaia("deploy", str(directory), "--image", image(), "-y")
    letting.join()

    assert done.returncode == 0, done.stderr
    assert route(objects)["metadata"]["uid"] != old
    assert is_ready(route(objects))
    assert "were being deleted" in done.stdout


def test_everything_deleted_a_moment_ago_comes_back(gaia: Gaia, objects: Objects, tmp_path: Path) -> None:
    directory = function(tmp_path / "f", emulated())
    gaia("deploy", str(directory), "--image", image(), "-y")
    for kind, name in ((ROUTE, "hello"), (CONFIGURATION, "hello-cpu"), (CONFIGURATION, "hello-gpu")):
        objects.delete(kind, name)

    done = gaia("deploy", str(directory), "--image", image(), "-y")

    assert done.returncode == 0, done.stderr
    assert shares(route(objects)) == {"cpu": 100, "gpu": 0}


def test_a_namespace_in_deletion_is_refused_at_once(gaia: Gaia, objects: Objects, tmp_path: Path) -> None:
    held = {"metadata": {"finalizers": [_HELD]}}
    objects.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "holds", "finalizers": [_HELD]}})
    objects.delete(NAMESPACE, objects.namespace)

    refused = gaia("deploy", str(function(tmp_path / "f", emulated())), "--image", image(), "-y")

    assert refused.returncode == 4
    assert "being deleted" in refused.stderr or "terminated" in refused.stderr
    held["metadata"]["finalizers"] = []
    from runtime_images.cluster.kinds import CONFIG_MAP

    objects.merge(CONFIG_MAP, "holds", held)
