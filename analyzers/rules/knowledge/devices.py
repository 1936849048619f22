"""Where code says which device it uses: the spellings that the 2xx rules share."""

from collections.abc import Iterator

from analyzers.facts.model import Call, Facts, Guard, Known, OneOf, Value, options, texts
from analyzers.facts.vocabulary import DEVICE_KEYWORDS
from analyzers.lean.patterns import Pattern
from analyzers.lean.records import record
from analyzers.lean.tables import words
from analyzers.rules.knowledge.libraries import FRAMEWORKS, lookup

_KINDS = frozenset({"cuda", "gpu", "xpu", "hip", "rocm"})
_NAMED = Pattern(r"cuda(:\d+)?$")
MOVES = ("to", "to_device", "to_empty", "move_to_device")
_METHODS = frozenset({"cuda", "to_gpu"})
_DEVICE_FIRST = words(
    "torch.device torch.set_default_device torch.cuda.set_device torch.cuda.device tensorflow.device jax.devices "
    "jax.local_devices mxnet.Context paddle.set_device paddle.device.set_device spacy.require_gpu mxnet.gpu"
)
_ALWAYS_GPU = frozenset({"torch.cuda.set_device", "torch.cuda.device", "spacy.require_gpu", "mxnet.gpu"})
_INDEX_MEANS_GPU = ("transformers.", ".pipeline", "torch.", "ultralytics.", "sentence_transformers.")


@record
class Placement:
    """A call that places something: on which device, and whether a machine without a GPU has another choice."""

    call: Call
    spelling: str
    chosen: bool


def is_gpu(value: Value) -> bool:
    """Return whether a device value names a GPU."""
    return isinstance(value, Known) and isinstance(value.value, str) and _names_a_gpu(value.value.lower())


def _names_a_gpu(text: str) -> bool:
    """Return whether `text` is one of `cuda`, `cuda:0`, `gpu:{}`, `/device:gpu:0`; `{}` stands for what is unknown."""
    if text.replace("{", ":").partition(":")[0] in _KINDS or text.startswith("/gpu"):
        return True
    return text.removeprefix("/").removeprefix("device:").startswith("gpu:")


def placements(facts: Facts) -> Iterator[Placement]:
    """Return every call that places work on a GPU, whatever the spelling."""
    return (found for call in facts.calls() if (found := placement(call)) is not None)


def placement(call: Call) -> Placement | None:
    """Return what `call` places on a GPU, None when it places nothing there."""
    spelling, value = _device_of(call)
    on_gpu = [_names_gpu(option, call) for option in options(value)] if value is not None else []
    if not any(on_gpu):
        return None
    alternatives = isinstance(value, OneOf) and not all(on_gpu)
    return Placement(call, spelling, chosen=alternatives or call.guard in (Guard.WITH_GPU, Guard.SETTING))


def _names_gpu(value: Value, call: Call) -> bool:
    if isinstance(value, Known) and isinstance(value.value, int) and not isinstance(value.value, bool):
        return value.value >= 0 and (call.name.startswith(_INDEX_MEANS_GPU) or call.method in MOVES)
    return is_gpu(value)


def _device_of(call: Call) -> tuple[str, Value | None]:
    """Return the spelling of a placement and its device, ("", None) when the call is none."""
    if call.is_own and call.method in (*_METHODS, *MOVES):
        return "", None
    if call.method in _METHODS and call.name not in _DEVICE_FIRST and not call.name.startswith("torch.cuda"):
        return f".{call.method}()", Known("cuda")
    if call.name in _ALWAYS_GPU:
        return f"{call.name}()", Known("cuda")
    if call.name in _DEVICE_FIRST and call.args:
        return _spelled(call.name, call.args[0].value), call.args[0].value
    if call.method in MOVES:
        value = call.argument(0, "device")
        return (_spelled(".to", value), value) if value is not None else ("", None)
    if lookup(call.name, FRAMEWORKS):
        for argument in call.args[1:]:
            if any(_NAMED.match(text) for text in texts(argument.value)):
                return _spelled(call.name, argument.value), argument.value
    accelerator = call.keyword("accelerator") if call.method == "Trainer" else None
    if accelerator is not None:
        return _spelled("accelerator=", accelerator), accelerator
    for name in DEVICE_KEYWORDS:
        value = call.keyword(name)
        if value is not None and not call.name.startswith(("torch.autocast", "torch.amp", "print")):
            return _spelled(f"{name}=", value), value
    return "", None


def _spelled(where: str, value: Value) -> str:
    names = [str(option.value) for option in options(value) if isinstance(option, Known)]
    shown = " or ".join(f'"{name}"' for name in dict.fromkeys(names))
    return f"{where}{shown}" if where.endswith("=") else f"{where}({shown})"
