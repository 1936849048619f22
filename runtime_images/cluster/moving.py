"""Moving the traffic of a Route: one write, as the manager that owns it, and proof that it has arrived.

A write is accepted long before it is served, and one that names a backend without a ready Revision is accepted and
never served at all. So a move is what `status` confirms, never what the write answered.
"""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from runtime_images.cluster.api import Api, Object
from runtime_images.cluster.conditions import Readiness, readiness
from runtime_images.cluster.errors import RefusedError, UnreachableError
from runtime_images.cluster.kinds import ROUTE
from runtime_images.cluster.traffic import is_shared
from runtime_images.cluster.words import MOVED_BY, TRAFFIC_MANAGER

Targets = Sequence[Mapping[str, Any]]
"""What stands in spec.traffic: `traffic.targets` makes it of a split."""

_TRIES = 5
PAUSE_S = 0.1
"""Between two looks at what is waited for: Knative confirms a move after 0.1 s."""


def traffic_write(
    route: Mapping[str, Any], targets: Targets | None, annotations: Mapping[str, str] | None = None
) -> Object:
    """Return what to apply as `gaia-controller`, so that the Route has this traffic and these annotations.

    An apply takes away what its manager wrote earlier and does not repeat: so every annotation that the manager holds
    is in it, with the new value where there is one, and without `targets` the traffic that it holds. The uid keeps the
    write from making a deleted Route anew, the resourceVersion from putting back what somebody has just changed.
    """
    metadata = route["metadata"]
    annotated, has_traffic = _held(route)
    present = metadata.get("annotations") or {}
    kept = {name: present[name] for name in annotated if name in present} | dict(annotations or {})
    identity = {name: metadata[name] for name in ("name", "namespace", "uid", "resourceVersion") if name in metadata}
    written: Object = {
        "apiVersion": ROUTE.api_version,
        "kind": ROUTE.name,
        "metadata": identity | ({"annotations": kept} if kept else {}),
    }
    if targets is not None or has_traffic:
        written["spec"] = {"traffic": [dict(one) for one in (route["spec"]["traffic"] if targets is None else targets)]}
    return written


async def move(
    api: Api,
    route: Object,
    targets: Targets,
    annotations: Mapping[str, str] | None = None,
    *,
    force: bool = False,
    is_still_right: Callable[[Object], bool] = lambda _: True,
) -> Object:
    """Write the traffic, with annotations in the same write, and return the Route as it then is.

    A Route that has changed since it was read is read again, a few times: its status changes while traffic moves. Who
    has decided on what the Route said asks `is_still_right` of the newer one, and else leaves it.
    From a manager that only repeats what Gaia has written (`traffic.is_shared`) the traffic is taken unasked.

    Raises:
        RefusedError: another manager holds the traffic (`is_conflict`), and `force` is not set; or the Route is gone.
    """
    metadata, annotations = route["metadata"], {MOVED_BY: TRAFFIC_MANAGER, **(annotations or {})}
    for left in reversed(range(_TRIES)):
        try:
            forced = force or is_shared(route)
            return await api.apply(traffic_write(route, targets, annotations), TRAFFIC_MANAGER, force=forced)
        except RefusedError as error:
            newer = await api.get(ROUTE, metadata["name"], metadata["namespace"]) if is_stale(error) and left else None
            if newer is None or newer["metadata"]["uid"] != metadata["uid"] or not is_still_right(newer):
                raise
            route = newer
    raise AssertionError("the last try returns or raises")


def is_stale(error: RefusedError) -> bool:
    """Return whether a write was refused only because the object has changed since it was read."""
    return error.is_conflict and not error.causes


def is_confirmed(route: Mapping[str, Any], targets: Targets) -> bool:
    """Return whether the Route serves just these targets: its status is about its present generation, and says so."""
    serves = {_share(one) for one in (route.get("status") or {}).get("traffic") or ()}
    revisions = {(one.get("tag"), one.get("revisionName")) for one in (route.get("status") or {}).get("traffic") or ()}
    named = {(one.get("tag"), one["revisionName"]) for one in targets if one.get("revisionName")}
    return readiness(route) is Readiness.READY and serves == {_share(one) for one in targets} and named <= revisions


def is_as_asked(route: Mapping[str, Any]) -> bool:
    """Return whether the Route serves just what its spec asks for."""
    return is_confirmed(route, route["spec"].get("traffic") or ())


async def confirmed(api: Api, route: Mapping[str, Any], targets: Targets, timeout_s: float) -> Object | None:
    """Wait until the Route serves these targets, and return it; None where it does not in time, or is gone."""
    metadata = route["metadata"]

    async def read() -> Object | None:
        return await api.get(ROUTE, metadata["name"], metadata["namespace"])

    return await until(read, lambda found: is_confirmed(found, targets), timeout_s)


async def until(
    read: Callable[[], Any], is_done: Callable[[Object], bool], timeout_s: float, pause_s: float = PAUSE_S
) -> Object | None:
    """Read an object again and again until it `is_done`, and return it; None where it is not in time, or is gone.

    A server that gives no answer for a while is waited for likewise.
    """
    deadline = time.monotonic() + timeout_s
    while True:
        try:
            found: Object | None = await read()
            if found is None or is_done(found):
                return found
        except UnreachableError:
            if time.monotonic() >= deadline:
                raise
        if time.monotonic() >= deadline:
            return None
        await asyncio.sleep(pause_s)


def _share(target: Mapping[str, Any]) -> tuple[str, int]:
    return target.get("tag", ""), int(target.get("percent") or 0)


def _held(route: Mapping[str, Any]) -> tuple[list[str], bool]:
    """Return the annotations that the manager of the traffic has applied, and whether the traffic is among it all."""
    for entry in route["metadata"].get("managedFields") or ():
        if (entry.get("manager"), entry.get("operation")) == (TRAFFIC_MANAGER, "Apply"):
            fields = entry.get("fieldsV1") or {}
            annotations = (fields.get("f:metadata") or {}).get("f:annotations") or {}
            names = sorted(name.removeprefix("f:") for name in annotations if name.startswith("f:"))
            return names, "f:traffic" in (fields.get("f:spec") or {})
    return [], False
