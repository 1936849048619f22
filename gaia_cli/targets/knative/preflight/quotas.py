"""What quotas and limit ranges of the namespace say to the pods of a plan, queue-proxy's share as well. Pure.

The server's dry run sees the function's container only, so that without this the real pod fails on queue-proxy.
"""

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from gaia_cli.targets.checks import Check, State
from gaia_cli.targets.knative.preflight.planned import QUEUE_PROXY, Container, PlannedPod, with_defaults
from gaia_cli.targets.knative.preflight.quantities import Sizes, quantity, shown, sizes, total
from gaia_cli.targets.knative.preflight.reading import Facts, Unreadable
from runtime_images.cluster.kinds import CONFIGURATION, REVISION, ROUTE

_COMPUTE = ("cpu", "memory", "ephemeral-storage")
_OTHER_PODS = frozenset(("Terminating", "BestEffort", "PriorityClass", "CrossNamespacePodAffinity"))
"""Scopes of quotas that the pods of a function are not in: they have no end and no class, and ask for something."""
_KEYS = {
    ("cpu", "limits", False): "cpus", ("cpu", "requests", False): "cpus", ("memory", "limits", False): "memory",
    ("memory", "requests", False): "memory", ("cpu", "limits", True): "sidecar_cpus",
    ("cpu", "requests", True): "sidecar_cpus", ("memory", "limits", True): "sidecar_memory",
    ("memory", "requests", True): "sidecar_memory",
}  # fmt: skip
"""Resource, kind of amount, and whether it is queue-proxy's, to the key of a target."""


def check_quotas(facts: Facts, pods: Sequence[PlannedPod]) -> list[Check]:
    """Check each quota against what the new pods would add to it."""
    if isinstance(facts.quotas, Unreadable):
        return [Check("quota", State.UNKNOWN, f"this user {facts.quotas.words}")]
    completed = _completed(pods, facts)
    return [_quota(one, completed, facts) for one in facts.quotas] or [
        Check("quota", State.OK, "the namespace has no quota")
    ]


def check_limit_ranges(facts: Facts, pods: Sequence[PlannedPod]) -> list[Check]:
    """Check each limit range against every container, and the pods as a whole."""
    if isinstance(facts.limit_ranges, Unreadable):
        return [Check("limit range", State.UNKNOWN, f"this user {facts.limit_ranges.words}")]
    completed = _completed(pods, facts)
    checks = []
    for one in facts.limit_ranges:
        name = one["metadata"]["name"]
        problems = [problem for item in _items(one) for pod in completed for problem in _out_of_range(item, pod)]
        checks.append(_check(f"limit range {name}", dict.fromkeys(problems), "every container is within it"))
    return checks or [Check("limit range", State.OK, "the namespace has no limit range")]


def _check(name: str, problems: Mapping[tuple[str, str], None], good: str) -> Check:
    if not problems:
        return Check(name, State.OK, good)
    hints = dict.fromkeys(hint for _, hint in problems if hint)
    return Check(name, State.FAILED, "; ".join(message for message, _ in problems), "; ".join(hints))


def _completed(pods: Sequence[PlannedPod], facts: Facts) -> list[PlannedPod]:
    """Return the pods with what limit ranges give to a container that does not say it."""
    ranges = [] if isinstance(facts.limit_ranges, Unreadable) else facts.limit_ranges
    items = [item for one in ranges for item in _items(one) if item.get("type") == "Container"]
    limits = {name: value for item in items for name, value in sizes(item.get("default")).items()}
    requests = {name: value for item in items for name, value in sizes(item.get("defaultRequest")).items()}
    return [_with(pod, [with_defaults(one, limits, requests) for one in pod.containers]) for pod in pods]


def _with(pod: PlannedPod, containers: Sequence[Container]) -> PlannedPod:
    return PlannedPod(pod.configuration, pod.backend, pod.spec, pod.annotations, tuple(containers), pod.count)


def _items(one: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    return (one.get("spec") or {}).get("limits") or ()


def _quota(one: Mapping[str, Any], pods: Sequence[PlannedPod], facts: Facts) -> Check:
    name = f"quota {one['metadata']['name']}"
    spec, status = one.get("spec") or {}, one.get("status") or {}
    if _OTHER_PODS & set(spec.get("scopes") or ()) or spec.get("scopeSelector"):
        return Check(name, State.SKIPPED, "it is for other pods")
    hard, used = sizes(status.get("hard") or spec.get("hard")), sizes(status.get("used"))
    problems: dict[tuple[str, str], None] = {}
    for key, limit in hard.items():
        problems |= dict.fromkeys(_missing(key, pods))
        asked = _added(key, pods, facts)
        if asked and used.get(key, Decimal(0)) + asked > limit:
            has = shown(used.get(key, Decimal(0)), key)
            message = f"{key}: asked {shown(asked, key)}, used {has}, limit {shown(limit, key)}"
            problems[message, _lower(key)] = None
    return _check(name, problems, "the plan fits into it")


def _parts(key: str) -> tuple[str, str] | None:
    """Return the kind of amount and the resource that a key of a quota counts, None where it counts objects."""
    kind, _, resource = key.partition(".")
    if kind in ("limits", "requests") and resource:
        return kind, resource
    return ("requests", key) if key in _COMPUTE else None


def _missing(key: str, pods: Sequence[PlannedPod]) -> Iterator[tuple[str, str]]:
    """Yield the containers that do not say what a quota demands of each."""
    parts = _parts(key)
    if parts is None or parts[1] not in _COMPUTE:
        return
    kind, resource = parts
    for pod in pods:
        for container in pod.containers:
            if resource not in _amounts(container, kind):
                setting = _KEYS.get((resource, kind, container.name == QUEUE_PROXY), "")
                yield f"{key}: {container.words} must say it", f"set {setting} in the target" if setting else ""


def _added(key: str, pods: Sequence[PlannedPod], facts: Facts) -> Decimal:
    if parts := _parts(key):
        return sum((_of_pod(pod, parts[0]).get(parts[1], Decimal(0)) * pod.count for pod in pods), Decimal(0))
    new = [run for run in facts.dry_runs if run.live is None]
    counts = {
        "pods": sum(pod.count for pod in pods),
        f"{CONFIGURATION.plural}.{CONFIGURATION.group}": sum(run.sent["kind"] == CONFIGURATION.name for run in new),
        f"{ROUTE.plural}.{ROUTE.group}": sum(run.sent["kind"] == ROUTE.name for run in new),
        f"{REVISION.plural}.{REVISION.group}": len(pods),
    }
    return Decimal(counts.get(key.removeprefix("count/"), 0))


def _lower(key: str) -> str:
    parts = _parts(key)
    if parts is None:
        return "take something else away, or ask for a larger quota"
    setting = "gpus" if parts[1] not in _COMPUTE else _KEYS.get((parts[1], parts[0], False), "")
    return f"lower {setting} of the target, or ask for a larger quota"


def _amounts(container: Container, kind: str) -> Sizes:
    return container.limits if kind == "limits" else container.requests


def _of_pod(pod: PlannedPod, kind: str) -> Sizes:
    return total(_amounts(container, kind) for container in pod.containers)


def _out_of_range(item: Mapping[str, Any], pod: PlannedPod) -> Iterator[tuple[str, str]]:
    """Yield what of a pod is outside of one item of a limit range."""
    if item.get("type") == "Pod":
        whole = Container(pod.configuration, _of_pod(pod, "requests"), _of_pod(pod, "limits"))
        yield from _outside(item, whole, f"the pod of {pod.configuration}", is_pod=True)
    elif item.get("type") == "Container":
        for container in pod.containers:
            yield from _outside(item, container, container.words, is_pod=False)


def _outside(item: Mapping[str, Any], one: Container, words: str, *, is_pod: bool) -> Iterator[tuple[str, str]]:
    for resource, written in (item.get("max") or {}).items():
        most = quantity(written)
        for kind, amounts in (("limits", one.limits), ("requests", one.requests)):
            if amounts.get(resource, Decimal(0)) > most:
                said = f"{resource}: {words} has {kind} of {shown(amounts[resource], resource)}, more than {written}"
                yield said, _change("lower", resource, kind, one, is_pod=is_pod)
    for resource, written in (item.get("min") or {}).items():
        for kind, amounts in (("limits", one.limits), ("requests", one.requests)):
            if resource in amounts and amounts[resource] < quantity(written):
                said = f"{resource}: {words} has {kind} of {shown(amounts[resource], resource)}, less than {written}"
                yield said, _change("raise", resource, kind, one, is_pod=is_pod)
    for resource, written in (item.get("maxLimitRequestRatio") or {}).items():
        limit, request = one.limits.get(resource), one.requests.get(resource)
        if limit and request and limit > request * quantity(written):
            said = f"{resource}: {words} has a limit of {shown(limit, resource)}, more than {written} times its request"
            yield said, _change("lower", resource, "limits", one, is_pod=is_pod)


def _change(how: str, resource: str, kind: str, one: Container, *, is_pod: bool) -> str:
    setting = _KEYS.get((resource, kind, one.name == QUEUE_PROXY), "")
    if is_pod and setting:
        setting = f"{setting} or {_KEYS[resource, kind, True]}"
    return f"{how} {setting} of the target" if setting else ""
