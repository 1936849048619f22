"""Revisions that need something done: one that is dead for good, and those that were superseded unready. Pure.

A Revision past its progress deadline never comes back, and the same template makes no new one. One that was superseded
before it was ever ready keeps asking for its GPU, and would take the traffic if it got it.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from runtime_images.cluster import words
from runtime_images.cluster.api import Object
from runtime_images.cluster.backends import BackendState
from runtime_images.cluster.conditions import condition

_GENERATION = "serving.knative.dev/configurationGeneration"
_DEAD = ("ProgressDeadlineExceeded",)
_NEVER = "Initial scale was never achieved"


def is_dead(revision: Mapping[str, Any] | None) -> bool:
    """Return whether a Revision has failed for good: its time to get ready is over."""
    for type_ in ("Ready", "ResourcesAvailable", "ContainerHealthy"):
        said = condition(revision, type_)
        if said is not None and said.status == "False" and (said.code in _DEAD or _NEVER in said.message):
            return True
    return False


def retry_word(state: BackendState | None) -> str:
    """Return what the template's retry annotation is to say: the dead Revision, else what stands there already.

    What stands stays, so that the next deploy makes no new Revision.
    """
    if state is None:
        return ""
    if is_dead(state.awaited):
        assert state.awaited is not None
        return str(state.awaited["metadata"]["name"])
    template = (state.configuration.get("spec") or {}).get("template") or {}
    return str(((template.get("metadata") or {}).get("annotations") or {}).get(words.RETRY, ""))


def superseded(state: BackendState, route: Mapping[str, Any] | None, *, is_replaced: bool) -> list[Object]:
    """Return the Revisions that never got ready and are not asked for any more.

    They are newer than the one that serves and older than the newest; with `is_replaced` the newest is about to be
    older as well. What the Route names stays.
    """
    traffic = [*(((route or {}).get("status") or {}).get("traffic") or ()), *_traffic(route)]
    named = {one.get("revisionName") for one in traffic}
    newest = max((generation(one) for one in state.revisions), default=0)
    lowest = generation(state.serving) if state.serving else 0
    highest = newest if is_replaced else newest - 1
    return [
        one
        for one in state.revisions
        if lowest < generation(one) <= highest and not _has_been_ready(one) and one["metadata"]["name"] not in named
    ]


def of_this_one(events: Iterable[Object], revision: Mapping[str, Any] | None) -> list[Object]:
    """Return the events that are not of an earlier Revision of the same name: none that is older than this one.

    Both times are the API server's: this machine's clock, or a node's, may be wrong.
    """
    if revision is None:
        return []
    born, uid = str(revision["metadata"].get("creationTimestamp", "")), revision["metadata"].get("uid")
    return [
        one
        for one in events
        if str(one["metadata"].get("creationTimestamp", "")) >= born and _about_uid(one, revision) in (None, uid)
    ]


def written(events: Iterable[Object]) -> frozenset[str]:
    """Return the versions of events: one that happens again is written again."""
    return frozenset(str(one["metadata"].get("resourceVersion")) for one in events)


def _about_uid(event: Object, revision: Mapping[str, Any]) -> str | None:
    """Return the uid of what an event is about where that has the Revision's own name, None for other objects."""
    about = event.get("involvedObject") or {}
    is_it = about.get("kind") == "Revision" and about.get("name") == revision["metadata"]["name"]
    return about.get("uid") if is_it else None


def generation(revision: Mapping[str, Any]) -> int:
    """Return the generation of its Configuration that a Revision was made for."""
    text = (revision["metadata"].get("labels") or {}).get(_GENERATION, "0")
    return int(text) if text.isdecimal() else 0


def _traffic(route: Mapping[str, Any] | None) -> list[Mapping[str, Any]]:
    return list(((route or {}).get("spec") or {}).get("traffic") or ())


def _has_been_ready(revision: Mapping[str, Any]) -> bool:
    said = condition(revision)
    return said is not None and said.status == "True"
