"""The writes of a deploy, in an order in which each half is a state that the next deploy completes.

Configurations first: they disturb nothing, since a Route follows them only to Revisions that are ready. Then the Route,
born with its traffic, as the manager that will move it. What nobody needs any more goes last, each by its uid.
"""

from collections.abc import Sequence
from functools import partial

from gaia_cli.errors import ClusterRefused
from gaia_cli.targets.knative.objects import birth_traffic
from gaia_cli.targets.knative.rollout.changes import makes_revision
from gaia_cli.targets.knative.rollout.planning import Rollout, Step
from runtime_images.cluster import traffic, words
from runtime_images.cluster.api import Api, Object
from runtime_images.cluster.backends import CONFIGURATION_LABEL
from runtime_images.cluster.conditions import is_current
from runtime_images.cluster.errors import RefusedError
from runtime_images.cluster.kinds import CONFIGURATION, REVISION, ROUTE, Kind
from runtime_images.cluster.moving import is_stale, move, until
from runtime_images.policy.model import Backend

_NEW = {"resourceVersion": "1"}
"""An apply with a version is refused where an object stands that has another, and makes one where none stands."""
_OBSERVED_S = 5.0


async def apply_rollout(api: Api, rollout: Rollout) -> None:
    """Write what the plan says, and nothing where nothing is other.

    Raises:
        ClusterRefused: somebody has made an object of the same name in the meantime.
        RefusedError: the server refuses a write.
    """
    for step in rollout.steps:
        if step.live is None and step.sent["kind"] == ROUTE.name:
            await _bear(api, rollout, step.sent)
        elif step.changes:
            await _apply(api, step)
    leaving = [*rollout.superseded, *(await _released(api, rollout))]
    await _take_away(api, leaving, rollout.standing.namespace)


async def _apply(api: Api, step: Step) -> Object:
    """Apply one object: a new one only where there is none, an old one only that very one."""
    condition = _NEW if step.live is None else {"uid": step.live["metadata"]["uid"]}
    return await _written(api, _with(step.sent, condition), words.TEMPLATE_MANAGER, force=step.force)


async def _bear(api: Api, rollout: Rollout, sent: Object) -> None:
    """Make the Route: nobody can make one without traffic, and the traffic has a manager of its own.

    It carries the mark of its owner from the first write on. The third write leaves the marks to the deploy's manager.
    """
    birth = birth_traffic(rollout.plan.objects)
    born = await _written(api, _with(sent | {"spec": birth["spec"]}, _NEW), words.TRAFFIC_MANAGER)
    uid = {"uid": born["metadata"]["uid"]}
    await _written(api, _with(sent, uid), words.TEMPLATE_MANAGER)
    await _written(api, _with(birth, uid), words.TRAFFIC_MANAGER)


async def _written(api: Api, sent: Object, manager: str, *, force: bool = False) -> Object:
    try:
        return await api.apply(sent, manager, force=force)
    except RefusedError as error:
        if is_stale(error):
            what = f"{sent['kind']} {sent['metadata']['name']}"
            raise ClusterRefused(f"{what} was made or replaced by somebody else just now", "deploy again") from None
        raise


def _with(sent: Object, condition: Object) -> Object:
    return sent | {"metadata": {**sent["metadata"], **condition}}


async def _released(api: Api, rollout: Rollout) -> list[Object]:
    """Return the Revision that is to let go of its GPU for the new one, which needs it; its traffic goes to the CPU.

    Where there is no CPU to go to, nothing serves until the new one is ready: `release = "first"` says that this is
    meant.
    """
    state = rollout.standing.function.backends.get(Backend.GPU)
    step = next((one for one in rollout.steps if state and one.live is state.configuration), None)
    if not rollout.plan.deployment.target.release_first or state is None or state.serving is None:
        return []
    if step is None or not makes_revision(step.live, step.would):
        return []
    route, name = rollout.standing.route, rollout.plan.deployment.project.name
    if route is not None and traffic.holder(route).is_gaia and Backend.CPU in rollout.standing.function.ready:
        await move(api, route, traffic.targets(name, {Backend.CPU: 100}))
    return [state.serving]


async def retire(api: Api, rollout: Rollout) -> None:
    """Delete the Configurations of backends that the mode no longer has; they must be out of the traffic."""
    for configuration in rollout.retired:
        await _delete(api, CONFIGURATION, configuration)


async def _take_away(api: Api, revisions: Sequence[Object], namespace: str) -> None:
    """Delete Revisions that nobody needs any more.

    Only once their Configuration is seen to have a newer one: until then it would make the old one again.
    """
    labels = [one["metadata"].get("labels") or {} for one in revisions]
    for name in sorted({one[CONFIGURATION_LABEL] for one in labels if CONFIGURATION_LABEL in one}):
        await until(partial(api.get, CONFIGURATION, name, namespace), is_current, _OBSERVED_S)
    for revision in revisions:
        await _delete(api, REVISION, revision)


async def _delete(api: Api, kind: Kind, object_: Object) -> None:
    metadata = object_["metadata"]
    await api.delete(kind, metadata["name"], metadata["namespace"], uid=metadata["uid"])
