"""Where code places its work on a GPU: what the 2xx rules share."""

import sys
from collections.abc import Iterator

from analyzers.facts.model import Call, Facts, Guard, Known, OneOf, Value, options
from analyzers.lean.records import record
from analyzers.lean.tables import words
from analyzers.rules.knowledge.device_words import TABLES, Device, device_of, named_by, told
from analyzers.rules.knowledge.libraries import PLUMBING, REMOTE, lookup, outside

STARTS_CUDA = words(
    "synchronize current_device set_device get_device_name get_device_properties get_device_capability mem_get_info "
    "Stream Event current_stream init"
)
"""Functions of `torch.cuda` that need a GPU."""
_FALLS_BACK = TABLES["FALLS_BACK"]
_WITHOUT_DEVICES = (TABLES["UNITS"], PLUMBING, REMOTE)


@record
class Placement:
    """A call that places something: on which device, and whether a machine without a GPU has another choice.

    `asked_for`: it does so where a setting or a request says so, and not by default.
    """

    call: Call
    spelling: str
    chosen: bool
    asked_for: bool


def is_gpu(value: Value) -> bool:
    """Return whether a device value names a GPU."""
    return isinstance(value, Known) and device_of(value) is Device.GPU


def placements(facts: Facts) -> Iterator[Placement]:
    """Return every call that places work on a GPU, whatever the spelling; none where no library could."""
    if any(_may_place(fact.package) for fact in outside(facts)):
        yield from (found for call in facts.calls() if (found := placement(call)) is not None)


def _may_place(package: str) -> bool:
    """Return whether a library may know devices at all: `.to("cuda")` of a unit of length is something else."""
    return package not in sys.stdlib_module_names and not any(package in table for table in _WITHOUT_DEVICES)


def placement(call: Call) -> Placement | None:
    """Return what `call` places on a GPU, None when it places nothing there."""
    for spelling, value in told(call):
        on_gpu = [named_by(option, call, spelling) is Device.GPU for option in options(value)]
        if any(on_gpu):
            usual = value.usual if isinstance(value, OneOf) else ()
            is_usual = any(named_by(option, call, spelling) is Device.GPU for option in usual) or not usual
            asked_for = call.guard is Guard.SETTING or not is_usual
            chosen = not all(on_gpu) or call.guard is Guard.WITH_GPU or bool(lookup(call.name, _FALLS_BACK))
            return Placement(call, _spelled(spelling, value), chosen or asked_for, asked_for)
    return None


def _spelled(where: str, value: Value) -> str:
    if where.startswith(".") and where != ".to":
        return f"{where}()"
    names = [str(option.value) for option in options(value) if isinstance(option, Known)]
    shown = " or ".join(f'"{name}"' for name in dict.fromkeys(names))
    return f"{where}{shown}" if where.endswith("=") else f"{where}({shown})"
