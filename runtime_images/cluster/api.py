"""The API of a cluster, on lightkube: objects are plain JSON, errors are `ClusterError`s.

Every call is bounded in time. A server that asks to wait (429) is waited for, a few times; nothing else is tried twice
here: who calls knows whether that is safe. Objects are not turned into lightkube's models, because a model writes back
only what it knows, and times with zero microseconds in a form that the server refuses.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
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
from runtime_images.cluster.answers import ENDLESS, MOST_BYTES, Checked, lines, refusal, translated
from runtime_images.cluster.errors import GoneError, RefusedError, UnreachableError
from runtime_images.cluster.kinds import EVERYWHERE, POD, Kind, kind_of

Object = dict[str, Any]
"""An object of the cluster, as its JSON says."""

CALL_S = 15.0
"""The longest silence in an answer: a webhook that hangs is answered for by the server after 10 s."""
_WHOLE_S = 60.0
"""The longest that one answer may take, however it drips."""
_WATCH_S = 50
"""How long the server watches before it ends and is asked again, from where it was: a dead connection is noticed."""
_SHORT_WATCH_S = 1.0
_Answer = TypeVar("_Answer")
_CHUNK = 500
"""Objects in one answer to a list."""
_PATIENT_TRIES = 4
_LONGEST_PAUSE_S = 5.0


@dataclass(frozen=True, slots=True)
class Change:
    """One event of a watch; `type` is ADDED, MODIFIED or DELETED."""

    type: str
    object: Object


class Api:
    """A connection to one cluster. Use it as an async context manager."""

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

    async def get(self, kind: Kind, name: str, namespace: str | None = None) -> Object | None:
        """Return an object, None where there is none of that name.

        Raises:
            RefusedError: also where the server does not know the kind.
        """
        try:
            return await self._call(lambda: self._client.get(_resource(kind), name, **self._place(kind, namespace)))
        except RefusedError as error:
            if error.status == 404 and not error.has_no_such_kind:
                return None
            raise

    async def list(
        self,
        kind: Kind,
        namespace: str | None = None,
        *,
        labels: Mapping[str, str | None] | None = None,
        keep: Callable[[Object], Object] = dict,
    ) -> tuple[list[Object], str]:
        """Return the objects of a namespace, or `EVERYWHERE`, and the version at which a watch goes on.

        A label of None may have any value. Of each object only what `keep` makes of it is held.
        """

        async def read(chunk: int | None) -> tuple[list[Object], str]:
            place = self._place(kind, namespace)
            listed = self._client.list(_resource(kind), labels=dict(labels or {}), chunk_size=chunk, **place)
            objects = [keep(dict(item)) async for item in listed]
            return objects, listed.resourceVersion

        try:
            return await self._patiently(lambda: read(_CHUNK))
        except GoneError:  # the server has forgotten the version that the chunks so far are of
            return await self._patiently(lambda: read(None))

    async def watch(
        self, kind: Kind, namespace: str | None = None, *, labels: Mapping[str, str | None] | None = None, version: str
    ) -> AsyncIterator[Change]:
        """Yield each change since `version`, for ever.

        Raises:
            GoneError: the server no longer keeps that version: list anew.
            UnreachableError: the connection was cut, or has died.
        """
        path = self.path(kind, namespace)
        params = {"watch": "true", "allowWatchBookmarks": "true", "timeoutSeconds": str(_WATCH_S)}
        if labels:
            params["labelSelector"] = ",".join(
                name if value is None else f"{name}={value}" for name, value in labels.items()
            )
        clock = asyncio.get_running_loop().time
        while True:
            begun = clock()
            async with self._streamed(path, params | {"resourceVersion": version}, read_s=_WATCH_S + CALL_S) as said:
                async for line in said:
                    change = _change(line, path)
                    version = change.object["metadata"]["resourceVersion"]
                    if change.type != "BOOKMARK":
                        yield change
            if clock() - begun < _SHORT_WATCH_S:
                await asyncio.sleep(_SHORT_WATCH_S)

    async def apply(self, wanted: Object, manager: str, *, force: bool = False, dry_run: bool = False) -> Object:
        """Apply an object server-side, as `manager`; fields that others hold are taken only by `force`."""
        kind = kind_of(wanted["apiVersion"], wanted["kind"])
        metadata = wanted["metadata"]
        return await self._call(
            lambda: self._client.patch(
                _resource(kind),
                metadata["name"],
                wanted,
                patch_type=PatchType.APPLY,
                field_manager=manager,
                force=force,
                dry_run=dry_run,
                **self._place(kind, metadata.get("namespace")),
            )
        )

    async def merge(self, kind: Kind, name: str, patch: Object, manager: str, namespace: str | None = None) -> Object:
        """Merge `patch` into an object; a list in it takes the place of the whole list there."""
        return await self._call(
            lambda: self._client.patch(
                _resource(kind),
                name,
                patch,
                patch_type=PatchType.MERGE,
                field_manager=manager,
                **self._place(kind, namespace),
            )
        )

    async def create(self, wanted: Object, manager: str, *, dry_run: bool = False) -> Object:
        """Create an object that must not exist yet."""
        return await self._written("POST", wanted, manager, dry_run=dry_run)

    async def replace(self, wanted: Object, manager: str) -> Object:
        """Replace an object; with a resourceVersion in it only if it has not changed since."""
        return await self._written("PUT", wanted, manager)

    async def delete(
        self, kind: Kind, name: str, namespace: str | None = None, *, uid: str = "", orphan: bool = False
    ) -> bool:
        """Delete an object, where `uid` is given only that very one; return False where there was none."""
        options: Object = {"propagationPolicy": "Orphan" if orphan else "Background"}
        if uid:
            options["preconditions"] = {"uid": uid}
        try:
            await self._raw("DELETE", self.path(kind, namespace, name), json=options)
        except RefusedError as error:
            if error.status == 404 and not error.has_no_such_kind:
                return False
            raise
        return True

    async def log_lines(
        self,
        pod: str,
        container: str,
        namespace: str,
        *,
        follow: bool = False,
        tail: int | None = None,
        since_s: int | None = None,
    ) -> AsyncIterator[tuple[str, str]]:
        """Yield time and text of each line of a container's log; with `follow` until the container ends."""
        asked = {
            "container": container,
            "timestamps": "true",
            "follow": "true" if follow else None,
            "tailLines": tail,
            "sinceSeconds": since_s,
        }
        params = {name: str(value) for name, value in asked.items() if value is not None}
        path = f"{self.path(POD, namespace, pod)}/log"
        async with self._streamed(path, params, read_s=None if follow else CALL_S) as said:
            async for line in said:
                time, _, text = line.decode("utf-8", "replace").rstrip("\r").partition(" ")
                yield time, text

    async def read(self, path: str, *, timeout_s: float = CALL_S, most_bytes: int | None = None) -> bytes:
        """Return what the server answers to a GET of `path`, such as /version or a proxy's; for what is no object."""
        bound = {MOST_BYTES: most_bytes} if most_bytes else {}
        return (await self._raw("GET", path, timeout=timeout_s, extensions=bound)).content

    def path(self, kind: Kind, namespace: str | None, name: str = "") -> str:
        """Return where the API has a kind, or one object of it."""
        group = f"/apis/{kind.group}/{kind.version}" if kind.group else f"/api/{kind.version}"
        place = (
            f"/namespaces/{namespace or self.access.namespace}" if kind.namespaced and namespace != EVERYWHERE else ""
        )
        return f"{group}{place}/{kind.plural}" + (f"/{name}" if name else "")

    def _place(self, kind: Kind, namespace: str | None) -> dict[str, Any]:
        return {"namespace": namespace or self.access.namespace} if kind.namespaced else {}

    async def _written(self, method: str, wanted: Object, manager: str, *, dry_run: bool = False) -> Object:
        kind, metadata = kind_of(wanted["apiVersion"], wanted["kind"]), wanted["metadata"]
        params = {"fieldManager": manager} | ({"dryRun": "All"} if dry_run else {})
        name = metadata["name"] if method == "PUT" else ""
        answer = await self._raw(method, self.path(kind, metadata.get("namespace"), name), json=wanted, params=params)
        written: Object = answer.json()
        return written

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
def _resource(kind: Kind) -> Any:  # noqa: ANN401 -- a class that lightkube makes
    make = create_namespaced_resource if kind.namespaced else create_global_resource
    return make(kind.group, kind.version, kind.name, kind.plural)


def _change(line: bytes, path: str) -> Change:
    """Read one line of a watch.

    Raises:
        RefusedError: the server ends the watch with an error.
        UnreachableError: it is no such line.
    """
    try:
        event = json.loads(line)
        kind_of_change, changed = event["type"], dict(event["object"])
    except (ValueError, KeyError, TypeError):
        raise UnreachableError("a watch was cut, or is not that of an API server") from None
    if kind_of_change == "ERROR":
        raise refusal(changed, int(changed.get("code") or 500), path=path)
    return Change(kind_of_change, changed)
