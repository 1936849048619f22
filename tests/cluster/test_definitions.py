"""What Gaia writes is what both Knatives know: the one that runs here, and the newest that can be read."""

from itertools import product

import pytest

from gaia_cli.project.targets import ModelCache, SecretReference
from gaia_cli.targets.knative.objects import objects, route_traffic
from runtime_images.policy.model import Accelerator, Backend, ExecutionMode
from tests.gaia_cli.targets.knative.test_objects import STAMP, deployment
from tests.support.control_plane import build
from tests.support.control_plane.definitions import Knative, problems

RICH: dict[str, object] = {
    "env": {"MODEL": "large"},
    "secrets": {"TOKEN": SecretReference("hub", "token")},
    "model_cache": ModelCache("models", "/models"),
    "node_selector": {"disk": "fast"},
    "tolerations": ({"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"},),
    "affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": []}}},
    "runtime_class": "nvidia",
    "pull_secret": "registry",
    "cpus": 0.5,
    "memory": "1Gi",
    "min_scale": 1,
    "max_scale": 4,
    "concurrency": 8,
    "request_timeout_s": 60,
    "progress_deadline_s": 900,
    "visibility": "cluster-local",
    "accelerator": Accelerator.NVIDIA,
}


@pytest.fixture(autouse=True)
def definitions() -> None:
    """They are copied with the programs."""
    if reason := build.missing():
        pytest.skip(reason)


@pytest.mark.parametrize(("knative", "mode"), list(product(Knative, ExecutionMode)))
def test_every_field_that_gaia_writes_is_known(knative: Knative, mode: ExecutionMode) -> None:
    for target in ({}, RICH):
        made = objects(deployment(mode, **target), "team", STAMP)
        traffic = route_traffic("hello", "team", {Backend.CPU: 100, Backend.GPU: 0})

        assert [problem for item in (*made, traffic) for problem in problems(item, knative)] == []


@pytest.mark.parametrize("knative", Knative)
def test_a_field_that_knative_does_not_know_is_a_problem(knative: Knative) -> None:
    (made, *_) = objects(deployment(), "team", STAMP)
    pod = made["spec"]["template"]["spec"]
    pod["containers"][0]["resorces"] = {}
    pod["timeoutSeconds"] = "60"

    assert problems(made, knative) == [
        "$.spec.template.spec.containers[0]: Additional properties are not allowed ('resorces' was unexpected)",
        "$.spec.template.spec.timeoutSeconds: '60' is not of type 'integer'",
    ]
