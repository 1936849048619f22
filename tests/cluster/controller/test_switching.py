"""A switch on a real control plane: warmed, moved, confirmed, told, and let go."""

import json
import socket
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager

from runtime_images.cluster import words
from runtime_images.cluster.api import Object
from runtime_images.cluster.kinds import REVISION, ROUTE
from runtime_images.policy.model import CPU, GPU, Backend
from tests.cluster.controller.conftest import Start
from tests.support.control_plane.faults import Gpus
from tests.support.control_plane.layout import GATEWAY_PORT
from tests.support.control_plane.lifecycle import Plane
from tests.support.controlling import IMAGE, Function, Played, times


def test_a_slow_cpu_is_left_for_the_gpu_in_at_most_four_writes(
    function: Function, start: Start, played: Played
) -> None:
    function.deploy()
    controller = start()
    controller.until_leads()

    played.burden()
    controller.look()
    function.until_split({CPU: 0, GPU: 100})
    event = function.until_event("Switched")

    assert "missed the SLO" in event["message"]
    assert sum(controller.writes(done=True).values()) <= 4
    (newest, *_) = json.loads(function.annotation(words.DECISION))
    assert (newest["chosen"], newest["rule"], newest["share"]) == ("gpu", "slo_breach", 100)
    assert json.loads(function.annotation(words.STATE))["policy"]


def test_an_idle_gpu_is_let_go_in_at_most_four_writes(function: Function, start: Start, played: Played) -> None:
    function.deploy()
    controller = start(hurried=times(10.0))
    controller.until_leads()
    played.burden()
    controller.look()
    function.until_event("Switched")
    before = sum(controller.writes(done=True).values())

    played.rest()
    function.until_split({CPU: 100, GPU: 0}, timeout_s=90)
    controller.until(lambda: len(function.events()) == 2)
    controller.until(lambda: function.min_scale(GPU) in ("", "0"))

    assert sum(controller.writes(done=True).values()) - before <= 4


def test_a_cold_gpu_is_warmed_first(function: Function, start: Start, played: Played) -> None:
    function.deploy()
    controller = start()
    controller.until_leads()
    function.until_asleep(GPU)

    played.burden()
    controller.look()
    function.until_split({CPU: 0, GPU: 100})

    function.until_event("Switched")
    assert controller.writes(done=True)["PodAutoscaler"] == 1
    assert sum(controller.writes(done=True).values()) <= 4


class SlowGpu(Function):
    """A function whose pods with a GPU take a while to be ready."""

    def configuration(self, backend: Backend, image: str = IMAGE, template: Mapping[str, str] | None = None) -> Object:
        made = super().configuration(backend, image, template)
        if backend is GPU:
            made["spec"]["template"]["spec"]["containers"][0]["env"] = [{"name": "TEST_START", "value": "8s"}]
        return made


def test_a_start_that_nobody_needs_any_more_is_ended_and_its_pod_let_go(
    function: Function, start: Start, played: Played
) -> None:
    slow = SlowGpu(function.objects, function.gpu_resource)
    slow.deploy()
    controller = start()
    controller.until_leads()
    slow.until_asleep(GPU)

    played.burden()
    controller.look()
    controller.until(lambda: slow.min_scale(GPU) == "1")
    slow.objects.merge(ROUTE, slow.name, {"metadata": {"annotations": {words.PIN: "cpu"}}})
    event = slow.until_event("SwitchGivenUp")
    controller.until(lambda: slow.min_scale(GPU) in ("", "0"))

    assert "pinned to cpu" in event["message"]
    assert event["type"] == "Normal"
    slow.until_split({CPU: 100, GPU: 0})
    assert [one["reason"] for one in slow.events()] == ["SwitchGivenUp"]


def test_nothing_to_change_writes_nothing(function: Function, start: Start) -> None:
    function.deploy()
    controller = start()
    controller.until_leads()

    controller.passes(10)

    assert controller.writes() == {}


def test_a_lost_gpu_with_all_traffic_on_it_is_left_in_one_write(
    function: Function, gpus: Gpus, start: Start, played: Played
) -> None:
    function.deploy(active=GPU)
    played.rate = 10.0
    controller = start()
    controller.until_leads()

    gpus.lose()
    function.until_split({CPU: 100})
    event = function.until_event("BackendLost")
    controller.passes(10)

    assert gpus.resource in event["message"]
    assert controller.writes(done=True)["Route"] == 1
    gpus.set(1)
    function.until_split({CPU: 100, GPU: 0})
    assert controller.writes(done=True)["Route"] == 2


def test_a_gpu_that_is_lost_while_its_backend_sleeps_is_left_once_somebody_asks(
    function: Function, gpus: Gpus, start: Start, played: Played, a_plane: Plane
) -> None:
    function.deploy(active=GPU)
    played.rate = 10.0  # else the policy itself leaves a GPU that nobody asks
    controller = start()
    controller.until_leads()
    function.until_asleep(GPU)

    gpus.set(0)
    with somebody_asks(a_plane, function.now()["status"]["url"]):
        function.until_split({CPU: 100})
    controller.passes(10)

    assert controller.writes(done=True)["Route"] == 1
    gpus.set(1)
    function.until_split({CPU: 100, GPU: 0})
    assert controller.writes(done=True)["Route"] == 2


@contextmanager
def somebody_asks(plane: Plane, url: str) -> Iterator[None]:
    """Hold a request open, which a sleeping backend is woken for."""
    host = url.removeprefix("http://")
    with closing(socket.create_connection((plane.layout.address, GATEWAY_PORT))) as client:
        client.sendall(f"GET / HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
        yield


def test_a_lost_gpu_that_nobody_uses_leaves_the_traffic_too(
    function: Function, gpus: Gpus, start: Start, played: Played
) -> None:
    function.deploy(template={"autoscaling.knative.dev/min-scale": "1"})
    played.rate = 10.0
    start().until_leads()

    gpus.lose()

    function.until_split({CPU: 100})


def test_a_runtime_that_has_lost_its_gpu_is_left(function: Function, start: Start, played: Played) -> None:
    function.deploy(active=GPU)
    start().until_leads()

    played.lost = {GPU: "the device is lost: Xid 79"}

    function.until_split({CPU: 100})
    assert "Xid 79" in function.until_event("BackendLost")["message"]


def test_a_gpu_that_errs_gives_its_share_back(function: Function, start: Start, played: Played) -> None:
    function.deploy()
    controller = start()
    controller.until_leads()
    played.errors = {GPU: 1.0}

    played.burden()
    controller.look()

    function.until_event("RolledBack")
    function.until_split({CPU: 100, GPU: 0})
    controller.until(lambda: function.min_scale(GPU) in ("", "0"))


def test_a_dead_revision_is_tried_anew(function: Function, gpus: Gpus, start: Start) -> None:
    gpus.set(0)
    deadline = {"serving.knative.dev/progress-deadline": "3s"}
    function.deploy(ready=(CPU,), template=deadline)
    function.objects.until(
        REVISION, f"{function.name}-gpu-00001", lambda one: "never achieved" in json.dumps(one.get("status") or {})
    )
    gpus.set(1)

    start(hurried=times(30.0)).until_leads()

    function.until_split({CPU: 100, GPU: 0})
    assert function.revision(GPU, 2) is not None
