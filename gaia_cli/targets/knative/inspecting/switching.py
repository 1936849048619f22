"""Moving a function's traffic by hand: `gaia switch`, `gaia pin` and `gaia unpin` on a cluster.

A move is refused before anything is written where it could not be served: a backend that is not ready would take the
whole address down. The backend is warmed first, so that no request waits for its start; then one write moves the
traffic, and it has moved when the cluster says so.
"""

import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from gaia_cli.targets.knative.inspecting.description import why_not_ready
from gaia_cli.targets.knative.inspecting.reading import is_ours, read_everything, read_own
from gaia_cli.targets.knative.inspecting.rows import backend_of, settings_of
from runtime_images.cluster.api import Api, Object
from runtime_images.cluster.backends import BackendState, FunctionState
from runtime_images.cluster.conditions import is_being_deleted
from runtime_images.cluster.errors import ClusterError, RefusedError
from runtime_images.cluster.kinds import POD_AUTOSCALER, REVISION, ROUTE
from runtime_images.cluster.moving import confirmed, move, until
from runtime_images.cluster.traffic import Holder, Split, holder, split, split_of, targets
from runtime_images.cluster.warming import Warmer, is_warm
from runtime_images.cluster.words import PIN, TEMPLATE_MANAGER
from runtime_images.policy.model import Backend

Say = Callable[[str], None]
"""Called with one line for each step that takes time, or that a person should know of."""


class FixedModeError(Exception):
    """The function never switches; `mode` says why."""

    def __init__(self, mode: str) -> None:
        super().__init__(mode)
        self.mode = mode


@dataclass(frozen=True, slots=True)
class Taken:
    """What `unpin` took back: the pin that was there, and the holder of the traffic if that was somebody else."""

    pin: str
    held_by: Holder | None
    backend: Backend | None


async def switch(api: Api, name: str, backend: Backend, timeout_s: float, say: Say) -> bool:
    """Let a backend take all requests; return whether they went elsewhere before.

    Raises:
        FixedModeError: the function has one backend only.
        NotDeployedError: there is no such function.
        ClusterError: the backend is not ready, is pinned away from, or the traffic is not confirmed in time.
    """
    state, route = await _movable(api, name)
    pinned = (route["metadata"].get("annotations") or {}).get(PIN, "")
    if pinned and pinned != backend:
        raise ClusterError(
            f"{name} is pinned to {pinned}",
            f"gaia pin {name} {backend} moves it; gaia unpin {name} lets the policy decide",
        )
    return await _moved(api, name, state, route, backend, timeout_s, say)


async def pin(api: Api, name: str, backend: Backend | None, timeout_s: float, say: Say) -> Backend:
    """Keep a function on a backend, by default the one that serves, and return which.

    Raises:
        FixedModeError: the function has one backend only.
        NotDeployedError: there is no such function.
        ClusterError: the backend is not ready, or the traffic is not confirmed in time; no pin is left then.
    """
    state, route = await _movable(api, name)
    backend = backend or _active(name, state, route)
    await _check_ready(api, name, state, backend)
    before = (route["metadata"].get("annotations") or {}).get(PIN)
    route = await _write_pin(api, route, backend.value)
    try:
        await _moved(api, name, state, route, backend, timeout_s, say)
    except ClusterError:
        await _write_pin(api, route, before)
        raise
    return backend


async def unpin(api: Api, name: str, timeout_s: float) -> Taken:
    """Give the decision back to the policy: take the pin away, and the traffic back from whoever has set it by hand.

    Raises:
        NotDeployedError: there is no such function.
        ClusterError: no backend is ready to take the traffic, or it is not confirmed in time.
    """
    state = await read_own(api, name)
    route = _route(name, state)
    pinned = (route["metadata"].get("annotations") or {}).get(PIN, "")
    if pinned:
        route = await _write_pin(api, route, None)
    held = holder(route)
    if held.is_gaia:
        return Taken(pinned, None, None)
    active = _active(name, state, route)
    if not state.ready:
        await _check_ready(api, name, state, active)
    wanted = split(active, state.ready)
    await _write(api, name, route, wanted, timeout_s, force=True)
    return Taken(pinned, held, max(wanted, key=lambda one: wanted[one]))


async def _movable(api: Api, name: str) -> tuple[FunctionState, Object]:
    state = await read_own(api, name)
    route = _route(name, state)
    settings = settings_of(route)
    if settings and settings.mode.is_fixed:
        raise FixedModeError(settings.mode.value)
    if not settings and len(state.backends) == 1:
        raise FixedModeError(next(iter(state.backends)).value)
    return state, route


def _route(name: str, state: FunctionState) -> Object:
    route = state.route
    if route is None:
        raise ClusterError(f"{name} has no Route, so it has no traffic", "deploy it again, or gaia delete what is left")
    if is_being_deleted(route):
        raise ClusterError(f"{name} is being deleted", "wait until it is gone, then deploy it again")
    return route


def _active(name: str, state: FunctionState, route: Mapping[str, Any]) -> Backend:
    """Return the backend that most of the traffic is for, whoever has written it."""
    shares = dict.fromkeys(state.backends, 0)
    for one in route["spec"].get("traffic") or ():
        backend = backend_of(name, one)
        if backend in shares:
            shares[backend] += int(one.get("percent") or 0)
    return max(shares, key=lambda one: shares[one])


async def _moved(
    api: Api, name: str, state: FunctionState, route: Object, backend: Backend, timeout_s: float, say: Say
) -> bool:
    """Warm a backend that is ready, move the traffic there, and wait for both; return whether anything had to move."""
    await _check_ready(api, name, state, backend)
    held = holder(route)
    if not held.is_gaia:
        raise _held_by(name, held)
    deadline = time.monotonic() + timeout_s
    wanted = split(backend, state.ready)
    if split_of(route) == wanted == split_of(route, actual=True):
        return False
    async with _warmed(api, name, state, route, backend, deadline, say):
        await _write(api, name, route, wanted, max(deadline - time.monotonic(), 1.0))
    return True


async def _check_ready(api: Api, name: str, state: FunctionState, backend: Backend) -> None:
    if backend in state.ready:
        return
    if backend not in state.backends:
        raise ClusterError(f"{name} has no {backend} backend here", "deploy it again")
    read = await read_everything(api, name)
    why = why_not_ready(name, read, backend) or "its revision is not ready yet"
    raise ClusterError(
        f"{name} cannot move to {backend}: {why}", f"nothing was changed; gaia describe {name} shows more"
    )


@asynccontextmanager
async def _warmed(
    api: Api, name: str, state: FunctionState, route: Object, backend: Backend, deadline: float, say: Say
) -> AsyncIterator[None]:
    """Have a pod of the backend before it gets traffic; what asks for it is taken back, however the switch ends."""
    revision = _serving(state.backends[backend])
    if is_warm(revision):
        yield
        return
    say(f"starting {backend}")
    if backend not in split_of(route):
        others = [one for one in state.ready if one is not backend]
        if not others:
            yield  # nothing serves now: a cold start is the best there is
            return
        await _write(api, name, route, split(others[0], state.ready), max(deadline - time.monotonic(), 1.0))
    warmer, may_ask = Warmer(api), True
    try:
        may_ask = await _warm_up(api, warmer, name, revision, backend, deadline, say)
        yield
    finally:
        if may_ask:
            await warmer.release(revision["metadata"]["name"], revision["metadata"]["namespace"])


async def _warm_up(
    api: Api, warmer: Warmer, name: str, revision: Object, backend: Backend, deadline: float, say: Say
) -> bool:
    """Wait for a pod of a Revision; return False where this user may not ask for one."""

    async def step() -> Object | None:
        found = await api.get(REVISION, revision["metadata"]["name"], revision["metadata"]["namespace"])
        if found is not None:
            await warmer.keep(found)
        return found

    try:
        warm = await until(step, is_warm, max(deadline - time.monotonic(), 1.0))
    except RefusedError as error:
        if not error.is_forbidden:
            raise
        right = f"patch on {POD_AUTOSCALER.plural}.{POD_AUTOSCALER.group}"
        say(f"{backend} cannot be started ahead, which needs the right to {right}: the first requests wait for it")
        return False
    if warm is None:
        raise await _not_warm(api, name, backend)
    return True


async def _not_warm(api: Api, name: str, backend: Backend) -> ClusterError:
    why = why_not_ready(name, await read_everything(api, name), backend)
    return ClusterError(
        f"{name} does not move to {backend}: no pod of it got ready in time{f' ({why})' if why else ''}",
        "the traffic is as it was; give it more time with --timeout",
    )


async def _write(api: Api, name: str, route: Object, wanted: Split, timeout_s: float, *, force: bool = False) -> None:
    """Write the traffic and wait until the cluster confirms it."""
    asked = targets(name, wanted)
    try:
        written = await move(api, route, asked, force=force)
    except RefusedError as error:
        if not error.is_conflict:
            raise
        raise await _conflict(api, name, route, error) from None
    if await confirmed(api, written, asked, timeout_s) is None:
        if await api.get(ROUTE, name, route["metadata"]["namespace"]) is None:
            raise _deleted(name)
        shares = ", ".join(f"{backend} {percent} %" for backend, percent in wanted.items())
        raise ClusterError(
            f"the cluster has not confirmed the traffic of {name} in {timeout_s:.0f} s ({shares} was asked for)",
            f"gaia describe {name} shows what it does; it may still follow",
        )


async def _conflict(api: Api, name: str, route: Object, error: RefusedError) -> ClusterError:
    present = await api.get(ROUTE, name, route["metadata"]["namespace"])
    if present is None or not is_ours(present, name) or present["metadata"]["uid"] != route["metadata"]["uid"]:
        return _deleted(name)
    held = holder(present)
    return error if held.is_gaia else _held_by(name, held)


def _deleted(name: str) -> ClusterError:
    return ClusterError(f"{name} was deleted meanwhile", "gaia list shows what there is")


def _held_by(name: str, held: Holder) -> ClusterError:
    return ClusterError(
        f"the traffic of {name} is held by {held.manager} since {held.since}", f"gaia unpin {name} takes it back"
    )


async def _write_pin(api: Api, route: Object, backend: str | None) -> Object:
    """Write the pin, beside whatever the controller writes: by a merge, which an apply of another does not undo."""
    metadata = route["metadata"]
    patch = {"metadata": {"uid": metadata["uid"], "annotations": {PIN: backend}}}
    return await api.merge(ROUTE, metadata["name"], patch, TEMPLATE_MANAGER, metadata["namespace"])


def _serving(state: BackendState) -> Object:
    assert state.serving is not None, "a backend that is ready has a Revision"
    return state.serving
