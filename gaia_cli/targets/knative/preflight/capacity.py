"""Which GPUs are free now: what nodes may give, less what pods that are placed there have asked for. Pure.

A pod needs all of its GPUs on one node, so that the largest rest counts and not the sum. Nodes where the pod may not go
are left out as far as that is simply said: selectors, required affinity to nodes, taints, nodes that are closed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from gaia_cli.project.targets import TargetSettings
from gaia_cli.targets.checks import Check, State
from gaia_cli.targets.knative.preflight.fitting import is_open
from gaia_cli.targets.knative.preflight.gpu_nodes import check_nodes
from gaia_cli.targets.knative.preflight.planned import PlannedPod
from gaia_cli.targets.knative.preflight.quantities import quantity
from gaia_cli.targets.knative.preflight.reading import Facts, Unreadable
from runtime_images.cluster.words import FUNCTION

GPUS = "gpus"
"""The name of the check: a deploy says what came out, and goes on, since GPUs may come with a node or go free."""
_OVER = ("Succeeded", "Failed")


@dataclass(frozen=True, slots=True)
class Room:
    """What the nodes where a pod may go have of a resource: in all, free, and free on one of them."""

    total: int = 0
    free: int = 0
    largest: int = 0
    largest_node: int = 0
    """What the largest node has in all: more than that never fits."""


def check_gpus(
    facts: Facts, pods: Sequence[PlannedPod], target: TargetSettings, function: str, *, has_cpu: bool
) -> list[Check]:
    """Check that the GPUs are free that new pods ask for; a function that `has_cpu` pods, too, begins without them."""
    asking = [pod for pod in pods if _asked(pod, target.gpu_resource)]
    if not asking:
        return [Check(GPUS, State.SKIPPED, "no new pod asks for a GPU")]
    return [_check(facts, pod, target, function, has_cpu=has_cpu) for pod in asking]


def room(
    nodes: Sequence[Mapping[str, Any]],
    pods: Sequence[Mapping[str, Any]],
    spec: Mapping[str, Any],
    resource: str,
    ignored: str = "",
) -> Room:
    """Return the room for pods of `spec`; what pods of the function `ignored` hold counts as free."""
    taken: dict[str, Decimal] = {}
    for pod in pods:
        labels = pod["metadata"].get("labels") or {}
        if pod["status"].get("phase") not in _OVER and not (ignored and labels.get(FUNCTION) == ignored):
            node = pod["spec"].get("nodeName") or ""
            taken[node] = taken.get(node, Decimal(0)) + _requested(pod["spec"], resource)
    has = {
        node["metadata"]["name"]: quantity((node.get("status") or {}).get("allocatable", {}).get(resource, 0))
        for node in nodes
        if is_open(node, spec)
    }
    free = {name: max(Decimal(0), amount - taken.get(name, Decimal(0))) for name, amount in has.items()}
    return Room(
        total=int(sum(has.values())),
        free=int(sum(free.values())),
        largest=int(max(free.values(), default=0)),
        largest_node=int(max(has.values(), default=0)),
    )


def _check(facts: Facts, pod: PlannedPod, target: TargetSettings, function: str, *, has_cpu: bool) -> Check:
    for source in (facts.nodes, facts.pods):
        if isinstance(source, Unreadable):
            return Check(GPUS, State.UNKNOWN, f"free {target.gpu_resource}: this user {source.words}")
    assert not isinstance(facts.nodes, Unreadable) and not isinstance(facts.pods, Unreadable)  # noqa: PT018 -- for mypy
    resource, asked = target.gpu_resource, _asked(pod, target.gpu_resource)
    there = room(facts.nodes, facts.pods, pod.spec, resource, function if target.release_first else "")
    message = f"{pod.configuration} asks for {asked} {resource}; {there.free} of {there.total} are free"
    if there.largest >= asked:
        return Check(GPUS, State.OK, message)
    if there.total == 0 and _hands_out_claims(facts, resource):
        return Check(GPUS, State.UNKNOWN, f"{resource} is handed out by DRA, which no node's allocatable shows")
    if not has_cpu and (impossible := check_nodes(facts.nodes, pod.spec, target)) is not None:
        return impossible
    message += f", and at most {there.largest} on one node where its pods may go"
    if has_cpu:
        return Check(GPUS, State.OK, f"{message}: the CPU serves until one is free", _advice(there, asked, resource))
    if target.gpus_from_zero and there.largest_node < asked:
        return Check(GPUS, State.OK, f"{message}: the cluster must start a node first", "give it time: --timeout 15m")
    return Check(GPUS, State.FAILED, f"{message}: nothing serves until one is free", _advice(there, asked, resource))


def _advice(there: Room, asked: int, resource: str) -> str:
    if there.largest_node < asked:
        return f"no node that its pods may go to has so many {resource}: lower gpus, or change gpu_resource"
    return 'wait until one is free, lower gpus, or let the old revision go first: release = "first"'


def _hands_out_claims(facts: Facts, resource: str) -> bool:
    classes = facts.device_classes
    return not isinstance(classes, Unreadable) and any(
        (one.get("spec") or {}).get("extendedResourceName") == resource for one in classes
    )


def _asked(pod: PlannedPod, resource: str) -> int:
    return int(_requested(pod.spec, resource))


def _requested(spec: Mapping[str, Any], resource: str) -> Decimal:
    """Return what a pod asks for: the sum of its containers, or what one that runs before them needs, if more."""
    own = sum((_of(one, resource) for one in spec.get("containers") or ()), Decimal(0))
    return max(own, *(_of(one, resource) for one in spec.get("initContainers") or ()), Decimal(0))


def _of(container: Mapping[str, Any], resource: str) -> Decimal:
    resources = container.get("resources") or {}
    for part in ("requests", "limits"):
        if value := (resources.get(part) or {}).get(resource):
            return quantity(value)
    return Decimal(0)
