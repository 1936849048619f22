"""Waiting until a deploy serves, and letting each backend into the traffic once it can.

The answer to a write has the status of the generation before, and a Route is ready all the while on what it served
before: so each backend's own Revision is looked at, and at the end what the Route's status confirms. What fails for
good ends the wait at once; a GPU that nobody has free ends it as well where the CPU serves.
"""

import asyncio
import time
from collections.abc import Sequence

from gaia_cli.errors import ClusterRefused
from gaia_cli.targets.knative.rollout.applying import retire
from gaia_cli.targets.knative.rollout.judging import leaves_local, report, wanted_split
from gaia_cli.targets.knative.rollout.planning import Rollout
from gaia_cli.targets.knative.rollout.revisions import of_this_one, written
from gaia_cli.targets.protocol import BackendOutcome, Outcome, Progress
from runtime_images.cluster import traffic
from runtime_images.cluster.api import Api, Object
from runtime_images.cluster.backends import REVISION_LABEL, BackendState, FunctionState, read_function
from runtime_images.cluster.conditions import condition, is_current
from runtime_images.cluster.errors import RefusedError, UnreachableError
from runtime_images.cluster.kinds import EVENT, POD
from runtime_images.cluster.moving import PAUSE_S, is_confirmed, move
from runtime_images.cluster.pods import WARNING, Happening, happenings
from runtime_images.policy.model import Backend

_SETTLES_S = 1.0
"""How long a GPU must be seen to be missing: a pod is unschedulable for a moment while its predecessor goes."""
_BROKEN = ("ErrorConfig", "NotOwned")
_SILENCE = "the cluster has said nothing yet"
_BUSY = (409, 429, 500, 503, 504)


class Wait:
    """The wait for one rollout."""

    def __init__(self, api: Api, rollout: Rollout, timeout_s: float) -> None:
        self._api, self._rollout, self._timeout_s = api, rollout, timeout_s
        self._deployment = rollout.plan.deployment
        self._name, self._namespace = self._deployment.project.name, rollout.standing.namespace
        self._no_gpu_since = 0.0
        backends = rollout.standing.function.backends.values()
        self._stood = {one["metadata"]["name"] for state in backends for one in state.revisions}
        self._known: dict[str, frozenset[str]] = {}
        self._begins = not rollout.standing.function.ready

    async def outcome(self) -> Outcome:
        """Wait until the function serves what was applied.

        Raises:
            ClusterRefused: it does not get ready, or not in time; the message is the pod's own.
        """
        deadline = time.monotonic() + self._timeout_s
        reports: tuple[BackendOutcome, ...] = ()
        state = None
        while time.monotonic() < deadline:
            try:
                state = await read_function(self._api, self._name, self._namespace)
                reports = await self._reports(state)
                if (outcome := await self._look(state, reports)) is not None:
                    return outcome
            except UnreachableError:
                pass  # the API server may be starting again
            except RefusedError as error:
                if error.status not in _BUSY:
                    raise
            await asyncio.sleep(PAUSE_S)
        raise self._late(state, reports)

    async def glance(self) -> Outcome | None:
        """Return the outcome where the function serves already what was applied, without waiting or writing; else None.

        Raises:
            ClusterError: the cluster refuses to show it, or gives no answer.
        """
        state = await read_function(self._api, self._name, self._namespace)
        reports = await self._reports(state)
        if state.route is None or not _is_ready(state.route) or any(self._hinders(one) for one in reports):
            return None
        return outcome_of(state.route, reports) if self._is_served(state.route, reports) else None

    async def _look(self, state: FunctionState, reports: tuple[BackendOutcome, ...]) -> Outcome | None:
        """Do what can be done now, and return the outcome once there is one."""
        for one in reports:
            if one.progress is Progress.FAILED:
                await self._to_traffic(state)
                raise _failed(one)
        if state.route is not None and (error := _broken(state.route)) is not None:
            raise error
        route = await self._to_traffic(state)
        if route is None or not self._is_settled(reports):
            return None
        if not self._is_served(route, reports):
            return None
        if self._deployment.target.visibility != "public" and (open_ := leaves_local(route)):
            raise ClusterRefused(
                f"the function can be reached from outside, at {open_[0]}, though the target asks for "
                f"{self._deployment.target.visibility}",
                "see whether the cluster's ingress knows the label; gaia delete takes the function away",
            )
        if traffic.holder(route).is_gaia:
            await retire(self._api, self._rollout)
        return outcome_of(route, reports)

    def _is_settled(self, reports: tuple[BackendOutcome, ...]) -> bool:
        """Return whether nothing more is to be waited for: all is ready, but for a GPU that nobody has free."""
        by_progress = {one.backend: one.progress for one in reports}
        missing = by_progress.get(Backend.GPU) is Progress.NO_GPU and Backend.CPU in by_progress
        self._no_gpu_since = (self._no_gpu_since or time.monotonic()) if missing else 0.0
        stands = time.monotonic() - self._no_gpu_since >= _SETTLES_S
        needed = [one for backend, one in by_progress.items() if not (missing and stands and backend is Backend.GPU)]
        return all(progress is Progress.READY for progress in needed)

    async def _to_traffic(self, state: FunctionState) -> Object | None:
        """Give the Route the traffic that the ready backends allow; return it once its status says so."""
        route = state.route
        if route is None:
            return None
        split = wanted_split(self._deployment, route, state.ready, begins=self._begins)
        if split is None:
            return route if not traffic.holder(route).is_gaia and _is_ready(route) else None
        targets = traffic.targets(self._name, split)
        if _plain(route["spec"].get("traffic") or ()) != targets:
            await move(self._api, route, targets)
            return None
        return route if is_confirmed(route, targets) else None

    def _is_served(self, route: Object, reports: tuple[BackendOutcome, ...]) -> bool:
        """Return whether the Route's status names the very Revisions that were applied."""
        if not traffic.holder(route).is_gaia:
            return True
        served = {one.get("tag"): one.get("revisionName") for one in (route.get("status") or {}).get("traffic") or ()}
        ready = [one for one in reports if one.progress is Progress.READY]
        return all(served.get(one.backend.value) == one.version for one in ready)

    async def _reports(self, state: FunctionState) -> tuple[BackendOutcome, ...]:
        reports = []
        for backend in self._deployment.backends:
            found = state.backends.get(backend)
            first = report(self._deployment, backend, found, (), [])
            if found is None or not first.version or first.progress is Progress.READY:
                reports.append(first)
                continue
            pods, events, earlier = await self._news(found, first.version)
            reports.append(report(self._deployment, backend, found, pods, events, earlier))
        return tuple(reports)

    async def _news(
        self, state: BackendState, version: str
    ) -> tuple[Sequence[Object], list[Happening], list[Happening]]:
        """Return the pods of a Revision, what happens to it, and what had happened to it before this apply.

        Nothing where this user may not read them. No clock is asked: what is new is what was not there before.
        """
        try:
            pods, _ = await self._api.list(POD, self._namespace, labels={REVISION_LABEL: version})
            events, _ = await self._api.list(EVENT, self._namespace, fields={"type": WARNING})
        except RefusedError:
            return (), [], []
        revision = next((one for one in state.revisions if one["metadata"]["name"] == version), None)
        own = of_this_one(events, revision)
        known = self._known.setdefault(version, written(own) if version in self._stood else frozenset())
        new = [one for one in own if one["metadata"].get("resourceVersion") not in known]
        names = [version]
        return pods, happenings(new, names, names), happenings(own, names, names)

    def _hinders(self, one: BackendOutcome) -> bool:
        """Return whether a backend keeps the function from being ready; without a free GPU the CPU serves."""
        serves_without = one.progress is Progress.NO_GPU and len(self._deployment.backends) > 1
        return one.progress is not Progress.READY and not serves_without

    def _late(self, state: FunctionState | None, reports: tuple[BackendOutcome, ...]) -> ClusterRefused:
        for one in reports:
            if self._hinders(one):
                return _failed(one, f" in {self._timeout_s:g} s")
        said = condition(state.route) if state is not None else None
        known = ": ".join(filter(None, (said.code, said.message))) if said is not None else ""
        return ClusterRefused(
            f"the Route {self._name} did not get ready in {self._timeout_s:g} s: {known or _SILENCE}",
            f"gaia describe {self._name} says more; deploy again to go on, with a longer --timeout",
        )


def outcome_of(route: Object, reports: Sequence[BackendOutcome]) -> Outcome:
    """Return how a deploy has ended, from the Route as it stands."""
    url = str((route.get("status") or {}).get("url") or "")
    return Outcome(url, tuple(reports), traffic.split_of(route, actual=True))


def _failed(one: BackendOutcome, late: str = "") -> ClusterRefused:
    what = f"revision {one.version}" if one.version else f"the {one.backend} backend"
    why = f": {one.message or _SILENCE}"
    still = f"{one.serving} still serves" if one.serving else f"nothing serves on the {one.backend} yet"
    return ClusterRefused(f"{what} did not get ready{late}{why}; {still}", "correct it and deploy again")


def _broken(route: Object) -> ClusterRefused | None:
    """Return what is wrong with a Route that no waiting mends: an address that cannot be, or a name that is taken."""
    said, metadata = condition(route), route["metadata"]
    if said is None or said.status != "False" or said.code not in _BROKEN or not is_current(route):
        return None
    name, namespace = metadata["name"], metadata["namespace"]
    lengths = f"the name {name} has {len(name)} letters, the namespace {namespace} {len(namespace)}"
    return ClusterRefused(
        f"the address of {name} cannot be made: {said.code}: {said.message} ({lengths})",
        "a shorter name or namespace may help: [function] name, -n",
    )


def _is_ready(route: Object) -> bool:
    said = condition(route)
    return said is not None and said.status == "True"


def _plain(targets: Sequence[Object]) -> list[Object]:
    """Return what spec.traffic says, without what the server adds."""
    return [{name: value for name, value in one.items() if value is not None} for one in targets]
