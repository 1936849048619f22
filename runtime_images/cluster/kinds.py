"""The kinds of objects that Gaia reads or writes, and where the API has them."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of object; `group` is empty for the core API."""

    group: str
    version: str
    name: str
    plural: str
    namespaced: bool = True

    @property
    def api_version(self) -> str:
        """What stands as apiVersion in an object."""
        return f"{self.group}/{self.version}" if self.group else self.version


_SERVING, _RBAC = "serving.knative.dev", "rbac.authorization.k8s.io"

CONFIGURATION = Kind(_SERVING, "v1", "Configuration", "configurations")
ROUTE = Kind(_SERVING, "v1", "Route", "routes")
REVISION = Kind(_SERVING, "v1", "Revision", "revisions")
KNATIVE_SERVICE = Kind(_SERVING, "v1", "Service", "services")
POD_AUTOSCALER = Kind("autoscaling.internal.knative.dev", "v1alpha1", "PodAutoscaler", "podautoscalers")
POD = Kind("", "v1", "Pod", "pods")
EVENT = Kind("", "v1", "Event", "events")
NODE = Kind("", "v1", "Node", "nodes", namespaced=False)
NAMESPACE = Kind("", "v1", "Namespace", "namespaces", namespaced=False)
SERVICE = Kind("", "v1", "Service", "services")
SECRET = Kind("", "v1", "Secret", "secrets")
CONFIG_MAP = Kind("", "v1", "ConfigMap", "configmaps")
RESOURCE_QUOTA = Kind("", "v1", "ResourceQuota", "resourcequotas")
LIMIT_RANGE = Kind("", "v1", "LimitRange", "limitranges")
CLAIM = Kind("", "v1", "PersistentVolumeClaim", "persistentvolumeclaims")
DEVICE_CLASS = Kind("resource.k8s.io", "v1", "DeviceClass", "deviceclasses", namespaced=False)
SERVICE_ACCOUNT = Kind("", "v1", "ServiceAccount", "serviceaccounts")
DEPLOYMENT = Kind("apps", "v1", "Deployment", "deployments")
LEASE = Kind("coordination.k8s.io", "v1", "Lease", "leases")
ROLE = Kind(_RBAC, "v1", "Role", "roles")
ROLE_BINDING = Kind(_RBAC, "v1", "RoleBinding", "rolebindings")
CLUSTER_ROLE = Kind(_RBAC, "v1", "ClusterRole", "clusterroles", namespaced=False)
CLUSTER_ROLE_BINDING = Kind(_RBAC, "v1", "ClusterRoleBinding", "clusterrolebindings", namespaced=False)
ACCESS_REVIEW = Kind(
    "authorization.k8s.io", "v1", "SelfSubjectAccessReview", "selfsubjectaccessreviews", namespaced=False
)

EVERYWHERE = "*"
"""The namespace that stands for all of them."""

_KINDS = {(kind.api_version, kind.name): kind for kind in list(globals().values()) if isinstance(kind, Kind)}


def kind_of(api_version: str, name: str) -> Kind:
    """Return the kind of an object from its own words.

    Raises:
        KeyError: Gaia knows no such kind.
    """
    return _KINDS[api_version, name]
