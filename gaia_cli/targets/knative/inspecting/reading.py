"""All that a cluster knows of one function, read at once. What this user may not read is left out, and said."""

from dataclasses import dataclass

from runtime_images.cluster.api import Api, Object
from runtime_images.cluster.backends import CONFIGURATION_LABEL, FunctionState, read_function
from runtime_images.cluster.errors import ClusterError, RefusedError
from runtime_images.cluster.kinds import EVENT, POD, Kind
from runtime_images.cluster.words import FUNCTION, MANAGED_BY, MANAGED_BY_LABEL
from runtime_images.policy.model import Backend


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
        pods[backend] = await _readable(api, POD, labels, unknown)
    return Everything(state, pods, await _readable(api, EVENT, {}, unknown), tuple(dict.fromkeys(unknown)))


async def _readable(api: Api, kind: Kind, labels: dict[str, str], unknown: list[str]) -> list[Object] | None:
    try:
        found, _ = await api.list(kind, labels=labels)
    except RefusedError as error:
        if not error.is_forbidden:
            raise
        unknown.append(f"{kind.plural}: needs the right to list {kind.plural} in namespace {api.access.namespace}")
        return None
    return found
