"""All checks of a deployment on one cluster, in the order in which a person would look."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from gaia_cli.project.targets import TargetSettings
from gaia_cli.targets.checks import Check, State, failed
from gaia_cli.targets.failures import explained
from gaia_cli.targets.knative.preflight.capacity import check_gpus
from gaia_cli.targets.knative.preflight.dry_runs import DryRun, Key, dry_runs
from gaia_cli.targets.knative.preflight.needs import check_claims, check_dry_runs, check_rights, check_secrets
from gaia_cli.targets.knative.preflight.planned import planned_pods
from gaia_cli.targets.knative.preflight.platform import (
    check_features,
    check_knative,
    check_namespace,
    check_pod_security,
)  # fmt: skip
from gaia_cli.targets.knative.preflight.quotas import check_limit_ranges, check_quotas
from gaia_cli.targets.knative.preflight.reading import Facts, read_facts, read_serving_kinds, read_version
from runtime_images.cluster.api import Api, Object
from runtime_images.cluster.errors import RefusedError, UnreachableError
from runtime_images.cluster.words import FUNCTION
from runtime_images.policy.model import Backend


@dataclass(frozen=True, slots=True)
class Preflight:
    """What came out of every check, and what the server would make of every object, as far as it was asked."""

    checks: tuple[Check, ...]
    dry_runs: tuple[DryRun, ...] = ()


async def preflight(
    api: Api,
    plan_objects: Sequence[Object],
    target: TargetSettings,
    stands: Mapping[Key, Object] | None = None,
    *,
    take_over: bool = False,
) -> Preflight:
    """Check everything. Whether new pods fit is asked only for what would get a new revision.

    `stands` is what the caller has read already; None where it is still to be read.

    Raises:
        AccessError: the credentials cannot be used.
        ClusterError: the connection fails on the way.
    """
    try:
        kubernetes = await read_version(api)
    except (UnreachableError, RefusedError) as error:
        return Preflight((failed("reachable", explained(error, api.access)),))
    reachable = Check("reachable", State.OK, f"{api.access.server} answers: Kubernetes {kubernetes}")
    kinds = await read_serving_kinds(api)
    if not kinds:
        return Preflight((reachable, check_knative(Facts(kubernetes, kinds))))
    needs_gpus = any(target.gpu_resource in str(one.get("spec")) for one in plan_objects)
    facts = await read_facts(api, plan_objects, kubernetes=kubernetes, kinds=kinds, needs_gpus=needs_gpus)
    facts = replace(facts, dry_runs=await dry_runs(api, plan_objects, stands, take_over=take_over))
    return Preflight((reachable, *decide(facts, plan_objects, target, api.access.namespace)), facts.dry_runs)


def decide(
    facts: Facts, plan_objects: Sequence[Mapping[str, Any]], target: TargetSettings, namespace: str
) -> list[Check]:
    """Return the checks of what was read. Pure."""
    pods = planned_pods(plan_objects, _data(facts.deployment), _data(facts.defaults))
    changed = {run.sent["metadata"]["name"] for run in facts.dry_runs if run.makes_pods}
    new = [pod for pod in pods if pod.configuration in changed]
    labels = [one["metadata"].get("labels") or {} for one in plan_objects]
    function = next((said[FUNCTION] for said in labels if FUNCTION in said), "")
    return [
        check_knative(facts),
        check_namespace(facts, namespace),
        *check_rights(facts, namespace),
        check_pod_security(facts, pods),
        *check_features(facts, pods),
        *check_gpus(facts, new, target, function, has_cpu=any(pod.backend == Backend.CPU for pod in pods)),
        *check_quotas(facts, new),
        *check_limit_ranges(facts, new),
        *check_secrets(facts, pods),
        *check_claims(facts),
        *check_dry_runs(facts),
    ]


def _data(found: object) -> Mapping[str, str]:
    return found.get("data") or {} if isinstance(found, dict) else {}
