"""What the cluster's objects say of a function: from JSON to `Seen`. Pure, and nothing but reading.

Of each object only what is read here is kept: a thousand functions are seven thousand objects, whose manifests and pod
templates would fill the memory of a controller that needs neither.
"""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from runtime_images.cluster import words
from runtime_images.cluster.api import Object
from runtime_images.cluster.backends import BackendState, can_serve
from runtime_images.cluster.conditions import Readiness, condition, is_being_deleted, readiness
from runtime_images.cluster.function import FunctionSettings
from runtime_images.cluster.moving import is_as_asked
from runtime_images.cluster.traffic import holder, is_unclaimed, split_of
from runtime_images.cluster.warming import has_own_min_scale, is_warm, min_scale
from runtime_images.controller.deciding.sight import Seen, Side
from runtime_images.controller.naming import named_revision
from runtime_images.controller.observing import Key
from runtime_images.policy.model import Backend

_KEPT_PARTS = ("apiVersion", "kind", "status")
_KEPT_METADATA = (
    "name", "namespace", "uid", "resourceVersion", "generation", "deletionTimestamp", "labels", "managedFields",
)  # fmt: skip
_LONGEST_KEPT = 16 * 1024
"""Characters of an annotation; what is longer is nothing that the controller reads."""
PROTOTYPE = ("executionMode", "cpuLatency", "gpuLatency", "lastExecutionModeUpdateTime")
"""The annotations of the paper's prototype: what it had measured is a beginning."""
OWN = (words.DECISION, words.STATE)


def kept(object_: Object) -> Object:
    """Return the parts of an object that are read; of a spec only the traffic."""
    metadata = object_["metadata"]
    annotations = metadata.get("annotations") or {}
    small = {name: metadata[name] for name in _KEPT_METADATA if name in metadata}
    small["annotations"] = {
        name: text for name, text in annotations.items() if name != words.MANIFEST and len(text) <= _LONGEST_KEPT
    }
    spec = object_.get("spec") or {}
    parts = {name: object_[name] for name in _KEPT_PARTS if name in object_}
    return parts | {"metadata": small, "spec": {"traffic": spec["traffic"]} if "traffic" in spec else {}}


def function_of(object_: Mapping[str, Any]) -> Key | None:
    """Return the function that an object belongs to."""
    metadata = object_["metadata"]
    name = (metadata.get("labels") or {}).get(words.FUNCTION)
    return (metadata["namespace"], name) if name else None


def read(route: Object, backends: Mapping[Backend, BackendState], autoscalers: Mapping[str, Object]) -> Seen | None:
    """Return a function as its objects show it, None where the Route says nothing of what the controller must know.

    `autoscalers` are PodAutoscalers by the name of their Revision, which is their own.
    """
    metadata = route["metadata"]
    annotations = metadata.get("annotations") or {}
    try:
        settings = _settings(annotations.get(words.SETTINGS, ""))
    except ValueError:
        return None
    pin = annotations.get(words.PIN)
    return Seen(
        key=(metadata["namespace"], metadata["name"]),
        uid=metadata["uid"],
        settings=settings,
        sides={backend: _side(route, state, autoscalers) for backend, state in backends.items()},
        asked=split_of(route),
        is_confirmed=is_as_asked(route),
        holder=holder(route),
        unclaimed=is_unclaimed(route),
        written={name: annotations[name] for name in (*OWN, *PROTOTYPE) if name in annotations},
        pin=Backend(pin) if pin in tuple(Backend) else None,
        paused=annotations.get(words.PAUSED) == "true",
        deleting=is_being_deleted(route),
    )


@lru_cache(maxsize=4096)
def _settings(text: str) -> FunctionSettings:
    """Read settings, once for each text: they are looked at in every pass, and change with a deploy."""
    return FunctionSettings.from_json(text)


def _side(route: Mapping[str, Any], state: BackendState, autoscalers: Mapping[str, Object]) -> Side:
    named = named_revision(route, state)
    serving = _served(state, named)
    latest = state.awaited or state.serving
    name = serving["metadata"]["name"] if serving else named
    asking = [one for one in (serving, autoscalers.get(name)) if one is not None]
    problem = state.failure
    return Side(
        revision=name,
        latest=latest["metadata"]["name"] if latest else "",
        ready=can_serve(serving),
        running=serving is not None and is_warm(serving),
        kept=any(min_scale(one) > 0 for one in asking),
        floored=serving is not None and has_own_min_scale(serving, autoscalers.get(name)),
        asleep=serving is not None and _is_asleep(serving),
        pods=int(((serving or {}).get("status") or {}).get("actualReplicas") or 0),
        dead=latest is not None and is_dead(latest),
        problem=f"{problem.code}: {problem.message}".strip(": ") if problem else "",
        retries=_retries(state.revisions),
        named=bool(named),
    )


def _is_asleep(revision: Mapping[str, Any]) -> bool:
    active = condition(revision, "Active")
    return active is not None and active.status == "False" and readiness(revision) is Readiness.READY


def _served(state: BackendState, named: str) -> Object | None:
    """Return the revision that the Route's target means."""
    if named:
        return next((one for one in state.revisions if one["metadata"]["name"] == named), None)
    return state.serving


def is_dead(revision: Mapping[str, Any]) -> bool:
    """Return whether a revision has failed for good: its time was over before a pod of it was ever ready.

    Knative takes the pods away then, and does not try again, whatever becomes free.
    """
    said, active = condition(revision, "ResourcesAvailable"), condition(revision, "Active")
    is_over = said is not None and said.status == "False" and said.code == "ProgressDeadlineExceeded"
    is_given_up = active is not None and active.status == "False"
    return readiness(revision) is Readiness.FAILED and (is_over or is_given_up)


def _retries(newest_first: Iterable[Mapping[str, Any]]) -> int:
    """Return how many revisions in a row have failed for good before the latest."""
    count = 0
    for revision in newest_first:
        if not is_dead(revision):
            break
        count += 1
    return max(count - 1, 0)
