"""Faults of real parts: whatever fails, the traffic is whole and on ready revisions, and the next passes converge."""

import asyncio
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from gaia_cli.targets.kubeconfig.access import access_of
from runtime_images.cluster.api import Api
from runtime_images.cluster.kinds import LEASE, NODE, POD, ROUTE
from runtime_images.cluster.traffic import split_of
from runtime_images.controller.election import LEASE_S
from runtime_images.controller.watching import Watched
from runtime_images.policy.model import CPU, GPU
from tests.cluster.controller.conftest import Start
from tests.support.control_plane.faults import GPU_NODE, Gpus
from tests.support.control_plane.lifecycle import Plane
from tests.support.controlling import Function, Played, times


@pytest.mark.parametrize("order", ["warm", "move", "tell", "release"])
def test_the_api_server_stops_in_the_middle_of_a_step(
    function: Function, start: Start, played: Played, plane: Plane, order: str
) -> None:
    function.deploy()
    controller = start()
    controller.until_leads()
    performer = controller.controller.passes.performer
    perform = performer.perform
    stopped: list[str] = []

    async def interrupted(action: object, *rest: object) -> object:
        if type(action).__name__.lower() == order and not stopped:
            stopped.append(order)
            plane.stop("kube-apiserver")
        return await perform(action, *rest)  # type: ignore[arg-type]

    performer.perform = interrupted  # type: ignore[method-assign, assignment]
    if order in ("warm", "release"):
        function.until_asleep(GPU)
    if order == "release":
        played.errors = {GPU: 1.0}
    played.burden()
    controller.look()
    controller.until(lambda: stopped, timeout_s=90)
    plane.restore()
    played.errors = {}

    function.until_split({CPU: 0, GPU: 100}, timeout_s=120)


def test_watches_that_are_cut_are_taken_up_again(
    function: Function, start: Start, played: Played, plane: Plane
) -> None:
    function.deploy()
    controller = start()
    controller.until_leads()

    plane.stop("kube-apiserver")
    plane.restore()
    played.burden()
    controller.look()

    function.until_split({CPU: 0, GPU: 100}, timeout_s=90)
    assert sum(controller.writes(done=True).values()) <= 4


def test_a_webhook_that_hangs_keeps_no_other_function_waiting(
    function: Function, start: Start, played: Played, plane: Plane
) -> None:
    function.deploy()
    controller = start()
    controller.until_leads()

    plane.send("webhook", signal.SIGSTOP)
    played.burden()
    controller.look()
    controller.until(lambda: controller.controller.passes.busy, timeout_s=30)
    plane.restore()

    function.until_split({CPU: 0, GPU: 100}, timeout_s=90)
    assert sum(split_of(function.now()).values()) == 100


def test_a_gpu_that_another_pod_has_taken_gives_the_switch_up(
    function: Function, gpus: Gpus, start: Start, played: Played
) -> None:
    function.deploy()
    played.rate = 5.0
    controller = start()
    controller.until_leads()
    gpus.set(2)
    gpus.take(1)
    gpus.set(1)
    for pod in function.objects.pods(f"{function.name}-gpu-00001"):
        function.objects.delete(POD, pod["metadata"]["name"], grace_s=0)

    function.until_split({CPU: 100})
    played.burden()
    controller.passes(3)

    assert split_of(function.now())[CPU] == 100


def test_an_image_that_never_starts_is_never_in_the_traffic(function: Function, start: Start, played: Played) -> None:
    function.deploy(ready=(CPU,), images={GPU: "dev.local/crashing/hello"})
    controller = start()
    controller.until_leads()

    played.burden()
    controller.passes(10)

    assert split_of(function.now()) == {CPU: 100}
    assert controller.writes().get("Route", 0) == 0


def test_a_node_that_goes_takes_its_side_out_of_the_traffic(
    function: Function,
    start: Start,
    played: Played,
    alone: None,  # noqa: ARG001 -- others may use the node
) -> None:
    function.deploy(active=GPU)
    played.rate = 5.0
    start().until_leads()
    node = function.objects.get(NODE, GPU_NODE)
    assert node is not None
    function.objects.merge(NODE, GPU_NODE, {"spec": {"unschedulable": True}})
    try:
        for pod in function.objects.pods(f"{function.name}-gpu-00001"):
            function.objects.delete(POD, pod["metadata"]["name"], grace_s=0)

        function.until_split({CPU: 100})
    finally:
        function.objects.merge(NODE, GPU_NODE, {"spec": {"unschedulable": None}})


def test_of_two_controllers_one_leads_and_the_next_takes_over(function: Function, start: Start, played: Played) -> None:
    function.deploy()
    first = start()
    first.until_leads()
    second = start()
    second.until(second.controller.cluster.is_synced)

    played.burden()
    first.look()
    function.until_event("Switched")
    assert not second.controller.elector.leads()
    assert second.writes() == {}

    first.stop()
    second.until_leads(timeout_s=10)
    played.rest()
    second.passes(3)
    assert len([one for one in function.events() if one["reason"] == "Switched"]) == 1


def test_one_that_is_killed_is_followed_when_its_lease_has_run_out(
    function: Function, start: Start, played: Played
) -> None:
    function.deploy()
    first = start()
    first.until_leads()
    first.kill()

    second = start()
    second.until_leads(timeout_s=40)
    played.burden()
    second.look()

    function.until_split({CPU: 0, GPU: 100})


def hour_off() -> Callable[[], float]:
    return lambda: time.time() - 3600.0


def test_a_clock_that_is_an_hour_off_makes_no_second_leader(function: Function, start: Start) -> None:
    function.deploy()
    late = start(wall=hour_off(), clock=times(2.0))
    late.until_leads()
    right = start(clock=times(2.0))
    right.until(right.controller.cluster.is_synced)

    deadline = time.monotonic() + LEASE_S * 0.7
    while time.monotonic() < deadline:
        assert (late.controller.elector.leads(), right.controller.elector.leads()) == (True, False)
        time.sleep(0.2)

    lease = function.objects.get(LEASE, "gaia-controller")
    assert lease
    assert lease["spec"]["holderIdentity"] == late.controller.elector.identity


def test_a_version_that_the_server_no_longer_keeps_means_a_new_list(function: Function, kubeconfig: Path) -> None:
    function.deploy()

    async def follow() -> str:
        async with Api(access_of({}, kubeconfig=kubeconfig)) as api:
            watched = Watched(api, ROUTE, "", lambda _: None)
            watched.version = "1"
            running = asyncio.create_task(watched.run())
            async with asyncio.timeout(30):
                await watched.synced.wait()
            running.cancel()
            return watched.version

    assert int(asyncio.run(follow())) > 1
