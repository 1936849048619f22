"""A target of gaia.toml as the world of a replay: its SLO, prices, pods, power and the windows of its GPU.

`gaia simulate --target NAME` asks what the policy would do there, before anything is deployed. What the controller is
given of a target and what a replay is, both come from the same settings.
"""

import re
from dataclasses import replace
from math import inf
from pathlib import Path
from typing import Any

from gaia_cli.errors import UsageError
from gaia_cli.project.project import load_project
from gaia_cli.project.settings import function_settings, target_of
from gaia_cli.simulator import defaults
from gaia_cli.simulator.options import Options
from gaia_cli.simulator.world.scenario import DEFAULT_MODE
from runtime_images.cluster.continuum import DAY_S, powered, slo_on_site
from runtime_images.cluster.function import FunctionSettings
from runtime_images.node.stretch import Stretch
from runtime_images.node.table import LONGEST_S
from runtime_images.policy.model import Backend, ExecutionMode

WITHOUT_GPU = ("gaia", "static-cpu")
"""The policies that need no GPU; each other waits for one."""


def read_target(options: Options) -> FunctionSettings | None:
    """Return the settings of the function in `--function` on its `--target`, None where no target is asked for.

    Raises:
        UsageError: there is no such function or target, or a node is asked for as well.
        ConfigurationError: the function's configuration is unusable.
    """
    if not options.target:
        return None
    if options.node is not None:
        raise UsageError("--target and --node both say how the node is", "give one of the two")
    project = load_project(options.function or Path())
    mode = ExecutionMode(options.mode) if options.mode else project.pin or DEFAULT_MODE
    return function_settings(project, target_of(project, options.target), mode)


def of_target(settings: FunctionSettings) -> dict[str, Any]:
    """Return the conditions that a target says, by their names in a scenario: mode, SLO, prices and pods.

    How many requests a pod serves at once without a limit is nowhere said.
    """
    cpu, gpu = (settings.prices.per_second(backend) for backend in Backend)
    scale, latency_ms = settings.scale, slo_on_site(settings).latency_p95_ms
    said = {
        "mode": settings.mode,
        "slo_p95_s": inf if latency_ms is None else latency_ms / 1000.0,
        "window_s": settings.slo.window_s,
        "cpu_price": cpu,
        "gpu_price": gpu,
        "pods_min": scale.min,
        "pods_max": scale.max or defaults.MOST_PODS,
    }
    return {**said, "slots": scale.concurrency} if scale.concurrency else said


def node_of(settings: FunctionSettings, begin: str) -> tuple[Stretch, ...]:
    """Return the target as the stretches of a node; the trace begins at the time of day `begin`, in UTC.

    Raises:
        UsageError: `begin` is no time of day.
    """
    power = settings.power
    always = Stretch(0.0, True, power.budget_w, power.cpu_w, power.gpu_w, joule_price=power.per_j)
    spans = powered(settings, _time_of_day(begin), LONGEST_S)
    changes = [replace(always, from_s=at, gpu=gpu) for on, off in spans for at, gpu in ((on, True), (off, False))]
    return tuple(changes if spans and spans[0][0] == 0.0 else [replace(always, gpu=False), *changes])


def without_gpu(node: tuple[Stretch, ...]) -> bool:
    """Return whether a node never has a GPU that it can also power; a policy that waits for one waits for ever."""
    return all(not one.gpu or one.lacks_power for one in node)


def _time_of_day(text: str) -> float:
    found = re.fullmatch(r"([01][0-9]|2[0-3]):([0-5][0-9])", text)
    if found is None:
        raise UsageError(f"--begin {text} is not a time of day", "write it as 18:30")
    return (int(found[1]) * 3600.0 + int(found[2]) * 60.0) % DAY_S
