"""Whether a GPU can come free at all: some node must know the resource, and let the pods in. Pure.

A GPU that is taken may come free, and a node that is down may come back: that is worth waiting for. What no node has
ever heard of is a slip in its name, or a cluster without GPUs, and no waiting mends it. The one exception cannot be
seen from the nodes: a cluster that starts them when a pod asks. So a target says that, `gpus_from_zero`.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from gaia_cli.project.targets import TargetSettings
from gaia_cli.targets.checks import Check, State
from gaia_cli.targets.knative.preflight.fitting import closing_taints, is_chosen

GPU_NODES = "gpu nodes"
"""The name of the check: where it fails, a deploy of what serves on a GPU only ends before anything is written."""
_OF_KUBERNETES = "kubernetes.io/"
"""In the domain of a taint: it tells of a state, such as not-ready, and goes with it."""
_MOST_NAMES = 5


def check_nodes(nodes: Sequence[Mapping[str, Any]], spec: Mapping[str, Any], target: TargetSettings) -> Check | None:
    """Return why no node will ever serve pods of `spec`, None where one may."""
    resource = target.gpu_resource
    having = [node for node in nodes if resource in _resources(node)]
    if target.gpus_from_zero or any(_may_let_in(node, spec) for node in having):
        return None
    if not having:
        message = f"no node knows {resource}, so that nothing would ever serve"
        return Check(GPU_NODES, State.FAILED, message, _instead(nodes))
    names = ", ".join(sorted(node["metadata"]["name"] for node in having)[:_MOST_NAMES])
    taints = sorted({taint["key"] for node in having for taint in closing_taints(node, spec)})
    if taints:
        message, key = f"by the taint {', '.join(taints)}", "tolerations"
    else:
        message, key = "since they are none that node_selector and affinity choose", "node_selector or affinity"
    hint = f"correct {key} of the target; where the cluster starts such nodes itself, write gpus_from_zero = true"
    return Check(GPU_NODES, State.FAILED, f"the nodes with {resource} ({names}) keep its pods away, {message}", hint)


def _may_let_in(node: Mapping[str, Any], spec: Mapping[str, Any]) -> bool:
    lasting = [taint for taint in closing_taints(node, spec) if _OF_KUBERNETES not in taint["key"]]
    return not lasting and is_chosen(node, spec)


def _resources(node: Mapping[str, Any]) -> set[str]:
    """Return the names of what a node has, or had: what a device plugin has lost stands there with 0."""
    status = node.get("status") or {}
    return {*(status.get("allocatable") or {}), *(status.get("capacity") or {})}


def _instead(nodes: Sequence[Mapping[str, Any]]) -> str:
    named = {name for node in nodes for name in _resources(node) if "/" in name and _OF_KUBERNETES not in name}
    others = sorted(named)[:_MOST_NAMES]
    there = f'gpu_resource = "{others[0]}"' if others else 'accelerator = "emulated", to try it without a GPU'
    known = f"the nodes have {', '.join(others)}: " if others else ""
    return f"{known}write {there}; where the cluster starts such nodes itself, write gpus_from_zero = true"
