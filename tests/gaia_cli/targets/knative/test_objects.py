from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gaia_cli.project.project import FunctionProject
from gaia_cli.project.targets import ModelCache, SecretReference, TargetSettings
from gaia_cli.targets.knative.objects import configuration, deadline_s, objects, route, route_traffic
from gaia_cli.targets.protocol import Deployment, Identity, Stamp
from runtime_images.cluster import words
from runtime_images.cluster.function import FunctionSettings
from runtime_images.policy.model import Accelerator, Backend, ExecutionMode, Prices

IMAGE = "registry.example:5000/team/hello@sha256:" + "a1" * 32
IDENTITY = Identity("git:example.com/team/repo//hello", "https://example.com/team/repo hello", "0" * 64)
STAMP = Stamp("ada", "2026-11-28T12:00:00Z")


def deployment(mode: ExecutionMode = ExecutionMode.CPU_PREFERRED, **target: object) -> Deployment:
    project = FunctionProject(Path("/nowhere"), "hello")
    settings = replace(TargetSettings("default"), **target)  # type: ignore[arg-type] # any fields of it
    return Deployment(project, settings, mode, IMAGE, IDENTITY, manifest="{}")


def container(made: dict[str, Any]) -> dict[str, Any]:
    first: dict[str, Any] = made["spec"]["template"]["spec"]["containers"][0]
    return first


def variables(made: dict[str, Any]) -> dict[str, str]:
    return {one["name"]: one.get("value", "") for one in container(made)["env"]}


def backend(
    mode: ExecutionMode = ExecutionMode.CPU_PREFERRED, which: Backend = Backend.GPU, **target: object
) -> dict[str, Any]:
    return configuration(deployment(mode, **target), which, "team", STAMP)


def test_a_dynamic_mode_is_two_configurations_and_a_route_and_a_fixed_one_has_one() -> None:
    def names(mode: ExecutionMode) -> list[str]:
        return [f"{one['kind']} {one['metadata']['name']}" for one in objects(deployment(mode), "team", STAMP)]

    assert names(ExecutionMode.GPU_PREFERRED) == ["Configuration hello-cpu", "Configuration hello-gpu", "Route hello"]
    assert names(ExecutionMode.GPU) == ["Configuration hello-gpu", "Route hello"]


@given(st.permutations([(letter, letter) for letter in "ABCDEFG"]))
def test_the_order_of_env_and_labels_in_the_file_makes_no_other_objects(mixed: list[tuple[str, str]]) -> None:
    one = deployment(env=dict(sorted(mixed)), node_selector=dict(sorted(mixed)))
    other = deployment(env=dict(mixed), node_selector=dict(mixed))

    assert repr(objects(one, "team", STAMP)) == repr(objects(other, "team", STAMP))


def test_a_name_stands_once_in_env_and_the_targets_secret_goes_before_nothing_but_its_value() -> None:
    made = backend(env={"MODEL": "large"}, secrets={"TOKEN": SecretReference("hub", "token")})
    names = [one["name"] for one in container(made)["env"]]

    assert names == sorted(set(names))
    assert {"name": "MODEL", "value": "large"} in container(made)["env"]
    token = {"name": "TOKEN", "valueFrom": {"secretKeyRef": {"name": "hub", "key": "token"}}}
    assert token in container(made)["env"]


def test_a_pod_without_a_gpu_sees_none() -> None:
    assert variables(backend(which=Backend.CPU))["NVIDIA_VISIBLE_DEVICES"] == "void"
    assert variables(backend(which=Backend.CPU))["CUDA_VISIBLE_DEVICES"] == ""
    assert "CUDA_VISIBLE_DEVICES" not in variables(backend())


def test_a_gpu_is_asked_for_by_its_limit_and_an_emulated_one_not_at_all() -> None:
    real = backend(gpus=2, gpu_resource="nvidia.com/mig-1g.5gb")
    emulated = backend(accelerator=Accelerator.EMULATED)

    assert container(real)["resources"] == {"limits": {"nvidia.com/mig-1g.5gb": "2"}}
    assert container(emulated)["resources"] == {}
    assert variables(emulated)["GAIA_ACCELERATOR"] == "emulated"
    assert emulated["spec"]["template"]["metadata"]["annotations"][words.ACCELERATOR] == "emulated"


def test_each_pod_serves_one_backend_and_keeps_to_the_restricted_level() -> None:
    made = backend()
    security = container(made)["securityContext"]

    assert variables(made)["GAIA_MODE"] == "gpu"
    assert variables(made)["GAIA_METRICS_PORT"] == "9464"
    assert security["runAsNonRoot"] is True
    assert security["allowPrivilegeEscalation"] is False
    assert security["capabilities"] == {"drop": ["ALL"]}
    assert security["seccompProfile"] == {"type": "RuntimeDefault"}
    assert isinstance(security["runAsUser"], int)


def test_where_pods_go_is_said_for_those_with_a_gpu_and_for_all_where_none_has_one() -> None:
    def place(mode: ExecutionMode, which: Backend) -> object:
        return backend(mode, which, node_selector={"zone": "edge"})["spec"]["template"]["spec"].get("nodeSelector")

    assert place(ExecutionMode.CPU_PREFERRED, Backend.CPU) is None
    assert place(ExecutionMode.CPU_PREFERRED, Backend.GPU) == {"zone": "edge"}
    assert place(ExecutionMode.CPU, Backend.CPU) == {"zone": "edge"}


def test_a_lowest_scale_is_kept_where_the_function_begins_and_not_on_a_gpu_in_reserve() -> None:
    def lowest(made: dict[str, Any]) -> str | None:
        annotations: dict[str, str] = made["spec"]["template"]["metadata"]["annotations"]
        return annotations.get("autoscaling.knative.dev/min-scale")

    assert lowest(backend(which=Backend.CPU, min_scale=1)) == "1"
    assert lowest(backend(min_scale=1)) is None
    assert lowest(backend(ExecutionMode.GPU, min_scale=1)) == "1"


@pytest.mark.parametrize(
    ("size", "expected"), [(None, None), (2_000_000_000, None), (20_000_000_000, 2580), (100_000_000_000, 10620)]
)
def test_a_large_image_gets_the_time_that_a_slow_node_needs(size: int | None, expected: int | None) -> None:
    assert deadline_s(replace(deployment(), image_bytes=size)) == expected


def test_every_object_says_whose_it_is() -> None:
    for made in objects(deployment(), "team", STAMP):
        assert made["metadata"]["annotations"][words.PROJECT] == IDENTITY.project
        assert made["metadata"]["annotations"][words.DEPLOYED_BY] == "ada"
        assert made["metadata"]["labels"][words.FUNCTION] == "hello"
        assert made["metadata"]["namespace"] == "team"


def test_who_deployed_and_when_makes_no_new_revision() -> None:
    one, other = (configuration(deployment(), Backend.CPU, "team", stamp) for stamp in (STAMP, Stamp("bob", "later")))

    assert one["spec"] == other["spec"]
    assert one != other


def test_the_route_tells_the_controller_what_it_must_know() -> None:
    made = route(deployment(prices=Prices(1, 2), min_scale=1, concurrency=4), "team", STAMP)
    settings = FunctionSettings.from_json(made["metadata"]["annotations"][words.SETTINGS])

    assert settings.prices == Prices(1, 2)
    assert (settings.scale.min, settings.scale.concurrency) == (1, 4)
    assert "spec" not in made


def test_a_cluster_local_function_says_so_in_the_label_that_knative_reads() -> None:
    label = "networking.knative.dev/visibility"

    assert route(deployment(visibility="cluster-local"), "n", STAMP)["metadata"]["labels"][label] == "cluster-local"
    assert label not in route(deployment(), "n", STAMP)["metadata"]["labels"]


def test_the_traffic_is_an_object_of_its_own() -> None:
    made = route_traffic("hello", "team", {Backend.CPU: 100})

    assert set(made["metadata"]) == {"name", "namespace", "annotations"}
    assert set(made["metadata"]["annotations"]) == {words.MOVED_BY}
    assert [target["tag"] for target in made["spec"]["traffic"]] == ["cpu"]


def test_a_model_cache_and_a_pull_secret_are_part_of_the_pod() -> None:
    made = backend(model_cache=ModelCache("models", "/models"), pull_secret="regcred")
    spec = made["spec"]["template"]["spec"]

    assert spec["imagePullSecrets"] == [{"name": "regcred"}]
    assert spec["volumes"][0]["persistentVolumeClaim"] == {"claimName": "models"}
    assert spec["containers"][0]["volumeMounts"] == [{"name": "model-cache", "mountPath": "/models"}]


@pytest.mark.parametrize(("cpus", "text"), [(0.5, "500m"), (2.0, "2"), (1.25, "1250m")])
def test_processors_and_memory_are_written_as_the_api_does(cpus: float, text: str) -> None:
    resources = container(backend(which=Backend.CPU, cpus=cpus, memory="512m"))["resources"]

    assert resources["limits"] == {"cpu": text, "memory": "512Mi"} == resources["requests"]
