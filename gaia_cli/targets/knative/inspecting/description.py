"""A function's objects in the words of `gaia describe`. Pure."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from gaia_cli.targets.knative.inspecting.reading import Everything
from gaia_cli.targets.knative.inspecting.rows import image_of, row, settings_of, variables_of
from gaia_cli.targets.outputs import (
    DEPLOYED_SCHEMA,
    BackendReport,
    DecisionReport,
    DescribeOutput,
    EventReport,
    PodReport,
    TrafficReport,
)
from runtime_images.cluster import words
from runtime_images.cluster.access import Access
from runtime_images.cluster.api import Object
from runtime_images.cluster.backends import REVISION_LABEL, BackendState
from runtime_images.cluster.conditions import Readiness, condition, is_being_deleted, readiness
from runtime_images.cluster.moving import is_as_asked
from runtime_images.cluster.pods import (
    Happening,
    container_of,
    happenings,
    is_ready,
    last_warning,
    pod_problem,
    problem,
)
from runtime_images.cluster.traffic import holder
from runtime_images.policy.model import Backend

_HELD = "TrafficHeld"
"""The controller's event about traffic that somebody else holds; its sentence says what the policy would do."""
_MOST_EVENTS = 20
_NO_TRAFFIC: TrafficReport = {
    "wanted": {},
    "confirmed": {},
    "revisions": [],
    "is_confirmed": False,
    "held_by": "",
    "held_since": "",
    "is_gaias": True,
    "pinned": "",
    "paused": False,
}


def describe(name: str, access: Access, target: str, read: Everything) -> DescribeOutput:
    """Return everything that is known of a function."""
    state = read.state
    route, first = state.route, next((one.configuration for one in state.backends.values()), None)
    found = _happenings(name, read)
    annotations = ((route or first or {}).get("metadata") or {}).get("annotations") or {}
    listed = row(name, access.namespace, route, {backend: one.configuration for backend, one in state.backends.items()})
    backends = [_backend(one, route, read.pods.get(backend), found) for backend, one in state.backends.items()]
    return {
        **listed,
        "problems": [*_route_problems(listed["problems"]), *_unread(route), *_backend_problems(backends)],
        "schema_version": DEPLOYED_SCHEMA,
        "target": target,
        "context": access.context,
        "project": annotations.get(words.PROJECT, ""),
        "origin": annotations.get(words.ORIGIN, ""),
        "deployed_by": annotations.get(words.DEPLOYED_BY, ""),
        "deleting": route is not None and is_being_deleted(route),
        "backends": backends,
        "routing": _traffic(route),
        "would": _would(route, found),
        "decisions": decisions(route),
        "events": None if read.events is None else [_event(one) for one in found[-_MOST_EVENTS:]],
        "unknown": list(read.unknown),
    }


def why_not_ready(name: str, read: Everything, backend: Backend) -> str:
    """Return why a backend is not ready, in the pods' own words where there are any."""
    return _problem(read.state.backends[backend], read.pods.get(backend) or (), _happenings(name, read))


def decisions(route: Mapping[str, Any] | None) -> list[DecisionReport]:
    """Return the decisions that the controller has left on a Route; none where nothing readable stands there."""
    annotations = ((route or {}).get("metadata") or {}).get("annotations") or {}
    try:
        said = json.loads(annotations.get(words.DECISION) or "[]")
        return [_decision(one) for one in (said if isinstance(said, list) else [said])]
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError, OSError):
        return []


def _decision(said: Mapping[str, Any]) -> DecisionReport:
    return {
        "at": words.time_text(int(said["at"])),
        "chosen": str(said["chosen"]),
        "rejected": str(said.get("rejected", "")),
        "rule": str(said.get("rule", "")),
        "reason": str(said.get("reason", "")),
        "share": int(said.get("share", 100)),
    }


def _happenings(name: str, read: Everything) -> list[Happening]:
    names, revisions = [name], []
    for one in read.state.backends.values():
        names.append(one.configuration["metadata"]["name"])
        revisions += [revision["metadata"]["name"] for revision in one.revisions]
    return happenings(read.events or (), names, revisions)


def _backend(
    state: BackendState, route: Object | None, pods: list[Object] | None, found: Iterable[Happening]
) -> BackendReport:
    serving, awaited = state.serving, state.awaited
    shown = None if pods is None else [_pod(one) for one in pods]
    variables = variables_of(state.configuration)
    return {
        "backend": state.backend.value,
        "configuration": state.configuration["metadata"]["name"],
        "image": image_of(state.configuration),
        "variables": list(variables),
        "secrets": {name: secret for name, secret in variables.items() if secret},
        "ready": state.is_ready,
        "scaled_to_zero": state.is_ready and serving is not None and _is_idle(serving) and not shown,
        "serving": _name(serving),
        "awaited": _name(awaited),
        "superseded": _superseded(state, shown or []),
        "problem": _problem(state, pods or [], found),
        "url": _tag_url(route, state.backend),
        "pods": shown,
    }


def _superseded(state: BackendState, pods: Iterable[PodReport]) -> list[str]:
    """Return revisions that were never ready and are no longer wanted, while they still hold pods."""
    with_pods = {pod["revision"] for pod in pods}
    others = (one for one in state.revisions if one is not state.serving and one is not state.awaited)
    never_ready = (one for one in others if readiness(one) is not Readiness.READY)
    return [name for name in map(_name, never_ready) if name in with_pods]


def _problem(state: BackendState, pods: Iterable[Object], found: Iterable[Happening]) -> str:
    """Return why the revision that is waited for, or else the one that served, is not ready; pods speak first."""
    revision = state.awaited or (None if state.is_ready else state.serving)
    if revision is None:
        said = None if state.is_ready else condition(state.configuration)
        return problem(said.code, said.message).words if said else ""
    name = _name(revision)
    own = [pod for pod in pods if _revision_of(pod) == name]
    said_by_pods = next((said_by_one for pod in own if (said_by_one := pod_problem(pod))), "")
    said = condition(revision)
    by_revision = problem(said.code, said.message).words if said and said.status != "True" else ""
    has_message = bool(said and said.status == "False" and said.message)
    warning = None if own or has_message else last_warning(found, name)
    return said_by_pods or (warning.words if warning else "") or by_revision


def _traffic(route: Object | None) -> TrafficReport:
    if route is None:
        return _NO_TRAFFIC
    annotations, held = route["metadata"].get("annotations") or {}, holder(route)
    return {
        "wanted": _shares(route["spec"].get("traffic") or ()),
        "confirmed": _shares((route.get("status") or {}).get("traffic") or ()),
        "revisions": [one["revisionName"] for one in route["spec"].get("traffic") or () if one.get("revisionName")],
        "is_confirmed": is_as_asked(route),
        "held_by": held.manager,
        "held_since": held.since,
        "is_gaias": held.is_gaia,
        "pinned": annotations.get(words.PIN, ""),
        "paused": annotations.get(words.PAUSED) == "true",
    }


def _shares(targets: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    """Return the percentage of each target by its tag, of one without a tag by its revision or configuration."""
    shares: dict[str, int] = {}
    for one in targets:
        name = one.get("tag") or one.get("revisionName") or one.get("configurationName") or ""
        shares[name] = shares.get(name, 0) + int(one.get("percent") or 0)
    return shares


def _would(route: Object | None, found: Iterable[Happening]) -> str:
    if route is None or holder(route).is_gaia:
        return ""
    told = [one.message for one in found if one.code == _HELD]
    return told[-1] if told else next((f"the last decision was: {one['reason']}" for one in decisions(route)), "")


def _pod(pod: Object) -> PodReport:
    status, function = pod.get("status") or {}, container_of(pod)
    containers = [one for one in status.get("containerStatuses") or () if one.get("name") == function]
    return {
        "name": pod["metadata"]["name"],
        "revision": _revision_of(pod),
        "ready": is_ready(pod),
        "phase": "Terminating" if is_being_deleted(pod) else status.get("phase", ""),
        "restarts": sum(int(one.get("restartCount") or 0) for one in containers),
        "node": pod["spec"].get("nodeName", ""),
        "message": pod_problem(pod),
    }


def _event(one: Happening) -> EventReport:
    return {
        "at": one.at,
        "object": f"{one.kind} {one.name}",
        "warning": one.is_warning,
        "reason": one.code,
        "message": one.message,
        "count": one.count,
    }


def _route_problems(problems: Iterable[str]) -> list[str]:
    return [one for one in problems if not one.startswith(tuple(f"{backend}: " for backend in Backend))]


def _unread(route: Mapping[str, Any] | None) -> list[str]:
    """Say where the controller leaves a function alone since it cannot read what a deploy has written for it."""
    if route is None or settings_of(route) is not None:
        return []
    return [f"route: the annotation {words.SETTINGS} cannot be read, so the controller decides nothing here"]


def _backend_problems(backends: Iterable[BackendReport]) -> list[str]:
    return [f"{one['backend']}: {one['problem']}" for one in backends if one["problem"]]


def _is_idle(revision: Mapping[str, Any]) -> bool:
    active = condition(revision, "Active")
    return active is not None and active.status == "False"


def _tag_url(route: Object | None, backend: Backend) -> str:
    served = ((route or {}).get("status") or {}).get("traffic") or ()
    return next((str(one.get("url", "")) for one in served if one.get("tag") == backend), "")


def _revision_of(pod: Mapping[str, Any]) -> str:
    return str((pod["metadata"].get("labels") or {}).get(REVISION_LABEL, ""))


def _name(object_: Mapping[str, Any] | None) -> str:
    return "" if object_ is None else str(object_["metadata"]["name"])
