"""A revision that a rollback has named stays the one that is meant, also once it was lost; a deploy ends that."""

import asyncio
import json
from typing import Any

import pytest

from runtime_images.cluster import words
from runtime_images.cluster.access import Access
from runtime_images.cluster.api import Api
from runtime_images.cluster.kinds import CONFIGURATION, REVISION, ROUTE
from runtime_images.controller.cluster import Cluster
from runtime_images.controller.deciding.actions import Action, FunctionState, Moment, Move
from runtime_images.controller.deciding.machine import step
from runtime_images.controller.deciding.memory import anew
from runtime_images.controller.deciding.sight import Side
from runtime_images.controller.performing import LedApi, Performer
from runtime_images.controller.telemetry import Metrics
from runtime_images.policy.model import CPU, GPU
from tests.runtime_images.controller.test_leading import Server
from tests.runtime_images.controller.test_passes import READY, Nobody, objects

KEY = ("prod", "hello")
FIRST, SECOND = "hello-gpu-00001", "hello-gpu-00002"


class World:
    """A function on the CPU, whose GPU was rolled back to its first revision."""

    def __init__(self) -> None:
        made = objects("hello")
        (self.route,) = made[ROUTE]
        self.configurations = {one["metadata"]["name"]: one for one in made[CONFIGURATION]}
        self.revisions = {one["metadata"]["name"]: one for one in made[REVISION]}
        self.revisions[SECOND] = json.loads(json.dumps(self.revisions[FIRST]).replace(FIRST, SECOND))
        self.latest(SECOND)
        traffic = self.route["spec"]["traffic"]
        traffic[1] = {"revisionName": FIRST, "latestRevision": False, "percent": 0, "tag": "gpu"}
        self.state: FunctionState | None = None

    def latest(self, name: str) -> None:
        """Let a revision be the latest, and ready."""
        self.revisions.setdefault(name, json.loads(json.dumps(self.revisions[SECOND]).replace(SECOND, name)))
        names = {"latestReadyRevisionName": name, "latestCreatedRevisionName": name}
        self.configurations["hello-gpu"]["status"] |= names

    def ready(self, status: str, pods: int) -> None:
        """Let the first revision be ready or not, and have so many pods."""
        conditions = [{"type": "Ready", "status": status}, READY[1]]
        self.revisions[FIRST]["status"] |= {"conditions": conditions, "actualReplicas": pods}

    def step(self) -> tuple[Side, list[Action]]:
        """Make a pass, and let the Route be as it writes it; return the GPU's side, and the orders."""
        server = Server(json.loads(json.dumps(self.route)))
        access = Access("http://cluster", "prod", "c", "u", Nobody)
        cluster = Cluster(Api(access), "prod", lambda _: None)
        everything = (self.route, *self.configurations.values(), *self.revisions.values())
        kinds = (ROUTE, *[CONFIGURATION] * 2, *[REVISION] * len(self.revisions))
        for kind, one in zip(kinds, everything, strict=True):
            next(watched for watched in cluster.watches if watched.kind == kind).take(one)
        seen = cluster.seen(KEY)
        assert seen is not None
        self.state, actions = step(self.state or anew(seen), seen, Moment(100.0, 1e9))

        async def write() -> None:
            async with LedApi(
                Access("http://cluster", "prod", "c", "u", lambda: server), lambda: True, Metrics()
            ) as api:
                for action in actions:
                    await Performer(api, lambda: 1e9).perform(action, seen, server.route)

        asyncio.run(write())
        for written in server.writes:
            self.route["spec"] = written["spec"]
            self.route["metadata"]["annotations"] |= written["metadata"]["annotations"]
        return seen.side(GPU), [one for one in actions if isinstance(one, Move)]

    @property
    def gpu(self) -> dict[str, Any] | None:
        """The GPU's target of the Route."""
        return next((one for one in self.route["spec"]["traffic"] if one["tag"] == "gpu"), None)


@pytest.fixture
def lost() -> World:
    """The same, after the GPU was lost and has left the traffic."""
    world = World()
    world.ready("False", 0)
    _, (move,) = world.step()
    assert isinstance(move, Move)
    assert (move.split, world.gpu) == ({CPU: 100}, None)
    return world


def test_the_latest_does_not_take_the_place_of_the_one_that_was_named(lost: World) -> None:
    side, orders = lost.step()

    assert (side.revision, side.latest, side.named, orders) == (FIRST, SECOND, True, [])


@pytest.mark.parametrize("is_restarted", [False, True])
def test_what_was_named_comes_back_by_its_name(lost: World, is_restarted: bool) -> None:
    lost.ready("True", 1)
    lost.state = None if is_restarted else lost.state

    _, orders = lost.step()

    assert len(orders) == 1
    assert lost.gpu == {"revisionName": FIRST, "latestRevision": False, "percent": 0, "tag": "gpu"}
    assert lost.route["metadata"]["annotations"][words.NAMED] == "{}"
    assert lost.step()[1] == []


def test_a_deploy_ends_what_was_named(lost: World) -> None:
    lost.latest("hello-gpu-00003")

    side, _ = lost.step()

    assert (side.revision, side.named) == ("hello-gpu-00003", False)
    assert lost.gpu is not None
    assert lost.gpu["configurationName"] == "hello-gpu"


@pytest.mark.parametrize("text", ["{", "[]", "7", '{"gpu": "x"}', '{"gpu": ["a", "b", "c"]}', "[" * 10_000])
def test_names_that_cannot_be_read_are_none(lost: World, text: str) -> None:
    lost.route["metadata"]["annotations"][words.NAMED] = text

    side, _ = lost.step()

    assert (side.revision, side.named) == (SECOND, False)
