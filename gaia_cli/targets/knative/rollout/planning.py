"""What a deploy would do, asked of the server before anything is written.

Everything that stands under the function's names is read, its owners are checked, and the preflight sends every object
as a dry run that includes the pod. What comes back is compared with what stands; where nothing is other, nothing will
be written, not even who deployed and when.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from gaia_cli.errors import ClusterRefused
from gaia_cli.targets.checks import Check, State, require
from gaia_cli.targets.knative.objects import DEADLINE, objects
from gaia_cli.targets.knative.preflight.capacity import GPUS
from gaia_cli.targets.knative.preflight.dry_runs import DryRun
from gaia_cli.targets.knative.preflight.run import preflight
from gaia_cli.targets.knative.rollout.changes import change_of, makes_revision, same
from gaia_cli.targets.knative.rollout.ownership import check_owners, same_project, standing_identity
from gaia_cli.targets.knative.rollout.revisions import is_dead, retry_word, superseded
from gaia_cli.targets.knative.rollout.standing import Standing, settled
from gaia_cli.targets.protocol import Change, Deployment, Effect, Place, Plan, Stamp
from runtime_images.cluster import traffic, words
from runtime_images.cluster.api import Api, Object
from runtime_images.cluster.errors import RefusedError
from runtime_images.cluster.kinds import ROUTE


@dataclass(frozen=True, slots=True)
class Step:
    """One object: what stands, what is sent, and what the server says would stand. `live` is None for a new one.

    `held` are the fields that somebody else has set: with those it cannot be sent, and `would` is what force would do.
    """

    live: Object | None
    sent: Object
    would: Object
    force: bool
    held: tuple[str, ...] = ()

    @property
    def changes(self) -> bool:
        """Whether sending it writes anything."""
        return self.live is None or not same(self.live, self.would)


@dataclass(frozen=True, slots=True)
class Rollout:
    """A plan with everything that applying it needs. `retired` are Configurations of backends that the mode lost."""

    plan: Plan
    standing: Standing
    steps: tuple[Step, ...]
    superseded: tuple[Object, ...]
    retired: tuple[Object, ...]


async def plan_rollout(api: Api, deployment: Deployment, stamp: Stamp, timeout_s: float, *, take_over: bool) -> Rollout:
    """Ask the cluster what deploying would do; `stamp` is who deploys, and when.

    Raises:
        ClusterRefused: something that belongs to somebody else is in the way, or is not gone in time; or a check fails.
    """
    name, namespace = deployment.project.name, api.access.namespace
    standing = await settled(api, name, namespace, deployment.backends, timeout_s)
    deployment = _with_standing_deadline(adopted(deployment, standing), standing)
    taken = check_owners(standing, deployment.identity, take_over=take_over)
    retries = {backend: retry_word(standing.function.backends.get(backend)) for backend in deployment.backends}
    wanted = objects(deployment, namespace, stamp, retries)
    stands = {(one["kind"], one["metadata"]["name"]): one for one in standing.own()}
    found = await preflight(api, wanted, deployment.target, stands, take_over=take_over)
    require([one for one in found.checks if one.name != GPUS])
    steps = tuple(_steps(found.dry_runs))
    dead = _superseded(standing, steps)
    retired = tuple(
        state.configuration
        for backend, state in standing.function.backends.items()
        if backend not in deployment.backends
    )
    changes = (*_changes(steps, standing), *_removals(dead, retired))
    notes = [f"takes over: {one}" for one in taken]
    notes += _traffic_notes(standing, deployment)
    notes += await _relatives(api, standing, deployment)
    notes += [f"unknown, since this user may not: {one}" for one in standing.unknown]
    notes += [_told(one) for one in found.checks if one.state is State.UNKNOWN or one.name == GPUS]
    access = api.access
    place = Place(access.context, access.server, namespace, access.user)
    plan = Plan(deployment, place, changes, tuple(step.sent for step in steps), tuple(filter(None, notes)))
    return Rollout(plan, standing, steps, dead, retired)


def _told(check: Check) -> str:
    """Return a check as a note. GPUs that are not free now are no reason to write nothing: a node may be on its way."""
    if check.state is State.SKIPPED:
        return ""
    unknown = "unknown: " if check.state is State.UNKNOWN else ""
    return f"{unknown}{check.message}" + (f" ({check.hint})" if check.hint else "")


def adopted(deployment: Deployment, standing: Standing) -> Deployment:
    """Return the deployment under the identity that stands there, where its sources say that it is the same."""
    identity = deployment.identity
    project, sources = standing_identity(standing)
    if project and sources == identity.sources:
        return replace(deployment, identity=replace(identity, project=project))
    return deployment


def _with_standing_deadline(deployment: Deployment, standing: Standing) -> Deployment:
    """Keep the time that an image was given, where its size cannot be asked from here: another were a new Revision."""
    if deployment.image_bytes is not None or deployment.target.progress_deadline_s is not None:
        return deployment
    for state in standing.function.backends.values():
        template = state.configuration["spec"]["template"]
        said = (template["metadata"].get("annotations") or {}).get(DEADLINE, "").removesuffix("s")
        if said.isdecimal() and template["spec"]["containers"][0].get("image") == deployment.image:
            return replace(deployment, target=replace(deployment.target, progress_deadline_s=int(said)))
    return deployment


def _steps(runs: Iterable[DryRun]) -> Iterator[Step]:
    for run in runs:
        assert run.would is not None, "what the server refuses has failed its check"
        yield Step(run.live, run.sent, run.would, run.force, run.held)


def check_holders(steps: Sequence[Step]) -> None:
    """Check that nobody else holds a field that an apply would set.

    Raises:
        ClusterRefused: somebody does.
    """
    for step in steps:
        if step.held:
            raise ClusterRefused(_held(step), "take them out of the object, or overwrite them: --take-over")


def held_by_others(rollout: Rollout) -> list[str]:
    """Return what of the function somebody else has set, a sentence for each object, and for the traffic."""
    return [*(_held(step) for step in rollout.steps if step.held), *_traffic_held(rollout.standing)]


def _held(step: Step) -> str:
    sent = step.sent
    return f"{sent['kind']} {sent['metadata']['name']} has fields that somebody else has set: {'; '.join(step.held)}"


def _changes(steps: tuple[Step, ...], standing: Standing) -> list[Change]:
    changes = []
    for step in steps:
        change = change_of(step.live, step.would)
        state = next((one for one in standing.function.backends.values() if one.configuration is step.live), None)
        if state is not None and change.effect is Effect.CHANGE and is_dead(state.awaited):
            name = state.awaited["metadata"]["name"] if state.awaited else ""
            why = f"revision {name} failed for good, a new one is tried"
            change = Change(Effect.RETRY, change.what, (why, *change.details))
        changes.append(change)
    return changes


def _superseded(standing: Standing, steps: tuple[Step, ...]) -> tuple[Object, ...]:
    found: list[Object] = []
    for state in standing.function.backends.values():
        step = next((one for one in steps if one.live is state.configuration), None)
        is_replaced = step is not None and makes_revision(step.live, step.would)
        found += superseded(state, standing.route, is_replaced=is_replaced)
    return tuple(found)


def _removals(dead: tuple[Object, ...], retired: tuple[Object, ...]) -> list[Change]:
    never = [
        Change(Effect.REMOVE, f"Revision {one['metadata']['name']}", ("never got ready, and is superseded",))
        for one in dead
    ]
    gone = [
        Change(Effect.REMOVE, f"Configuration {one['metadata']['name']}", ("the mode has no such backend any more",))
        for one in retired
    ]
    return [*never, *gone]


def _traffic_notes(standing: Standing, deployment: Deployment) -> list[str]:
    route = standing.route
    pinned = ((route or {}).get("metadata", {}).get("annotations") or {}).get(words.PIN, "")
    until = "until gaia unpin"
    if pinned and pinned not in deployment.backends:
        until = f"which mode {deployment.mode} has not: of no use, gaia unpin takes it away"
    return [*_traffic_held(standing), *([f"pinned to {pinned} {until}"] if pinned else [])]


async def _relatives(api: Api, standing: Standing, deployment: Deployment) -> list[str]:
    """Return what to say where a new function's project stands there under another name: it may have been renamed."""
    if standing.route is not None:
        return []
    try:
        routes, _ = await api.list(ROUTE, standing.namespace, labels={words.MANAGED_BY_LABEL: words.MANAGED_BY})
    except RefusedError:  # it would only be good to know
        return []
    names = same_project(routes, deployment.identity)
    return [f"{one} is of the same project, and stays; if it was renamed: gaia delete {one}" for one in names]


def _traffic_held(standing: Standing) -> list[str]:
    holder = traffic.holder(standing.route) if standing.route is not None else None
    if holder is None or holder.is_gaia:
        return []
    return [f"the traffic stays as {holder.manager} has set it at {holder.since}; gaia unpin takes it back"]
