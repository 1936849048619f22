"""What goes wrong in a cluster, made to happen: GPUs that are few or lost, pods that fail, switches that are off."""

import time

from runtime_images.cluster.kinds import CONFIG_MAP, NODE, POD
from tests.support.control_plane.layout import SYSTEM_NAMESPACE
from tests.support.control_plane.objects import WAIT_S, Objects
from tests.support.control_plane.rest import Object, RestError

GPU_NODE = "node-gpu"


class Gpus:
    """GPUs of a resource name that only this test uses: `resource`, to be named in a target as its gpu_resource."""

    def __init__(self, objects: Objects) -> None:
        self.resource = f"{objects.namespace}.gaia.test/gpu"
        self._objects = objects

    def set(self, count: int) -> None:
        """Let the GPU node have so many."""
        number = str(count) if count else None
        patch = {"status": {"capacity": {self.resource: number}, "allocatable": {self.resource: number}}}
        self._objects.merge(NODE, GPU_NODE, patch, part="status")

    def lose(self, *, gracefully: bool = False) -> None:
        """Take the GPUs away, and the pods that use them, as when a node loses its device.

        What a pod has under way is lost with it, unless it may end `gracefully`.
        """
        self.set(0)
        for pod in self._objects.all(POD):
            if self._uses(pod):
                self._objects.delete(POD, pod["metadata"]["name"], grace_s=None if gracefully else 0)

    def taken(self) -> int:
        """How many of them pods hold."""
        return sum(self._uses(pod) for pod in self._objects.all(POD) if pod["spec"].get("nodeName"))

    def take(self, count: int = 1, name: str = "other") -> None:
        """Take GPUs for a pod of somebody else."""
        limits = {"limits": {self.resource: str(count)}}
        container = {"name": "other", "image": "dev.local/other", "resources": limits}
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": {"containers": [container]}}
        self._objects.apply(pod)
        self._objects.until(POD, name, lambda found: found["status"].get("phase") == "Running")

    def _uses(self, pod: Object) -> int:
        limits = [container.get("resources", {}).get("limits", {}) for container in pod["spec"]["containers"]]
        return sum(int(one.get(self.resource, 0)) for one in limits)


def fail_pod(objects: Objects, name: str, reason: str = "Error", message: str = "the function has failed") -> None:
    """Let a played pod that runs say that its first container has failed and waits to be started again."""
    status = objects.until(POD, name, lambda pod: pod["status"].get("containerStatuses"))["status"]
    last = {"exitCode": 1, "reason": reason, "message": message}
    first, *others = status["containerStatuses"]
    failed = first | {"ready": False, "started": False, "restartCount": 1, "lastState": {"terminated": last}}
    failed["state"] = {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 10s restarting failed container"}}
    conditions = [
        condition | {"status": "False"} if condition["type"] in ("Ready", "ContainersReady") else condition
        for condition in status["conditions"]
    ]
    status = {"containerStatuses": [failed, *others], "conditions": conditions}
    objects.merge(POD, name, {"status": status}, part="status")


_PROBES: dict[str, Object] = {
    "kubernetes.podspec-nodeselector": {"nodeSelector": {"disk": "fast"}},
    "kubernetes.podspec-tolerations": {"tolerations": [{"key": "gpu", "operator": "Exists"}]},
    "kubernetes.podspec-affinity": {"affinity": {"nodeAffinity": {}}},
    "kubernetes.podspec-runtimeclassname": {"runtimeClassName": "nvidia"},
    "kubernetes.podspec-persistent-volume-claim": {
        "volumes": [{"name": "models", "persistentVolumeClaim": {"claimName": "models", "readOnly": True}}]
    },
}
"""For each flag what the webhook takes only while it is on: so one sees that it has heard of a change."""


class Features:
    """The feature flags of Knative, which hold for the whole cluster."""

    def __init__(self, objects: Objects) -> None:
        self._objects = objects
        self._changed: set[str] = set()

    def set(self, flag: str, value: str = "enabled") -> None:
        """Set a flag, such as kubernetes.podspec-nodeselector, and wait until Knative goes by it."""
        self._changed.add(flag)
        self._write(flag, value)

    def restore(self) -> None:
        """Set back all flags to Knative's own values."""
        for flag in self._changed:
            self._write(flag, None)

    def _write(self, flag: str, value: str | None) -> None:
        self._objects.merge(CONFIG_MAP, "config-features", {"data": {flag: value}}, SYSTEM_NAMESPACE)
        deadline = time.monotonic() + WAIT_S
        while flag in _PROBES and self._is_on(flag) != (value == "enabled"):
            assert time.monotonic() < deadline, f"Knative goes on as if {flag} had not been set to {value}"
            time.sleep(0.05)

    def _is_on(self, flag: str) -> bool:
        container: Object = {"image": "dev.local/probe"}
        if "volumes" in _PROBES[flag]:
            container["volumeMounts"] = [{"name": "models", "mountPath": "/models", "readOnly": True}]
        probe = {
            "apiVersion": "serving.knative.dev/v1",
            "kind": "Configuration",
            "metadata": {"name": "probe"},
            "spec": {"template": {"spec": {"containers": [container], **_PROBES[flag]}}},
        }
        try:
            self._objects.call("POST", f"{self._configurations}?dryRun=All", probe)
        except RestError:
            return False
        return True

    @property
    def _configurations(self) -> str:
        return f"/apis/serving.knative.dev/v1/namespaces/{self._objects.namespace}/configurations"
