"""A copy of the cluster's objects, kept fresh by watches, so that a pass reads nothing from the server.

One kind, one watch: a list, then each change after it. A version that the server no longer keeps (410) means a new
list at once; a server that cannot be reached is tried again with growing pauses. What comes late does not replace what
is newer, such as the answer to a write of the controller's own.
"""

import asyncio
import logging
from collections.abc import Callable, Iterator, Mapping

from runtime_images.cluster.api import Api, Object
from runtime_images.cluster.errors import ClusterError, GoneError
from runtime_images.cluster.kinds import Kind
from runtime_images.cluster.words import FUNCTION
from runtime_images.controller.observing import Key
from runtime_images.controller.reading import function_of, kept
from runtime_images.policy.pauses import restart_pause_s

LONGEST_WATCH_S = 300.0
"""After so long a watch is begun anew: a connection that was lost without a word says nothing, either."""
HEALTHY_S = 5.0
"""A watch that ends earlier has failed, and the pauses grow: each new one begins with a list of everything."""

_LOG = logging.getLogger(__name__)
Changed = Callable[[Key], None]


class Watched:
    """The objects of one kind that belong to functions, by function and name; `changed` is called for each change.

    `version` is where the watch goes on; without one, it begins with a list.
    """

    def __init__(self, api: Api, kind: Kind, namespace: str, changed: Changed) -> None:
        self.kind = kind
        self.synced = asyncio.Event()
        self._api, self._namespace, self._changed = api, namespace, changed
        self._objects: dict[Key, dict[str, Object]] = {}
        self.version = ""

    def of(self, key: Key) -> Mapping[str, Object]:
        """Return the objects of a function, by name."""
        return self._objects.get(key, _NONE)

    def keys(self) -> Iterator[Key]:
        """Yield the functions that have objects of this kind."""
        return iter(tuple(self._objects))

    def take(self, object_: Object) -> None:
        """Take in an object as it is now, unless a newer one is known."""
        key, name = function_of(object_), object_["metadata"]["name"]
        if key is None:
            return
        known = self._objects.setdefault(key, {})
        if name not in known or _version(known[name]) < _version(object_):
            known[name] = kept(object_)
            self._changed(key)

    def drop(self, object_: Object) -> None:
        """Forget an object that was deleted."""
        key, name = function_of(object_), object_["metadata"]["name"]
        if key is not None and self._objects.get(key, {}).pop(name, None) is not None:
            if not self._objects[key]:
                del self._objects[key]
            self._changed(key)

    async def run(self) -> None:
        """Keep the copy fresh until cancelled. What is no error of a cluster is raised: nobody would mend it here."""
        failures, clock = 0, asyncio.get_running_loop().time
        while True:
            began = clock()
            try:
                if not self.version:
                    await self._list()
                began = clock()
                async with asyncio.timeout(LONGEST_WATCH_S):
                    await self._follow()
            except TimeoutError:
                continue
            except ClusterError as error:
                self.version = ""
                failures = 1 if clock() - began > HEALTHY_S else failures + 1
                if failures > 1 or not isinstance(error, GoneError):
                    await self._pause(restart_pause_s(failures), error)

    async def _pause(self, pause_s: float, error: ClusterError) -> None:
        _LOG.warning("%s cannot be watched, next try in %.1f s: %s", self.kind.plural, pause_s, error)
        await asyncio.sleep(pause_s)

    async def _list(self) -> None:
        found, self.version = await self._api.list(self.kind, self._namespace, labels=_LABELS, keep=kept)
        before, self._objects = self._objects, {}
        for object_ in found:
            if (key := function_of(object_)) is not None:
                self._objects.setdefault(key, {})[object_["metadata"]["name"]] = object_
        for key in {*before, *self._objects}:
            if before.get(key) != self._objects.get(key):
                self._changed(key)
        self.synced.set()

    async def _follow(self) -> None:
        changes = self._api.watch(self.kind, self._namespace, labels=_LABELS, version=self.version)
        async for change in changes:
            self.version = change.object["metadata"].get("resourceVersion", self.version)
            if change.type == "DELETED":
                self.drop(change.object)
            else:
                self.take(change.object)


_LABELS: Mapping[str, str | None] = {FUNCTION: None}
_NONE: Mapping[str, Object] = {}


def _version(object_: Object) -> int:
    """Return how new an object is: versions of one kind are numbers that grow."""
    return int(object_["metadata"]["resourceVersion"])
