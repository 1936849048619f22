"""A deploy as files that a GitOps tool applies, server-side and by force; the traffic is not the tool's to move."""

from pathlib import Path

import pytest
import yaml

from runtime_images.cluster import traffic
from runtime_images.cluster.kinds import CONFIGURATION, ROUTE
from runtime_images.policy.model import Backend
from tests.cluster.conftest import Gaia
from tests.support.control_plane.objects import Objects, is_ready
from tests.support.control_plane.rest import Object
from tests.support.deploying import emulated, function, image, managers_of, revisions, route, shares

_TOOL = "argocd-controller"


def written(directory: Path) -> list[Object]:
    """Return what a kustomization applies."""
    listed = yaml.safe_load((directory / "kustomization.yaml").read_text())["resources"]
    return [yaml.safe_load((directory / name).read_text()) for name in listed]


def applied(objects: Objects, directory: Path, *, heeds: bool = True) -> None:
    """Apply a directory as Argo CD does: by force, without what it was told to ignore where the object stands."""
    said = yaml.safe_load((directory / "gitops" / "argocd-application.yaml").read_text())["spec"]["ignoreDifferences"]
    for one in written(directory):
        item = dict(one)
        stands = objects.get(ROUTE if item["kind"] == "Route" else CONFIGURATION, item["metadata"]["name"])
        ignored = [path for rule in said if rule["kind"] == item["kind"] for path in rule["jsonPointers"]]
        if stands is not None and ignored and heeds:
            assert ignored == ["/spec/traffic"]
            item.pop("spec")
        objects.apply(item, manager=_TOOL, force=True)


def test_the_files_stand_on_an_empty_cluster_and_leave_the_traffic_where_the_controller_puts_it(
    gaia: Gaia, objects: Objects, tmp_path: Path
) -> None:
    directory, out = function(tmp_path / "f", emulated()), tmp_path / "out"
    assert gaia("deploy", str(directory), "--image", image(), "--out", str(out)).returncode == 0
    applied(objects, out)
    objects.until(ROUTE, "hello", is_ready)
    objects.until(CONFIGURATION, "hello-gpu", is_ready)

    done = gaia("deploy", str(directory), "--image", image(), "-y", "--take-over")
    assert done.returncode == 0, done.stderr
    assert shares(route(objects)) == {"cpu": 100, "gpu": 0}
    to_gpu = traffic.targets("hello", {Backend.CPU: 0, Backend.GPU: 100})
    moved: Object = {"apiVersion": "serving.knative.dev/v1", "kind": "Route", "metadata": {"name": "hello"}}
    objects.apply(moved | {"spec": {"traffic": to_gpu}}, manager="gaia-controller")
    stood = revisions(objects)

    for _ in range(5):
        applied(objects, out)

    assert shares(route(objects), actual=False) == {"cpu": 0, "gpu": 100}
    assert managers_of(route(objects), "traffic") == {"gaia-controller"}
    assert revisions(objects) == stood
    gaia("deploy", str(function(directory, emulated("env = {A = 1}\n"))), "--image", image(), "--out", str(out))
    applied(objects, out)
    objects.until(CONFIGURATION, "hello-cpu", lambda one: one["status"]["latestReadyRevisionName"].endswith("2"))
    assert len(revisions(objects)) == len(stood) + 2


def test_a_tool_that_takes_the_traffic_all_the_same_holds_it(gaia: Gaia, objects: Objects, tmp_path: Path) -> None:
    directory, out = function(tmp_path / "f", emulated()), tmp_path / "out"
    assert gaia("deploy", str(directory), "--image", image(), "-y").returncode == 0
    gaia("deploy", str(directory), "--image", image(), "--out", str(out))

    applied(objects, out, heeds=False)

    assert not traffic.holder(route(objects)).is_gaia
    assert traffic.holder(route(objects)).manager == _TOOL


@pytest.mark.parametrize("tool", ["argocd-application.yaml", "flux-kustomization.yaml"])
def test_what_a_tool_must_ignore_is_said_in_its_own_syntax(gaia: Gaia, tmp_path: Path, tool: str) -> None:
    out = tmp_path / "out"
    gaia("deploy", str(function(tmp_path / "f", emulated())), "--image", image(), "--out", str(out))

    said = yaml.safe_load((out / "gitops" / tool).read_text())

    assert "Route" in str(said["spec"])
    assert tool not in (out / "kustomization.yaml").read_text()  # it is not one of the objects
