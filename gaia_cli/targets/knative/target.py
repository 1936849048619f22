"""Knative as a target of `gaia deploy`: each step with a connection of its own, since a person may think in between."""

from dataclasses import dataclass, field, replace

from gaia_cli.targets.knative.connection import run
from gaia_cli.targets.knative.gitops import complete_objects
from gaia_cli.targets.knative.objects import Object
from gaia_cli.targets.knative.rollout.applying import apply_rollout
from gaia_cli.targets.knative.rollout.changes import difference
from gaia_cli.targets.knative.rollout.ownership import check_owners
from gaia_cli.targets.knative.rollout.planning import (
    Rollout,
    adopted,
    check_holders,
    held_by_others,
    plan_rollout,
)
from gaia_cli.targets.knative.rollout.standing import settled
from gaia_cli.targets.knative.rollout.waiting import Wait
from gaia_cli.targets.protocol import Deployment, Difference, Outcome, Plan, Stamp
from runtime_images.cluster.access import Access
from runtime_images.cluster.api import Api

_WAITED = "the old objects were being deleted; they are gone now, and are made anew"


@dataclass(slots=True)
class KnativeDeployment:
    """One deployment on its way to one cluster."""

    access: Access
    stamp: Stamp
    timeout_s: float
    take_over: bool = False
    _waited: bool = field(default=False, init=False)
    _rollout: Rollout | None = field(default=None, init=False)

    def check(self, deployment: Deployment) -> None:
        """See that the names are free or the function's own, before anything costly is done.

        Raises:
            ClusterRefused: they are not, or what stands there is being deleted and not gone in time.
        """

        async def work(api: Api) -> None:
            name, namespace = deployment.project.name, self.access.namespace
            standing = await settled(api, name, namespace, deployment.backends, self.timeout_s)
            check_owners(standing, adopted(deployment, standing).identity, take_over=self.take_over)
            self._waited = standing.was_leaving

        run(self.access, work)

    def plan(self, deployment: Deployment) -> Plan:
        """Return what an apply would do.

        Raises:
            ClusterRefused: something is in the way, or the server refuses an object.
        """
        rollout = self._asked(deployment)
        check_holders(rollout.steps)
        if self._waited or rollout.standing.was_leaving:
            rollout = replace(rollout, plan=replace(rollout.plan, notes=(_WAITED, *rollout.plan.notes)))
        self._rollout = rollout
        return rollout.plan

    def difference(self, deployment: Deployment) -> Difference:
        """Return what a deploy would change, as a unified diff, and what somebody else has set by hand.

        Raises:
            ClusterRefused: as for `plan`, but for fields that somebody else holds: those are shown.
        """
        rollout = self._asked(deployment)
        patch = "".join(difference(step.live, step.would) for step in rollout.steps)
        return Difference(patch, tuple(held_by_others(rollout)))

    def files(self, deployment: Deployment) -> list[Object]:
        """Return the objects as they are made where nothing stands."""
        return complete_objects(deployment, self.access.namespace)

    def apply(self, *, wait: bool) -> Outcome | None:
        """Do what was planned; with `wait` until it serves. Return how it ended, None while it does not serve yet.

        Raises:
            ClusterRefused: the cluster said no, or the function did not get ready.
        """
        assert self._rollout is not None, "plan first"
        rollout = self._rollout

        async def work(api: Api) -> Outcome | None:
            await apply_rollout(api, rollout)
            waiting = Wait(api, rollout, self.timeout_s)
            if wait:
                return await waiting.outcome()
            # What has changed a moment ago cannot be ready; what has not changed may well be.
            return await waiting.glance() if rollout.plan.is_empty else None

        return run(self.access, work)

    def _asked(self, deployment: Deployment) -> Rollout:
        async def work(api: Api) -> Rollout:
            return await plan_rollout(api, deployment, self.stamp, self.timeout_s, take_over=self.take_over)

        return run(self.access, work)
