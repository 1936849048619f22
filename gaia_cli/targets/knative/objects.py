"""The objects that a function is in a cluster: a Configuration for each backend, and one Route. Pure.

The same deployment gives the same objects, so that a second deploy writes nothing. What changes with time, who deployed
and when, is a stamp that the caller takes from what stands there already, as it does the word that retries a dead
revision. Templates and traffic are two applies, by two managers: see `runtime_images/cluster/traffic.py`.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from gaia_cli.targets.knative.pods import cpu_quantity, memory_quantity, pod_spec
from gaia_cli.targets.protocol import Deployment, Stamp
from runtime_images.cluster import words
from runtime_images.cluster.kinds import CONFIGURATION, ROUTE, Kind
from runtime_images.cluster.traffic import targets
from runtime_images.policy.model import Accelerator, Backend

Object = dict[str, Any]

VISIBILITY = "networking.knative.dev/visibility"
_POD_DRY_RUN = "features.knative.dev/podspec-dryrun"
SIDECAR = "queue.sidecar.serving.knative.dev"
SCALING = "autoscaling.knative.dev"
DEADLINE = "serving.knative.dev/progress-deadline"

_DEADLINE_S = 600
"""Knative's own progress deadline: what is shorter gains nothing."""
_FETCHED_PER_S = 10e6
"""Bytes of an image that a slow node fetches and unpacks in a second."""
_LONGEST_ANNOTATION = 128 * 1024
"""Bytes: all annotations of an object together have 256 KiB."""


def objects(
    deployment: Deployment, namespace: str, stamp: Stamp, retries: Mapping[Backend, str] | None = None
) -> list[Object]:
    """Return all objects that the manager of templates applies: Configurations first, then the Route."""
    retried = retries or {}
    made = [configuration(deployment, one, namespace, stamp, retried.get(one, "")) for one in deployment.backends]
    return [*made, route(deployment, namespace, stamp)]


def configuration(deployment: Deployment, backend: Backend, namespace: str, stamp: Stamp, retry: str = "") -> Object:
    """Return the Configuration of a backend; `retry` is the revision that failed for good."""
    name = words.configuration_name(deployment.project.name, backend)
    labels = _labels(deployment, backend.value) | {words.BACKEND: backend.value}
    template = {
        "metadata": {"annotations": _template_annotations(deployment, backend, retry), "labels": labels},
        "spec": pod_spec(deployment, backend),
    }
    made = _object(CONFIGURATION, name, namespace, labels, _marks(deployment, stamp) | {_POD_DRY_RUN: "enabled"})
    return made | {"spec": {"template": template}}


def route(deployment: Deployment, namespace: str, stamp: Stamp) -> Object:
    """Return the Route without its traffic."""
    labels = _labels(deployment, "route")
    if deployment.target.visibility != "public":
        labels[VISIBILITY] = deployment.target.visibility
    annotations = _marks(deployment, stamp) | {words.SETTINGS: deployment.settings.to_json()} | _emulated(deployment)
    if 0 < len(deployment.manifest.encode()) <= _LONGEST_ANNOTATION:
        annotations[words.MANIFEST] = deployment.manifest
    return _object(ROUTE, deployment.project.name, namespace, labels, annotations)


def route_traffic(name: str, namespace: str, split: Mapping[Backend, int]) -> Object:
    """Return what the manager of traffic applies, and nothing else."""
    return {
        "apiVersion": ROUTE.api_version,
        "kind": ROUTE.name,
        "metadata": {
            "name": name,
            "namespace": namespace,
            "annotations": {words.MOVED_BY: words.TRAFFIC_MANAGER},
        },
        "spec": {"traffic": targets(name, split)},
    }


def birth_traffic(objects: Sequence[Mapping[str, Any]]) -> Object:
    """Return the traffic that the new Route among them is born with: all of it to the backend that starts most surely.

    Nobody can make a Route without traffic, nor even ask the server about one.
    """
    backends = {one["metadata"]["labels"].get(words.BACKEND) for one in objects}
    first = Backend.CPU if Backend.CPU in backends else Backend.GPU
    route = next(one["metadata"] for one in objects if one["kind"] == ROUTE.name)
    return route_traffic(route["name"], route["namespace"], {first: 100})


def deadline_s(deployment: Deployment) -> int | None:
    """Return how long a revision may take to get ready, None for Knative's own time.

    What the target says, else the time that a slow node takes for the image, beyond what Knative gives anyway.
    """
    if deployment.target.progress_deadline_s is not None:
        return deployment.target.progress_deadline_s
    fetching_s = (deployment.image_bytes or 0) / _FETCHED_PER_S
    return _DEADLINE_S + 60 * round(fetching_s / 60) if fetching_s > _DEADLINE_S / 2 else None


def _object(kind: Kind, name: str, namespace: str, labels: dict[str, str], annotations: dict[str, str]) -> Object:
    metadata = {"name": name, "namespace": namespace, "labels": labels, "annotations": annotations}
    return {"apiVersion": kind.api_version, "kind": kind.name, "metadata": metadata}


def _labels(deployment: Deployment, component: str) -> dict[str, str]:
    name = deployment.project.name
    return {
        words.FUNCTION: name,
        words.NAME_LABEL: name,
        words.INSTANCE_LABEL: name,
        words.VERSION_LABEL: version_of(deployment.image),
        words.COMPONENT_LABEL: component,
        words.PART_OF_LABEL: name,
        words.MANAGED_BY_LABEL: words.MANAGED_BY,
    }


def version_of(image: str) -> str:
    """Return the first digits of an image's digest, as a label can hold them."""
    return image.rpartition("@sha256:")[2][:12] if "@" in image else "unknown"


def _marks(deployment: Deployment, stamp: Stamp) -> dict[str, str]:
    identity = deployment.identity
    said = {
        words.PROJECT: identity.project,
        words.ORIGIN: stamp.origin,
        words.SOURCES: identity.sources,
        words.DEPLOYED_BY: stamp.by,
        words.DEPLOYED_AT: stamp.at,
    }
    return {name: value for name, value in said.items() if value}


def _emulated(deployment: Deployment) -> dict[str, str]:
    accelerator = deployment.target.accelerator
    return {words.ACCELERATOR: accelerator.value} if accelerator is Accelerator.EMULATED else {}


def _template_annotations(deployment: Deployment, backend: Backend, retry: str) -> dict[str, str]:
    """Return what Knative reads from a template. A lowest number of pods is kept where a function begins only.

    A backend in reserve would hold its GPUs for nothing; it is warmed before it gets traffic.
    """
    target = deployment.target
    lowest = target.min_scale if backend is deployment.mode.initial_backend else 0
    deadline, processors, memory = deadline_s(deployment), cpu_quantity(target.sidecar_cpus), target.sidecar_memory
    said: dict[str, object] = {
        f"{SCALING}/min-scale": lowest or None,
        f"{SCALING}/max-scale": target.max_scale or None,
        f"{SCALING}/initial-scale": target.initial_scale,
        DEADLINE: f"{deadline}s" if deadline else None,
        f"{SIDECAR}/cpu-resource-limit": processors or None,
        f"{SIDECAR}/cpu-resource-request": processors or None,
        f"{SIDECAR}/memory-resource-limit": memory_quantity(memory) or None,
        f"{SIDECAR}/memory-resource-request": memory_quantity(memory) or None,
        words.RETRY: retry or None,
    }
    own = {name: str(value) for name, value in said.items() if value is not None}
    return own | _emulated(deployment) if backend is Backend.GPU else own
