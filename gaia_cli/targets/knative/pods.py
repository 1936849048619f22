"""The pod of a backend: what Gaia asks of a container, as JSON. Pure.

The runtime serves one backend in a pod, pinned: the Route decides between pods. A pod that asks for no GPU must not see
one either, which it does where the node's default runtime is NVIDIA's and the image says so. Where pods may go is said
for those that need a GPU; where none does, it is said for all.
"""

import math
import re
from typing import Any

from gaia_cli.images.plan import PORT
from gaia_cli.project.environment import merged
from gaia_cli.project.targets import TargetSettings
from gaia_cli.targets.protocol import Deployment
from runtime_images.cluster.pods import METRICS_PORT
from runtime_images.policy.model import Accelerator, Backend

USER = 65532
"""The user of every image that Gaia builds; Pod Security wants a number."""
_CACHE = "model-cache"
_BLIND = {"CUDA_VISIBLE_DEVICES": "", "NVIDIA_VISIBLE_DEVICES": "void"}


def asks_for_gpu(deployment: Deployment, backend: Backend) -> bool:
    """Return whether the pods of a backend ask the cluster for a GPU."""
    return deployment.uses_gpus and backend is Backend.GPU


def pod_spec(deployment: Deployment, backend: Backend) -> dict[str, Any]:
    """Return the spec of a revision's template; the same deployment gives the same value, in the same order."""
    target = deployment.target
    spec: dict[str, Any] = {
        "automountServiceAccountToken": False,
        "containerConcurrency": target.concurrency,
        "containers": [_container(deployment, backend)],
        "timeoutSeconds": target.request_timeout_s or math.ceil(deployment.project.request_timeout_s),
    }
    if target.pull_secret:
        spec["imagePullSecrets"] = [{"name": target.pull_secret}]
    if target.model_cache:
        spec["volumes"] = [{"name": _CACHE, "persistentVolumeClaim": {"claimName": target.model_cache.claim}}]
    if asks_for_gpu(deployment, backend) or not deployment.uses_gpus:
        spec |= _placement(target)
    return spec


def _placement(target: TargetSettings) -> dict[str, Any]:
    said: dict[str, Any] = {
        "nodeSelector": dict(sorted(target.node_selector.items())),
        "affinity": dict(target.affinity),
        "tolerations": [dict(one) for one in target.tolerations],
        "runtimeClassName": target.runtime_class,
    }
    return {name: value for name, value in said.items() if value}


def _container(deployment: Deployment, backend: Backend) -> dict[str, Any]:
    container: dict[str, Any] = {
        "image": deployment.image,
        "ports": [{"containerPort": PORT}],
        "env": environment(deployment, backend),
        "resources": _resources(deployment, backend),
        "readinessProbe": {"httpGet": {"path": "/health/readiness"}},
        "livenessProbe": {"httpGet": {"path": "/health/liveness"}},
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "runAsNonRoot": True,
            **({"runAsUser": USER} if deployment.sets_user else {}),
            "seccompProfile": {"type": "RuntimeDefault"},
        },
    }
    if cache := deployment.target.model_cache:
        container["volumeMounts"] = [{"name": _CACHE, "mountPath": cache.path}]
    return container


def environment(deployment: Deployment, backend: Backend) -> list[dict[str, Any]]:
    """Return the variables of a backend's container, each name once, sorted: another order were another revision."""
    target = deployment.target
    plain = merged(deployment.project.env, target.env, target.secrets) | _own(deployment, backend)
    secrets = {name: one for name, one in target.secrets.items() if name not in plain}
    entries: list[dict[str, Any]] = [
        {"name": name} | ({"value": as_written(value)} if value else {}) for name, value in plain.items()
    ]
    entries += [
        {"name": name, "valueFrom": {"secretKeyRef": {"name": one.secret, "key": one.key}}}
        for name, one in secrets.items()
    ]
    return sorted(entries, key=lambda entry: str(entry["name"]))


def as_written(value: str) -> str:
    """Return a variable's value so that the process sees it as it stands: Kubernetes reads $(NAME) and $$ in it."""
    return value.replace("$", "$$") if "$$" in value or "$(" in value else value


def _own(deployment: Deployment, backend: Backend) -> dict[str, str]:
    accelerator = deployment.target.accelerator if backend is Backend.GPU else Accelerator.NONE
    own = {
        "GAIA_MODE": backend.value,
        "GAIA_ACCELERATOR": accelerator.value,
        "GAIA_METRICS_PORT": str(METRICS_PORT),
        "LISTEN_ADDRESS": "0.0.0.0",  # noqa: S104 -- in a pod; the Route decides who reaches it
    }
    if timeout_s := deployment.target.request_timeout_s:
        own["GAIA_REQUEST_TIMEOUT_S"] = str(timeout_s)
    return own if asks_for_gpu(deployment, backend) else own | _BLIND


def _resources(deployment: Deployment, backend: Backend) -> dict[str, Any]:
    target = deployment.target
    limits = {"cpu": cpu_quantity(target.cpus), "memory": memory_quantity(target.memory)}
    asked = {"cpu": cpu_quantity(target.cpus_request), "memory": memory_quantity(target.memory_request)}
    requests = {name: asked[name] or limit for name, limit in limits.items()}
    if asks_for_gpu(deployment, backend):
        limits[target.gpu_resource] = str(target.gpus)
    said = {"limits": limits, "requests": requests}
    stated = {name: {one: value for one, value in sizes.items() if value} for name, sizes in said.items()}
    return {name: sizes for name, sizes in stated.items() if sizes}


def cpu_quantity(cpus: float | None) -> str:
    """Return a number of processors as the API writes it: whole, or in thousandths."""
    if cpus is None:
        return ""
    thousandths = max(1, round(cpus * 1000))
    return f"{thousandths}m" if thousandths % 1000 else str(thousandths // 1000)


def memory_quantity(memory: str) -> str:
    """Return a size in the API's spelling; Docker's, which gaia.toml has in the end, means powers of 1024, too."""
    match = re.fullmatch(r"(\d+)([kmg])", memory)
    return f"{match[1]}{match[2].upper()}i" if match else memory
