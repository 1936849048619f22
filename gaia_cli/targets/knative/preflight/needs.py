"""What the plan leans on: rights, secrets, volumes, and the server's own word on every object. Pure."""

from collections.abc import Sequence

from gaia_cli.targets.checks import Check, State, failed
from gaia_cli.targets.failures import explained
from gaia_cli.targets.knative.preflight.dry_runs import DryRun
from gaia_cli.targets.knative.preflight.planned import PlannedPod
from gaia_cli.targets.knative.preflight.reading import (
    HELPFUL_RIGHTS,
    RIGHTS,
    Facts,
    Right,
    Unreadable,
    secret_references,
)  # fmt: skip
from runtime_images.cluster.api import Object

_PULL_TYPES = ("kubernetes.io/dockerconfigjson", "kubernetes.io/dockercfg")


def check_rights(facts: Facts, namespace: str) -> list[Check]:
    """Check every right that a deploy uses; what only tells more is unknown where it is missing."""
    denied = [right for right in RIGHTS if facts.rights.get(right) is False]
    unasked = [right for right in RIGHTS if facts.rights.get(right) is None]
    missing = [right for right in HELPFUL_RIGHTS if not facts.rights.get(right)]
    if denied:
        first = Check("rights", State.FAILED, f"this user may not {_listed(denied)} in {namespace}", _role(denied))
    elif unasked:
        first = Check("rights", State.UNKNOWN, f"the server does not say whether this user may {_listed(unasked)}")
    else:
        first = Check("rights", State.OK, f"this user may do all that a deploy does in {namespace}")
    if not missing:
        return [first]
    return [
        first,
        Check("rights to look", State.UNKNOWN, f"this user may not {_listed(missing)}: less will be said of pods"),
    ]


def check_secrets(facts: Facts, pods: Sequence[PlannedPod]) -> list[Check]:
    """Check the pull secret, and every secret that a variable comes from."""
    pulls = dict.fromkeys(one["name"] for pod in pods for one in pod.spec.get("imagePullSecrets") or ())
    keys = dict.fromkeys((one["name"], one["key"]) for pod in pods for one in secret_references(pod.spec))
    checks = [_pull_secret(name, facts.secrets.get(name)) for name in pulls]
    return checks + [_secret_key(name, key, facts.secrets.get(name)) for name, key in keys]


def check_claims(facts: Facts) -> list[Check]:
    """Check every volume that the plan mounts."""
    return [_claim(name, found) for name, found in facts.claims.items()]


def check_dry_runs(facts: Facts) -> list[Check]:
    """Check what the server says to every object, the pods in them included."""
    return [_dry_run(run) for run in facts.dry_runs]


def _listed(rights: Sequence[Right]) -> str:
    by_resource: dict[str, list[str]] = {}
    for right in rights:
        by_resource.setdefault(right.resource, []).append(right.verb)
    return ", ".join(f"{'/'.join(verbs)} {resource}" for resource, verbs in by_resource.items())


def _role(rights: Sequence[Right]) -> str:
    groups = sorted({right.kind.group for right in rights})
    resources = list(dict.fromkeys(right.resource for right in rights))
    verbs = list(dict.fromkeys(right.verb for right in rights))
    return f"ask for a Role with apiGroups {groups}, resources {resources}, verbs {verbs}".replace("'", '"')


def _pull_secret(name: str, found: Object | Unreadable | None) -> Check:
    if isinstance(found, Unreadable):
        return Check("pull secret", State.UNKNOWN, f"{name}: this user {found.words}")
    if found is None:
        hint = f"make it: kubectl create secret docker-registry {name}, or change pull_secret of the target"
        return Check("pull secret", State.FAILED, f"there is no secret {name}", hint)
    if found.get("type") not in _PULL_TYPES:
        message = f"the secret {name} is of type {found.get('type')}, and holds no login to a registry"
        return Check("pull secret", State.FAILED, message, "change pull_secret of the target")
    return Check("pull secret", State.OK, f"{name} is there")


def _secret_key(name: str, key: str, found: Object | Unreadable | None) -> Check:
    if isinstance(found, Unreadable):
        return Check(f"secret {name}", State.UNKNOWN, f"key {key}: this user {found.words}")
    if found is None:
        return Check(
            f"secret {name}", State.FAILED, f"there is no secret {name}", "make it, or change secrets of the target"
        )
    if key not in (found.get("data") or {}):
        return Check(f"secret {name}", State.FAILED, f"it has no key {key}", "add it, or change secrets of the target")
    return Check(f"secret {name}", State.OK, f"it has the key {key}")


def _claim(name: str, found: Object | Unreadable | None) -> Check:
    if isinstance(found, Unreadable):
        return Check(f"volume {name}", State.UNKNOWN, f"this user {found.words}")
    if found is None:
        hint = "make the PersistentVolumeClaim, or change model_cache of the target"
        return Check(f"volume {name}", State.FAILED, f"there is no volume claim {name}", hint)
    phase = (found.get("status") or {}).get("phase", "")
    if phase == "Lost":
        return Check(f"volume {name}", State.FAILED, "its volume is lost", "make the claim again")
    return Check(f"volume {name}", State.OK, f"the claim is there ({phase or 'new'})")


def _dry_run(run: DryRun) -> Check:
    name = f"dry run of {run.name}"
    if run.refusal is not None:
        return failed(name, explained(run.refusal))
    if run.held:
        return Check(name, State.SKIPPED, "somebody else holds fields of it; the plan of a deploy says who")
    return Check(name, State.OK, "the server takes it")
