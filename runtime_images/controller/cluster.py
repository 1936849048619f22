"""The copy of a cluster that passes look at: four watches, put together into functions."""

import asyncio
import logging
from collections.abc import Callable, Iterator, Mapping

from runtime_images.cluster.api import Api, Object
from runtime_images.cluster.backends import CONFIGURATION_LABEL, BackendState
from runtime_images.cluster.kinds import CONFIGURATION, POD_AUTOSCALER, REVISION, ROUTE
from runtime_images.cluster.words import SETTINGS, configuration_name
from runtime_images.controller.deciding.sight import Seen
from runtime_images.controller.observing import Key
from runtime_images.controller.reading import read
from runtime_images.controller.watching import Watched
from runtime_images.policy.model import Backend

_LOG = logging.getLogger(__name__)


class Cluster:
    """Functions, as the watches last showed them; `changed` is called with each that changes.

    What the objects of a function say is read once for each change: to read them is half of a pass, and at rest nothing
    changes.
    """

    def __init__(self, api: Api, namespace: str, changed: Callable[[Key], None]) -> None:
        self._tell = changed
        self._read: dict[Key, Seen | None] = {}
        self._routes, self._configurations, self._revisions, self._autoscalers = self.watches = tuple(
            Watched(api, kind, namespace, self._changed) for kind in (ROUTE, CONFIGURATION, REVISION, POD_AUTOSCALER)
        )

    def _changed(self, key: Key) -> None:
        self._read.pop(key, None)
        self._tell(key)

    async def run(self) -> None:
        """Keep the copy fresh until cancelled."""
        async with asyncio.TaskGroup() as group:
            for watched in self.watches:
                group.create_task(watched.run())

    async def synced(self) -> None:
        """Wait until everything has been seen once: half of a function would look like a lost one."""
        for watched in self.watches:
            await watched.synced.wait()

    def is_synced(self) -> bool:
        """Return whether everything has been seen once."""
        return all(watched.synced.is_set() for watched in self.watches)

    def keys(self) -> Iterator[Key]:
        """Yield the functions that have a Route."""
        return self._routes.keys()

    def take(self, route: Object) -> None:
        """Take in a Route as a write has answered it."""
        self._routes.take(route)

    def route(self, key: Key) -> Object | None:
        """Return the Route of a function."""
        return self._routes.of(key).get(key[1])

    def seen(self, key: Key) -> Seen | None:
        """Return a function, without what is measured of it; None where it is none of Gaia's, or gone."""
        if (route := self.route(key)) is None:
            return None
        if key not in self._read:
            self._read[key] = read(route, self._backends(key), self._autoscalers.of(key))
            if self._read[key] is None:  # said once for each change, so this is no flood
                _LOG.warning("%s/%s is left alone: %s of its Route cannot be read; deploy it again", *key, SETTINGS)
        return self._read[key]

    def _backends(self, key: Key) -> Mapping[Backend, BackendState]:
        named = {configuration_name(key[1], backend): backend for backend in Backend}
        found = {named[name]: one for name, one in self._configurations.of(key).items() if name in named}
        return {backend: BackendState(backend, one, self._revisions_of(key, one)) for backend, one in found.items()}

    def _revisions_of(self, key: Key, configuration: Object) -> tuple[Object, ...]:
        name, all_ = configuration["metadata"]["name"], self._revisions.of(key)
        found = [one for one in all_.values() if one["metadata"]["labels"].get(CONFIGURATION_LABEL) == name]
        return tuple(sorted(found, key=lambda one: str(one["metadata"]["name"]), reverse=True))
