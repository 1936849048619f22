"""All that a cluster knows of one function, read at once. What this user may not read is left out, and said."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from gaia_cli.targets.knative.namespaces import check_namespace
from runtime_images.cluster.api import Api, Object
from runtime_images.cluster.backends import CONFIGURATION_LABEL, FunctionState, read_function
from runtime_images.cluster.errors import ClusterError, RefusedError
from runtime_images.cluster.kinds import EVENT, POD, Kind
from runtime_images.cluster.words import FUNCTION, MANAGED_BY, MANAGED_BY_LABEL
from runtime_images.policy.model import Backend

_PODS_MOST = 10
"""Pods of a backend whose events are read: the newest."""


@dataclass(frozen=True, slots=True)
class Everything:
    """A function's objects; `pods` of each backend and `events` are None where they may not be read."""

    state: FunctionState
    pods: dict[Backend, list[Object] | None]
    events: list[Object] | None
    unknown: tuple[str, ...]


class NotDeployedError(ClusterError):
    """No function of that name stands there, or what has the name is not Gaia's."""


async def read_own(api: Api, name: str) -> FunctionState:
    """Return a function of the namespace; its backends are only those that carry Gaia's marks.

    Raises:
        NotDeployedError: there is none, or the Route of that name is somebody else's.
    """
    state = await read_function(api, name)
    place = f"namespace {api.access.namespace} (context {api.access.context})"
    if state.route is not None and not is_ours(state.route, name):
        raise NotDeployedError(
            f"the Route {name} in {place} was not made by Gaia", "see: kubectl get routes.serving.knative.dev"
        )
    own = {backend: one for backend, one in state.backends.items() if is_ours(one.configuration, name)}
    if state.route is None and not own:
        await check_namespace(api, api.access.namespace)
        raise NotDeployedError(
            f"there is no function {name} in {place}",
            "gaia list shows those that there are; -n names another namespace",
        )
    return FunctionState(state.route, own)


def is_ours(object_: Object, function: str) -> bool:
    """Return whether an object is a part of this very function; its name alone says nothing."""
    labels = object_["metadata"].get("labels") or {}
    return labels.get(MANAGED_BY_LABEL) == MANAGED_BY and labels.get(FUNCTION) == function


async def read_everything(api: Api, name: str) -> Everything:
    """Read a function with its pods and events.

    Raises:
        NotDeployedError: there is none.
    """
    state = await read_own(api, name)
    unknown: list[str] = []
    pods = {}
    for backend, one in state.backends.items():
        labels = {CONFIGURATION_LABEL: one.configuration["metadata"]["name"]}
        pods[backend] = await _readable(api, POD, unknown, labels=labels)
    events = await _events(api, name, state, pods, unknown)
    return Everything(state, pods, events, tuple(dict.fromkeys(unknown)))


async def _events(
    api: Api, name: str, state: FunctionState, pods: Mapping[Backend, list[Object] | None], unknown: list[str]
) -> list[Object] | None:
    """Read the events about a function, and those about ReplicaSets, whose names nobody here can know.

    Not all of the namespace: of a busy one that would be fifty thousand, when nothing of them is about this function.
    """
    names = [name]
    for backend, one in state.backends.items():
        revisions = [found["metadata"]["name"] for found in (one.serving, one.awaited) if found is not None]
        newest = sorted(pods[backend] or (), key=lambda pod: str(pod["metadata"].get("creationTimestamp", "")))
        names += [one.configuration["metadata"]["name"], *revisions, *(f"{own}-deployment" for own in revisions)]
        names += [pod["metadata"]["name"] for pod in newest[-_PODS_MOST:]]
    asked = [{"involvedObject.kind": "ReplicaSet"}, *({"involvedObject.name": about} for about in names)]
    answers = await asyncio.gather(*(_readable(api, EVENT, unknown, fields=fields) for fields in asked))
    return None if None in answers else [event for found in answers for event in found or ()]


async def _readable(
    api: Api,
    kind: Kind,
    unknown: list[str],
    *,
    labels: Mapping[str, str] | None = None,
    fields: Mapping[str, str] | None = None,
) -> list[Object] | None:
    try:
        found, _ = await api.list(kind, labels=labels, fields=fields)
    except RefusedError as error:
        if not error.is_forbidden:
            raise
        unknown.append(f"{kind.plural}: needs the right to list {kind.plural} in namespace {api.access.namespace}")
        return None
    return found
