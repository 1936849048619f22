"""All checks of a deployment on one cluster, in the order in which a person would look."""

from collections.abc import Mapping, Sequence
from typing import Any

from gaia_cli.project.targets import TargetSettings
from gaia_cli.targets.checks import Check, State
from runtime_images.cluster.api import Api


async def preflight(api: Api, plan_objects: Sequence[Mapping[str, Any]], target: TargetSettings) -> list[Check]:
    """Return what came out of every check; `plan_objects` are those that the deploy would create or change.

    Raises:
        ClusterError: the API server cannot be reached, or does not take the credentials.
    """
    await api.read("/version")
    return [Check("reachable", State.OK, f"{api.access.server} answers; {len(plan_objects)} objects for {target.name}")]
