"""The API of a cluster: objects are plain JSON, errors are `ClusterError`s.

Nothing but a server that is too busy is tried twice here: who calls knows whether that is safe. Objects are not turned
into lightkube's models, because a model writes back only what it knows, and times with zero microseconds in a form that
the server refuses.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from runtime_images.cluster.answers import MOST_BYTES, refusal
from runtime_images.cluster.connection import CALL_S, Connection, Object, resource
from runtime_images.cluster.errors import GoneError, RefusedError, UnreachableError
from runtime_images.cluster.kinds import POD, Kind, kind_of

__all__ = ["Api", "Change", "Object"]

_WATCH_S = 50
"""How long the server watches before it ends and is asked again, from where it was: a dead connection is noticed."""
_SHORT_WATCH_S = 1.0
_CHUNK = 500
"""Objects in one answer to a list."""


@dataclass(frozen=True, slots=True)
class Change:
    """One event of a watch; `type` is ADDED, MODIFIED or DELETED."""

    type: str
    object: Object


class Api(Connection):
    """What can be asked of one cluster. Use it as an async context manager."""

    async def get(self, kind: Kind, name: str, namespace: str | None = None) -> Object | None:
        """Return an object, None where there is none of that name.

        Raises:
            RefusedError: also where the server does not know the kind.
        """
        try:
            return await self._call(lambda: self._client.get(resource(kind), name, **self._place(kind, namespace)))
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
        fields: Mapping[str, str] | None = None,
        keep: Callable[[Object], Object] = dict,
    ) -> tuple[list[Object], str]:
        """Return the objects of a namespace, or `EVERYWHERE`, and the version at which a watch goes on.

        A label of None may have any value. Of each object only what `keep` makes of it is held.
        """

        async def read(chunk: int | None) -> tuple[list[Object], str]:
            place = self._place(kind, namespace)
            asked: dict[str, Any] = {"labels": dict(labels or {}), "fields": dict(fields or {})}
            listed = self._client.list(resource(kind), chunk_size=chunk, **asked, **place)
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
        kind, metadata = kind_of(wanted["apiVersion"], wanted["kind"]), wanted["metadata"]
        place = self._place(kind, metadata.get("namespace"))
        return await self._patched(
            kind, metadata["name"], wanted, manager, is_apply=True, force=force, dry_run=dry_run, **place
        )

    async def merge(self, kind: Kind, name: str, patch: Object, manager: str, namespace: str | None = None) -> Object:
        """Merge `patch` into an object; a list in it takes the place of the whole list there."""
        return await self._patched(kind, name, patch, manager, is_apply=False, **self._place(kind, namespace))

    async def create(self, wanted: Object, manager: str) -> Object:
        """Create an object that must not exist yet."""
        return await self._written("POST", wanted, manager)

    async def replace(self, wanted: Object, manager: str) -> Object:
        """Replace an object; with a resourceVersion in it only if it has not changed since."""
        return await self._written("PUT", wanted, manager)

    async def delete(self, kind: Kind, name: str, namespace: str | None = None, *, uid: str = "") -> bool:
        """Delete an object, where `uid` is given only that very one; return False where there was none."""
        options: Object = {"propagationPolicy": "Background"}
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

    async def _written(self, method: str, wanted: Object, manager: str) -> Object:
        kind, metadata = kind_of(wanted["apiVersion"], wanted["kind"]), wanted["metadata"]
        name = metadata["name"] if method == "PUT" else ""
        answer = await self._raw(
            method, self.path(kind, metadata.get("namespace"), name), json=wanted, params={"fieldManager": manager}
        )
        written: Object = answer.json()
        return written


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
