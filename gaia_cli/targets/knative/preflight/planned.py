"""The pods that a plan would start, read from its objects. Pure.

Beside the function's container runs Knative's queue-proxy: what it asks for counts as well, and is said by annotations
of the template, else by Knative's own settings.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from gaia_cli.targets.knative.objects import SCALING, SIDECAR
from gaia_cli.targets.knative.preflight.quantities import Sizes, sizes
from runtime_images.cluster.kinds import CONFIGURATION
from runtime_images.cluster.words import BACKEND

QUEUE_PROXY = "queue-proxy"
_SIDECAR_CPU = "25m"
"""What queue-proxy asks for where nothing is said."""


@dataclass(frozen=True, slots=True)
class Container:
    """What a container asks for and may use."""

    name: str
    requests: Sizes = field(default_factory=dict)
    limits: Sizes = field(default_factory=dict)

    @property
    def words(self) -> str:
        """The container for people."""
        return "Knative's queue-proxy" if self.name == QUEUE_PROXY else "the function's container"


@dataclass(frozen=True, slots=True)
class PlannedPod:
    """The pods of one Configuration: `count` of them start at once."""

    configuration: str
    backend: str
    spec: Mapping[str, Any]
    annotations: Mapping[str, str]
    containers: tuple[Container, ...]
    count: int = 1


def planned_pods(
    objects: Sequence[Mapping[str, Any]],
    deployment: Mapping[str, str] | None = None,
    defaults: Mapping[str, str] | None = None,
) -> list[PlannedPod]:
    """Return the pods of each Configuration; what the plan does not say, config-deployment and config-defaults say."""
    return [_planned(one, deployment or {}, defaults or {}) for one in objects if one["kind"] == CONFIGURATION.name]


def with_defaults(container: Container, limits: Mapping[str, Decimal], requests: Mapping[str, Decimal]) -> Container:
    """Return the container as the API server completes it: a request is its limit, else what a limit range gives."""
    own = {**container.limits, **container.requests}
    whole = {**limits, **container.limits}
    return replace(container, limits=whole, requests={**requests, **own})


def _planned(one: Mapping[str, Any], deployment: Mapping[str, str], defaults: Mapping[str, str]) -> PlannedPod:
    template = one["spec"]["template"]
    metadata = template.get("metadata") or {}
    annotations = metadata.get("annotations") or {}
    spec = template.get("spec") or {}
    own = [_container(each, defaults) for each in spec.get("containers") or ()]
    counts = [_number(annotations.get(f"{SCALING}/{name}")) for name in ("initial-scale", "min-scale")]
    return PlannedPod(
        configuration=one["metadata"]["name"],
        backend=(one["metadata"].get("labels") or {}).get(BACKEND, ""),
        spec=spec,
        annotations=annotations,
        containers=(*own, _queue_proxy(annotations, deployment)),
        count=max(1, *counts),
    )


def _container(each: Mapping[str, Any], defaults: Mapping[str, str]) -> Container:
    resources = each.get("resources") or {}
    given = {"limits": {}, "requests": {}}  # type: dict[str, dict[str, str]]
    for kind, into in (("limit", given["limits"]), ("request", given["requests"])):
        for resource in ("cpu", "memory", "ephemeral-storage"):
            if value := defaults.get(f"revision-{resource}-{kind}"):
                into[resource] = value
    limits = given["limits"] | (resources.get("limits") or {})
    requests = given["requests"] | (resources.get("requests") or {})
    return Container(each.get("name") or "user-container", sizes(requests), sizes(limits))


def _queue_proxy(annotations: Mapping[str, str], deployment: Mapping[str, str]) -> Container:
    said: dict[str, dict[str, str]] = {"request": {}, "limit": {}}
    for kind, into in said.items():
        for resource in ("cpu", "memory", "ephemeral-storage"):
            value = annotations.get(f"{SIDECAR}/{resource}-resource-{kind}")
            value = value or deployment.get(f"queue-sidecar-{resource}-{kind}")
            if value:
                into[resource] = value
    return Container(QUEUE_PROXY, sizes({"cpu": _SIDECAR_CPU} | said["request"]), sizes(said["limit"]))


def _number(written: object) -> int:
    text = str(written)
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else 0
