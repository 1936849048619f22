"""What stands in the cluster before a deploy: the function's own objects, and what has the names that it needs.

What this user may not read is unknown, which is no failure. What is on its way out is waited for: a write to it is
accepted, reported as ready, and lost.
"""

import asyncio
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from gaia_cli.errors import ClusterRefused
from gaia_cli.targets.knative.namespaces import check_namespace
from runtime_images.cluster.api import Api, Object
from runtime_images.cluster.backends import FunctionState, read_function
from runtime_images.cluster.conditions import is_being_deleted
from runtime_images.cluster.errors import RefusedError
from runtime_images.cluster.kinds import KNATIVE_SERVICE, ROUTE, SERVICE, Kind
from runtime_images.cluster.moving import PAUSE_S
from runtime_images.cluster.words import tag_service_name
from runtime_images.policy.model import Backend


@dataclass(frozen=True, slots=True)
class Standing:
    """What stands under a function's names; `unknown` says what could not be read, as verb and resource.

    `was_leaving` is whether something that was being deleted had to be waited for.
    """

    name: str
    namespace: str
    function: FunctionState
    services: Mapping[str, Object]
    knative_service: Object | None
    unknown: tuple[str, ...]
    was_leaving: bool = False

    @property
    def route(self) -> Object | None:
        """The function's Route."""
        return self.function.route

    def configuration(self, backend: Backend) -> Object | None:
        """Return the Configuration of a backend."""
        state = self.function.backends.get(backend)
        return state.configuration if state else None

    def own(self) -> Iterator[Object]:
        """Yield the function's objects, as far as they stand."""
        yield from (state.configuration for state in self.function.backends.values())
        if self.route is not None:
            yield self.route

    @property
    def leaving(self) -> tuple[Object, ...]:
        """What is being deleted, and what will be since the Route that it belonged to is gone."""
        own = [one for one in self.own() if is_being_deleted(one)]
        return (*own, *(one for one in self.services.values() if is_being_deleted(one) or self._is_left(one)))

    def _is_left(self, service: Object) -> bool:
        owner = route_owner(service, self.name)
        return bool(owner) and (self.route is None or owner != self.route["metadata"]["uid"])


def route_owner(object_: Object, name: str) -> str:
    """Return the uid of the Route of this name that owns an object, empty where none does."""
    owners = object_["metadata"].get("ownerReferences") or ()
    found = (one for one in owners if one.get("kind") == ROUTE.name and one.get("name") == name)
    return next((str(one.get("uid", "")) for one in found), "")


async def read_standing(api: Api, name: str, namespace: str, backends: tuple[Backend, ...]) -> Standing:
    """Read what stands under the names that a function needs.

    Raises:
        RefusedError: this user may not even read the function's own objects.
    """
    unknown: list[str] = []

    async def get(kind: Kind, called: str) -> Object | None:
        try:
            return await api.get(kind, called, namespace)
        except RefusedError as error:
            if not error.is_forbidden:
                raise
            unknown.append(f"get {kind.plural}{f'.{kind.group}' if kind.group else ''}")
            return None

    names = [name, *(tag_service_name(name, backend) for backend in backends)]
    function, knative_service, found = await asyncio.gather(
        read_function(api, name, namespace),
        get(KNATIVE_SERVICE, name),
        asyncio.gather(*(get(SERVICE, called) for called in names)),
    )
    services = {called: one for called, one in zip(names, found, strict=True) if one is not None}
    return Standing(name, namespace, function, services, knative_service, tuple(sorted(set(unknown))))


async def settled(api: Api, name: str, namespace: str, backends: tuple[Backend, ...], timeout_s: float) -> Standing:
    """Return what stands once nothing of it is being deleted any more.

    Raises:
        ClusterRefused: it is not gone in time, or the namespace itself goes.
    """
    await check_namespace(api, namespace)
    deadline, was_leaving = time.monotonic() + timeout_s, False
    while True:
        standing = await read_standing(api, name, namespace, backends)
        if not standing.leaving:
            return replace(standing, was_leaving=was_leaving)
        if time.monotonic() >= deadline:
            raise _not_gone(standing.leaving[0], timeout_s)
        was_leaving = True
        await asyncio.sleep(PAUSE_S)


def _not_gone(object_: Object, timeout_s: float) -> ClusterRefused:
    metadata = object_["metadata"]
    holders = ", ".join(metadata.get("finalizers") or ())
    held = f", held by the finalizer {holders}" if holders else ""
    what = f"{object_.get('kind', 'object')} {metadata['name']}"
    return ClusterRefused(
        f"{what} is being deleted, and is not gone after {timeout_s:g} s{held}",
        "see why with kubectl describe, or wait longer: --timeout",
    )
