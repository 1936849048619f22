"""Pods that really run: the runtime behind Knative's own queue-proxy and activator, reached through the gateway."""

import http.client
import json
import sys
from pathlib import Path

import pytest

from runtime_images.cluster.kinds import POD, REVISION, ROUTE
from tests.cluster.test_control_plane import configuration, route
from tests.support.control_plane.lifecycle import Plane
from tests.support.control_plane.objects import Objects, is_ready
from tests.support.control_plane.rest import Object
from tests.support.serving import write_function

HELLO = """
def handler(payload):
    print("greeting", payload["name"])
    return {"hello": payload["name"]}
"""


def function_in_a_pod(name: str, image: str, backend: str) -> Object:
    """A Configuration of one backend, as a deploy writes it."""
    made = configuration(name, image)
    (container,) = made["spec"]["template"]["spec"]["containers"]
    environment = {"GAIA_MODE": backend, "GAIA_ACCELERATOR": "emulated", "LISTEN_ADDRESS": "0.0.0.0"}
    container["env"] = [{"name": key, "value": value} for key, value in environment.items()]
    container["readinessProbe"] = {"httpGet": {"path": "/health/readiness"}}
    return made


def ask(plane: Plane, url: str, name: str) -> tuple[str, object]:
    """Send a request through the gateway; return the backend that served it, and the answer."""
    connection = http.client.HTTPConnection(plane.layout.address, timeout=60)
    try:
        headers = {"Host": url.removeprefix("http://"), "Content-Type": "application/json"}
        connection.request("POST", "/", json.dumps({"name": name}), headers)
        answer = connection.getresponse()
        return answer.getheader("X-Gaia-Backend", ""), json.loads(answer.read())
    finally:
        connection.close()


@pytest.fixture
def image(a_plane: Plane, namespace: str, tmp_path: Path) -> str:
    """An image for which a small function stands."""
    name = f"dev.local/real/{namespace}"
    a_plane.provide(name, write_function(tmp_path / "function", HELLO))
    return name


def test_requests_follow_the_traffic_of_a_route(a_plane: Plane, objects: Objects, image: str) -> None:
    for backend in ("cpu", "gpu"):
        objects.apply(function_in_a_pod(f"hello-{backend}", image, backend))
    objects.apply(route("hello", **{"hello-cpu": 100, "hello-gpu": 0}))
    url = objects.until(ROUTE, "hello", is_ready)["status"]["url"]

    assert ask(a_plane, url, "you") == ("cpu", {"hello": "you"})

    objects.apply(route("hello", **{"hello-cpu": 0, "hello-gpu": 100}))
    objects.until(ROUTE, "hello", is_ready)
    assert ask(a_plane, url, "you") == ("gpu", {"hello": "you"})


def test_an_image_that_nobody_has_cannot_be_pulled_until_somebody_has(
    a_plane: Plane, objects: Objects, image: str, tmp_path: Path
) -> None:
    objects.apply(function_in_a_pod("hello", f"{image}-new", "cpu"))
    objects.until(REVISION, "hello-00001", lambda _: any(map(is_refused, objects.pods("hello-00001"))))

    a_plane.provide(f"{image}-new", tmp_path / "function")

    objects.until(REVISION, "hello-00001", is_ready)


def is_refused(pod: Object) -> bool:
    first = (pod["status"].get("containerStatuses") or [{}])[0]
    return bool(first.get("state", {}).get("waiting", {}).get("reason") == "ImagePullBackOff")


def test_a_program_that_ends_says_its_last_words(a_plane: Plane, objects: Objects, image: str) -> None:
    ends = [sys.executable, "-c", "import sys; sys.exit('there is no model')"]
    a_plane.provide(f"{image}-ends", Path("/"), ends)

    made = configuration("hello", f"{image}-ends")
    # Knative looks at the pod when something of its Deployment changes: when its time is over, at the latest.
    made["spec"]["template"]["metadata"] = {"annotations": {"serving.knative.dev/progress-deadline": "10s"}}
    objects.apply(made)

    found = objects.until(REVISION, "hello-00001", lambda item: "there is no model" in json.dumps(item.get("status")))
    assert not is_ready(found)


def test_the_api_server_shows_the_logs_of_pods(a_plane: Plane, objects: Objects, image: str) -> None:
    objects.apply(function_in_a_pod("real", image, "cpu"))
    kept = configuration("played")
    kept["spec"]["template"]["metadata"] = {"annotations": {"autoscaling.knative.dev/min-scale": "1"}}
    objects.apply(kept)
    objects.apply(route("real", real=100, played=0))
    url = objects.until(ROUTE, "real", is_ready)["status"]["url"]
    objects.until(REVISION, "played-00001", is_ready)
    ask(a_plane, url, "reader")

    (real,), (played,) = objects.pods("real-00001"), objects.pods("played-00001")

    objects.until(POD, real["metadata"]["name"], lambda _: "greeting reader" in log(objects, real))
    assert "is ready" in log(objects, played)


def log(objects: Objects, pod: Object) -> str:
    path = objects.path(POD, pod["metadata"]["name"])
    text: str = objects.call("GET", f"{path}/log?container=user-container")["text"]
    return text
