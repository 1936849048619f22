"""Where numbers come from is what was asked for, or an error at once; one function's numbers are its own trouble."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import httpx2
import pytest

from runtime_images.cluster import words
from runtime_images.cluster.access import Access
from runtime_images.cluster.backends import REVISION_LABEL
from runtime_images.cluster.function import FunctionSettings
from runtime_images.controller.measuring.histogram import Histogram
from runtime_images.controller.measuring.numbers import PodNumbers
from runtime_images.controller.measuring.observer import PodObserver, SourceError, observer_of
from runtime_images.controller.measuring.pods import Pod, PodId
from runtime_images.controller.observing import Asked, Key
from runtime_images.policy.model import CPU, ExecutionMode


@pytest.fixture
def access() -> Access:
    return Access("http://127.0.0.1:9", "faces", "nowhere", "nobody", httpx2.AsyncHTTPTransport)


@pytest.mark.parametrize("source", ["pods", "api", "http://prometheus.monitoring:9090", "https://prometheus:443/p"])
def test_each_source_makes_an_observer(access: Access, source: str) -> None:
    assert observer_of(access, "faces", source) is not None


@pytest.mark.parametrize("source", ["", "Pods", "file:///etc/passwd", "ftp://x", "prometheus:9090"])
def test_what_is_no_source_is_refused_by_name(access: Access, source: str) -> None:
    with pytest.raises(SourceError, match="none of pods, api and the address"):
        observer_of(access, "faces", source)


class Pods(httpx2.AsyncBaseTransport):
    """An API server with two pods of each of two functions, and nothing new."""

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        if "watch" in request.url.params:
            return httpx2.Response(200, content=b"")
        items = [_pod(function, number) for function in ("sound", "odd") for number in range(2)]
        return httpx2.Response(200, json={"metadata": {"resourceVersion": "1"}, "items": items})


def _pod(function: str, number: int) -> dict[str, Any]:
    labels = {words.FUNCTION: function, REVISION_LABEL: f"{function}-cpu-00001"}
    name = f"{function}-{number}"
    metadata = {"name": name, "namespace": "faces", "uid": name, "resourceVersion": "1", "labels": labels}
    ready = {"type": "Ready", "status": "True"}
    return {"metadata": metadata, "status": {"phase": "Running", "podIP": "198.18.0.7", "conditions": [ready]}}


class Numbers:
    """A source whose pods of the function "odd" count in buckets that do not go together."""

    rate_span_s = 5.0

    async def read(self, pods: Sequence[Pod]) -> Mapping[PodId, PodNumbers]:
        return {pod.id: self._numbers(pod.id.name) for pod in pods}

    def _numbers(self, name: str) -> PodNumbers:
        bound = 2.0 if name == "odd-1" else 1.0
        counted = Histogram.of([(bound, 3), (float("inf"), 3)], 1.0)
        return PodNumbers(latency=counted, service=counted, arrived=3)

    async def close(self) -> None:
        """Nothing is open."""


def test_pods_whose_numbers_do_not_go_together_are_no_trouble_of_another_function() -> None:
    asked = [
        Asked(("faces", name), FunctionSettings(name, ExecutionMode.CPU), {CPU: f"{name}-cpu-00001"})
        for name in ("odd", "sound")
    ]

    async def measure() -> list[set[Key]]:
        observer = PodObserver(Access("http://cluster", "faces", "c", "u", Pods), "faces", lambda _: Numbers())
        try:
            looks = [await observer.measure(asked[1:], 1.0), await observer.measure(asked, 2.0)]
            return [*map(set, looks), set(await observer.measure(asked, 3.0))]
        finally:
            await observer.close()

    looks = asyncio.run(asyncio.wait_for(measure(), 30))

    assert all(("faces", "sound") in look for look in looks)
    assert ("faces", "odd") not in looks[-1]
