"""The client against a real API server, with a network between them that fails."""

import asyncio
import json
import random
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import pytest

from gaia_cli.targets.kubeconfig.access import access_of
from runtime_images.cluster import api as module
from runtime_images.cluster.access import Access
from runtime_images.cluster.api import Api
from runtime_images.cluster.errors import RefusedError, UnreachableError
from runtime_images.cluster.kinds import CONFIG_MAP, ROUTE, Kind
from tests.support.control_plane.objects import Objects
from tests.support.control_plane.rest import Object, parts
from tests.support.cutting_proxy import CuttingProxy

_Result = TypeVar("_Result")


@pytest.fixture
def proxy(admin_kubeconfig: Path) -> Iterator[CuttingProxy]:
    """What stands between the client and the server."""
    server = urlsplit(parts(admin_kubeconfig)[0]["server"])
    assert server.hostname is not None
    with CuttingProxy(server.hostname, server.port or 443) as between:
        yield between


@pytest.fixture
def access(admin_kubeconfig: Path, namespace: str, proxy: CuttingProxy, tmp_path: Path) -> Access:
    """The way to the server through the proxy."""
    cluster, user = parts(admin_kubeconfig)
    through = {
        **cluster,
        "server": f"https://127.0.0.1:{proxy.port}",
        "tls-server-name": urlsplit(cluster["server"]).hostname,
    }
    path = tmp_path / "through"
    context = {"cluster": "c", "user": "u", "namespace": namespace}
    said = {
        "current-context": "x",
        "clusters": [{"name": "c", "cluster": through}],
        "users": [{"name": "u", "user": user}],
        "contexts": [{"name": "x", "context": context}],
    }
    path.write_text(json.dumps(said))
    return access_of({}, kubeconfig=path)


def config_map(name: str, **data: str) -> Object:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}


def on(access: Access, work: Callable[[Api], Coroutine[Any, Any, _Result]]) -> _Result:
    async def connected() -> _Result:
        async with Api(access) as api:
            return await asyncio.wait_for(work(api), 60)

    return asyncio.run(connected())


def test_a_kind_that_the_server_does_not_know_is_no_missing_object(access: Access) -> None:
    unknown = Kind("serving.knative.dev", "v9", "Nothing", "nothings")

    async def work(api: Api) -> None:
        assert await api.get(ROUTE, "absent") is None
        assert not await api.delete(ROUTE, "absent")
        for call in (api.get(unknown, "x"), api.delete(unknown, "x"), api.list(unknown)):
            with pytest.raises(RefusedError) as refused:
                await call
            assert refused.value.has_no_such_kind
            assert refused.value.path.startswith("/apis/serving.knative.dev/v9/")

    on(access, work)


def test_a_watch_goes_on_where_the_server_has_ended_it(
    access: Access, objects: Objects, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_WATCH_S", 1)
    odd = "a\u0085b\u2028c\nd"

    async def change_later(step: int) -> None:
        await asyncio.sleep(1.5)  # longer than one watch
        await asyncio.to_thread(objects.apply, config_map("mine", step=str(step), odd=odd))

    async def work(api: Api) -> list[str]:
        _, version = await api.list(CONFIG_MAP)
        seen: list[str] = []
        later = asyncio.ensure_future(change_later(0))
        async for change in api.watch(CONFIG_MAP, version=version):
            if change.object["metadata"]["name"] == "mine":
                assert change.object["data"]["odd"] == odd
                seen.append(change.object["data"]["step"])
                await later
                if len(seen) == 3:
                    break
                later = asyncio.ensure_future(change_later(len(seen)))
        return seen

    assert on(access, work) == ["0", "1", "2"]


async def watched(api: Api, version: str, then: Callable[[], None]) -> None:
    async for _ in api.watch(CONFIG_MAP, version=version):
        then()


def test_a_watch_that_is_cut_says_so_at_once(access: Access, proxy: CuttingProxy, objects: Objects) -> None:
    async def work(api: Api) -> None:
        _, version = await api.list(CONFIG_MAP)
        await asyncio.to_thread(objects.apply, config_map("mine", x="y"))
        with pytest.raises(UnreachableError):
            await watched(api, version, proxy.cut)

    on(access, work)


def test_a_watch_whose_connection_died_in_silence_is_noticed(
    access: Access, proxy: CuttingProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def work(api: Api) -> None:
        _, version = await api.list(CONFIG_MAP)
        monkeypatch.setattr(module, "_WATCH_S", 1)
        monkeypatch.setattr(module, "CALL_S", 1.0)
        proxy.hold.set()
        with pytest.raises(UnreachableError, match="Timeout"):
            await watched(api, version, proxy.cut)

    on(access, work)


def test_a_list_that_is_cut_in_the_middle_is_no_short_list(
    access: Access, proxy: CuttingProxy, objects: Objects
) -> None:
    for number in range(8):
        content = random.Random(number).randbytes(40_000).hex()  # noqa: S311 -- what no compression makes small
        objects.apply(config_map(f"big-{number}", x=content))
    proxy.cut_after = 100_000

    async def work(api: Api) -> None:
        with pytest.raises(UnreachableError):
            await api.list(CONFIG_MAP)

    on(access, work)


def test_a_list_in_pieces_is_whole(access: Access, objects: Objects, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_CHUNK", 2)
    for number in range(5):
        objects.apply(config_map(f"one-{number}", x="y"))

    async def work(api: Api) -> list[str]:
        return sorted(item["metadata"]["name"] for item in (await api.list(CONFIG_MAP))[0])

    assert set(on(access, work)) >= {f"one-{number}" for number in range(5)}


def test_a_server_that_never_answers_is_given_up(access: Access, proxy: CuttingProxy) -> None:
    proxy.hold.set()

    async def work(api: Api) -> None:
        with pytest.raises(UnreachableError, match="Timeout"):
            await api.read("/version", timeout_s=0.5)

    on(access, work)


def test_the_log_of_a_pod_that_is_not_there_is_refused_with_its_name(access: Access, namespace: str) -> None:
    async def work(api: Api) -> None:
        for follow in (False, True):
            with pytest.raises(RefusedError, match="absent"):
                async for _ in api.log_lines("absent", "user-container", namespace, follow=follow):
                    pass

    on(access, work)
