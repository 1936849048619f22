"""The lines that a function's pods write: as they stand now, or as they come.

Pods come and go under a function, so what is followed is the function: a pod that comes is followed as well, one that
goes ends only its own lines, and a connection that breaks is made again where it broke.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from gaia_cli.targets.knative.inspecting.reading import read_own
from runtime_images.cluster.api import Api, Object
from runtime_images.cluster.backends import CONFIGURATION_LABEL, FunctionState
from runtime_images.cluster.errors import RefusedError, UnreachableError
from runtime_images.cluster.kinds import POD
from runtime_images.cluster.pods import container_of
from runtime_images.cluster.words import time_s
from runtime_images.policy.model import Backend

_LOOK_S = 1.0
"""Between two looks at which pods there are."""
_Stamped = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which lines: of all backends or of one, the last `tail` of each pod, none older than `since_s`."""

    backend: Backend | None = None
    tail: int | None = None
    since_s: int | None = None


async def snapshot(api: Api, name: str, wanted: Wanted) -> tuple[list[str], FunctionState, int]:
    """Return the lines of all pods up to now, in the order of their times, the function and how many pods it has.

    Raises:
        NotDeployedError: there is no such function.
    """
    state = await read_own(api, name)
    stamped: list[_Stamped] = []
    pods = await _pods(api, state, wanted)
    for pod in pods:
        try:
            stamped += [line async for line in _read(api, pod, wanted)]
        except RefusedError as error:
            if error.status not in _NO_LOG_YET:
                raise
    stamped.sort(key=lambda line: line[0])
    return [f"{prefix} {text}" for _, prefix, text in stamped], state, len(pods)


async def follow(api: Api, name: str, wanted: Wanted, on_idle: Callable[[FunctionState], None]) -> AsyncIterator[str]:
    """Yield the lines of all pods as they come, for ever; `on_idle` is called when there is no pod to begin with.

    Raises:
        NotDeployedError: there is no such function.
    """
    state = await read_own(api, name)
    followers = _Followers(api, wanted)
    if not await _pods(api, state, wanted):
        on_idle(state)
    watching = asyncio.create_task(_watch(api, state, wanted, followers))
    try:
        while True:
            line = asyncio.create_task(followers.lines.get())
            await asyncio.wait({line, watching}, return_when=asyncio.FIRST_COMPLETED)
            if not line.done():
                line.cancel()
                watching.result()  # it ends only by an error
            yield line.result()
    finally:
        watching.cancel()
        followers.close()


async def _watch(api: Api, state: FunctionState, wanted: Wanted, followers: "_Followers") -> None:
    while True:
        with suppress(UnreachableError):  # the server will be there again
            followers.see(await _pods(api, state, wanted))
        await asyncio.sleep(_LOOK_S)


@dataclass(slots=True)
class _Followers:
    """A task for each pod that has something to say, and the one queue that all of them fill."""

    api: Api
    wanted: Wanted
    lines: "asyncio.Queue[str]" = field(default_factory=lambda: asyncio.Queue(maxsize=1000))
    tasks: dict[str, "asyncio.Task[None]"] = field(default_factory=dict)
    last: dict[str, str] = field(default_factory=dict)
    """The time of the last line of each pod, where its next connection goes on."""
    starts: dict[str, int] = field(default_factory=dict)
    """How often a pod's container had been started again when it was last followed."""

    def see(self, pods: Iterable[Object]) -> None:
        """Follow each pod that has started and is not followed; one whose container starts again is followed again."""
        for pod in pods:
            uid, starts = pod["metadata"]["uid"], _starts(pod)
            task = self.tasks.get(uid)
            if starts is not None and (task is None or (task.done() and (_runs(pod) or starts > self.starts[uid]))):
                self.starts[uid] = starts
                self.tasks[uid] = asyncio.create_task(self._follow(uid, pod))

    def close(self) -> None:
        """End every connection."""
        for task in self.tasks.values():
            task.cancel()

    async def _follow(self, uid: str, pod: Object) -> None:
        seen = self.last.get(uid, "")
        wanted = self.wanted if not seen else Wanted(since_s=_age_s(seen))
        try:
            async for at, prefix, text in _read(self.api, pod, wanted, follow=True):
                if at > seen:
                    await self.lines.put(f"{prefix} {text}")
                    self.last[uid] = at
        except (RefusedError, UnreachableError):
            pass  # not yet, or no longer; the next look shows


_NO_LOG_YET = (400, 404)
"""What the server answers while a container waits to start, and once the pod is gone."""


async def _read(api: Api, pod: Object, wanted: Wanted, *, follow: bool = False) -> AsyncIterator[_Stamped]:
    metadata = pod["metadata"]
    prefix = _prefix(pod)
    lines = api.log_lines(
        metadata["name"],
        container_of(pod),
        metadata["namespace"],
        follow=follow,
        tail=wanted.tail,
        since_s=wanted.since_s,
    )
    async for at, text in lines:
        yield at, prefix, text


async def _pods(api: Api, state: FunctionState, wanted: Wanted) -> list[Object]:
    """Return the pods of the wanted backends, the oldest first."""
    found: list[Object] = []
    for backend, one in state.backends.items():
        if wanted.backend in (None, backend):
            labels = {CONFIGURATION_LABEL: one.configuration["metadata"]["name"]}
            found += (await api.list(POD, one.configuration["metadata"]["namespace"], labels=labels))[0]
    return sorted(found, key=lambda pod: str(pod["metadata"].get("creationTimestamp", "")))


def _prefix(pod: Mapping[str, Any]) -> str:
    """Return what tells the lines of a pod apart: its backend and the end of its name."""
    configuration = str(pod["metadata"]["labels"][CONFIGURATION_LABEL])
    return f"[{configuration.rpartition('-')[2]} {pod['metadata']['name'].rpartition('-')[2]}]"


def _function(pod: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the status of the container that runs the function."""
    statuses = (pod.get("status") or {}).get("containerStatuses") or ()
    return next((one for one in statuses if one.get("name") == container_of(pod)), {})


def _starts(pod: Mapping[str, Any]) -> int | None:
    """Return how often the function's container was started again, None where it has not run yet."""
    status = _function(pod)
    states = {*(status.get("state") or {}), *(status.get("lastState") or {})}
    return int(status.get("restartCount") or 0) if states & {"running", "terminated"} else None


def _runs(pod: Mapping[str, Any]) -> bool:
    return "running" in (_function(pod).get("state") or {})


def _age_s(stamp: str) -> int:
    """Return the seconds since a time of the server's, and some more: clocks differ, and lines seen are left out."""
    return max(int(time.time() - (time_s(f"{stamp[:19]}Z") or 0.0)) + 60, 1)
