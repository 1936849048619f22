"""Whether the cluster has what the plan is written for: Knative's kinds and flags, the namespace, its policy. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from gaia_cli.targets.checks import Check, State, failed
from gaia_cli.targets.failures import no_knative, no_namespace
from gaia_cli.targets.knative.objects import SCALING
from gaia_cli.targets.knative.preflight.planned import PlannedPod
from gaia_cli.targets.knative.preflight.reading import KNATIVE_NAMESPACE, Facts, Unreadable
from runtime_images.cluster.conditions import is_being_deleted
from runtime_images.cluster.kinds import CONFIGURATION, REVISION, ROUTE
from runtime_images.cluster.words import NAME_LABEL, VERSION_LABEL

_NEEDED_KINDS = (CONFIGURATION, ROUTE, REVISION)
_ENFORCE = "pod-security.kubernetes.io/enforce"
_FLAG = "kubernetes.podspec-"
_FLAGS = {
    "nodeSelector": ("nodeselector", "node_selector"),
    "affinity": ("affinity", "affinity"),
    "tolerations": ("tolerations", "tolerations"),
    "runtimeClassName": ("runtimeclassname", "runtime_class"),
}
"""Fields of a pod to the end of the flag that lets them through, and to the key of a target that makes them."""
_CLAIM_FLAGS = ("persistent-volume-claim", "persistent-volume-write")
_ZERO = "allow-zero-initial-scale"
_INITIAL_SCALE = f"{SCALING}/initial-scale"
_ON = ("enabled", "allowed", "true")


def check_knative(facts: Facts) -> Check:
    """Check that Knative Serving is there, with every kind that the plan has."""
    missing = [kind.name for kind in _NEEDED_KINDS if kind.name not in facts.serving_kinds]
    if not facts.serving_kinds:
        return failed("knative", no_knative())
    if missing:
        return Check("knative", State.FAILED, f"the cluster's Knative has no {', '.join(missing)}", "update Knative")
    return Check(
        "knative", State.OK, f"Knative Serving {_version(facts)}, with {', '.join(sorted(facts.serving_kinds))}"
    )


def check_namespace(facts: Facts, name: str) -> Check:
    """Check that the namespace is there, and is to stay."""
    found = facts.namespace
    if isinstance(found, Unreadable):
        return Check("namespace", State.UNKNOWN, f"{name}: this user {found.words}")
    if found is None:
        return failed("namespace", no_namespace(name))
    if is_being_deleted(found):
        return Check("namespace", State.FAILED, f"the namespace {name} is being deleted", "use another: -n")
    return Check("namespace", State.OK, f"{name} is there")


def check_pod_security(facts: Facts, pods: Sequence[PlannedPod]) -> Check:
    """Check the level of Pod Security that the namespace enforces against the plan's containers."""
    name = "pod security"
    if isinstance(facts.namespace, Unreadable):
        return Check(name, State.UNKNOWN, f"this user {facts.namespace.words}")
    labels = ((facts.namespace or {}).get("metadata") or {}).get("labels") or {}
    level = labels.get(_ENFORCE, "privileged")
    if level != "restricted":
        return Check(name, State.OK, f"the namespace enforces {level}")
    for pod in pods:
        for container in pod.spec.get("containers") or ():
            if lacking := _lacks(container.get("securityContext") or {}, pod.spec.get("securityContext") or {}):
                hint = f"add to its securityContext: {', '.join(lacking)}"
                return Check(name, State.FAILED, f"{pod.configuration} violates the level restricted", hint)
    return Check(name, State.OK, "the namespace enforces restricted, and the plan keeps to it")


def check_features(facts: Facts, pods: Sequence[PlannedPod]) -> list[Check]:
    """Check each flag of Knative's that the plan needs."""
    checks = [_flag_check(facts, flag, key) for flag, key in dict.fromkeys(_needed(pods))]
    if any(pod.annotations.get(_INITIAL_SCALE) == "0" for pod in pods):
        checks.append(_zero_check(facts))
    return checks or [Check("features", State.SKIPPED, "the plan needs no feature flag of Knative's")]


def _version(facts: Facts) -> str:
    labels = facts.features["metadata"].get("labels") or {} if isinstance(facts.features, dict) else {}
    version = labels.get(VERSION_LABEL) if labels.get(NAME_LABEL, "knative-serving") == "knative-serving" else None
    return str(version) if version else "of an unknown version"


def _lacks(own: Mapping[str, Any], pods: Mapping[str, Any]) -> list[str]:
    both = {**pods, **own}
    lacking = []
    if own.get("allowPrivilegeEscalation") is not False:
        lacking.append("allowPrivilegeEscalation: false")
    if "ALL" not in ((own.get("capabilities") or {}).get("drop") or ()):
        lacking.append('capabilities: {drop: ["ALL"]}')
    if both.get("runAsNonRoot") is not True:
        lacking.append("runAsNonRoot: true")
    if both.get("runAsUser") == 0:
        lacking.append("runAsUser: a number other than 0")
    if (both.get("seccompProfile") or {}).get("type") not in ("RuntimeDefault", "Localhost"):
        lacking.append("seccompProfile: {type: RuntimeDefault}")
    return lacking


def _needed(pods: Sequence[PlannedPod]) -> Iterator[tuple[str, str]]:
    for pod in pods:
        for field, (flag, key) in _FLAGS.items():
            if pod.spec.get(field):
                yield _FLAG + flag, key
        volumes = [
            one["persistentVolumeClaim"] for one in pod.spec.get("volumes") or () if "persistentVolumeClaim" in one
        ]
        for claim in volumes:
            yield _FLAG + _CLAIM_FLAGS[0], "model_cache"
            if not claim.get("readOnly"):
                yield _FLAG + _CLAIM_FLAGS[1], "model_cache"


def _flag_check(facts: Facts, flag: str, key: str) -> Check:
    value = _setting(facts.features, flag)
    hint = _switch_on("config-features", flag, "enabled") + f", or take {key} out of the target"
    return _decided(facts, f"feature {flag}", value, hint, facts.features)


def _zero_check(facts: Facts) -> Check:
    hint = _switch_on("config-autoscaler", _ZERO, "true") + ", or set initial_scale = 1 in the target"
    return _decided(facts, f"feature {_ZERO}", _setting(facts.autoscaler, _ZERO), hint, facts.autoscaler)


def _decided(facts: Facts, name: str, value: str | None, hint: str, source: Any) -> Check:  # noqa: ANN401 -- an object
    """Decide on a setting; where it may not be read, the server's dry run tells."""
    if value is not None:
        state = State.OK if value.lower() in _ON else State.FAILED
        return Check(name, state, f"it is {value}", "" if state is State.OK else hint)
    runs = [run for run in facts.dry_runs if run.sent["kind"] == CONFIGURATION.name]
    if runs and not any(run.refusal for run in runs):
        return Check(name, State.OK, "the server's dry run takes the plan")
    words = source.words if isinstance(source, Unreadable) else "cannot tell"
    return Check(name, State.UNKNOWN, f"this user {words}", hint)


def _setting(found: Any, key: str) -> str | None:  # noqa: ANN401 -- an object, or what stands for one
    """Return a setting; what a ConfigMap does not say is off; None where it may not be read."""
    if isinstance(found, Unreadable):
        return None
    return str(((found or {}).get("data") or {}).get(key, "disabled"))


def _switch_on(name: str, key: str, value: str) -> str:
    patch = f'{{"data":{{"{key}":"{value}"}}}}'
    return f"kubectl patch configmap {name} -n {KNATIVE_NAMESPACE} --type merge -p '{patch}'"
