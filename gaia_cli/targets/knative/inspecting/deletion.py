"""Taking a function away: its Route first, so that no request reaches what is going; then what it stood on.

Only what carries this function's marks goes, and only the very objects that were looked at: each is named by its uid,
so one that somebody makes anew meanwhile stays. Every step can be done again, so a deletion that was broken off is
completed by the next one.
"""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gaia_cli.targets.knative.inspecting.reading import read_own
from runtime_images.cluster.api import Api, Object
from runtime_images.cluster.backends import CONFIGURATION_LABEL
from runtime_images.cluster.errors import ClusterError, UnreachableError
from runtime_images.cluster.kinds import CONFIGURATION, REVISION, Kind, kind_of
from runtime_images.cluster.moving import PAUSE_S
from runtime_images.cluster.words import DEPLOYED_BY, ORIGIN, PROJECT


@dataclass(frozen=True, slots=True)
class Doomed:
    """What a deletion takes away: `objects` by Gaia, in this order; with them the cluster lets `revisions` go."""

    name: str
    objects: tuple[Object, ...]
    revisions: tuple[Object, ...]

    def described(self) -> list[str]:
        """Return a line for each object: what it is, who deployed it, and what goes with it."""
        lines = []
        for one in self.objects:
            annotations = one["metadata"].get("annotations") or {}
            origin = annotations.get(ORIGIN) or annotations.get(PROJECT)
            by, from_ = annotations.get(DEPLOYED_BY), f" from {origin}" if origin else ""
            lines.append(f"{one['kind']} {one['metadata']['name']}{f', deployed by {by}' if by else ''}{from_}")
        names = ", ".join(one["metadata"]["name"] for one in self.revisions)
        return [*lines, f"with them the revisions and their pods: {names}"] if names else lines


async def doomed(api: Api, name: str) -> Doomed:
    """Return what a deletion would take away.

    Raises:
        NotDeployedError: there is no such function.
    """
    state = await read_own(api, name)
    configurations = tuple(one.configuration for one in state.backends.values())
    revisions = tuple(revision for one in state.backends.values() for revision in one.revisions)
    return Doomed(name, ((state.route,) if state.route else ()) + configurations, revisions)


async def delete(api: Api, what: Doomed) -> None:
    """Ask for the deletion of every object, Route first; what is gone already is no failure."""
    for object_ in what.objects:
        metadata = object_["metadata"]
        kind = _kind(object_)
        await api.delete(kind, metadata["name"], metadata["namespace"], uid=metadata["uid"])


async def wait_until_gone(api: Api, what: Doomed, timeout_s: float) -> None:
    """Wait until every object is gone, and the Revisions with them.

    Raises:
        ClusterError: some are still there; it names them and what holds them.
    """
    deadline = time.monotonic() + timeout_s
    while True:
        try:
            left = await _left(api, what)
            if not left:
                return
        except UnreachableError:
            if time.monotonic() >= deadline:
                raise
        else:
            if time.monotonic() >= deadline:
                raise still_there(what.name, left, timeout_s)
        await asyncio.sleep(PAUSE_S)


def still_there(function: str, left: list[Object], timeout_s: float) -> ClusterError:
    """Return what is said of objects that do not go."""
    said = ", ".join(f"{_kind(one).name} {one['metadata']['name']}{_held_by(one)}" for one in left)
    return ClusterError(
        f"{function} is not gone after {timeout_s:g} s: {said}",
        "the deletion goes on by itself once what holds it answers; gaia delete again waits for it",
    )


async def _left(api: Api, what: Doomed) -> list[Object]:
    left = []
    for object_ in what.objects:
        metadata = object_["metadata"]
        found = await api.get(_kind(object_), metadata["name"], metadata["namespace"])
        if found is not None and found["metadata"]["uid"] == metadata["uid"]:
            left.append(found)
    known = {one["metadata"]["uid"] for one in what.revisions}
    for object_ in what.objects:
        if _kind(object_) is CONFIGURATION and known:
            labels = {CONFIGURATION_LABEL: object_["metadata"]["name"]}
            there, _ = await api.list(REVISION, object_["metadata"]["namespace"], labels=labels)
            left += [one for one in there if one["metadata"]["uid"] in known]
    return left


def _kind(object_: Mapping[str, Any]) -> Kind:
    return kind_of(object_["apiVersion"], object_["kind"])


def _held_by(object_: Mapping[str, Any]) -> str:
    finalizers = object_["metadata"].get("finalizers") or ()
    return f" (held by the finalizer {', '.join(finalizers)})" if finalizers else ""
