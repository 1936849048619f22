"""`gaia switch`, `gaia pin` and `gaia unpin` on a real control plane, and users who move the traffic otherwise."""

import json
import os
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest

from runtime_images.cluster.kinds import POD_AUTOSCALER, REVISION, ROUTE
from runtime_images.cluster.traffic import targets
from runtime_images.policy.model import CPU, GPU
from tests.cluster.conftest import Gaia
from tests.cluster.inspecting.conftest import Deployed, asleep
from tests.support.cli import GAIA
from tests.support.control_plane.faults import Gpus
from tests.support.control_plane.objects import Objects, is_ready
from tests.support.control_plane.rest import Object
from tests.support.deploying import managers_of, route, shares, with_gpus

MIN_SCALE = "autoscaling.knative.dev/min-scale"


def annotations(item: Object) -> dict[str, str]:
    found: dict[str, str] = item["metadata"].get("annotations") or {}
    return found


def described(gaia: Gaia) -> Any:  # noqa: ANN401 -- JSON
    return json.loads(gaia("describe", "hello", "-o", "json").stdout)


def test_a_switch_moves_the_traffic_and_waits_until_the_cluster_says_so(
    gaia: Gaia, objects: Objects, deployed: Deployed
) -> None:
    deployed()

    done = gaia("switch", "hello", "gpu")

    assert done.returncode == 0, done.stderr
    assert done.stdout == f"hello (namespace {objects.namespace}, context test) now serves on gpu\n"
    assert shares(route(objects)) == {"cpu": 0, "gpu": 100}
    assert managers_of(route(objects), "traffic") == {"gaia-controller"}
    version = route(objects)["metadata"]["resourceVersion"]
    assert "already serves on gpu" in gaia("switch", "hello", "gpu").stdout
    assert route(objects)["metadata"]["resourceVersion"] == version


def test_a_backend_that_is_scaled_to_zero_is_started_before_it_gets_traffic(
    gaia: Gaia, objects: Objects, deployed: Deployed
) -> None:
    deployed()
    asleep(objects, "hello-gpu-00001")

    done = gaia("switch", "hello", "gpu")

    assert (done.returncode, "starting gpu" in done.stderr) == (0, True), done.stderr
    assert len(objects.pods("hello-gpu-00001")) == 1
    autoscaler = objects.until(POD_AUTOSCALER, "hello-gpu-00001", lambda one: MIN_SCALE not in annotations(one))
    assert MIN_SCALE not in annotations(autoscaler)
    assert MIN_SCALE not in annotations(objects.until(REVISION, "hello-gpu-00001", is_ready))


def test_the_controllers_own_marks_survive_a_switch(gaia: Gaia, objects: Objects, deployed: Deployed) -> None:
    deployed()
    written = {
        "apiVersion": "serving.knative.dev/v1",
        "kind": "Route",
        "metadata": {"name": "hello", "annotations": {"faas.gaia/state": "{}"}},
        "spec": {"traffic": targets("hello", {CPU: 100, GPU: 0})},
    }
    objects.apply(written, "gaia-controller")

    gaia("switch", "hello", "gpu")

    assert annotations(route(objects))["faas.gaia/state"] == "{}"


@pytest.mark.parametrize("mode", ["cpu", "gpu"])
@pytest.mark.parametrize("verb", [("switch", "gpu"), ("switch", "cpu"), ("pin",), ("pin", "cpu")])
def test_a_fixed_mode_is_not_moved(gaia: Gaia, deployed: Deployed, mode: str, verb: tuple[str, ...]) -> None:
    deployed(mode=mode)

    done = gaia(verb[0], "hello", *verb[1:])

    assert done.returncode == 2
    assert f"hello never switches: its mode is {mode}" in done.stderr


def test_ctrl_c_while_a_backend_is_started_asks_for_it_no_longer(
    objects: Objects, gpus: Gpus, deployed: Deployed, kubeconfig: Path
) -> None:
    gpus.set(1)
    deployed(target=with_gpus(gpus.resource))
    asleep(objects, "hello-gpu-00001")
    gpus.set(0)
    process = subprocess.Popen(
        [GAIA, "switch", "hello", "gpu"], env=os.environ | {"KUBECONFIG": str(kubeconfig)}, stderr=subprocess.PIPE
    )
    objects.until(POD_AUTOSCALER, "hello-gpu-00001", lambda one: annotations(one).get(MIN_SCALE) == "1")

    process.send_signal(signal.SIGINT)

    said = process.communicate(timeout=60)[1]
    assert (process.returncode, b"Traceback" in said) == (130, False), said
    assert MIN_SCALE not in annotations(objects.until(POD_AUTOSCALER, "hello-gpu-00001", bool))
    assert shares(route(objects)) == {"cpu": 100, "gpu": 0}


def test_a_backend_without_a_gpu_is_refused_with_the_pods_reason(
    gaia: Gaia, objects: Objects, gpus: Gpus, deployed: Deployed
) -> None:
    gpus.set(1)
    gpus.take()
    deployed(target=with_gpus(gpus.resource), without=GPU)
    objects.until(REVISION, "hello-gpu-00001", lambda one: "Insufficient" in json.dumps(one.get("status")))
    before = route(objects)["metadata"]["resourceVersion"]

    for verb in (("switch", "hello", "gpu"), ("pin", "hello", "gpu")):
        done = gaia(*verb)
        assert done.returncode == 4
        assert f"Insufficient {gpus.resource}" in done.stderr
    assert route(objects)["metadata"]["resourceVersion"] == before

    assert gaia("pin", "hello").stdout.endswith("is pinned to cpu\n")
    assert shares(route(objects)) == {"cpu": 100}


def test_a_lost_gpu_leaves_the_traffic_in_the_write_that_moves_it(
    gaia: Gaia, objects: Objects, gpus: Gpus, deployed: Deployed
) -> None:
    gpus.set(1)
    deployed(target=with_gpus(gpus.resource))
    assert gaia("switch", "hello", "gpu").returncode == 0
    gpus.lose()
    objects.until(REVISION, "hello-gpu-00001", lambda one: not is_ready(one))

    assert "Insufficient" in gaia("switch", "hello", "gpu").stderr
    done = gaia("switch", "hello", "cpu")

    assert done.returncode == 0, done.stderr
    assert shares(route(objects)) == {"cpu": 100}
    gpus.set(1)
    objects.until(REVISION, "hello-gpu-00001", is_ready)
    assert gaia("switch", "hello", "gpu").returncode == 0
    assert shares(route(objects)) == {"cpu": 0, "gpu": 100}


def test_a_pin_is_written_beside_the_traffic_and_taken_away_again(
    gaia: Gaia, objects: Objects, deployed: Deployed
) -> None:
    deployed()

    assert gaia("pin", "hello", "gpu").returncode == 0
    assert annotations(route(objects))["faas.gaia/pin"] == "gpu"
    assert shares(route(objects)) == {"cpu": 0, "gpu": 100}
    assert "pinned     to gpu" in gaia("describe", "hello").stdout
    refused = gaia("switch", "hello", "cpu")
    assert (refused.returncode, "hello is pinned to gpu" in refused.stderr) == (4, True)

    assert "is no longer pinned to gpu" in gaia("unpin", "hello").stdout
    assert "faas.gaia/pin" not in annotations(route(objects))
    assert "was not pinned" in gaia("unpin", "hello").stdout
    assert shares(route(objects)) == {"cpu": 0, "gpu": 100}


TO_ONE_REVISION = [{"revisionName": "hello-gpu-00001", "percent": 100}]
HALVES = [
    {"configurationName": "hello-cpu", "latestRevision": True, "percent": 50, "tag": "cpu"},
    {"configurationName": "hello-gpu", "latestRevision": True, "percent": 50, "tag": "gpu"},
]
UNTAGGED = [{"configurationName": "hello-gpu", "latestRevision": True, "percent": 100}]


@pytest.mark.parametrize(
    ("theirs", "back_to"),
    [(TO_ONE_REVISION, {"cpu": 0, "gpu": 100}), (HALVES, {"cpu": 100, "gpu": 0}), (UNTAGGED, {"cpu": 0, "gpu": 100})],
)
@pytest.mark.parametrize("by", ["kubectl-patch", "argocd-controller"])
def test_traffic_that_a_user_has_set_is_named_held_and_given_back(
    gaia: Gaia, objects: Objects, deployed: Deployed, theirs: list[Object], back_to: dict[str, int], by: str
) -> None:
    deployed()
    edit(objects, theirs, by)
    objects.until(ROUTE, "hello", is_ready)

    routing = described(gaia)["routing"]
    assert (routing["held_by"], routing["is_gaias"], routing["held_since"][:2]) == (by, False, "20")
    assert f"held       by {by} since 20" in gaia("describe", "hello").stdout
    for verb in (("switch", "hello", "cpu"), ("pin", "hello")):
        refused = gaia(*verb)
        assert (refused.returncode, f"held by {by}" in refused.stderr) == (4, True)
    assert "faas.gaia/pin" not in annotations(route(objects))
    assert route(objects)["spec"]["traffic"] == described_traffic(theirs)

    done = gaia("unpin", "hello")

    assert done.returncode == 0, done.stderr
    assert f"took its traffic back from {by}" in done.stdout
    assert shares(route(objects)) == back_to
    assert managers_of(route(objects), "traffic") == {"gaia-controller"}
    assert described(gaia)["routing"]["is_gaias"] is True


def edit(objects: Objects, traffic: list[Object], by: str) -> None:
    if by == "kubectl-patch":
        objects.merge(ROUTE, "hello", {"spec": {"traffic": traffic}})
    else:
        theirs = {
            "apiVersion": "serving.knative.dev/v1",
            "kind": "Route",
            "metadata": {"name": "hello"},
            "spec": {"traffic": traffic},
        }
        objects.apply(theirs, by, force=True)


def described_traffic(traffic: list[Object]) -> list[Object]:
    """What the cluster makes of it: a revision's own name is not the latest."""
    return [one | {"latestRevision": False} if "revisionName" in one else one for one in traffic]


def test_the_controllers_event_says_what_the_policy_would_do(gaia: Gaia, objects: Objects, deployed: Deployed) -> None:
    deployed()
    objects.merge(ROUTE, "hello", {"spec": {"traffic": TO_ONE_REVISION}})
    found = route(objects)
    objects.create(
        {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"name": "held"},
            "involvedObject": {
                "kind": "Route",
                "name": "hello",
                "namespace": objects.namespace,
                "uid": found["metadata"]["uid"],
            },
            "reason": "TrafficHeld",
            "message": "kubectl-patch holds the traffic; the policy would stay on cpu",
            "type": "Normal",
            "firstTimestamp": "2026-11-28T12:00:00Z",
            "lastTimestamp": "2026-11-28T12:00:00Z",
        }
    )

    assert "kubectl-patch holds the traffic; the policy would stay on cpu" in gaia("describe", "hello").stdout


def test_decisions_that_stand_on_the_route_are_shown_and_rubbish_is_not(
    gaia: Gaia, objects: Objects, deployed: Deployed
) -> None:
    deployed()
    decision = {
        "at": 1764331200,
        "chosen": "gpu",
        "rejected": "cpu",
        "rule": "promote",
        "reason": "p95 too \x1b[31mlong",
    }
    for said, shown in ((json.dumps([decision]), 1), ("not JSON", 0), ('[{"at": "x"}]', 0), ("3", 0)):
        objects.merge(ROUTE, "hello", {"metadata": {"annotations": {"faas.gaia/decision": said}}})
        assert len(described(gaia)["decisions"]) == shown
        text = gaia("describe", "hello").stdout
        assert "\x1b" not in text
        assert ("p95 too" in text) is bool(shown)


def test_what_is_not_deployed_cannot_be_moved(gaia: Gaia) -> None:
    for verb in (("switch", "hello", "gpu"), ("pin", "hello"), ("unpin", "hello")):
        done = gaia(*verb)
        assert (done.returncode, "there is no function hello in namespace" in done.stderr) == (4, True)
