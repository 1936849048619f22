"""Whose the objects are that stand under a function's names; asked before the first write. Pure.

A field manager is no owner's mark: two people who deploy a function of one name use the same, and the second's apply
would pass and take the first's variables away. So each object says which project it is of. What belongs to another
tool, or has an owner that would put it back, is never forced, whatever the flag.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from gaia_cli.errors import ClusterRefused
from gaia_cli.targets.knative.rollout.standing import Standing, route_owner
from gaia_cli.targets.protocol import Identity
from runtime_images.cluster import words
from runtime_images.cluster.api import Object

_ANOTHER_NAME = 'name this function otherwise: [function] name = "..." in gaia.toml'
TAKE_OVER = "--take-over"


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Why a deploy may not go on; `can_be_taken` says whether the user may decide otherwise."""

    message: str
    hint: str
    can_be_taken: bool = False


def check_owners(standing: Standing, identity: Identity, *, take_over: bool) -> list[str]:
    """Return what is taken over, a sentence each; empty where all is this project's already.

    Raises:
        ClusterRefused: something stands in the way.
    """
    taken = []
    for obstacle in obstacles(standing, identity):
        if not (take_over and obstacle.can_be_taken):
            raise ClusterRefused(obstacle.message, obstacle.hint)
        taken.append(obstacle.message)
    return taken


def obstacles(standing: Standing, identity: Identity) -> Iterator[Obstacle]:
    """Yield what stands in the way of a function, what nobody can take first."""
    own = list(standing.own())
    found = [obstacle for one in own if (obstacle := _of_object(one, identity)) is not None]
    names = [obstacle for one in standing.services.values() if (obstacle := _of_service(one, standing)) is not None]
    if standing.knative_service is not None:
        names.append(_of_knative_service(standing.knative_service))
    yield from sorted((*found, *names), key=lambda obstacle: obstacle.can_be_taken)


def standing_identity(standing: Standing) -> tuple[str, str]:
    """Return the project and the digest of the sources that stand there, empty where nothing says one."""
    for one in reversed(list(standing.own())):
        annotations = one["metadata"].get("annotations") or {}
        if words.PROJECT in annotations:
            return annotations[words.PROJECT], annotations.get(words.SOURCES, "")
    return "", ""


def same_project(routes: Iterable[Object], identity: Identity) -> list[str]:
    """Return the names of the functions that are of the same project: one has two names where it was renamed."""
    found = ((one["metadata"]["name"], one["metadata"].get("annotations") or {}) for one in routes)
    return sorted(name for name, said in found if said.get(words.PROJECT) == identity.project)


def _of_object(object_: Object, identity: Identity) -> Obstacle | None:
    metadata = object_["metadata"]
    what, annotations = f"{object_['kind']} {metadata['name']}", metadata.get("annotations") or {}
    for owner in metadata.get("ownerReferences") or ():
        if owner.get("controller"):
            return Obstacle(
                f"{what} belongs to the {_kind(owner)} {owner['name']}, which would put it back", _ANOTHER_NAME
            )
    project = annotations.get(words.PROJECT, "")
    if not project:
        return Obstacle(
            f"{what} stands already and was not made by gaia, but by {_managers(object_)}",
            f"{_ANOTHER_NAME}; or delete it first, if it is yours",
        )
    if project == identity.project or annotations.get(words.SOURCES) == identity.sources:
        return None
    who, when = annotations.get(words.DEPLOYED_BY, "somebody"), annotations.get(words.DEPLOYED_AT, "an unknown time")
    origin = annotations.get(words.ORIGIN, "")
    return Obstacle(
        f"{what} is taken by another function: project {origin or project} ({project}), deployed by {who} at {when}",
        f"{_ANOTHER_NAME}; or replace the other function with {TAKE_OVER}",
        can_be_taken=True,
    )


def _of_service(service: Object, standing: Standing) -> Obstacle | None:
    name = service["metadata"]["name"]
    if standing.route is not None and route_owner(service, standing.name) == standing.route["metadata"]["uid"]:
        return None
    owners = [f"the {_kind(one)} {one['name']}" for one in service["metadata"].get("ownerReferences") or ()]
    whose = owners[0] if owners else _managers(service)
    return Obstacle(
        f"the Kubernetes Service {name} stands in the way: Knative needs this name for the function's address, "
        f"and it belongs to {whose}",
        _ANOTHER_NAME,
    )


def _of_knative_service(service: Object) -> Obstacle:
    name = service["metadata"]["name"]
    return Obstacle(f"the Knative Service {name} has the function's name, made by {_managers(service)}", _ANOTHER_NAME)


def _kind(owner: Object) -> str:
    group = str(owner.get("apiVersion", ""))
    kind = str(owner.get("kind", "object"))
    return f"Knative {kind}" if group.startswith("serving.knative.dev/") else kind


def _managers(object_: Object) -> str:
    entries = object_["metadata"].get("managedFields") or ()
    managers = dict.fromkeys(one.get("manager", "") for one in entries if one.get("subresource") != "status")
    return ", ".join(name for name in managers if name) or "somebody else"
