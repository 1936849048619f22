"""Orders become writes: one each, as the manager that owns what is written, and only while this process leads.

A write that fails is not tried again here: the next pass sees what is so, and orders what is still wanted.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from hashlib import sha256
from typing import Any

import httpx2

from runtime_images.cluster.access import Access
from runtime_images.cluster.api import Api, Object
from runtime_images.cluster.conditions import is_being_deleted
from runtime_images.cluster.errors import ClusterError
from runtime_images.cluster.kinds import CONFIGURATION, EVENT, REVISION, ROUTE, Kind
from runtime_images.cluster.moving import move
from runtime_images.cluster.traffic import Split, targets
from runtime_images.cluster.warming import Warmer
from runtime_images.cluster.words import PAUSED, PIN, RETRY, SETTINGS, TRAFFIC_MANAGER, configuration_name, time_text
from runtime_images.controller.deciding.actions import Action, Move, Release, Retry, Tell, Warm, Word
from runtime_images.controller.deciding.sight import Seen
from runtime_images.controller.naming import naming
from runtime_images.controller.telemetry import Metrics

_NOTE_BYTES = 1024
"""The longest note that the API takes."""
_WARNINGS = (Word.LOST, Word.ROLLED_BACK, Word.FAILED, Word.HELD)


class NotLeadingError(ClusterError):
    """Another process leads now: nothing may be written."""


class _Led(httpx2.AsyncBaseTransport):
    """A transport that lets a write pass only while this process leads: also one that the server had put off."""

    def __init__(self, inner: httpx2.AsyncBaseTransport, leads: Callable[[], bool]) -> None:
        self._inner, self._leads = inner, leads

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send a request.

        Raises:
            NotLeadingError: it would write, and another process leads.
        """
        if request.method != "GET" and not self._leads():
            raise NotLeadingError("another process leads")
        return await self._inner.handle_async_request(request)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._inner.aclose()


class LedApi(Api):
    """The API as the leader uses it: what is sent asks first whether this process leads, and writes are counted."""

    def __init__(self, access: Access, leads: Callable[[], bool], metrics: Metrics) -> None:
        super().__init__(replace(access, transport=lambda: _Led(access.transport(), leads)))
        self._metrics = metrics

    async def apply(self, wanted: Object, manager: str, *, force: bool = False, dry_run: bool = False) -> Object:
        """Apply an object server-side."""
        with self._counted("apply", wanted["kind"]):
            return await super().apply(wanted, manager, force=force, dry_run=dry_run)

    async def merge(self, kind: Kind, name: str, patch: Object, manager: str, namespace: str | None = None) -> Object:
        """Merge a patch into an object."""
        with self._counted("merge", kind.name):
            return await super().merge(kind, name, patch, manager, namespace)

    async def create(self, wanted: Object, manager: str) -> Object:
        """Create an object."""
        with self._counted("create", wanted["kind"]):
            return await super().create(wanted, manager)

    @contextmanager
    def _counted(self, verb: str, kind: str) -> Iterator[None]:
        outcome = "refused"
        try:
            yield
            outcome = "done"
        except NotLeadingError:
            outcome = ""
            raise
        finally:
            if outcome:
                self._metrics.writes.labels(verb, kind, outcome).inc()


class Performer:
    """Carries out orders on one cluster; `wall` is the time of day, for Events."""

    def __init__(self, api: Api, wall: Callable[[], float]) -> None:
        self._api, self._wall, self._warmer = api, wall, Warmer(api)

    async def perform(self, action: Action, seen: Seen, route: Object) -> Object | None:
        """Carry out an order; return the Route where it was written.

        Raises:
            ClusterError: the server refused it, gave no answer, or this process no longer leads.
        """
        match action:
            case Move(split, annotations):
                rests_on = _rests_on(route)
                return await move(
                    self._api, route, _targets(route, seen, split), {**annotations, **naming(route, seen, split)},
                    is_still_right=lambda newer: _rests_on(newer) == rests_on,
                )  # fmt: skip
            case Warm(backend):
                if (revision := await self._revision(seen, seen.side(backend).revision)) is not None:
                    await self._warmer.keep(revision)
            case Release(backend):
                if name := seen.side(backend).revision:
                    await self._warmer.release(name, seen.key[0])
            case Retry():
                await self._retry(action, seen)
            case Tell():
                await self._tell(action, route)
        return None

    async def _revision(self, seen: Seen, name: str) -> Object | None:
        return await self._api.get(REVISION, name, seen.key[0]) if name else None

    async def _retry(self, retry: Retry, seen: Seen) -> None:
        """Have the template tried again, unless somebody has deployed another one meanwhile."""
        namespace, function = seen.key
        name = configuration_name(function, retry.backend)
        found = await self._api.get(CONFIGURATION, name, namespace)
        if found is None or (found.get("status") or {}).get("latestCreatedRevisionName") != retry.revision:
            return
        patch = {
            "metadata": {"resourceVersion": found["metadata"]["resourceVersion"]},
            "spec": {"template": {"metadata": {"annotations": {RETRY: retry.revision}}}},
        }
        await self._api.merge(CONFIGURATION, name, patch, TRAFFIC_MANAGER, namespace)

    async def _tell(self, tell: Tell, route: Object) -> None:
        event = event_of(tell, route, self._wall())
        name, namespace = event["metadata"]["name"], event["metadata"]["namespace"]
        if not tell.once or await self._api.get(EVENT, name, namespace) is None:
            await self._api.create(event, TRAFFIC_MANAGER)


def _targets(route: Mapping[str, Any], seen: Seen, split: Split) -> list[dict[str, Any]]:
    """Return a split as the Route has it: a target that a rollback has pointed at a revision stays so."""
    names = {backend.value: side.revision for backend, side in seen.sides.items() if side.named}
    names |= {
        one.get("tag"): one["revisionName"] for one in route["spec"].get("traffic") or () if "revisionName" in one
    }
    return [
        _at_revision(one, names[one["tag"]]) if one["tag"] in names else one
        for one in targets(route["metadata"]["name"], split)
    ]


def _at_revision(target: Mapping[str, Any], revision: str) -> dict[str, Any]:
    return {"revisionName": revision, "latestRevision": False, "percent": target["percent"], "tag": target["tag"]}


def _rests_on(route: Mapping[str, Any]) -> tuple[Any, ...]:
    """Return what a decision about the traffic rests on, of what people and other commands may change on a Route.

    A rollback, for one, writes the traffic as the same manager: no conflict would keep a move from taking it back.
    """
    annotations = route["metadata"].get("annotations") or {}
    asked = [annotations.get(name) for name in (PIN, PAUSED, SETTINGS)]
    return (route["spec"].get("traffic"), is_being_deleted(route), *asked)


def event_of(tell: Tell, route: Mapping[str, Any], wall: float) -> Object:
    """Return the Event about a Route. Its name is made of what is told once, else of the moment."""
    metadata = route["metadata"]
    digest = sha256((tell.once or f"{metadata['uid']} {tell.word} {wall:.6f}").encode()).hexdigest()[:16]
    at = time_text(wall)
    about = {name: metadata[name] for name in ("name", "namespace", "uid")}
    return {
        "apiVersion": EVENT.api_version,
        "kind": EVENT.name,
        "metadata": {"name": f"{metadata['name']}.{digest}", "namespace": metadata["namespace"]},
        "involvedObject": {"apiVersion": ROUTE.api_version, "kind": ROUTE.name, **about},
        "reason": tell.word.value,
        "message": cut(tell.note),
        "type": "Warning" if tell.word in _WARNINGS else "Normal",
        "firstTimestamp": at,
        "lastTimestamp": at,
        "count": 1,
        "source": {"component": TRAFFIC_MANAGER},
        "reportingComponent": TRAFFIC_MANAGER,
    }


def cut(note: str) -> str:
    """Return a note that is not too long for the API, which counts bytes."""
    raw = note.encode()
    if len(raw) <= _NOTE_BYTES:
        return note
    return raw[: _NOTE_BYTES - 3].decode(errors="ignore") + "..."
