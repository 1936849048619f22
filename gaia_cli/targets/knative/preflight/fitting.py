"""Where a pod may go, as far as that is simply said: selectors, required affinity, taints, closed nodes. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any

from gaia_cli.targets.knative.preflight.quantities import quantity

_CLOSING = ("NoSchedule", "NoExecute")


def is_open(node: Mapping[str, Any], spec: Mapping[str, Any]) -> bool:
    """Return whether a pod of `spec` may be placed on a node now."""
    ready = next(
        (one["status"] for one in (node.get("status") or {}).get("conditions") or () if one["type"] == "Ready"), "True"
    )
    is_up = ready == "True" and not (node.get("spec") or {}).get("unschedulable")
    return is_up and not closing_taints(node, spec) and is_chosen(node, spec)


def is_chosen(node: Mapping[str, Any], spec: Mapping[str, Any]) -> bool:
    """Return whether the pod's node selector and its required affinity take a node."""
    labels = node["metadata"].get("labels") or {}
    selector = (spec.get("nodeSelector") or {}).items()
    return all(labels.get(name) == value for name, value in selector) and _is_wanted(labels, spec.get("affinity") or {})


def closing_taints(node: Mapping[str, Any], spec: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the taints of a node that keep the pod away."""
    taints, tolerations = (node.get("spec") or {}).get("taints") or (), spec.get("tolerations") or ()
    return [one for one in taints if one["effect"] in _CLOSING and not _is_tolerated(one, tolerations)]


def _is_tolerated(taint: Mapping[str, Any], tolerations: Sequence[Mapping[str, Any]]) -> bool:
    return any(
        one.get("effect") in (None, "", taint["effect"])
        and (
            (not one.get("key") and one.get("operator") == "Exists")
            or (
                one.get("key") == taint["key"]
                and (one.get("operator") == "Exists" or one.get("value", "") == taint.get("value", ""))
            )
        )
        for one in tolerations
    )


def _is_wanted(labels: Mapping[str, str], affinity: Mapping[str, Any]) -> bool:
    required = (affinity.get("nodeAffinity") or {}).get("requiredDuringSchedulingIgnoredDuringExecution") or {}
    terms = required.get("nodeSelectorTerms") or ()
    return not terms or any(all(_holds(labels, one) for one in term.get("matchExpressions") or ()) for term in terms)


def _holds(labels: Mapping[str, str], expression: Mapping[str, Any]) -> bool:
    value, values = labels.get(expression["key"]), expression.get("values") or ()
    match expression.get("operator"):
        case "In":
            return value in values
        case "NotIn":
            return value not in values
        case "Exists":
            return value is not None
        case "DoesNotExist":
            return value is None
        case "Gt" | "Lt" if value is not None and values:
            return (
                quantity(value) > quantity(values[0])
                if expression["operator"] == "Gt"
                else quantity(value) < quantity(values[0])
            )
    return True
