"""Warming a backend: asking Knative for ready pods before there is any traffic for them.

What asks depends on Knative's version. Up to 1.19 it is the PodAutoscaler's annotation: one on the Revision would be
copied to the pods, and so restart them. Since then it is the Revision's, and one on the PodAutoscaler is taken away
again. No version number is at hand for a user with rights in one namespace, so the behaviour tells: ask the
PodAutoscaler, and only where that is taken back twice, the Revision. What counts is the pods, never the write.

A Revision has pods of this kind only while a Route reaches it: a target with 0 % does.
"""

from collections.abc import Mapping
from typing import Any

from runtime_images.cluster.api import Api, Object
from runtime_images.cluster.conditions import condition
from runtime_images.cluster.kinds import POD_AUTOSCALER, REVISION
from runtime_images.cluster.words import TRAFFIC_MANAGER

MIN_SCALE = "autoscaling.knative.dev/min-scale"
_TAKEN_BACK = 2
"""After so many times it is the version's way, and not somebody who released the pods meanwhile."""


def is_warm(revision: Mapping[str, Any], pods: int = 1) -> bool:
    """Return whether the Revision has so many pods that take requests now."""
    active = condition(revision, "Active")
    has = int((revision.get("status") or {}).get("actualReplicas") or 0)
    return active is not None and active.status == "True" and has >= pods


def min_scale(object_: Mapping[str, Any]) -> int:
    """Return the number of pods that a Revision or a PodAutoscaler asks for at least."""
    text = (object_["metadata"].get("annotations") or {}).get(MIN_SCALE, "0")
    return int(text) if text.isdecimal() else 0


def has_own_min_scale(revision: Mapping[str, Any], autoscaler: Mapping[str, Any] | None) -> bool:
    """Return whether pods are asked for from here: not by the deployment itself, nor by somebody's hand."""
    if _has_written_min_scale(revision):
        return True
    if autoscaler is None or not _has_written_min_scale(autoscaler):
        return False
    return min_scale(autoscaler) > min_scale(revision)


class Warmer:
    """Asks for pods on one cluster, and remembers how its version wants to be asked."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._asks_revision = False
        self._asked: dict[str, int] = {}
        self._lost: dict[str, int] = {}

    async def keep(self, revision: Object, pods: int = 1) -> bool:
        """Go one step towards so many pods, and return whether they are there. To be called until they are.

        Nothing is written where enough pods are asked for already.

        Raises:
            RefusedError: this user may not ask for pods (403).
        """
        if self._asks_revision or not await self._autoscaler_asks(revision, pods):
            await self._ask_revision(revision, pods)
        return is_warm(revision, pods)

    async def release(self, name: str, namespace: str) -> None:
        """Ask for no more pods of a Revision than its deployment does; what somebody's hand asks for stays, too.

        Both objects are read here: what asks for pods was written after a caller's own reading.
        """
        revision = await self._api.get(REVISION, name, namespace)
        if revision is None:
            return
        uid = revision["metadata"]["uid"]
        self._asked.pop(uid, None)
        self._lost.pop(uid, None)
        if _has_written_min_scale(revision):
            revision = await self._api.merge(REVISION, name, _asking(None), TRAFFIC_MANAGER, namespace)
        autoscaler = await self._api.get(POD_AUTOSCALER, name, namespace)
        if autoscaler is not None and has_own_min_scale(revision, autoscaler):
            own = (revision["metadata"].get("annotations") or {}).get(MIN_SCALE)
            await self._api.merge(POD_AUTOSCALER, name, _asking(own), TRAFFIC_MANAGER, namespace)

    async def _autoscaler_asks(self, revision: Object, pods: int) -> bool:
        """See that the PodAutoscaler asks; return False once it is clear that this version does not let it."""
        metadata = revision["metadata"]
        name, namespace, uid = metadata["name"], metadata["namespace"], metadata["uid"]
        autoscaler = await self._api.get(POD_AUTOSCALER, name, namespace)
        if autoscaler is None or min_scale(autoscaler) >= pods:
            return True
        if min_scale(autoscaler) < self._asked.get(uid, 0):
            self._lost[uid] = self._lost.get(uid, 0) + 1
            self._asks_revision = self._lost[uid] >= _TAKEN_BACK
            if self._asks_revision:
                return False
        self._asked[uid] = pods
        await self._api.merge(POD_AUTOSCALER, name, _asking(str(pods)), TRAFFIC_MANAGER, namespace)
        return True

    async def _ask_revision(self, revision: Object, pods: int) -> None:
        metadata = revision["metadata"]
        if min_scale(revision) < pods:
            await self._api.merge(
                REVISION, metadata["name"], _asking(str(pods)), TRAFFIC_MANAGER, metadata["namespace"]
            )


def _asking(pods: str | None) -> Object:
    return {"metadata": {"annotations": {MIN_SCALE: pods}}}


def _has_written_min_scale(object_: Mapping[str, Any]) -> bool:
    """Return whether the number of pods that a Revision or a PodAutoscaler asks for is from here."""
    for entry in object_["metadata"].get("managedFields") or ():
        annotations = ((entry.get("fieldsV1") or {}).get("f:metadata") or {}).get("f:annotations") or {}
        if entry.get("manager") == TRAFFIC_MANAGER and f"f:{MIN_SCALE}" in annotations:
            return True
    return False
