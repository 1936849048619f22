"""Where code says that it computes on the CPU, and what would take a GPU without being told.

A pin counts only as a whole: one model on the CPU says nothing of another one that its library places by itself, or of
a device that nobody knows.
"""

from collections.abc import Iterator

from analyzers.facts.model import Call, Constant, Facts, Guard, Known, Place, Value, is_unknown, options, strings
from analyzers.lean.records import record
from analyzers.rules.knowledge.dependency_lines import all_dependencies, is_for_cpus
from analyzers.rules.knowledge.device_words import MOVES, TABLES, Device, device_of, named_by, told
from analyzers.rules.knowledge.devices import placements
from analyzers.rules.knowledge.libraries import import_name
from analyzers.rules.knowledge.variables import variables

_OFF = frozenset({"gpu", "use_gpu", "use_cuda", "cuda"})
_COUNTS = frozenset({"n_gpu_layers", "gpu_layers"})
_ON = frozenset({"cpu", "no_cuda", "use_cpu", "force_cpu"})
_PROVIDERS = frozenset({"providers", "provider"})
_TELLING = _PROVIDERS | _OFF | _COUNTS | _ON | {"device_map"}
"""The arguments whose values are looked at, beside devices: a value is worked out only when it is asked for."""
_DEVICE = "device"
"""What a setting is called that says which device to use."""
_ASIDE = ("map_location=",)
"""What only says where weights are read to."""
_NO_WORK = frozenset({"torch.Generator"})
"""Calls that are told a device and compute nothing on it: a pipeline on a GPU takes its seeds from the CPU."""
_UNKNOWN_WHERE = frozenset({".to", "device=", "torch_device=", "accelerator="})
_CPU_PROVIDERS = frozenset(name for name, kind in TABLES["PROVIDERS"].items() if kind == "cpu")
_PLACES_ITSELF, _ALWAYS_PLACED = TABLES["PLACES_ITSELF"], TABLES["ALWAYS_PLACED"]
_WHOLE, _VARIABLES = TABLES["WHOLE_LIBRARY"], TABLES["VARIABLES"]


@record
class Pin:
    """What asks for the CPU, whatever the machine has: its name, its place, and the library that it is for."""

    name: str
    place: Place
    package: str


def pins(facts: Facts) -> Iterator[Pin]:
    """Yield what asks for the CPU: calls, settings, and the variables of a library."""
    for call in _pinning(facts):
        yield Pin(f"{call.method}()", call.place, _WHOLE.get(call.name.replace("()", ""), call.package))
    for constant in facts.constants():
        named = constant.guard is Guard.ALWAYS and constant.name.lower() == _DEVICE
        if named and device_of(constant.value) is Device.CPU:
            yield Pin(constant.name, constant.place, "")
    yield from _by_variables(facts)


def _by_variables(facts: Facts) -> Iterator[Pin]:
    """Yield what asks for the CPU by a variable of a library."""
    for variable in variables(facts):
        if variable.name in _VARIABLES and device_of(Known(variable.value.lower())) is Device.CPU:
            yield Pin(variable.name, variable.place, _VARIABLES[variable.name])


def pinned_libraries(facts: Facts) -> frozenset[str]:
    """Return the libraries all of whose work is on the CPU: by a setting, by a variable, or as a build for CPUs."""
    by_calls = {_WHOLE.get(call.name.replace("()", "")) for call in _pinning(facts)}
    by_variables = {pin.package for pin in _by_variables(facts)}
    return frozenset(filter(None, by_calls | by_variables | built_for_cpus(facts)))


def built_for_cpus(facts: Facts) -> set[str]:
    """Return the libraries that are installed as builds for CPUs."""
    return {import_name(line.name) for line in all_dependencies(facts) if line.name and is_for_cpus(line)}


def _pinning(facts: Facts) -> Iterator[Call]:
    return (call for call in facts.calls() if is_pinned(call) and call.guard is Guard.ALWAYS)


def is_pinned(call: Call) -> bool:
    """Return whether a call asks for the CPU and nothing else."""
    if call.name.replace("()", "") in _WHOLE and call.method.lower() in ("require_cpu", "set_mode_cpu", "cpu"):
        return True
    for spelling, value in told(call) if call.name not in _NO_WORK else ():
        if spelling not in _ASIDE and all(named_by(one, call, spelling) is Device.CPU for one in options(value)):
            return True
    return any(_pins(name, argument.value) for name, argument in call.keywords if name in _TELLING)


def _pins(name: str, value: Value) -> bool:
    """Return whether an argument of one of the names that tell asks for the CPU."""
    if name in _PROVIDERS:
        given = set(strings(value))
        return bool(given) and given <= _CPU_PROVIDERS
    if name == "device_map":
        return device_of(value) is Device.CPU
    stated = value.value if isinstance(value, Known) else None  # a number of processors is no truth value
    return (name in _OFF and stated is False) or (name in _COUNTS and stated == 0) or (name in _ON and stated is True)


def is_free(facts: Facts) -> bool:
    """Return whether something may compute on a GPU: what is placed there, or takes one, or where nobody knows."""
    if any(True for _ in placements(facts)) or any(map(_is_named_gpu, facts.constants())):
        return True
    pinned = pinned_libraries(facts)
    if any(fact.package in _ALWAYS_PLACED and fact.package not in pinned for fact in facts.imports()):
        return True
    moved = {call.name.rpartition("().")[0] for call in _pinning(facts) if "()." in call.name}
    return any(
        (call.name not in moved and call.package not in pinned and _takes_one(call)) or _is_unknown_device(call)
        for call in facts.calls()
    )


def _is_named_gpu(constant: Constant) -> bool:
    return constant.name.lower() == _DEVICE and device_of(constant.value) is Device.GPU


def _takes_one(call: Call) -> bool:
    return call.name in _PLACES_ITSELF and not is_pinned(call)


def _is_unknown_device(call: Call) -> bool:
    """Return whether a call names a device that the code does not tell."""
    if call.method in MOVES and not call.args:
        return False
    return any(spelling in _UNKNOWN_WHERE and is_unknown(value) for spelling, value in told(call))
