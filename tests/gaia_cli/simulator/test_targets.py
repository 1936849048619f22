"""A target of gaia.toml as the world of a replay."""

import json
from dataclasses import replace
from math import inf
from pathlib import Path
from typing import Any

import pytest

from gaia_cli.errors import UsageError
from gaia_cli.project.choices import ModeName
from gaia_cli.simulator.defaults import MOST_PODS
from gaia_cli.simulator.options import Options
from gaia_cli.simulator.reading import check_pods
from gaia_cli.simulator.targets import node_of, of_target, read_target, without_gpu
from gaia_cli.simulator.world.scenario import Scenario
from runtime_images.cluster.function import FunctionSettings, Power, Scale, Window
from runtime_images.policy.model import Accelerator, ExecutionMode, Prices, Slo
from tests.support.cli import call_gaia

SAMPLE = Path(__file__).resolve().parents[3] / "samples" / "04-continuum"
PLACE = FunctionSettings(
    "f",
    ExecutionMode.CPU_PREFERRED,
    slo=Slo(200, window_s=5),
    prices=Prices(3.6, 7.2),
    scale=Scale(1, 8, 4),
    power=Power(10, 40, 60, 1e-7),
    gpu_windows=(Window(360, 1320),),
    network_ms=40,
)


def test_the_world_is_the_target_s() -> None:
    assert Scenario(**of_target(PLACE)) == Scenario(
        0.16, cpu_price=0.001, gpu_price=0.002, window_s=5, pods_min=1, pods_max=8, slots=4
    )
    assert of_target(replace(PLACE, mode=ExecutionMode.GPU))["mode"] is ExecutionMode.GPU
    assert of_target(replace(PLACE, slo=Slo()))["slo_p95_s"] == inf


def test_a_target_without_a_limit_has_any_number_of_pods_and_says_nothing_of_slots() -> None:
    found = of_target(replace(PLACE, scale=Scale()))

    assert (found["pods_min"], found["pods_max"], found.get("slots")) == (0, MOST_PODS, None)


def test_more_pods_at_least_than_the_target_has_at_most_are_refused() -> None:
    with pytest.raises(UsageError, match="9 pods at least are more than 8 at most"):
        check_pods(Scenario(**of_target(PLACE) | {"pods_min": 9}))


def test_the_mode_is_the_flag_s_else_the_pin_of_the_function(tmp_path: Path) -> None:
    (tmp_path / "gaia.toml").write_text('[function]\nname = "f"\n[mode]\npin = "gpu_preferred"\n[targets.edge]\n')
    (tmp_path / "func.py").write_text("def handler(payload):\n    return payload\n")

    def mode(asked: ModeName | None) -> ExecutionMode:
        found = read_target(Options(["ramp"], target="edge", function=tmp_path, mode=asked))
        assert found is not None
        return found.mode

    assert mode(None) is ExecutionMode.GPU_PREFERRED
    assert mode(ModeName.CPU) is ExecutionMode.CPU


def test_a_node_begins_at_the_time_of_day_of_the_trace() -> None:
    evening = node_of(PLACE, "21:00")
    night = node_of(PLACE, "23:00")

    assert [(one.from_s, one.gpu) for one in evening[:3]] == [(0.0, True), (3600.0, False), (9 * 3600.0, True)]
    assert [(one.from_s, one.gpu) for one in night[:3]] == [(0.0, False), (7 * 3600.0, True), (23 * 3600.0, False)]
    assert (evening[0].power_w, evening[0].cpu_w, evening[0].gpu_w, evening[0].joule_price) == (60, 10, 40, 1e-7)
    assert not without_gpu(evening)


@pytest.mark.parametrize("text", ["24:00", "9:00", "noon", ""])
def test_what_is_no_time_of_day_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="is not a time of day"):
        node_of(PLACE, text)


def test_a_place_without_a_gpu_or_the_power_for_one_never_has_it() -> None:
    assert without_gpu(node_of(FunctionSettings("f", PLACE.mode, accelerator=Accelerator.NONE), "00:00"))
    assert without_gpu(node_of(FunctionSettings("f", PLACE.mode, power=Power(10, 60, 30)), "00:00"))


def test_a_target_is_that_of_the_function_and_needs_no_node_beside_it() -> None:
    assert read_target(Options(["ramp"])) is None
    found = read_target(Options(["ramp"], target="edge", function=SAMPLE))
    assert found is not None
    assert found.network_ms == 2
    with pytest.raises(UsageError, match="both say how the node is"):
        read_target(Options(["ramp"], target="edge", function=SAMPLE, node=Path("n.csv")))
    with pytest.raises(UsageError, match="has no target 'moon'"):
        read_target(Options(["ramp"], target="moon", function=SAMPLE))


@pytest.mark.parametrize(
    ("target", "begin", "gpu_s", "note"),
    [
        ("edge", "12:00", (150, 210), ""),
        ("edge", "21:58", (60, 120), ""),
        ("edge", "23:00", (0, 0), ""),
        ("cloud", "12:00", (150, 210), ""),
        ("space", "12:00", (0, 0), "space never has a GPU"),
    ],
)
def test_the_sample_serves_on_each_place_as_its_readme_says(
    target: str, begin: str, gpu_s: tuple[int, int], note: str
) -> None:
    where = ("--function", str(SAMPLE), "--target", target, "--begin", begin)
    done = call_gaia("simulate", "ramp", "--policy", "gaia", "--output-format", "json", *where)

    held = seconds_on_gpu(json.loads(done.stdout.splitlines()[0]))
    assert gpu_s[0] <= held <= gpu_s[1]
    assert note in done.stderr


def seconds_on_gpu(shown: dict[str, Any]) -> float:
    return float(shown["policies"][0]["gpu_seconds"])
