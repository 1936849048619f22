"""What the server would make of each object of a plan, pods included: asked once, and carried to all who decide on it.

The checks judge the refusals, the plan shows what would be other, and the apply sends the same.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from gaia_cli.targets.knative.objects import birth_traffic
from runtime_images.cluster.api import Api, Object
from runtime_images.cluster.errors import RefusedError
from runtime_images.cluster.kinds import ROUTE, kind_of
from runtime_images.cluster.words import TEMPLATE_MANAGER, TRAFFIC_MANAGER

Key = tuple[str, str]
"""Kind and name of an object."""


@dataclass(frozen=True, slots=True)
class DryRun:
    """One object of a plan: what stands, None for nothing, what is sent, and what the server says would stand.

    `held` are the fields that somebody else has set: with those it cannot be sent unforced, and `would` is what force
    would do. `would` is None where the server refuses it.
    """

    sent: Object
    live: Object | None
    force: bool = False
    would: Object | None = None
    held: tuple[str, ...] = ()
    refusal: RefusedError | None = None

    @property
    def name(self) -> str:
        """The object for people."""
        return f"{self.sent['kind']} {self.sent['metadata']['name']}"

    @property
    def makes_pods(self) -> bool:
        """Whether applying it would change what it asks for: a Configuration then gets a new Revision."""
        if self.live is None or self.would is None:
            return True
        return bool(self.would["metadata"].get("generation") != self.live["metadata"].get("generation"))


async def dry_runs(
    api: Api, objects: Sequence[Object], stands: Mapping[Key, Object] | None, *, take_over: bool
) -> tuple[DryRun, ...]:
    """Ask the server about all objects at once; what stands is read here only where the caller has not (None)."""
    runs = (_dry_run(api, one, objects, stands, take_over=take_over) for one in objects)
    return tuple(await asyncio.gather(*runs))


def is_gaias_alone(object_: Object) -> bool:
    """Return whether only Gaia's own managers hold anything of an object: one may take from the other unasked.

    The controller retries a dead Revision by an annotation of the template, as a deploy does.
    """
    entries = object_["metadata"].get("managedFields") or ()
    managers = {one.get("manager") for one in entries if one.get("subresource") != "status"}
    return managers <= {TEMPLATE_MANAGER, TRAFFIC_MANAGER}


async def _dry_run(
    api: Api, sent: Object, objects: Sequence[Object], stands: Mapping[Key, Object] | None, *, take_over: bool
) -> DryRun:
    run, name = DryRun(sent, None), sent["metadata"]["name"]
    try:
        if stands is None:
            live = await api.get(kind_of(sent["apiVersion"], sent["kind"]), name, sent["metadata"]["namespace"])
        else:
            live = stands.get((sent["kind"], name))
        run = replace(run, live=live, force=take_over or (live is not None and is_gaias_alone(live)))
        is_born = live is None and sent["kind"] == ROUTE.name
        return await _asked(api, run, sent | {"spec": birth_traffic(objects)["spec"]} if is_born else sent)
    except RefusedError as error:
        return replace(run, refusal=error)


async def _asked(api: Api, run: DryRun, asked: Object) -> DryRun:
    try:
        return replace(run, would=await api.apply(asked, TEMPLATE_MANAGER, force=run.force, dry_run=True))
    except RefusedError as error:
        if run.force or not error.is_conflict:
            raise
        held = tuple(f"{cause.field} ({cause.message})" for cause in error.causes) or (error.message,)
        return replace(run, would=await api.apply(asked, TEMPLATE_MANAGER, force=True, dry_run=True), held=held)
