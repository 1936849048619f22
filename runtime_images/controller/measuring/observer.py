"""The observer of the controller: it knows the pods by a watch, has their numbers read, and remembers each function."""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence

from runtime_images.cluster.access import Access
from runtime_images.cluster.api import Api
from runtime_images.cluster.kinds import POD
from runtime_images.controller.measuring.memory import FunctionMemory
from runtime_images.controller.measuring.pods import Source, pods_of
from runtime_images.controller.measuring.prometheus import Prometheus, asking
from runtime_images.controller.measuring.scraping import Scraper, from_pod, through_api
from runtime_images.controller.observing import Asked, Key, Measurement
from runtime_images.controller.watching import Watched

PODS, THROUGH_API = "pods", "api"
"""Where numbers may come from: the pods at their addresses, or the same pods through the API server."""
_FORGET_S = 3600.0
"""A function that was not asked for in so long is forgotten."""
_LOG = logging.getLogger(__name__)


class SourceError(ValueError):
    """What should say where numbers come from says nothing of the kind."""


class PodObserver:
    """Measures functions by what their pods, or whoever has asked them, tell; `source` is made once it is needed.

    `namespace` "*" means all. Pods are watched from the first measurement on.
    """

    def __init__(self, access: Access, namespace: str, source: Callable[[Api], Source]) -> None:
        self._access, self._namespace, self._make_source = access, namespace, source
        self._api: Api | None = None
        self._source: Source | None = None
        self._pods: Watched | None = None
        self._watching: asyncio.Task[None] | None = None
        self._memories: dict[Key, FunctionMemory] = {}
        self._asked_at: dict[Key, float] = {}

    async def measure(self, functions: Sequence[Asked], now: float) -> Mapping[Key, Measurement]:
        """Return what is known of each function; one that is not in the answer is unknown.

        Raises whatever has ended the watch of pods for good.
        """
        watched, source = await self._open()
        await watched.synced.wait()
        seen = {one.key: pods_of(watched.of(one.key).values(), one.revisions) for one in functions}
        numbers = await source.read([pod for pods, _ in seen.values() for pod in pods])
        self._forget(functions, now)
        found = {}
        for one in functions:
            pods, crowded = seen[one.key]
            memory = self._memories.setdefault(one.key, FunctionMemory(now, source.rate_span_s, busy_at=now))
            told = {pod.id: numbers[pod.id] for pod in pods if pod.id in numbers}
            try:
                measured = memory.measure(one, pods, crowded, told, now)
            except (
                ValueError,
                ArithmeticError,
            ) as error:  # pods whose numbers do not go together: no trouble of the other functions
                _LOG.warning("%s/%s is not measured: %s", *one.key, error)
                continue
            if measured is not None:
                found[one.key] = measured
        return found

    async def close(self) -> None:
        """Let go of connections."""
        if self._watching is not None:
            self._watching.cancel()
            await asyncio.gather(self._watching, return_exceptions=True)
        if self._source is not None:
            await self._source.close()
        if self._api is not None:
            await self._api.__aexit__(None, None, None)

    async def _open(self) -> tuple[Watched, Source]:
        if self._pods is None or self._source is None:
            self._api = await Api(self._access).__aenter__()
            self._source = self._make_source(self._api)
            self._pods = Watched(self._api, POD, self._namespace, _ignored)
            self._watching = asyncio.create_task(self._pods.run())
        if self._watching is not None and self._watching.done():
            self._watching.result()  # pods that nobody watches any more would be unknown for ever, and nobody told
        return self._pods, self._source

    def _forget(self, functions: Sequence[Asked], now: float) -> None:
        self._asked_at |= {one.key: now for one in functions}
        for key in [key for key, at in self._asked_at.items() if now - at > _FORGET_S]:
            del self._asked_at[key]
            self._memories.pop(key, None)


def observer_of(access: Access, namespace: str, source: str = PODS) -> PodObserver:
    """Return an observer that gets its numbers from `source`: pods, api, or the address of a Prometheus.

    Raises:
        SourceError: it is none of these.
    """
    if source.startswith(("http://", "https://")):
        return PodObserver(access, namespace, lambda _: Prometheus(asking(source)))
    if source not in (PODS, THROUGH_API):
        raise SourceError(f"{source!r} is none of pods, api and the address of a Prometheus (http://...)")
    if source == THROUGH_API:
        return PodObserver(access, namespace, lambda api: Scraper(through_api(api)))
    return PodObserver(access, namespace, lambda _: Scraper(from_pod))


def _ignored(_: Key) -> None:
    """Do nothing: passes look often enough at functions that have pods."""
