"""A target in all: what its table says, on top of what the function says for every place.

What no single value shows is checked here: two that contradict each other, such as a least number of pods above the
most. A cluster takes some of these and then does neither.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from gaia_cli.project.kinds import PartError
from gaia_cli.project.targets import ModelCache, TargetSettings
from runtime_images.cluster.function import Power
from runtime_images.policy.model import Accelerator, Prices, Slo

_JOULES_OF_KWH = 3.6e6
_UNITS = {"k": 1, "m": 2, "g": 3}


@dataclass(frozen=True, slots=True)
class Base:
    """What the function says of itself, for every place where it runs."""

    slo: Slo = field(default_factory=Slo)
    prices: Prices = field(default_factory=Prices)
    cpus: float | None = None
    memory: str = ""
    gpus: int = 1


def target_settings(name: str, values: Mapping[str, Any], base: Base) -> TargetSettings:
    """Return the target whose table holds `values`, converted by `KEYS`.

    Raises:
        PartError: two of the values contradict each other.
    """
    own = dict(values)
    slo, prices = Slo(**(asdict(base.slo) | own.pop("slo", {}))), Prices(**(asdict(base.prices) | own.pop("cost", {})))
    power = own.pop("power", {})
    per_j = power.pop("per_kwh", 0.0) / _JOULES_OF_KWH
    cache = own.pop("model_cache", None)
    if "accelerator" in own:
        own["accelerator"] = Accelerator(own["accelerator"])
    target = TargetSettings(
        name,
        slo=slo,
        prices=prices,
        power=Power(**power, per_j=per_j),
        model_cache=ModelCache(**cache) if cache else None,
        release_first=own.pop("release", "after") == "first",
        **({"cpus": base.cpus, "memory": base.memory, "gpus": base.gpus} | own),
    )
    _check(target)
    return target


def _check(target: TargetSettings) -> None:
    """Hold the values of a target against each other."""
    _check_scale(target)
    if target.cpus is not None and (target.cpus_request or 0.0) > target.cpus:
        raise PartError(f"must be at most cpus, {target.cpus:g}", ("cpus_request",), "ask for less, or raise cpus")
    if target.memory and size_of(target.memory_request) > size_of(target.memory):
        message = f"must be at most memory, {target.memory}i"
        raise PartError(message, ("memory_request",), "ask for less, or raise memory")
    if twice := sorted(set(target.env) & set(target.secrets)):
        raise PartError("is in env as well", ("secrets", twice[0]), "keep one of the two")
    if target.gpu_windows and target.accelerator is Accelerator.NONE:
        message = 'is of no use with accelerator = "none"'
        raise PartError(message, ("gpu_windows",), "leave one of the two out")


def _check_scale(target: TargetSettings) -> None:
    if not target.max_scale:
        return
    for key, value in (("min_scale", target.min_scale), ("initial_scale", target.initial_scale or 0)):
        if value > target.max_scale:
            message = f"must be at most max_scale, {target.max_scale}, not {value}"
            raise PartError(message, (key,), f"lower {key}, or raise max_scale")


def size_of(memory: str) -> int:
    """Return a size in Docker's spelling, as `TargetSettings` has it, in bytes; nothing is 0."""
    return int(memory[:-1]) * 1024 ** _UNITS[memory[-1]] if memory else 0
