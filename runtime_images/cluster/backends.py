"""What stands behind each backend of a function: which Revision serves, which one is waited for, and what it says.

A Configuration names the Revision that it made last and the one that was ready last. The second serves; it says nothing
of whether that Revision is ready now, so its own condition is read as well.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from runtime_images.cluster.api import Api, Object
from runtime_images.cluster.conditions import Condition, Readiness, condition, is_being_deleted, readiness
from runtime_images.cluster.kinds import CONFIGURATION, REVISION, ROUTE
from runtime_images.cluster.words import configuration_name
from runtime_images.policy.model import Backend

CONFIGURATION_LABEL = "serving.knative.dev/configuration"
"""Knative's own label on a Revision and its pods."""
REVISION_LABEL = "serving.knative.dev/revision"


@dataclass(frozen=True, slots=True)
class BackendState:
    """One backend: its Configuration and Revisions, newest first."""

    backend: Backend
    configuration: Object
    revisions: tuple[Object, ...] = ()

    @property
    def serving(self) -> Object | None:
        """The Revision that the Route's target means: the latest that has ever been ready."""
        return self._named("latestReadyRevisionName")

    @property
    def awaited(self) -> Object | None:
        """The Revision that was asked for last, where it is not the one that serves."""
        latest = self._named("latestCreatedRevisionName")
        return None if latest is None or latest is self.serving else latest

    @property
    def is_ready(self) -> bool:
        """Whether the backend may be in the traffic: a Route that names one that is not ready serves nothing."""
        return can_serve(self.serving)

    @property
    def failure(self) -> Condition | None:
        """What keeps the backend from being ready, in its Revision's own words; None where it is ready."""
        if self.is_ready:
            return None
        for revision in (self.serving, self.awaited):
            said = condition(revision)
            if said is not None and said.status != "True":
                return said
        return condition(self.configuration)

    def _named(self, field: str) -> Object | None:
        name = (self.configuration.get("status") or {}).get(field)
        return next((one for one in self.revisions if one["metadata"]["name"] == name), None)


@dataclass(frozen=True, slots=True)
class FunctionState:
    """A function on a cluster, as it was read: the Route, None where there is none, and the backends that stand."""

    route: Object | None
    backends: Mapping[Backend, BackendState]

    @property
    def ready(self) -> tuple[Backend, ...]:
        """The backends that may be in the traffic."""
        return tuple(backend for backend, state in self.backends.items() if state.is_ready)


def can_serve(revision: Object | None) -> bool:
    """Return whether a Route may name this Revision: one that names another serves nothing at all."""
    return revision is not None and readiness(revision) is Readiness.READY and not is_being_deleted(revision)


def why_no_pod(state: BackendState) -> str:
    """Return why a backend has no pod, in a few words."""
    failure, serving = state.failure, state.serving
    if failure is not None:
        return failure.message or failure.code or "its revision is not ready"
    active = condition(serving, "Active")
    if active is not None and active.status == "False":
        return "it is scaled to zero, since nobody asks for it"
    return "its pods are not there yet" if serving is None or active is None else "its pods have just gone"


async def read_function(api: Api, name: str, namespace: str | None = None) -> FunctionState:
    """Read a function of a namespace; what does not stand is left out."""
    states = asyncio.gather(*(_backend(api, name, backend, namespace) for backend in Backend))
    route, found = await asyncio.gather(api.get(ROUTE, name, namespace), states)
    return FunctionState(route, {state.backend: state for state in found if state is not None})


async def _backend(api: Api, name: str, backend: Backend, namespace: str | None) -> BackendState | None:
    configuration = await api.get(CONFIGURATION, configuration_name(name, backend), namespace)
    if configuration is None:
        return None
    metadata = configuration["metadata"]
    found, _ = await api.list(REVISION, metadata["namespace"], labels={CONFIGURATION_LABEL: metadata["name"]})
    newest_first = sorted(found, key=lambda one: one["metadata"]["name"], reverse=True)
    return BackendState(backend, configuration, tuple(newest_first))
