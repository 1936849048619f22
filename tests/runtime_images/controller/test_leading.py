"""Between a decision and its write a user may change the Route, and the lead may be lost: then nothing is written."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx2
import pytest

from runtime_images.cluster import words
from runtime_images.cluster.access import Access
from runtime_images.cluster.errors import RefusedError
from runtime_images.cluster.function import FunctionSettings
from runtime_images.cluster.kinds import ROUTE
from runtime_images.cluster.traffic import targets
from runtime_images.controller.deciding.actions import Action, Move, Retry
from runtime_images.controller.performing import LedApi, NotLeadingError, Performer
from runtime_images.controller.reading import kept, read
from runtime_images.controller.telemetry import Metrics
from runtime_images.policy.model import CPU, GPU, ExecutionMode

Change = Callable[[dict[str, Any]], object]
MOVE = Move({CPU: 0, GPU: 100}, {words.DECISION: "[]"})


def route(version: int = 1) -> dict[str, Any]:
    """Return the Route of a function that serves on the CPU."""
    settings = FunctionSettings("hello", ExecutionMode.CPU_PREFERRED).to_json()
    metadata = {"name": "hello", "namespace": "prod", "uid": "u", "resourceVersion": str(version)}
    annotations = {words.SETTINGS: settings, words.MANIFEST: "x" * 100}
    return {
        "apiVersion": ROUTE.api_version,
        "kind": ROUTE.name,
        "metadata": metadata | {"annotations": annotations, "labels": {words.FUNCTION: "hello"}},
        "spec": {"traffic": targets("hello", {CPU: 100, GPU: 0})},
    }


@dataclass
class Server(httpx2.AsyncBaseTransport):
    """An API server with one Route; writes get `statuses` first, and are done then if they name its version."""

    route: dict[str, Any]
    statuses: list[int] = field(default_factory=list)
    writes: list[dict[str, Any]] = field(default_factory=list)

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        if request.method == "GET":
            return httpx2.Response(200, json=self.route)
        if self.statuses:
            said = {"kind": "Status", "message": "not now", "details": {"retryAfterSeconds": 0.01}}
            return httpx2.Response(self.statuses.pop(0), json=said)
        wanted = json.loads(await request.aread())
        if wanted["metadata"]["resourceVersion"] != self.route["metadata"]["resourceVersion"]:
            return httpx2.Response(409, json={"kind": "Status", "reason": "Conflict", "message": "it has changed"})
        self.writes.append(wanted)
        return httpx2.Response(200, json=self.route)


def perform(server: Server, leads: Callable[[], bool] = lambda: True, action: Action = MOVE) -> Metrics:
    """Carry out what was decided upon the Route as it was first."""
    metrics, before = Metrics(), kept(route())
    seen = read(before, {}, {})
    assert seen is not None

    async def work() -> None:
        access = Access("http://cluster", "prod", "c", "u", lambda: server)
        async with LedApi(access, leads, metrics) as api:
            await Performer(api, lambda: 0.0).perform(action, seen, before)

    asyncio.run(work())
    return metrics


def _rolled_back(changed: dict[str, Any]) -> None:
    changed["spec"]["traffic"][0] |= {"revisionName": "hello-cpu-00001", "latestRevision": False}


def _annotated(name: str, text: str) -> Change:
    return lambda changed: changed["metadata"]["annotations"].update({name: text})


MEANT: dict[str, Change] = {
    "a rollback": _rolled_back,
    "a pin": _annotated(words.PIN, "cpu"),
    "a pause": _annotated(words.PAUSED, "true"),
    "a deploy": _annotated(words.SETTINGS, "{}"),
    "a deletion": lambda changed: changed["metadata"].update(deletionTimestamp="2026-11-28T12:00:00Z"),
}


@pytest.mark.parametrize("what", MEANT)
def test_a_move_that_was_decided_before_a_person_spoke_is_not_written(what: str) -> None:
    server = Server(route(version=2))
    MEANT[what](server.route)

    with pytest.raises(RefusedError, match="it has changed"):
        perform(server)

    assert server.writes == []


def test_a_move_is_written_again_where_only_the_status_or_a_foreign_annotation_has_changed() -> None:
    server = Server(route(version=2))
    server.route["status"] = {"observedGeneration": 1}
    _annotated("team", "vision")(server.route)

    perform(server)

    assert [one["metadata"]["resourceVersion"] for one in server.writes] == ["2"]


def test_a_write_that_the_server_has_put_off_is_not_made_once_the_lead_is_lost() -> None:
    server = Server(route(), statuses=[429])

    with pytest.raises(NotLeadingError):
        perform(server, leads=lambda: bool(server.statuses))

    assert server.writes == []


def test_what_was_never_sent_is_no_write_in_the_metric() -> None:
    server, metrics = Server(route()), Metrics()

    async def work() -> None:
        async with LedApi(Access("http://cluster", "prod", "c", "u", lambda: server), lambda: False, metrics) as api:
            assert await api.get(ROUTE, "hello") is not None
            for write in (api.apply(route(), "m"), api.create(route(), "m"), api.replace(route(), "m"),
                          api.merge(ROUTE, "hello", {}, "m"), api.delete(ROUTE, "hello")):  # fmt: skip
                with pytest.raises(NotLeadingError):
                    await write

    asyncio.run(work())

    assert server.writes == []
    assert b"api_writes_total{" not in metrics.text()


@pytest.mark.parametrize(("latest", "count"), [("hello-gpu-00001", 1), ("hello-gpu-00002", 0)])
def test_a_template_is_tried_again_only_while_nobody_has_deployed_another(latest: str, count: int) -> None:
    server = Server({"metadata": {"resourceVersion": "7"}, "status": {"latestCreatedRevisionName": latest}})

    perform(server, action=Retry(GPU, "hello-gpu-00001"))

    assert [one["metadata"] for one in server.writes] == [{"resourceVersion": "7"}] * count
