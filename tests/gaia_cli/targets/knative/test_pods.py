"""The container of a backend: its variables and what it may use."""

from dataclasses import replace
from pathlib import Path

import pytest

from gaia_cli.project.project import FunctionProject
from gaia_cli.project.targets import SecretReference, TargetSettings
from gaia_cli.targets.knative.pods import as_written, environment, pod_spec
from gaia_cli.targets.protocol import Deployment, Identity
from runtime_images.policy.model import Backend, ExecutionMode

DEPLOYMENT = Deployment(
    project=FunctionProject(Path("hello"), "hello", env={"MODEL": "small", "C": "", "TOKEN": "plain", "A": "a"}),
    target=TargetSettings("prod", env={"MODEL": "large"}, secrets={"TOKEN": SecretReference("hub", "token")}),
    mode=ExecutionMode.CPU,
    image="registry.example/hello@sha256:" + "0" * 64,
    identity=Identity("p", "o", "s"),
)


def test_each_variable_stands_once_in_the_order_of_the_names_and_the_target_s_wins() -> None:
    entries = environment(DEPLOYMENT, Backend.CPU)

    assert [one for one in entries if one["name"] in ("A", "C", "MODEL", "TOKEN")] == [
        {"name": "A", "value": "a"},
        {"name": "C"},
        {"name": "MODEL", "value": "large"},
        {"name": "TOKEN", "valueFrom": {"secretKeyRef": {"name": "hub", "key": "token"}}},
    ]


@pytest.mark.parametrize(
    ("value", "sent"),
    [("$HOME", "$HOME"), ("$(A)", "$$(A)"), ("a$$b", "a$$$$b"), ("cost $5 $(x", "cost $$5 $$(x"), ("$", "$")],
)
def test_a_value_reaches_the_process_as_it_was_written(value: str, sent: str) -> None:
    assert as_written(value) == sent


def test_what_is_kept_for_a_pod_may_be_less_than_what_it_may_use() -> None:
    target = TargetSettings("prod", cpus=2, cpus_request=0.5, memory="2g", memory_request="512m", gpus=2)
    deployment = replace(DEPLOYMENT, target=target, mode=ExecutionMode.GPU)

    assert pod_spec(deployment, Backend.GPU)["containers"][0]["resources"] == {
        "limits": {"cpu": "2", "memory": "2Gi", "nvidia.com/gpu": "2"},
        "requests": {"cpu": "500m", "memory": "512Mi"},
    }


def test_without_limits_nothing_is_said_of_resources() -> None:
    deployment = replace(DEPLOYMENT, target=TargetSettings("prod", memory="1g"))

    assert pod_spec(deployment, Backend.CPU)["containers"][0]["resources"] == {
        "limits": {"memory": "1Gi"},
        "requests": {"memory": "1Gi"},
    }
    assert pod_spec(replace(deployment, target=TargetSettings("prod")), Backend.CPU)["containers"][0]["resources"] == {}


def test_the_user_is_named_for_gaias_own_images_only() -> None:
    own = pod_spec(DEPLOYMENT, Backend.CPU)["containers"][0]["securityContext"]
    other = pod_spec(replace(DEPLOYMENT, sets_user=False), Backend.CPU)["containers"][0]["securityContext"]

    assert own["runAsUser"] > 0
    assert "runAsUser" not in other
    assert other["runAsNonRoot"] is True
