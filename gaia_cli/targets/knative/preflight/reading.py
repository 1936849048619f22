"""What a deploy must know of a cluster, asked all at once; what this user may not read comes as `Unreadable`."""

import asyncio
import json
from collections.abc import Awaitable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from gaia_cli.targets.knative.preflight.dry_runs import DryRun
from runtime_images.cluster.api import Api, Object
from runtime_images.cluster.errors import RefusedError
from runtime_images.cluster.kinds import (
    ACCESS_REVIEW,
    CLAIM,
    CONFIG_MAP,
    CONFIGURATION,
    DEVICE_CLASS,
    EVENT,
    EVERYWHERE,
    LIMIT_RANGE,
    NAMESPACE,
    NODE,
    POD,
    RESOURCE_QUOTA,
    REVISION,
    ROUTE,
    SECRET,
    Kind,
)  # fmt: skip
from runtime_images.cluster.words import TEMPLATE_MANAGER

KNATIVE_NAMESPACE = "knative-serving"
_Value = TypeVar("_Value")


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Something that this user may not read: the right that would tell."""

    verb: str
    resource: str
    namespace: str = ""

    @property
    def words(self) -> str:
        """The right that is missing, for people."""
        return f"may not {self.verb} {self.resource}" + (f" in namespace {self.namespace}" if self.namespace else "")


@dataclass(frozen=True, slots=True)
class Right:
    """One thing that a deploy does: a verb on a kind, or on a part of it."""

    verb: str
    kind: Kind
    part: str = ""

    @property
    def resource(self) -> str:
        """The resource as a Role names it."""
        return f"{self.kind.plural}/{self.part}" if self.part else self.kind.plural


RIGHTS = (
    *(Right(verb, kind) for kind in (CONFIGURATION, ROUTE) for verb in ("get", "list", "create", "patch", "delete")),
    *(Right(verb, REVISION) for verb in ("get", "list", "delete")),
)
"""What a deploy cannot do without."""

HELPFUL_RIGHTS = (Right("list", POD), Right("get", POD, "log"), Right("list", EVENT))
"""What tells why a backend does not get ready; without them the cluster's words are fewer."""


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything that was read. A setting of Knative's is its data; None is what does not exist."""

    kubernetes: str
    serving_kinds: frozenset[str]
    namespace: Object | Unreadable | None = None
    features: Object | Unreadable | None = None
    autoscaler: Object | Unreadable | None = None
    deployment: Object | Unreadable | None = None
    defaults: Object | Unreadable | None = None
    quotas: list[Object] | Unreadable = field(default_factory=list)
    limit_ranges: list[Object] | Unreadable = field(default_factory=list)
    nodes: list[Object] | Unreadable = field(default_factory=list)
    pods: list[Object] | Unreadable = field(default_factory=list)
    device_classes: list[Object] | Unreadable = field(default_factory=list)
    rights: Mapping[Right, bool | None] = field(default_factory=dict)
    secrets: Mapping[str, Object | Unreadable | None] = field(default_factory=dict)
    claims: Mapping[str, Object | Unreadable | None] = field(default_factory=dict)
    dry_runs: tuple[DryRun, ...] = ()


async def read_version(api: Api) -> str:
    """Return the version of Kubernetes.

    Raises:
        ClusterError: the API server cannot be reached, or does not take the credentials.
    """
    said = json.loads(await api.read("/version"))
    return str(said.get("gitVersion", "of an unknown version"))


async def read_serving_kinds(api: Api) -> frozenset[str]:
    """Return the kinds of Knative Serving that the cluster has, none where it has no Knative; anybody may ask."""
    try:
        said = json.loads(await api.read(f"/apis/{ROUTE.api_version}"))
    except RefusedError as error:
        if error.status == 404:
            return frozenset()
        raise
    return frozenset(item["kind"] for item in said.get("resources") or ())


async def read_facts(
    api: Api, objects: Sequence[Mapping[str, Any]], *, kubernetes: str, kinds: frozenset[str], needs_gpus: bool
) -> Facts:
    """Ask for everything that the checks decide on but the dry runs, at once."""
    here = api.access.namespace
    secrets, claims = referred(objects)
    settings = ("config-features", "config-autoscaler", "config-deployment", "config-defaults")
    namespace, features, autoscaler, deployment, defaults = await asyncio.gather(
        _got(api, NAMESPACE, here), *(_got(api, CONFIG_MAP, name, KNATIVE_NAMESPACE) for name in settings)
    )
    quotas, ranges, rights = await asyncio.gather(
        _listed(api, RESOURCE_QUOTA, here), _listed(api, LIMIT_RANGE, here), _rights(api)
    )
    nodes, pods, classes = await _devices(api) if needs_gpus else ([], [], [])
    return Facts(
        kubernetes=kubernetes,
        serving_kinds=kinds,
        namespace=namespace,
        features=features,
        autoscaler=autoscaler,
        deployment=deployment,
        defaults=defaults,
        quotas=quotas,
        limit_ranges=ranges,
        nodes=nodes,
        pods=pods,
        device_classes=classes,
        rights=rights,
        secrets={name: await _got(api, SECRET, name, here) for name in secrets},
        claims={name: await _got(api, CLAIM, name, here) for name in claims},
    )


def referred(objects: Sequence[Mapping[str, Any]]) -> tuple[list[str], list[str]]:
    """Return the secrets and the claims that the templates name, each once."""
    secrets: dict[str, None] = {}
    claims: dict[str, None] = {}
    for one in objects:
        spec = one.get("spec", {}).get("template", {}).get("spec", {})
        secrets |= dict.fromkeys(item["name"] for item in spec.get("imagePullSecrets") or ())
        secrets |= dict.fromkeys(reference["name"] for reference in secret_references(spec))
        mounted = [item.get("persistentVolumeClaim") for item in spec.get("volumes") or ()]
        claims |= dict.fromkeys(claim["claimName"] for claim in filter(None, mounted))
    return list(secrets), list(claims)


def secret_references(spec: Mapping[str, Any]) -> Iterable[Mapping[str, Any]]:
    """Yield the keys of secrets that containers have variables from."""
    for container in spec.get("containers") or ():
        for variable in container.get("env") or ():
            reference = (variable.get("valueFrom") or {}).get("secretKeyRef")
            if reference and not reference.get("optional"):
                yield reference


async def _readable(call: Awaitable[_Value], verb: str, resource: str, namespace: str = "") -> _Value | Unreadable:
    try:
        return await call
    except RefusedError as error:
        if error.is_forbidden:
            return Unreadable(verb, resource, namespace)
        raise


async def _got(api: Api, kind: Kind, name: str, namespace: str = "") -> Object | Unreadable | None:
    return await _readable(api.get(kind, name, namespace or None), "get", f"{kind.plural}/{name}", namespace)


async def _listed(api: Api, kind: Kind, namespace: str = "") -> list[Object] | Unreadable:
    async def call() -> list[Object]:
        try:
            return (await api.list(kind, namespace or None))[0]
        except RefusedError as error:
            if error.has_no_such_kind:
                return []
            raise

    return await _readable(call(), "list", kind.plural, "" if namespace == EVERYWHERE else namespace)


async def _devices(api: Api) -> tuple[list[Object] | Unreadable, list[Object] | Unreadable, list[Object] | Unreadable]:
    async def pods() -> list[Object]:
        return (await api.list(POD, EVERYWHERE, keep=_placed))[0]

    nodes, placed, classes = await asyncio.gather(
        _listed(api, NODE), _readable(pods(), "list", POD.plural), _listed(api, DEVICE_CLASS)
    )
    return nodes, placed, classes


def _placed(pod: Object) -> Object:
    """Keep of a pod what its place takes: a large cluster has many."""
    spec = pod.get("spec") or {}
    metadata = {name: pod["metadata"].get(name) for name in ("name", "namespace", "labels")}
    kept = {name: spec.get(name) for name in ("nodeName", "containers", "initContainers")}
    for name in ("containers", "initContainers"):
        kept[name] = [{"resources": one.get("resources")} for one in kept[name] or ()]
    return {"metadata": metadata, "spec": kept, "status": {"phase": (pod.get("status") or {}).get("phase")}}


async def _rights(api: Api) -> dict[Right, bool | None]:
    rights = (*RIGHTS, *HELPFUL_RIGHTS)
    return dict(zip(rights, await asyncio.gather(*(_may(api, one) for one in rights)), strict=True))


async def _may(api: Api, right: Right) -> bool | None:
    """Return whether this user has a right, None where even that may not be asked."""
    asked = {
        "namespace": api.access.namespace,
        "verb": right.verb,
        "group": right.kind.group,
        "resource": right.kind.plural,
        "subresource": right.part,
    }
    review = {
        "apiVersion": ACCESS_REVIEW.api_version,
        "kind": ACCESS_REVIEW.name,
        "metadata": {},
        "spec": {"resourceAttributes": asked},
    }
    answer = await _readable(api.create(review, TEMPLATE_MANAGER), "create", ACCESS_REVIEW.plural)
    return None if isinstance(answer, Unreadable) else bool((answer.get("status") or {}).get("allowed"))
