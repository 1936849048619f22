"""Which device a call names, in whatever spelling: the one place where a device's word is read.

    .to("cuda:1")  device=0  compile_model(net, "GPU")  jax.config.update("jax_platform_name", "cpu")  arch=ti.gpu

devices.tsv says which words name a device and which argument of a call tells it. Rules ask for GPUs (devices.py) and
for CPUs (cpu_pins.py).
"""

from collections.abc import Iterator
from enum import Enum, auto

from analyzers.facts.model import Call, Items, Known, Made, OneOf, Symbol, Value, texts
from analyzers.facts.vocabulary import DEVICE_KEYWORDS
from analyzers.lean.patterns import Pattern
from analyzers.lean.tables import read_tables
from analyzers.rules.knowledge.libraries import FRAMEWORKS, lookup

TABLES = read_tables(__file__, "devices")
"""The tables of devices.tsv."""


class Device(Enum):
    """The kind of a device."""

    GPU = auto()
    CPU = auto()


_WORDS = {word: Device[kind.upper()] for word, kind in TABLES["WORDS"].items()}
_ARGUMENTS = TABLES["ARGUMENTS"]
_HEADS = frozenset(name.partition(".")[0] for name in _ARGUMENTS)
_ALL = "*"
_NUMBERED = TABLES["NUMBERED"]
_UNITS = TABLES["UNITS"]
MOVES = ("to", "to_device", "to_empty", "move_to_device")
_METHODS = frozenset({"cuda", "to_gpu"})
_ALWAYS_GPU = frozenset({"torch.cuda.set_device", "torch.cuda.device", "spacy.require_gpu", "mxnet.gpu"})
_KEYWORDS = frozenset({*DEVICE_KEYWORDS, "accelerator", "ctx", "place", "ctx_id", "gpuid", "cuda_device"})
_INDEX_MEANS_GPU = ("transformers.", ".pipeline", "torch.", "ultralytics.", "sentence_transformers.")
_COUNTED = "gpus="
"""What is told how many GPUs to take; -1 stands for all."""
_INDEXES = frozenset({"ctx_id", "gpuid", "gpu_id", "cuda_device", "device_id"})
_INDEX = Pattern(r"\d+(,\d+)*$")
_PART = Pattern(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
_NAMED = Pattern(r"(cuda|cpu)(:\d+)?$")
_OTHERS = frozenset({"set_visible_devices", "set_visible_gpus", "list_physical_devices", "list_logical_devices"})
"""Methods that speak of devices and place nothing."""
_SPEAKS = ("torch.autocast", "torch.amp", "print")


def device_of(value: Value) -> Device | None:
    """Return the device that one value names, whatever the call; a number names none."""
    match value:
        case Known(value=str(text)):
            return _of_text(text.lower())
        case Symbol(name=name) | Made(name=name):
            last = name.rpartition(".")[2]
            return _WORDS.get(last.lower()) or _of_parts(last)
        case _:
            return None


def _of_text(text: str) -> Device | None:
    """Return the device of `cuda`, `cuda:0`, `gpu:{}`, `/device:gpu:0`; `{}` stands for what is unknown."""
    plain = text.replace("{", ":").removeprefix("/").removeprefix("device:")
    return _WORDS.get(plain.partition(":")[0].partition(",")[0])


def named_by(value: Value, call: Call, spelling: str = "") -> Device | None:
    """Return the device that one value names as the argument of `call` that is written `spelling`."""
    match value:
        case Known(value=bool()):
            return None
        case Items(values=(Known(value=int(index)), *_)):
            return Device.GPU if index >= 0 and call.name in _NUMBERED else None
        case Known(value=int(count)) if spelling == _COUNTED:
            return Device.GPU if count else Device.CPU
        case Known(value=int(index)):
            return _of_index(index, call, spelling)
        case Known(value=str(text)) if (
            text[:1].isdigit() and _INDEX.match(text) and call.name.startswith(_INDEX_MEANS_GPU)
        ):
            return Device.GPU
        case Known(value=str(text)) if _in_table(call):
            return device_of(value) or _of_parts(text)
        case _:
            return device_of(value)


def _of_index(index: int, call: Call, spelling: str) -> Device | None:
    """Return the device that a number means: to many libraries a GPU, and -1 none."""
    if index < 0:
        return Device.CPU if call.name.startswith("transformers.") or spelling.removesuffix("=") in _INDEXES else None
    meant = call.name.startswith(_INDEX_MEANS_GPU) or call.method in MOVES
    return Device.GPU if meant else None


def _of_parts(text: str) -> Device | None:
    """Return the device of a longer name: `cuda_ad_rgb`, `lightning.gpu`, `GPU_FP32`."""
    found = {_WORDS[word.lower()] for word in _PART.findall(text) if word.lower() in _WORDS}
    return found.pop() if len(found) == 1 else None


def told(call: Call) -> Iterator[tuple[str, Value]]:
    """Yield the arguments that tell a device, each with what it is called there; nothing where none does.

    A value is worked out only when it is asked for.
    """
    method = call.method
    if (call.is_own and method in (*_METHODS, *MOVES)) or method in _OTHERS:
        return
    if method in _METHODS and not call.name.startswith(("torch.cuda", "mxnet.")):
        yield f".{method}", Known("cuda")
    elif call.name in _ALWAYS_GPU:
        yield call.name, Known("cuda")
    elif method in MOVES:
        value = call.argument(0, "device")
        if value is not None and not lookup(_plain(call.name), _UNITS):
            yield ".to", value
    else:
        yield from _in_arguments(call)


def _in_arguments(call: Call) -> Iterator[tuple[str, Value]]:
    where = _ARGUMENTS.get(_in_table(call), "")
    value = _argument(call, where) if where else None
    if value is not None:
        yield (f"{where}=" if where.isidentifier() else call.name), value
        return
    if len(call.args) > 1 and lookup(call.name, FRAMEWORKS):
        for argument in call.args[1:]:
            if any(_NAMED.match(text) for text in texts(argument.value)):
                yield call.name, argument.value
                return
    if call.name in _NUMBERED and (given := call.keyword(_NUMBERED[call.name])) is not None:
        yield f"{_NUMBERED[call.name]}=", given
    if call.keywords and not call.name.startswith(_SPEAKS):
        for name, argument in call.keywords:
            if name in _KEYWORDS:
                yield f"{name}=", argument.value


def _argument(call: Call, where: str) -> Value | None:
    """Return the argument of `call` at a position, of a name, or all of those by position as alternatives."""
    if where == _ALL:
        return OneOf(tuple(argument.value for argument in call.args)) if call.args else None
    first, _, name = where.partition(",")
    return call.argument(int(first), *filter(None, (name,))) if first.isdigit() else call.keyword(first)


def _in_table(call: Call) -> str:
    """Return the name of a call in ARGUMENTS; one with a keyword stands for all that a library has below it as well."""
    if call.package not in _HEADS:
        return ""
    name = _plain(call.name)
    found = lookup(name, _ARGUMENTS)
    return found if found == name or _ARGUMENTS.get(found, "").isidentifier() else ""


def _plain(name: str) -> str:
    return name.replace("()", "")
