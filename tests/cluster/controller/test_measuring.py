"""What the observer makes of real pods: found by a watch, asked at their addresses or through the API server."""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from runtime_images.cluster import words
from runtime_images.cluster.api import Api
from runtime_images.cluster.function import FunctionSettings
from runtime_images.cluster.kinds import REVISION, ROUTE
from runtime_images.cluster.pods import METRICS_PORT
from runtime_images.controller.measuring.observer import PODS, THROUGH_API, observer_of
from runtime_images.controller.observing import Asked, Measurement, Observer
from runtime_images.policy.model import CPU, ExecutionMode, Slo
from tests.cluster.test_control_plane import route
from tests.cluster.test_real_pods import HELLO, ask, function_in_a_pod
from tests.support.control_plane.lifecycle import Plane
from tests.support.control_plane.objects import Objects, is_ready
from tests.support.serving import write_function

SERVED = 12


@pytest.fixture
def image(a_plane: Plane, namespace: str, tmp_path: Path) -> str:
    """An image for which a small function stands."""
    name = f"dev.local/real/measured-{namespace}"
    a_plane.provide(name, write_function(tmp_path / "function", HELLO))
    return name


@pytest.mark.parametrize("source", [THROUGH_API, PODS])
def test_the_numbers_of_a_real_pod_are_measured(
    a_plane: Plane,
    objects: Objects,
    namespace: str,
    connect: Callable[..., Api],
    image: str,
    source: str,
) -> None:
    made = function_in_a_pod("hello-cpu", image, "cpu")
    template = made["spec"]["template"]
    template["metadata"] = {**template.get("metadata", {}), "labels": {words.FUNCTION: "hello"}}
    template["spec"]["containers"][0]["env"].append({"name": "GAIA_METRICS_PORT", "value": str(METRICS_PORT)})
    objects.apply(made)
    objects.until(REVISION, "hello-cpu-00001", is_ready)
    objects.apply(route("hello", **{"hello-cpu": 100}))
    url = objects.until(ROUTE, "hello", is_ready)["status"]["url"]
    settings = FunctionSettings("hello", ExecutionMode.CPU, Slo(latency_p95_ms=500))
    asked = Asked((namespace, "hello"), settings, {CPU: "hello-cpu-00001"})

    async def measure() -> tuple[Measurement, Measurement]:
        async with connect() as api:
            observer = observer_of(api.access, namespace, source)
            try:
                first = await _known(observer, asked)
                for number in range(SERVED):
                    await asyncio.to_thread(ask, a_plane, url, f"client {number}")
                return first, await _known(observer, asked)
            finally:
                await observer.close()

    first, second = asyncio.run(measure())
    lane = second.lanes[CPU]

    assert first.lanes[CPU].running
    assert (first.lanes[CPU].finished, lane.finished, len(lane.recent_services_s)) == (0, SERVED, SERVED)
    assert 0 < max(lane.recent_services_s) < 5
    assert lane.start_up_s is not None
    assert second.pods[CPU] == 1
    assert second.lost == {}


async def _known(observer: Observer, asked: Asked) -> Measurement:
    """Return the first measurement that there is: the watch of the pods may still begin."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        found = await observer.measure([asked], time.monotonic())
        measured: Measurement | None = found.get(asked.key)
        if measured is not None and measured.pods.get(CPU):
            return measured
        await asyncio.sleep(0.2)
    raise AssertionError("the function stays unknown")
