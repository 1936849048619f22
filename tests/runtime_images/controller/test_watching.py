"""A watch that the server ends is taken up again, ever more slowly; one that fails for good ends its controller."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx2
import pytest

from runtime_images.cluster.access import Access
from runtime_images.cluster.api import Api
from runtime_images.cluster.kinds import LEASE, POD, ROUTE, Kind
from runtime_images.cluster.words import FUNCTION
from runtime_images.controller.life import Controller, Options
from runtime_images.controller.measuring.observer import PodObserver
from runtime_images.controller.watching import Watched
from tests.runtime_images.controller.measuring.test_observer import Numbers
from tests.support.controlling import Played

NO_OBJECT = {"type": "ADDED", "object": {"metadata": {"resourceVersion": "2", "labels": {FUNCTION: "hello"}}}}
"""What no API server says: an object without a name and a namespace."""


class Silence(httpx2.AsyncByteStream):
    """A watch in which nothing happens, after its first line."""

    def __init__(self, line: bytes = b"") -> None:
        self._line = line

    async def __aiter__(self) -> AsyncIterator[bytes]:
        if self._line:
            yield self._line
        await asyncio.Event().wait()


@dataclass
class Server(httpx2.AsyncBaseTransport):
    """An API server with nothing in it, where the watch of `kind` says a line, or is refused with a status."""

    kind: Kind
    line: Mapping[str, Any] = field(default_factory=dict)
    status: int = 200
    lists_most: int = 100
    lists: int = 0

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        if request.url.path.endswith(f"/{LEASE.plural}/gaia-controller"):
            return httpx2.Response(503, json={"kind": "Status", "message": "not now"})
        if "watch" not in request.url.params:
            self.lists += 1
            assert self.lists <= self.lists_most, "enough"
            return httpx2.Response(200, json={"metadata": {"resourceVersion": "1"}, "items": []})
        if not request.url.path.endswith(f"/{self.kind.plural}"):
            return httpx2.Response(200, stream=Silence())
        if self.status != 200:
            return httpx2.Response(self.status, json={"kind": "Status", "message": "no"})
        return httpx2.Response(200, stream=Silence(json.dumps(self.line).encode() + b"\n"))

    @property
    def access(self) -> Access:
        return Access("http://cluster", "prod", "c", "u", lambda: self)


def test_a_watch_that_fails_for_good_ends_its_controller() -> None:
    server = Server(ROUTE, NO_OBJECT)

    async def work() -> None:
        controller = Controller(server.access, Options("prod", "prod", port=0), Played())
        await controller.run(asyncio.Event())

    with pytest.raises(ExceptionGroup) as raised:
        asyncio.run(asyncio.wait_for(work(), 20))
    assert raised.group_contains(KeyError)


def test_a_watch_of_pods_that_fails_for_good_ends_the_measuring_that_rests_on_it() -> None:
    server = Server(POD, NO_OBJECT)

    async def measure(observer: PodObserver) -> None:
        while True:
            await observer.measure([], 0.0)
            await asyncio.sleep(0.01)

    async def work() -> None:
        observer = PodObserver(server.access, "prod", lambda _: Numbers())
        try:
            with pytest.raises(KeyError):
                await measure(observer)
        finally:
            await observer.close()

    asyncio.run(asyncio.wait_for(work(), 20))


@pytest.mark.parametrize(("status", "pauses_s"), [(403, [0.2, 0.4, 0.8]), (410, [0.4, 0.8])])
def test_a_watch_that_is_refused_after_each_list_is_tried_ever_more_slowly(
    status: int, pauses_s: list[float], caplog: pytest.LogCaptureFixture
) -> None:
    server = Server(ROUTE, status=status, lists_most=3)

    async def work() -> None:
        async with Api(server.access) as api:
            await Watched(api, ROUTE, "prod", lambda _: None).run()

    with caplog.at_level(logging.WARNING), pytest.raises(AssertionError, match="enough"):
        asyncio.run(asyncio.wait_for(work(), 20))

    said = [record.getMessage().partition("next try in ")[2] for record in caplog.records]
    assert [float(one.partition(" s:")[0]) for one in said] == pauses_s
