"""The control plane of the tests is a real one, and its fixtures keep tests apart."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from runtime_images.cluster.api import Api
from runtime_images.cluster.kinds import CONFIGURATION, POD, POD_AUTOSCALER, REVISION, ROUTE, Kind
from tests.support.control_plane.faults import Features, Gpus, fail_pod
from tests.support.control_plane.lifecycle import Plane
from tests.support.control_plane.newer_knative import copied_scales
from tests.support.control_plane.objects import Objects, is_ready
from tests.support.control_plane.rest import Object, RestError


def configuration(name: str, image: str = "dev.local/hello", **resources: str) -> Object:
    container: Object = {"image": image, "resources": {"limits": resources}}
    return {
        "apiVersion": "serving.knative.dev/v1",
        "kind": "Configuration",
        "metadata": {"name": name},
        "spec": {"template": {"spec": {"containers": [container]}}},
    }


def route(name: str, **percents: int) -> Object:
    traffic = [
        {"configurationName": target, "latestRevision": True, "percent": percent}
        for target, percent in percents.items()
    ]
    return {
        "apiVersion": "serving.knative.dev/v1",
        "kind": "Route",
        "metadata": {"name": name},
        "spec": {"traffic": traffic},
    }


def message(item: Object, kind: str = "Ready") -> str:
    conditions = (item.get("status") or {}).get("conditions") or ()
    return " ".join(c.get("message", "") for c in conditions if c["type"] == kind)


def test_a_configuration_and_a_route_get_ready(objects: Objects) -> None:
    objects.apply(configuration("hello"))
    objects.apply(route("hello", hello=100))

    found = objects.until(ROUTE, "hello", is_ready)

    assert found["status"]["url"].startswith(f"http://hello.{objects.namespace}.")
    assert len(objects.pods("hello-00001")) == 1


def test_a_gpu_that_is_not_there_makes_a_revision_unschedulable(objects: Objects, gpus: Gpus) -> None:
    gpus.set(1)
    gpus.take()
    objects.apply(configuration("hello", **{gpus.resource: "1"}))

    objects.until(REVISION, "hello-00001", lambda item: f"Insufficient {gpus.resource}" in message(item))

    gpus.set(2)
    objects.until(REVISION, "hello-00001", is_ready)
    assert gpus.taken() == 2


def test_a_lost_gpu_takes_the_pod_with_it(objects: Objects, gpus: Gpus) -> None:
    gpus.set(1)
    objects.apply(configuration("hello", **{gpus.resource: "1"}))
    objects.apply(route("hello", hello=100))
    objects.until(ROUTE, "hello", is_ready)

    gpus.lose()

    objects.until(REVISION, "hello-00001", lambda item: not is_ready(item))


@pytest.mark.parametrize(
    ("image", "reason"),
    [("dev.local/missing/hello", "ImagePullBackOff"), ("dev.local/crashing/hello", "CrashLoopBackOff")],
)
def test_an_image_can_fail(objects: Objects, image: str, reason: str) -> None:
    objects.apply(configuration("hello", image))
    objects.until(REVISION, "hello-00001", lambda item: item.get("status"))

    def waits(pod: Object) -> bool:
        states = pod["status"].get("containerStatuses") or [{}]
        return bool(states[0].get("state", {}).get("waiting", {}).get("reason") == reason)

    objects.until(CONFIGURATION, "hello", lambda _: any(map(waits, objects.pods("hello-00001"))))


def test_a_pod_that_runs_can_fail(objects: Objects) -> None:
    objects.apply(configuration("hello"))
    objects.until(REVISION, "hello-00001", is_ready)
    (pod,) = objects.pods("hello-00001")

    fail_pod(objects, pod["metadata"]["name"], message="out of memory")

    objects.until(POD, pod["metadata"]["name"], lambda item: not is_ready(item))


def test_a_user_may_do_what_its_rules_say(objects: Objects, user: Callable[..., Path]) -> None:
    rules = [{"apiGroups": ["serving.knative.dev"], "resources": ["routes"], "verbs": ["list"]}]

    with Objects(user(rules), objects.namespace) as theirs:
        assert theirs.all(ROUTE) == []
        with pytest.raises(RestError) as refused:
            theirs.all(POD)
    assert refused.value.status == 403


def test_a_feature_flag_can_be_set(objects: Objects, features: Features) -> None:
    chosen = configuration("hello")
    chosen["spec"]["template"]["spec"]["nodeSelector"] = {"kubernetes.io/os": "linux"}
    with pytest.raises(RestError, match="must not set the field"):
        objects.apply(chosen)

    features.set("kubernetes.podspec-nodeselector")

    objects.apply(chosen)


def test_the_api_server_can_be_stopped_and_started(objects: Objects, plane: Plane) -> None:
    objects.apply(configuration("hello"))

    plane.stop("kube-apiserver")
    plane.restore()

    objects.until(REVISION, "hello-00001", is_ready)


def test_gaias_own_client_connects(connect: Callable[..., Api], objects: Objects) -> None:
    objects.apply(configuration("hello"))

    async def look() -> Object | None:
        async with connect() as api:
            return await api.get(CONFIGURATION, "hello")

    assert asyncio.run(look()) is not None


def test_a_newer_knative_copies_the_scale_of_a_revision(kubeconfig: Path, objects: Objects) -> None:
    lowest = "autoscaling.knative.dev/min-scale"
    objects.apply(configuration("hello"))
    objects.until(REVISION, "hello-00001", is_ready)

    def annotate(kind: Kind, value: str) -> None:
        objects.merge(kind, "hello-00001", {"metadata": {"annotations": {lowest: value}}})

    def says(value: str | None) -> Callable[[Object], bool]:
        return lambda item: (item["metadata"].get("annotations") or {}).get(lowest) == value

    with copied_scales(kubeconfig, objects.namespace):
        annotate(POD_AUTOSCALER, "2")
        objects.until(POD_AUTOSCALER, "hello-00001", says(None))
        annotate(REVISION, "1")
        objects.until(POD_AUTOSCALER, "hello-00001", says("1"))
