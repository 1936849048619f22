"""The pods of functions, as the cluster's objects show them, and whoever reads numbers from them.

Also a pod that is not ready is asked: one that has lost its GPU says so. One that is ending is not: what it still
answers is nobody's choice any more.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from runtime_images.cluster.api import Object
from runtime_images.cluster.backends import REVISION_LABEL
from runtime_images.cluster.conditions import condition
from runtime_images.cluster.pods import is_ready
from runtime_images.cluster.words import time_s
from runtime_images.controller.measuring.numbers import PodNumbers
from runtime_images.policy.model import Backend

PODS_MOST = 25
"""Pods of a backend that are asked; a p95 of so many is that of all."""


class PodId(NamedTuple):
    """A pod, for good: one that comes later under its name has another uid."""

    namespace: str
    name: str
    uid: str


@dataclass(frozen=True, slots=True)
class Pod:
    """A pod of a backend. `start_up_s` is how long it took from its making to its being ready, None until it was."""

    id: PodId
    backend: Backend
    revision: str
    address: str
    ready: bool
    start_up_s: float | None = None


class Source(Protocol):
    """Reads numbers of pods, of which `rate_span_s` are needed to tell how many requests come."""

    rate_span_s: float

    async def read(self, pods: Sequence[Pod]) -> Mapping[PodId, PodNumbers]:
        """Return the numbers of those pods that told any; the others are unknown."""

    async def close(self) -> None:
        """Let go of connections."""


def pods_of(objects: Iterable[Object], revisions: Mapping[Backend, str]) -> tuple[list[Pod], frozenset[Backend]]:
    """Return the pods of these revisions that have an address, and the backends that have one with no place to go."""
    backends = {revision: backend for backend, revision in revisions.items()}
    found, crowded = list[Pod](), set[Backend]()
    for one in objects:
        backend = backends.get((one["metadata"].get("labels") or {}).get(REVISION_LABEL, ""))
        if backend is None or "deletionTimestamp" in one["metadata"]:
            continue
        if _has_no_place(one):
            crowded.add(backend)
        elif (status := one.get("status") or {}).get("podIP") and status.get("phase") == "Running":
            found.append(_pod(one, backend, revisions[backend]))
    return sorted(found, key=lambda pod: pod.id), frozenset(crowded)


def _pod(one: Object, backend: Backend, revision: str) -> Pod:
    metadata = one["metadata"]
    identity = PodId(metadata["namespace"], metadata["name"], metadata["uid"])
    return Pod(identity, backend, revision, one["status"]["podIP"], is_ready(one), _start_up_s(one))


def _has_no_place(one: Mapping[str, Any]) -> bool:
    said = condition(one, "PodScheduled")
    return said is not None and said.status == "False" and said.code == "Unschedulable"


def _start_up_s(one: Mapping[str, Any]) -> float | None:
    """Return the time until it was ready first; one whose container has started again tells of another moment."""
    ready, status = condition(one, "Ready"), one.get("status") or {}
    if ready is None or ready.status != "True":
        return None
    if any(container.get("restartCount") for container in status.get("containerStatuses") or ()):
        return None
    made_s, was_ready_s = time_s(status.get("startTime", "")), time_s(ready.since)
    return None if made_s is None or was_ready_s is None else max(was_ready_s - made_s, 0.0)
