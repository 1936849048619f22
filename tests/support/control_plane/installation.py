"""What is installed on a bare plane: nodes, Knative's definitions and settings."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import httpx2
import yaml

from tests.support.control_plane.build import programs
from tests.support.control_plane.layout import ACTIVATOR, ADDRESSES, KUBELET_PORT, PODS, SYSTEM_NAMESPACE, Layout
from tests.support.control_plane.rest import MERGE, Object, Rest, RestError

GPU = "nvidia.com/gpu"
SHARED_GPUS = 64
"""GPUs that all tests have in common, so many that none is ever short of one."""

_SETTINGS = {
    "config-autoscaler": {"stable-window": "6s", "scale-to-zero-grace-period": "6s", "tick-interval": "1s"},
    "config-leader-election": {"lease-duration": "15s", "renew-deadline": "10s", "retry-period": "2s"},
    "config-domain": {"gaia.test": ""},
}
"""Shorter times than Knative's own, so that tests do not wait for a minute."""


async def install(layout: Layout) -> None:
    """Make nodes and install Knative; ready when its webhook answers."""
    async with Rest(layout.kubeconfig) as rest:
        await asyncio.gather(
            add_node(rest, "node-cpu", {}),
            add_node(rest, "node-gpu", {GPU: SHARED_GPUS}, {"nvidia.com/gpu.product": "Test-GPU"}),
        )
        manifests = {(item["kind"], item["metadata"]["name"]): item for item in _manifests()}
        items = [*manifests.values(), *_stand_ins()]
        for step in range(4):
            due = [item for item in items if _step(item) == step]
            await asyncio.gather(*(rest.apply(_adapted(item)) for item in due))


async def wait_for_webhook(layout: Layout) -> None:
    """Wait until Knative's webhook checks objects."""
    probe = {
        "apiVersion": "serving.knative.dev/v1",
        "kind": "Configuration",
        "metadata": {"name": "probe", "namespace": "default"},
        "spec": {"template": {"spec": {"containers": [{"image": "dev.local/probe"}]}}},
    }
    path = "/apis/serving.knative.dev/v1/namespaces/default/configurations?dryRun=All"
    last: Exception | None = None
    async with Rest(layout.kubeconfig) as rest:
        for _ in range(600):
            try:
                await rest.call("POST", path, probe)
            except (RestError, httpx2.TransportError) as error:
                last = error
                await asyncio.sleep(0.05)
            else:
                return
    raise TimeoutError(f"Knative's webhook does not answer: {last}")


async def add_node(rest: Rest, name: str, resources: dict[str, int], labels: dict[str, str] | None = None) -> None:
    """Add a node, or give it other resources; kwok makes it ready."""
    node: Object = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name, "labels": labels or {}}}
    await rest.apply(node)
    size = {"cpu": "64", "memory": "512Gi", "pods": "4000"} | {key: str(n) for key, n in resources.items()}
    status = {
        "capacity": size,
        "allocatable": size,
        "addresses": [{"type": "InternalIP", "address": ADDRESSES[PODS]}, {"type": "Hostname", "address": name}],
        "daemonEndpoints": {"kubeletEndpoint": {"Port": KUBELET_PORT}},
    }
    await rest.call("PATCH", f"/api/v1/nodes/{name}/status", {"status": status}, MERGE)


def _manifests() -> Iterator[Object]:
    for file in sorted((programs() / "manifests" / "installed").rglob("*.yaml")):
        if "deployments" not in file.parts:
            yield from (item for item in _read(file) if item["kind"] not in ("APIService", "HorizontalPodAutoscaler"))


def _step(item: Object) -> int:
    """Return when an object can be made: after its namespace and its definition, and before what checks it."""
    if item["kind"] in ("Namespace", "CustomResourceDefinition"):
        return 0
    if "webhooks" in item:
        return 3
    return 2 if "knative.dev" in item["apiVersion"] else 1


def _read(file: Path) -> Iterator[Object]:
    yield from (item for item in yaml.safe_load_all(file.read_text()) if item)


def _adapted(item: Object) -> Object:
    for webhook in item.get("webhooks", ()):
        webhook["clientConfig"]["service"]["port"] = 8443
    name = item["metadata"]["name"]
    return item | {"data": _SETTINGS[name]} if name in _SETTINGS else item


def _stand_ins() -> Iterator[Object]:
    # The webhook runs beside the API server: a Service may be `localhost` by name, an address may not be 127.0.0.1.
    yield _service("webhook", {"type": "ExternalName", "externalName": "localhost"})
    ports = [{"name": name, "port": port} for name, port in (("http", 8012), ("http2", 8013), ("https", 8112))]
    yield _service("activator-service", {"ports": ports})
    subset = {"addresses": [{"ip": ADDRESSES[ACTIVATOR]}], "ports": ports}
    yield _service("activator-service", None) | {"kind": "Endpoints", "subsets": [subset]}


def _service(name: str, spec: Object | None) -> Object:
    item = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name, "namespace": SYSTEM_NAMESPACE}}
    return item if spec is None else item | {"spec": spec}
