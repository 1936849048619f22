"""A connection to the API server of one cluster, on lightkube: how it is asked, whatever is asked.

Every call is bounded in time, and a server that asks to wait (429) is waited for, a few times. What is no object is
asked beside lightkube, on the same transport.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from functools import cache
from types import TracebackType
from typing import Any, Self, TypeVar

import httpx2
from lightkube import AsyncClient
from lightkube.config.kubeconfig import KubeConfig
from lightkube.config.models import Cluster, User
from lightkube.generic_resource import create_global_resource, create_namespaced_resource
from lightkube.types import PatchType

from runtime_images.cluster.access import Access
from runtime_images.cluster.answers import ENDLESS, Checked, lines, translated
from runtime_images.cluster.errors import RefusedError
from runtime_images.cluster.kinds import EVERYWHERE, Kind

Object = dict[str, Any]
"""An object of the cluster, as its JSON says."""

CALL_S = 15.0
"""The longest silence in an answer: a webhook that hangs is answered for by the server after 10 s."""
_WHOLE_S = 60.0
"""The longest that one answer may take, however it drips."""
_PATIENT_TRIES = 4
_LONGEST_PAUSE_S = 5.0
_Answer = TypeVar("_Answer")


class Connection:
    """What `Api` asks through."""

    def __init__(self, access: Access) -> None:
        self.access = access
        transport = Checked(access.transport())
        config = KubeConfig.from_one(cluster=Cluster(server=access.server), user=User(), namespace=access.namespace)
        timeout = httpx2.Timeout(CALL_S)
        self._client = AsyncClient(config=config, timeout=timeout, transport=transport, trust_env=False)
        self._http = httpx2.AsyncClient(base_url=access.server, timeout=timeout, transport=transport, trust_env=False)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._client.close()
        await self._http.aclose()

    def path(self, kind: Kind, namespace: str | None, name: str = "") -> str:
        """Return where the API has a kind, or one object of it."""
        group = f"/apis/{kind.group}/{kind.version}" if kind.group else f"/api/{kind.version}"
        place = (
            f"/namespaces/{namespace or self.access.namespace}" if kind.namespaced and namespace != EVERYWHERE else ""
        )
        return f"{group}{place}/{kind.plural}" + (f"/{name}" if name else "")

    def _place(self, kind: Kind, namespace: str | None) -> dict[str, Any]:
        return {"namespace": namespace or self.access.namespace} if kind.namespaced else {}

    async def _patched(
        self,
        kind: Kind,
        name: str,
        patch: Object,
        manager: str,
        *,
        is_apply: bool,
        **options: Any,  # noqa: ANN401 -- lightkube's own
    ) -> Object:
        how = PatchType.APPLY if is_apply else PatchType.MERGE
        options |= {"patch_type": how, "field_manager": manager}
        return await self._call(lambda: self._client.patch(resource(kind), name, patch, **options))

    async def _call(self, call: Callable[[], Awaitable[Mapping[str, Any]]]) -> Object:
        async def once() -> Object:
            return dict(await call())

        return await self._patiently(once)

    async def _raw(self, method: str, path: str, **options: Any) -> httpx2.Response:  # noqa: ANN401 -- httpx2's own
        async def once() -> httpx2.Response:
            return (await self._http.request(method, path, **options)).raise_for_status()

        return await self._patiently(once)

    @asynccontextmanager
    async def _streamed(
        self, path: str, params: Mapping[str, str], *, read_s: float | None
    ) -> AsyncIterator[AsyncIterator[bytes]]:
        """Open an answer without an end, as lines; it may be silent for `read_s`, None for ever."""
        timeout = httpx2.Timeout(CALL_S, read=read_s)
        with translated():
            async with self._http.stream("GET", path, params=params, timeout=timeout, extensions=ENDLESS) as answer:
                yield lines(answer)

    @staticmethod
    async def _patiently(call: Callable[[], Awaitable[_Answer]]) -> _Answer:
        """Make a call; wait and try again while the server is too busy for it."""
        for left in reversed(range(_PATIENT_TRIES)):
            try:
                with translated():
                    async with asyncio.timeout(_WHOLE_S):
                        return await call()
            except RefusedError as error:
                if error.status != 429 or not left:
                    raise
                await asyncio.sleep(min(error.retry_after_s or 1.0, _LONGEST_PAUSE_S))
        raise AssertionError("the last try returns or raises")


@cache
def resource(kind: Kind) -> Any:  # noqa: ANN401 -- a class that lightkube makes
    """Return what lightkube knows a kind by."""
    make = create_namespaced_resource if kind.namespaced else create_global_resource
    return make(kind.group, kind.version, kind.name, kind.plural)
