"""What `gaia doctor --target` says of a real cluster: the checks that every deploy makes before it writes."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from runtime_images.cluster.kinds import CONFIGURATION, NAMESPACE, RESOURCE_QUOTA, ROUTE
from tests.cluster.conftest import Gaia
from tests.support.control_plane.faults import Features, Gpus
from tests.support.control_plane.objects import Objects
from tests.support.control_plane.rest import Object

Checks = dict[str, tuple[str, str, str]]
"""Names of checks to state, message and hint."""


def function(directory: Path, target: str = "", *, mode: str = "cpu") -> Path:
    (directory / "func.py").write_text("def handler(payload):\n    return payload\n")
    text = f'[function]\nname = "hello"\n\n[mode]\npin = "{mode}"\n\n[targets.prod]\n{target}\n'
    (directory / "gaia.toml").write_text(text)
    return directory


@pytest.fixture
def doctor(gaia: Gaia, tmp_path: Path) -> Callable[..., tuple[int, Checks]]:
    """`doctor(target, mode=...)` returns the exit code and the checks of a function with such a target."""

    def run(target: str = "", *, mode: str = "cpu", **more: object) -> tuple[int, Checks]:
        function(tmp_path, target, mode=mode)
        done = gaia("doctor", ".", "--target", "prod", "--output-format", "json", cwd=tmp_path, **more)
        assert "Traceback" not in done.stderr, done.stderr
        assert done.stdout, done.stderr
        said = json.loads(done.stdout)["checks"]
        return done.returncode, {one["name"]: (one["state"], one["message"], one["hint"]) for one in said}

    return run


Doctor = Callable[..., tuple[int, Checks]]


def quota(objects: Objects, name: str = "wall", **hard: str) -> None:
    limits = {key.replace("_", "."): value for key, value in hard.items()}
    objects.apply({"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": name}, "spec": {"hard": limits}})
    objects.until(RESOURCE_QUOTA, name, lambda item: item.get("status", {}).get("hard") == limits)


def limit_range(objects: Objects, **item: Object) -> None:
    spec = {"limits": [{"type": "Container", **item}]}
    objects.apply({"apiVersion": "v1", "kind": "LimitRange", "metadata": {"name": "range"}, "spec": spec})


def failed(checks: Checks) -> dict[str, str]:
    return {name: f"{message} / {hint}" for name, (state, message, hint) in checks.items() if state == "failed"}


def test_a_good_cluster_passes_every_check(doctor: Doctor, objects: Objects) -> None:
    code, checks = doctor()

    assert (code, failed(checks)) == (0, {})
    assert checks["knative"][0] == checks["rights"][0] == checks["namespace"][0] == "ok"
    assert checks["dry run of Configuration hello-cpu"][0] == checks["dry run of Route hello"][0] == "ok"
    assert objects.get(CONFIGURATION, "hello-cpu") is None
    assert objects.get(ROUTE, "hello") is None


def test_a_quota_that_demands_limits_names_container_and_key(doctor: Doctor, objects: Objects) -> None:
    quota(objects, limits_cpu="4", limits_memory="4Gi")

    code, checks = doctor()

    assert code == 4
    wrong = failed(checks)["quota wall"]
    for words in ("limits.cpu", "limits.memory", "the function's container", "Knative's queue-proxy"):
        assert words in wrong
    assert all(key in wrong for key in ("cpus", "memory", "sidecar_cpus", "sidecar_memory"))


def test_limits_of_the_function_alone_leave_the_sidecar_to_be_named(doctor: Doctor, objects: Objects) -> None:
    quota(objects, limits_cpu="4", limits_memory="4Gi")

    code, checks = doctor('cpus = 1\nmemory = "512m"')

    assert code == 4
    assert "queue-proxy" in failed(checks)["quota wall"]
    assert "the function's container" not in failed(checks)["quota wall"]


def test_limits_for_both_pass_the_quota(doctor: Doctor, objects: Objects) -> None:
    quota(objects, limits_cpu="4", limits_memory="4Gi")

    code, checks = doctor('cpus = 1\nmemory = "512m"\nsidecar_cpus = 0.1\nsidecar_memory = "128m"')

    assert (code, failed(checks)) == (0, {})


def test_a_quota_that_is_too_small_shows_asked_used_and_limit(doctor: Doctor, objects: Objects) -> None:
    quota(objects, requests_cpu="1")

    code, checks = doctor("cpus = 2")

    assert code == 4
    assert "requests.cpu: asked 2.025, used 0, limit 1" in failed(checks)["quota wall"]


def test_a_quota_on_gpus_is_counted_like_any_other(doctor: Doctor, objects: Objects, gpus: Gpus) -> None:
    gpus.set(2)
    gpus.take()
    key = f"requests.{gpus.resource}"
    objects.apply(
        {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "g"}, "spec": {"hard": {key: "1"}}}
    )
    objects.until(RESOURCE_QUOTA, "g", lambda item: item.get("status", {}).get("used", {}).get(key) == "1")

    code, checks = doctor(f'gpu_resource = "{gpus.resource}"', mode="gpu")

    assert code == 4
    assert f"{key}: asked 1, used 1, limit 1" in failed(checks)["quota g"]


def test_a_limit_range_that_gives_defaults_satisfies_a_quota(doctor: Doctor, objects: Objects) -> None:
    limit_range(objects, default={"cpu": "500m", "memory": "256Mi"})
    quota(objects, limits_cpu="4", limits_memory="4Gi")

    code, checks = doctor()

    assert (code, failed(checks)) == (0, {})


def test_a_limit_range_names_what_is_above_it(doctor: Doctor, objects: Objects) -> None:
    limit_range(objects, max={"cpu": "1"})

    code, checks = doctor("cpus = 2")

    assert code == 4
    assert "cpu: the function's container has limits of 2, more than 1" in failed(checks)["limit range range"]
    assert "lower cpus of the target" in failed(checks)["limit range range"]


def test_a_limit_range_can_be_too_much_for_the_sidecar(doctor: Doctor, objects: Objects) -> None:
    limit_range(objects, min={"cpu": "50m"})

    code, checks = doctor("cpus = 1")

    assert code == 4
    assert "Knative's queue-proxy has requests of 0.025, less than 50m" in failed(checks)["limit range range"]
    assert "raise sidecar_cpus" in failed(checks)["limit range range"]


def test_a_quota_of_no_pods_is_one(doctor: Doctor, objects: Objects) -> None:
    quota(objects, pods="0")

    code, checks = doctor()

    assert code == 4
    assert "pods: asked 1, used 0, limit 0" in failed(checks)["quota wall"]


def test_a_quota_for_other_pods_counts_for_nothing(doctor: Doctor, objects: Objects) -> None:
    spec = {"hard": {"pods": "0"}, "scopes": ["Terminating"]}
    objects.apply({"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "wall"}, "spec": spec})

    code, checks = doctor()

    assert (code, checks["quota wall"][0]) == (0, "skipped")


def test_what_gaia_builds_keeps_to_the_restricted_level(doctor: Doctor, objects: Objects) -> None:
    labels = {"labels": {"pod-security.kubernetes.io/enforce": "restricted"}}
    objects.merge(NAMESPACE, objects.namespace, {"metadata": labels})

    code, checks = doctor()

    assert (code, failed(checks)) == (0, {})
    assert "restricted" in checks["pod security"][1]


@pytest.mark.parametrize(
    ("flag", "target", "key"),
    [
        ("kubernetes.podspec-nodeselector", 'node_selector = { zone = "a" }', "node_selector"),
        ("kubernetes.podspec-tolerations", 'tolerations = [{ key = "gpu", operator = "Exists" }]', "tolerations"),
        ("kubernetes.podspec-runtimeclassname", 'runtime_class = "nvidia"', "runtime_class"),
    ],
)
def test_a_flag_that_is_off_is_named_with_the_line_that_switches_it_on(
    doctor: Doctor, flag: str, target: str, key: str
) -> None:
    code, checks = doctor(target)

    assert code == 4
    state, message, hint = checks[f"feature {flag}"]
    assert (state, message) == ("failed", "it is disabled")
    assert f'kubectl patch configmap config-features -n knative-serving --type merge -p \'{{"data":{{"{flag}"' in hint
    assert f"take {key} out" in hint


def test_a_flag_that_is_on_passes(doctor: Doctor, features: Features) -> None:
    features.set("kubernetes.podspec-nodeselector")

    code, checks = doctor('node_selector = { zone = "a" }')

    assert (code, checks["feature kubernetes.podspec-nodeselector"][0]) == (0, "ok")


def test_no_pods_at_first_need_a_flag_as_well(doctor: Doctor) -> None:
    code, checks = doctor("initial_scale = 0")

    assert code == 4
    assert checks["feature allow-zero-initial-scale"][0] == "failed"
    assert "initial_scale = 1" in checks["feature allow-zero-initial-scale"][2]


@pytest.mark.parametrize(
    "target",
    ["gpus = 0.5", 'gpus = "500m"', 'gpu_resource = "gpu"', "cpus = 1\ncpus_request = 2", "gpu = 1", "gpus = -1"],
)
def test_what_the_cluster_would_take_and_never_start_is_refused_here(gaia: Gaia, tmp_path: Path, target: str) -> None:
    function(tmp_path, target, mode="gpu")

    done = gaia("doctor", ".", "--target", "prod", cwd=tmp_path)

    assert done.returncode == 2
    assert f"targets.prod.{target.splitlines()[-1].split(' =')[0]}" in done.stderr
    assert "gaia.toml:" in done.stderr


def test_a_gpu_that_is_free_is_counted(doctor: Doctor, gpus: Gpus) -> None:
    gpus.set(2)
    gpus.take()

    code, checks = doctor(f'gpu_resource = "{gpus.resource}"', mode="gpu")

    assert code == 0
    assert f"hello-gpu asks for 1 {gpus.resource}; 1 of 2 are free" in checks["gpus"][1]


def test_no_free_gpu_fails_what_runs_on_one_only(doctor: Doctor, gpus: Gpus) -> None:
    gpus.set(1)
    gpus.take()

    code, checks = doctor(f'gpu_resource = "{gpus.resource}"', mode="gpu")

    assert code == 4
    assert "0 of 1 are free" in failed(checks)["gpus"]
    assert 'release = "first"' in failed(checks)["gpus"]


def test_no_free_gpu_is_said_where_the_cpu_can_serve(doctor: Doctor, gpus: Gpus) -> None:
    gpus.set(1)
    gpus.take()

    code, checks = doctor(f'gpu_resource = "{gpus.resource}"', mode="cpu_preferred")

    assert (code, checks["gpus"][0]) == (0, "ok")
    assert "the CPU serves until one is free" in checks["gpus"][1]


def test_more_gpus_than_any_node_has_never_come(doctor: Doctor, gpus: Gpus) -> None:
    gpus.set(2)

    code, checks = doctor(f'gpu_resource = "{gpus.resource}"\ngpus = 4', mode="gpu")

    assert code == 4
    assert "lower gpus" in failed(checks)["gpus"]


def test_an_emulated_accelerator_asks_for_no_gpu(doctor: Doctor) -> None:
    code, checks = doctor('accelerator = "emulated"', mode="gpu_preferred")

    assert (code, checks["gpus"][0]) == (0, "skipped")


def test_secrets_are_looked_for_with_their_keys(doctor: Doctor, objects: Objects) -> None:
    objects.apply({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "hf"}, "stringData": {"token": "hidden"}})
    target = 'pull_secret = "hf"\nsecrets = { HF_TOKEN = "hf/token", OTHER = "hf/absent", MORE = "gone/x" }'

    code, checks = doctor(target)

    assert code == 4
    assert "Opaque" in failed(checks)["pull secret"]
    assert "no key absent" in failed(checks)["secret hf"] or checks["secret hf"][0] == "ok"
    assert "there is no secret gone" in failed(checks)["secret gone"]
    assert "hidden" not in str(checks)


def test_a_namespace_that_is_not_there_is_said_at_once(gaia: Gaia, tmp_path: Path) -> None:
    function(tmp_path)

    done = gaia("doctor", ".", "--target", "prod", "-n", "not-there", cwd=tmp_path)

    assert done.returncode == 4
    assert "there is no namespace not-there" in done.stdout


NAMESPACED = [
    {
        "apiGroups": ["serving.knative.dev"],
        "resources": ["configurations", "routes", "revisions", "services"],
        "verbs": ["*"],
    },
    {"apiGroups": [""], "resources": ["pods", "pods/log", "events"], "verbs": ["get", "list"]},
]


def test_a_user_of_one_namespace_has_unknowns_and_no_failure(doctor: Doctor, user: Callable[..., Path]) -> None:
    code, checks = doctor('pull_secret = "reg"', mode="cpu_preferred", kubeconfig=user(NAMESPACED))

    assert (code, failed(checks)) == (0, {})
    assert checks["rights"][0] == "ok"
    unknown = {name: message for name, (state, message, _) in checks.items() if state == "unknown"}
    assert set(unknown) == {"namespace", "pod security", "gpus", "quota", "limit range", "pull secret"}
    assert "may not list resourcequotas" in unknown["quota"]
    assert "may not list nodes" in unknown["gpus"]
    assert "may not get secrets/reg" in unknown["pull secret"]


def test_flags_that_may_not_be_read_are_learned_from_the_dry_run(doctor: Doctor, user: Callable[..., Path]) -> None:
    code, checks = doctor('node_selector = { zone = "a" }', kubeconfig=user(NAMESPACED))

    assert code == 4
    assert "nodeSelector" in failed(checks)["dry run of Configuration hello-cpu"]
    assert checks["feature kubernetes.podspec-nodeselector"][0] == "unknown"


def test_a_right_that_is_missing_is_named_with_verb_and_resource(doctor: Doctor, user: Callable[..., Path]) -> None:
    rules = [NAMESPACED[0] | {"verbs": ["get", "list", "watch"]}, NAMESPACED[1]]

    code, checks = doctor(kubeconfig=user(rules))

    assert code == 4
    assert "may not create/patch/delete configurations, create/patch/delete routes" in failed(checks)["rights"]
    assert 'apiGroups ["serving.knative.dev"]' in failed(checks)["rights"]


def test_a_user_without_any_right_is_told_so(doctor: Doctor, user: Callable[..., Path]) -> None:
    code, checks = doctor(kubeconfig=user([]))

    assert code == 4
    assert "get/list/create/patch/delete configurations" in failed(checks)["rights"]


def test_who_may_not_see_pods_can_deploy_and_is_told_less(doctor: Doctor, user: Callable[..., Path]) -> None:
    code, checks = doctor(kubeconfig=user(NAMESPACED[:1]))

    assert code == 0
    assert "may not list pods, get pods/log, list events" in checks["rights to look"][1]
