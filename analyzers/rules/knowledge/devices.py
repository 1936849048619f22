"""Where code places its work on a GPU: what the 2xx rules share."""

import sys
from collections.abc import Iterator
from enum import Enum, auto

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


class Without(Enum):
    """What a placement on a GPU does where there is none: it fails, or the code, a setting or a library goes on."""

    FAILS = auto()
    CHOOSES = auto()
    WAITS_TO_BE_ASKED = auto()
    FALLS_BACK = auto()


@record
class Placement:
    """A call that places something on a GPU, and what it does on a machine without one."""

    call: Call
    spelling: str
    without: "Without"


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
            return Placement(call, _spelled(spelling, value), _without(call, is_usual=is_usual, is_only=all(on_gpu)))
    return None


def _without(call: Call, *, is_usual: bool, is_only: bool) -> Without:
    """Return what a call does without a GPU: `is_usual` where it asks for one by default, `is_only` where always."""
    if call.guard is Guard.SETTING or not is_usual:
        return Without.WAITS_TO_BE_ASKED
    if call.guard is Guard.WITH_GPU or not is_only:
        return Without.CHOOSES
    return Without.FALLS_BACK if lookup(call.name, _FALLS_BACK) else Without.FAILS


def _spelled(where: str, value: Value) -> str:
    if where.startswith(".") and where != ".to":
        return f"{where}()"
    names = [str(option.value) for option in options(value) if isinstance(option, Known)]
    shown = " or ".join(f'"{name}"' for name in dict.fromkeys(names))
    return f"{where}{shown}" if where.endswith("=") else f"{where}({shown})"
