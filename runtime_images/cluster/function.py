"""What the controller needs to know of a function: a deploy writes it as an annotation of the Route.

The controller carries neither the analyzer nor gaia.toml: everything that its policy rests on stands here. Prices,
power and availability are those of the target that the function is deployed to. Whoever may write to the namespace may
write the annotation, so each value is checked: what is read is of its type, and a number of it can be reckoned with.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, TypeVar, get_args, get_origin

from runtime_images.policy.model import Accelerator, ExecutionMode, Prices, Slo

_LARGEST = 1e15
"""More than any price, power, time or number of pods."""
_Part = TypeVar("_Part")


@dataclass(frozen=True, slots=True)
class Power:
    """What the backends draw and what the target can give, in watts; None for no limit. A joule costs `per_j`."""

    cpu_w: float = 0.0
    gpu_w: float = 0.0
    budget_w: float | None = None
    per_j: float = 0.0


@dataclass(frozen=True, slots=True)
class Window:
    """A daily time in UTC, in minutes since midnight, in which the GPU is powered; it may pass midnight."""

    begin_min: int
    end_min: int


@dataclass(frozen=True, slots=True)
class Scale:
    """How many pods a backend may have; `concurrency` is how many requests a pod takes at once, 0 for no limit.

    `max` 0 means no limit.
    """

    min: int = 0
    max: int = 0
    concurrency: int = 0


@dataclass(frozen=True, slots=True)
class FunctionSettings:
    """One function as it is deployed to one target."""

    name: str
    mode: ExecutionMode
    slo: Slo = field(default_factory=Slo)
    prices: Prices = field(default_factory=Prices)
    accelerator: Accelerator = Accelerator.NVIDIA
    scale: Scale = field(default_factory=Scale)
    gpu_resource: str = "nvidia.com/gpu"
    gpus: int = 1
    power: Power = field(default_factory=Power)
    gpu_windows: tuple[Window, ...] = ()
    """When the GPU is powered; empty for always."""
    network_ms: float = 0.0
    """What the way to the target adds to each answer that a user sees."""

    def to_json(self) -> str:
        """Return the settings as one line, the same for the same settings."""
        return json.dumps(asdict(self), sort_keys=True, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> "FunctionSettings":
        """Read what `to_json` wrote; keys of newer versions are left out.

        Raises:
            ValueError: it is not such a text.
        """
        try:
            known = _known(cls, json.loads(text))
            parts = {"slo": Slo, "prices": Prices, "scale": Scale, "power": Power}
            known |= {name: _made(make, known[name]) for name, make in parts.items() if name in known}
            known["mode"] = ExecutionMode(known["mode"])
            if "accelerator" in known:
                known["accelerator"] = Accelerator(known["accelerator"])
            known["gpu_windows"] = tuple(_made(Window, one) for one in known.get("gpu_windows", ()))
            return _made(cls, known)
        except (TypeError, KeyError, AttributeError, RecursionError) as error:
            raise ValueError(f"not the settings of a function: {error}") from None


def _known(cls: Any, read: Mapping[str, Any]) -> dict[str, Any]:  # noqa: ANN401 -- any of the classes above
    names = {one.name for one in fields(cls)}
    return {name: value for name, value in read.items() if name in names}


def _made(make: type[_Part], read: Mapping[str, Any]) -> _Part:
    """Make a part of what was read of it.

    Raises:
        ValueError: a value is none of its field.
    """
    known = _known(make, read)
    types: dict[str, Any] = {one.name: one.type for one in fields(make)}  # type: ignore[arg-type]
    for name, value in known.items():
        if not _fits(types[name], value):
            raise ValueError(f"{name} cannot be {value!r}")
    return make(**known)


def _fits(type_: Any, value: Any) -> bool:  # noqa: ANN401 -- a field's annotation, and any JSON
    allowed = get_args(type_) or (type_,)
    if isinstance(value, bool):
        return False
    if isinstance(value, int | float):
        return (float in allowed or (int in allowed and isinstance(value, int))) and 0 <= value <= _LARGEST
    return isinstance(value, tuple if get_origin(type_) is tuple else allowed)
