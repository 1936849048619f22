"""Warming on a real control plane, in its own way and in that of newer versions, which a stand-in plays."""

import asyncio
import contextlib
from collections.abc import Callable
from pathlib import Path

import pytest

from runtime_images.cluster.api import Api, Object
from runtime_images.cluster.backends import read_function
from runtime_images.cluster.kinds import DEPLOYMENT, POD_AUTOSCALER, REVISION
from runtime_images.cluster.warming import Warmer, min_scale
from runtime_images.policy.model import GPU
from tests.cluster.inspecting.conftest import Deployed, asleep
from tests.support.control_plane.newer_knative import copied_scales
from tests.support.control_plane.objects import Objects

Connect = Callable[..., Api]
REVISION_NAME = "hello-gpu-00001"
PAUSE_S = 0.05


async def warm(api: Api, warmer: Warmer) -> Object:
    """Step until the GPU backend is warm, and return its Revision."""
    async with asyncio.timeout(60):
        while True:
            revision = (await read_function(api, "hello")).backends[GPU].serving
            assert revision is not None
            if await warmer.keep(revision):
                return revision
            await asyncio.sleep(PAUSE_S)


@pytest.mark.parametrize("is_newer", [False, True])
def test_a_sleeping_backend_is_warmed_and_let_go(
    objects: Objects,
    connect: Connect,
    deployed: Deployed,
    kubeconfig: Path,
    is_newer: bool,
) -> None:
    deployed()
    asleep(objects, REVISION_NAME)

    async def play() -> list[tuple[int, int]]:
        async with connect() as api:
            warmer = Warmer(api)
            revision = await warm(api, warmer)
            while is_newer and (await asked(api))[0] == 0:  # it may have pods before it is known how it is asked
                await warm(api, warmer)
                await asyncio.sleep(PAUSE_S)
            warmed = await asked(api)
            await warmer.release(REVISION_NAME, revision["metadata"]["namespace"])
            return [warmed, await asked(api)]

    with copied_scales(kubeconfig, objects.namespace) if is_newer else contextlib.nullcontext():
        warmed, released = asyncio.run(play())
    # What copies for a newer version may be a step behind.
    assert warmed in ([(1, 0), (1, 1)] if is_newer else [(0, 1)])
    assert released[0] == 0
    assert released == (0, 0) or is_newer


async def asked(api: Api) -> tuple[int, int]:
    """What the Revision and its autoscaler ask for."""
    revision, autoscaler = await api.get(REVISION, REVISION_NAME), await api.get(POD_AUTOSCALER, REVISION_NAME)
    assert revision is not None
    assert autoscaler is not None
    return min_scale(revision), min_scale(autoscaler)


def test_warming_restarts_no_pod_and_writes_nothing_twice(
    objects: Objects, connect: Connect, deployed: Deployed
) -> None:
    deployed()
    template = (objects.get(DEPLOYMENT, f"{REVISION_NAME}-deployment") or {})["spec"]["template"]

    async def play() -> tuple[str, str]:
        async with connect() as api:
            warmer = Warmer(api)
            revision = await warm(api, warmer)
            await warmer.keep(revision)
            before = await api.get(POD_AUTOSCALER, REVISION_NAME)
            await warmer.keep(revision)
            after = await api.get(POD_AUTOSCALER, REVISION_NAME)
            assert before is not None
            assert after is not None
            return before["metadata"]["generation"], after["metadata"]["generation"]

    before, after = asyncio.run(play())
    assert before == after
    assert (objects.get(DEPLOYMENT, f"{REVISION_NAME}-deployment") or {})["spec"]["template"] == template
