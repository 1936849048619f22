"""A function's settings on a target."""

from dataclasses import replace
from pathlib import Path

import pytest

from gaia_cli.errors import ConfigurationError, UsageError
from gaia_cli.project.project import FunctionProject
from gaia_cli.project.settings import check_placement, function_settings, target_of
from gaia_cli.project.targets import TargetSettings
from runtime_images.cluster.function import FunctionSettings, Power, Scale, Window
from runtime_images.policy.model import Accelerator, ExecutionMode, Prices, Slo

PROJECT = FunctionProject(Path("hello"), "hello", slo=Slo(100), prices=Prices(1, 2), cpus=2, memory="1g", gpus=2)
PROD, EDGE = TargetSettings("prod"), TargetSettings("edge")


def test_a_function_without_targets_has_one_that_is_as_the_function_says() -> None:
    expected = TargetSettings("default", slo=Slo(100), prices=Prices(1, 2), cpus=2, memory="1g", gpus=2)

    assert target_of(PROJECT) == target_of(PROJECT, "default") == expected


def test_a_target_is_chosen_by_its_name_and_needs_none_where_it_is_the_only_one() -> None:
    two = replace(PROJECT, targets={"prod": PROD, "edge": EDGE})

    assert target_of(two, "edge") is EDGE
    assert target_of(replace(PROJECT, targets={"prod": PROD})) is PROD


@pytest.mark.parametrize(
    ("names", "name", "hint"),
    [
        (("prod", "edge"), "", "give --target prod or edge"),
        (("prod", "edge"), "prd", "did you mean 'prod'?"),
        (("prod",), "default", "known here: prod"),
        ((), "prod", "write [targets.prod] in its gaia.toml"),
    ],
)
def test_a_target_that_cannot_be_told_is_answered_with_what_there_is(
    names: tuple[str, ...], name: str, hint: str
) -> None:
    with pytest.raises(UsageError) as caught:
        target_of(replace(PROJECT, targets={one: TargetSettings(one) for one in names}), name)
    assert caught.value.hint == hint


def test_the_settings_are_those_of_the_target() -> None:
    target = TargetSettings(
        "edge",
        accelerator=Accelerator.EMULATED,
        gpus=3,
        gpu_resource="nvidia.com/gpu.shared",
        min_scale=1,
        max_scale=5,
        concurrency=7,
        slo=Slo(300),
        prices=Prices(3, 4),
        power=Power(1, 2, 3, 4),
        gpu_windows=(Window(60, 120),),
        network_ms=9,
    )

    assert function_settings(PROJECT, target, ExecutionMode.GPU) == FunctionSettings(
        "hello",
        ExecutionMode.GPU,
        slo=Slo(300),
        prices=Prices(3, 4),
        accelerator=Accelerator.EMULATED,
        scale=Scale(1, 5, 7),
        gpu_resource="nvidia.com/gpu.shared",
        gpus=3,
        power=Power(1, 2, 3, 4),
        gpu_windows=(Window(60, 120),),
        network_ms=9,
    )


def test_a_function_for_a_gpu_alone_is_refused_where_there_is_none() -> None:
    target = TargetSettings("space", accelerator=Accelerator.NONE)

    with pytest.raises(ConfigurationError, match=r"hello runs on a GPU only, and targets\.space"):
        function_settings(PROJECT, target, ExecutionMode.GPU)
    assert function_settings(PROJECT, target, ExecutionMode.GPU_PREFERRED).accelerator is Accelerator.NONE


def test_a_function_that_takes_longer_than_a_cluster_allows_names_both_keys() -> None:
    slow = replace(PROJECT, request_timeout_s=900)

    with pytest.raises(ConfigurationError) as caught:
        check_placement(slow, PROD, ExecutionMode.CPU)

    assert "[run] request_timeout_s is 900" in caught.value.message
    assert "targets.prod has no request_timeout_s" in caught.value.message
    assert "request_timeout_s = 600 in [targets.prod]" in caught.value.hint
    check_placement(slow, replace(PROD, request_timeout_s=600), ExecutionMode.CPU)
    check_placement(replace(PROJECT, request_timeout_s=600), PROD, ExecutionMode.CPU)
