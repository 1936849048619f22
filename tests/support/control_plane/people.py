"""Who asks: kubeconfigs for a test's own namespace, for users with few rights, for users with a certificate."""

import json
from pathlib import Path

from tests.support.control_plane import pki
from tests.support.control_plane.layout import Layout
from tests.support.control_plane.objects import Objects
from tests.support.control_plane.rest import Object, parts

Rule = Object
"""One rule of a Role: apiGroups, resources, verbs."""

_RBAC = "rbac.authorization.k8s.io"


def write_kubeconfig(path: Path, cluster: Object, user: Object, namespace: str, context: str = "test") -> Path:
    """Write a kubeconfig with one context."""
    said = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": context,
        "clusters": [{"name": "cluster", "cluster": cluster}],
        "users": [{"name": "user", "user": user}],
        "contexts": [{"name": context, "context": {"cluster": "cluster", "user": "user", "namespace": namespace}}],
    }
    path.write_text(json.dumps(said, indent=1))
    return path


def in_namespace(kubeconfig: Path, namespace: str, path: Path) -> Path:
    """Write the same access again, with another namespace as its own."""
    return write_kubeconfig(path, *parts(kubeconfig), namespace)


def with_rules(
    objects: Objects,
    kubeconfig: Path,
    rules: list[Rule],
    path: Path,
    *,
    name: str = "someone",
    everywhere: bool = False,
) -> Path:
    """Make an account that may do what `rules` say, in one namespace or `everywhere`; return its kubeconfig."""
    namespace = objects.namespace
    objects.apply({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name}})
    if rules:
        kind, full = ("ClusterRole", f"{namespace}-{name}") if everywhere else ("Role", name)
        metadata = {"name": full}
        objects.apply({"apiVersion": f"{_RBAC}/v1", "kind": kind, "metadata": dict(metadata), "rules": rules})
        objects.apply(
            {
                "apiVersion": f"{_RBAC}/v1",
                "kind": f"{kind}Binding",
                "metadata": dict(metadata),
                "roleRef": {"apiGroup": _RBAC, "kind": kind, "name": full},
                "subjects": [{"kind": "ServiceAccount", "name": name, "namespace": namespace}],
            }
        )
    return write_kubeconfig(path, parts(kubeconfig)[0], {"token": token(objects, name)}, namespace)


def token(objects: Objects, account: str) -> str:
    """Return a token of an account of the namespace."""
    asked = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"expirationSeconds": 3600}}
    path = f"/api/v1/namespaces/{objects.namespace}/serviceaccounts/{account}/token"
    said: str = objects.call("POST", path, asked)["status"]["token"]
    return said


def with_certificate(layout: Layout, user: str, group: str, namespace: str, path: Path) -> Path:
    """Write the kubeconfig of a user whom the plane knows by a certificate; group system:masters may do everything."""
    certificate, key = pki.client_certificate(layout, user, group)
    cluster = parts(layout.kubeconfig)[0]
    return write_kubeconfig(path, cluster, {"client-certificate": str(certificate), "client-key": str(key)}, namespace)
