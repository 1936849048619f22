"""Knative as a target of `gaia deploy`: each step with a connection of its own, since a person may think in between."""

from dataclasses import dataclass, field, replace

from gaia_cli.targets.knative.connection import run
from gaia_cli.targets.knative.rollout.applying import apply_rollout
from gaia_cli.targets.knative.rollout.changes import difference
from gaia_cli.targets.knative.rollout.ownership import check_owners
from gaia_cli.targets.knative.rollout.planning import Rollout, adopted, plan_rollout
from gaia_cli.targets.knative.rollout.standing import settled
from gaia_cli.targets.knative.rollout.waiting import Wait
from gaia_cli.targets.protocol import Deployment, Outcome, Plan, Stamp
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
            standing, waited = await settled(api, name, namespace, deployment.backends, self.timeout_s)
            check_owners(standing, adopted(deployment, standing).identity, take_over=self.take_over)
            self._waited = waited

        run(self.access, work)

    def plan(self, deployment: Deployment) -> Plan:
        """Return what an apply would do.

        Raises:
            ClusterRefused: something is in the way, or the server refuses an object.
        """

        async def work(api: Api) -> Rollout:
            return await plan_rollout(api, deployment, self.stamp, self.timeout_s, take_over=self.take_over)

        self._rollout = run(self.access, work)
        if self._waited:
            plan = self._rollout.plan
            self._rollout = replace(self._rollout, plan=replace(plan, notes=(_WAITED, *plan.notes)))
        return self._rollout.plan

    def difference(self) -> str:
        """Return what the plan changes, as a unified diff."""
        return "".join(difference(step.live, step.would) for step in self._planned().steps)

    def apply(self, *, wait: bool) -> Outcome | None:
        """Do what was planned; with `wait` until it serves, and return how it ended.

        Raises:
            ClusterRefused: the cluster said no, or the function did not get ready.
        """
        rollout = self._planned()

        async def work(api: Api) -> Outcome | None:
            await apply_rollout(api, rollout)
            return await Wait(api, rollout, self.timeout_s).outcome() if wait else None

        return run(self.access, work)

    def _planned(self) -> Rollout:
        assert self._rollout is not None, "plan first"
        return self._rollout
