"""A holder renews the Lease with one write, and a change of it by others costs it the lead only where they took it."""

import asyncio
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import httpx2

from runtime_images.cluster.access import Access
from runtime_images.cluster.api import Api
from runtime_images.controller.election import LEADS_S, Elector


@dataclass
class Server(httpx2.AsyncBaseTransport):
    """An API server with one Lease. Answers of `lost` requests, by their number, never arrive."""

    lost: Sequence[int] = ()
    lease: dict[str, Any] | None = None
    asked: list[str] = field(default_factory=list)
    versions: Iterator[int] = field(default_factory=count)

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        self.asked.append(request.method)
        answer = self._answer(request.method, json.loads(await request.aread() or "{}"))
        if len(self.asked) in self.lost:
            raise httpx2.ReadError("cut")
        return answer

    def _answer(self, method: str, wanted: dict[str, Any]) -> httpx2.Response:
        if method == "GET" and self.lease is None:
            return httpx2.Response(404, json={"kind": "Status", "reason": "NotFound", "details": {"name": "x"}})
        if method != "GET":
            if self.lease and wanted["metadata"]["resourceVersion"] != self.lease["metadata"]["resourceVersion"]:
                return httpx2.Response(409, json={"kind": "Status", "reason": "Conflict"})
            self.write(wanted)
        return httpx2.Response(200, json=self.lease)

    def write(self, wanted: dict[str, Any]) -> None:
        """Store a Lease as its next version."""
        self.lease = json.loads(json.dumps(wanted))
        assert self.lease is not None
        self.lease["metadata"]["resourceVersion"] = str(next(self.versions))


def stand(server: Server, between: Callable[[dict[str, Any]], None] = lambda _: None, times: int = 2) -> list[bool]:
    """Stand for election so many times, two seconds apart, with something done to the Lease before the last time."""
    now = [0.0]

    async def work() -> list[bool]:
        async with Api(Access("http://cluster", "prod", "c", "u", lambda: server)) as api:
            elector, led = Elector(api, "me", "prod", lambda: now[0], lambda: now[0]), []
            for left in reversed(range(times)):
                if not left and server.lease is not None:
                    between(server.lease)
                led.append(await elector.stand())
                now[0] += 2.0
            return led

    return asyncio.run(work())


def test_a_renewal_is_one_request() -> None:
    server = Server()

    assert stand(server, times=4) == [True] * 4
    assert server.asked == ["GET", "POST", "PUT", "PUT", "PUT"]


def test_a_lease_that_somebody_has_annotated_stays_its_holders() -> None:
    server = Server()

    def annotate(lease: dict[str, Any]) -> None:
        server.write(lease | {"metadata": lease["metadata"] | {"annotations": {"seen": "yes"}}})

    assert stand(server, annotate) == [True, True]
    assert server.lease is not None
    assert server.lease["metadata"]["annotations"] == {"seen": "yes"}


def test_a_lease_that_another_has_taken_is_lost_at_the_next_renewal() -> None:
    server = Server()

    def take(lease: dict[str, Any]) -> None:
        server.write(lease | {"spec": lease["spec"] | {"holderIdentity": "another"}})

    assert stand(server, take) == [True, False]


def test_a_lease_that_was_deleted_is_made_anew() -> None:
    server = Server()

    def delete(_: dict[str, Any]) -> None:
        server.lease = None

    assert stand(server, delete) == [True, True]


def test_a_renewal_whose_answer_was_lost_costs_no_lead() -> None:
    server = Server(lost=(3,))

    assert stand(server, times=3) == [True] * 3
    assert server.asked == ["GET", "POST", "PUT", "GET", "PUT"]


def test_who_cannot_renew_in_time_leads_no_more() -> None:
    server = Server(lost=range(3, 20))

    assert stand(server, times=5) == [True] * int(LEADS_S / 2) + [False] * 2
