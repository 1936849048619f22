"""The objects that the controller is in a cluster, and exactly the rights that it needs. Pure.

It reads functions, writes the traffic of Routes, asks for pods, has a dead revision made anew, and writes Events: in
one namespace by a Role, in all of them by a ClusterRole. Its Lease is in its own namespace always. It sees no secret.
"""

from typing import Any

from gaia_cli.targets.knative.pods import USER
from runtime_images.cluster import words
from runtime_images.cluster.kinds import (
    CLUSTER_ROLE,
    CLUSTER_ROLE_BINDING,
    DEPLOYMENT,
    EVERYWHERE,
    LEASE,
    ROLE,
    ROLE_BINDING,
    SERVICE_ACCOUNT,
    Kind,
)
from runtime_images.cluster.words import CONTROLLER_PORT, HEALTH_PATH, READY_PATH

Object = dict[str, Any]
Rule = dict[str, list[str]]

NAME = "gaia-controller"
_READ = ["get", "list", "watch"]

FUNCTION_RULES: tuple[Rule, ...] = (
    {
        "apiGroups": ["serving.knative.dev"],
        "resources": ["configurations", "revisions", "routes"],
        "verbs": [*_READ, "patch"],
    },
    {
        "apiGroups": ["autoscaling.internal.knative.dev"],
        "resources": ["podautoscalers"],
        "verbs": [*_READ, "patch"],
    },
    {"apiGroups": [""], "resources": ["pods"], "verbs": _READ},
    {"apiGroups": [""], "resources": ["events"], "verbs": ["get", "create"]},
)
"""What the controller may do in the namespaces whose functions it serves."""
LEASE_RULES: tuple[Rule, ...] = (
    {"apiGroups": ["coordination.k8s.io"], "resources": ["leases"], "verbs": ["create"]},
    {
        "apiGroups": ["coordination.k8s.io"],
        "resources": ["leases"],
        "resourceNames": [NAME],
        "verbs": ["get", "update"],
    },
)
"""What it may do in its own namespace, to be the only one: a right to create cannot be given for one name."""


def controller_objects(namespace: str, image: str, *, cluster_wide: bool) -> list[Object]:
    """Return what an install applies, in the order in which it is applied."""
    subject = [{"kind": SERVICE_ACCOUNT.name, "name": NAME, "namespace": namespace}]
    everywhere = cluster_name(namespace)
    if cluster_wide:
        role = _object(CLUSTER_ROLE, everywhere) | {"rules": list(FUNCTION_RULES)}
        binding = _object(CLUSTER_ROLE_BINDING, everywhere) | _binds(CLUSTER_ROLE, everywhere, subject)
        own = [*LEASE_RULES]
    else:
        own = [*FUNCTION_RULES, *LEASE_RULES]
    return [
        _object(SERVICE_ACCOUNT, NAME, namespace),
        *([role, binding] if cluster_wide else []),
        _object(ROLE, NAME, namespace) | {"rules": own},
        _object(ROLE_BINDING, NAME, namespace) | _binds(ROLE, NAME, subject),
        _deployment(namespace, image, cluster_wide=cluster_wide),
    ]


def removable(namespace: str) -> list[tuple[Kind, str]]:
    """Return what an uninstall takes away where it is the controller's, the Deployment first."""
    everywhere = cluster_name(namespace)
    return [
        (DEPLOYMENT, NAME),
        (CLUSTER_ROLE_BINDING, everywhere),
        (CLUSTER_ROLE, everywhere),
        (ROLE_BINDING, NAME),
        (ROLE, NAME),
        (SERVICE_ACCOUNT, NAME),
        (LEASE, NAME),
    ]


def cluster_name(namespace: str) -> str:
    """Return the name of what belongs to no namespace: two installs must not share it."""
    return f"{NAME}-{namespace}"


def is_own(object_: Object) -> bool:
    """Return whether an object is of an install, by its labels; a Lease, which the controller makes, is by its name."""
    labels = object_["metadata"].get("labels") or {}
    is_labelled = (labels.get(words.NAME_LABEL), labels.get(words.MANAGED_BY_LABEL)) == (NAME, words.MANAGED_BY)
    return is_labelled or object_["kind"] == LEASE.name


def _object(kind: Kind, name: str, namespace: str = "") -> Object:
    metadata: Object = {"name": name, "labels": _LABELS} | ({"namespace": namespace} if namespace else {})
    return {"apiVersion": kind.api_version, "kind": kind.name, "metadata": metadata}


_LABELS = {
    words.NAME_LABEL: NAME,
    words.COMPONENT_LABEL: "controller",
    words.PART_OF_LABEL: "gaia",
    words.MANAGED_BY_LABEL: words.MANAGED_BY,
}


def _binds(role: Kind, name: str, subjects: list[Object]) -> Object:
    return {"roleRef": {"apiGroup": role.group, "kind": role.name, "name": name}, "subjects": subjects}


def _deployment(namespace: str, image: str, *, cluster_wide: bool) -> Object:
    chosen = {words.NAME_LABEL: NAME}
    annotations = {"prometheus.io/scrape": "true", "prometheus.io/port": str(CONTROLLER_PORT)}
    pod = {
        "serviceAccountName": NAME,
        "terminationGracePeriodSeconds": 30,
        "securityContext": {"runAsNonRoot": True, "runAsUser": USER, "seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [_container(namespace, image, cluster_wide=cluster_wide)],
    }
    return _object(DEPLOYMENT, NAME, namespace) | {
        "spec": {
            "replicas": 1,
            "selector": {"matchLabels": chosen},
            "template": {"metadata": {"labels": _LABELS, "annotations": annotations}, "spec": pod},
        }
    }


def _container(namespace: str, image: str, *, cluster_wide: bool) -> Object:
    return {
        "name": "controller",
        "image": image,
        "env": [
            {"name": "GAIA_NAMESPACE", "value": EVERYWHERE if cluster_wide else namespace},
            {"name": "GAIA_CONTROLLER_PORT", "value": str(CONTROLLER_PORT)},
            {"name": "GAIA_POD", "valueFrom": {"fieldRef": {"fieldPath": "metadata.uid"}}},
        ],
        "ports": [{"name": "metrics", "containerPort": CONTROLLER_PORT}],
        "livenessProbe": {"httpGet": {"path": HEALTH_PATH, "port": CONTROLLER_PORT}, "periodSeconds": 10},
        "readinessProbe": {"httpGet": {"path": READY_PATH, "port": CONTROLLER_PORT}, "periodSeconds": 2},
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "resources": {"requests": {"cpu": "50m", "memory": "128Mi"}, "limits": {"memory": "256Mi"}},
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "readOnlyRootFilesystem": True,
        },
    }
