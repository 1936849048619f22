"""GA208: an option that only makes sense with a GPU."""

from analyzers.facts.model import Call, Facts, Guard, Known, OneOf, Symbol, Value, options, texts
from analyzers.facts.vocabulary import PLATFORMS
from analyzers.findings import Signal, Trait
from analyzers.lean.tables import by_word
from analyzers.rules.rule import Hit, Hits, Rule

_NEEDS = frozenset({"load_in_4bit", "load_in_8bit", "tensor_parallel_size", "gpu_memory_utilization"})
_SWITCHES = by_word(
    {
        "switched on": "use_gpu use_cuda gpu cuda enable_gpu",
        "half precision": "fp16 use_fp16",
        "counted": "gpus num_gpus",
        "layers": "n_gpu_layers gpu_layers",
    }
)
_NEEDED_VALUES = {
    "attn_implementation": ("flash_attention_2", "flash_attention_3"),
    "tree_method": ("gpu_hist",),
    "task_type": ("GPU",),
    "compute_type": (),
}
_ACCELERATED = by_word(
    {
        "Taichi": "taichi.cuda taichi.gpu taichi.vulkan",
        "OpenCV": "cv2.dnn.DNN_BACKEND_CUDA cv2.dnn.DNN_TARGET_CUDA cv2.dnn.DNN_TARGET_CUDA_FP16",
    }
)
"""Constants that ask for a GPU, of libraries that fall back to the CPU by themselves."""
_ACCELERATORS = frozenset({"init", "setPreferableBackend", "setPreferableTarget"})
_NEEDED_CALLS = frozenset({"transformers.BitsAndBytesConfig"})
_CONNECTS = "init_process_group"
_OPTIONS = _NEEDS | _SWITCHES.keys() | _NEEDED_VALUES.keys()


def _check(facts: Facts) -> Hits:
    for call in filter(_may_ask, facts.calls()):
        if call.guard is Guard.ALWAYS:
            yield from _called(call)
            yield from _given(call)
        elif call.guard is not Guard.WITHOUT_GPU:
            for name, argument in call.keywords:
                if (name in _NEEDS or name in _SWITCHES) and not _is_off(argument.value) and not _declares(call):
                    yield Hit(call.place, f"the option {name} asks for a GPU, where code chooses to", "asked for")


def _may_ask(call: Call) -> bool:
    """Return whether a call may ask for a GPU, by its names alone: when most of them run need not be found out."""
    asks = call.name in _NEEDED_CALLS or call.method == _CONNECTS or call.method in _ACCELERATORS
    return asks or any(name in _OPTIONS for name, _ in call.keywords)


def _called(call: Call) -> Hits:
    """Yield what a call asks for by what it is."""
    if call.name in _NEEDED_CALLS:
        yield Hit(call.place, f"{call.method} quantises a model with CUDA kernels", "needed", Signal.NEEDS_GPU)
    if call.method == _CONNECTS and any("nccl" in texts(argument.value) for argument in call.arguments):
        yield Hit(call.place, "NCCL connects GPUs and nothing else", "needed", Signal.NEEDS_GPU)
    for argument in call.arguments if call.method in _ACCELERATORS else ():
        if isinstance(argument.value, Symbol) and argument.value.name in _ACCELERATED:
            message = f"asks {_ACCELERATED[argument.value.name]} for a GPU"
            yield Hit(call.place, message, "accelerated", trait=Trait.TIES)


def _given(call: Call) -> Hits:
    """Yield what a call asks for by the options that it is given."""
    for name, argument in call.keywords:
        if name in _NEEDS and _is_on(argument.value):
            yield Hit(call.place, f"the option {name} works on GPUs only", "needed", Signal.NEEDS_GPU)
        elif name in _SWITCHES and _is_on(argument.value) and not _declares(call):
            yield Hit(call.place, f"the option {name} asks for a GPU", _SWITCHES[name], trait=Trait.TIES)
        elif _SWITCHES.get(name) == "layers" and not _is_off(argument.value):
            yield Hit(call.place, f"the option {name} may ask for a GPU", "asked for")
        elif name in _NEEDED_VALUES and _only(argument.value, _NEEDED_VALUES[name]):
            message = f"{name} names an implementation for GPUs only"
            yield Hit(call.place, message, "implementation", Signal.NEEDS_GPU)
        elif name == "compute_type" and _only(argument.value, ("float16", "int8_float16")):
            message = "compute_type names a precision that only GPUs compute in"
            yield Hit(call.place, message, "precision", trait=Trait.TIES)


def _declares(call: Call) -> bool:
    """Return whether a call declares to a platform which machine to start: that is an answer and no evidence for it."""
    return call.is_decorator or call.package in PLATFORMS


def _is_on(value: Value) -> bool:
    """Return whether an option is switched on whatever the machine has."""
    return not isinstance(value, OneOf) and isinstance(value, Known) and bool(value.value) and value.value != "cpu"


def _is_off(value: Value) -> bool:
    return isinstance(value, Known) and (not value.value or value.value == "cpu")


def _only(value: Value, names: tuple[str, ...]) -> bool:
    return bool(names) and all(isinstance(option, Known) and option.value in names for option in options(value))


RULE = Rule(
    code="GA208",
    name="gpu-option",
    summary="An argument only makes sense with a GPU.",
    rationale="Four-bit loading, tensor parallelism and flash attention are CUDA kernels; use_gpu=True and fp16=True "
    "ask for a GPU that a library may still refuse.",
    remedy="Give the option only where there is a GPU: `gpu=torch.cuda.is_available()`.",
    confidence=0.8,
    signal=Signal.CAN_USE_GPU,
    check=_check,
    ties=True,
    weights={
        "needed": 3.5,
        "implementation": 3.0,
        "precision": 2.0,
        "accelerated": 1.5,
        "switched on": 2.0,
        "half precision": 1.5,
        "counted": 1.5,
        "layers": 2.5,
        "asked for": 0.0,
    },
    words="CUDA GPU compute_type cuda fp16 gpu load_in n_gpu nvidia tensor torch transformers tree_method",
    matches=(
        'from transformers import AutoModel\nm = AutoModel.from_pretrained("x", load_in_4bit=True)',
        'import easyocr\nr = easyocr.Reader(["en"], gpu=True)',
        "from catboost import CatBoostClassifier\nm = CatBoostClassifier(task_type='GPU')",
        "import cv2\nnet = cv2.dnn.readNet('a')\nnet.setPreferableBackend(cv2.dnn.DNN_BACKEND_CUDA)",
        "import taichi as ti\nti.init(arch=ti.gpu)",
        'import torch.distributed as dist\ndist.init_process_group("nccl")',
        'from faster_whisper import WhisperModel\nm = WhisperModel("base", compute_type="float16")',
        'import llama_cpp, os\nm = llama_cpp.Llama("m.gguf", n_gpu_layers=int(os.environ["LAYERS"]))',
        ('import llama_cpp, os\nif os.environ.get("CARD") == "1":\n    m = llama_cpp.Llama("m.gguf", n_gpu_layers=8)'),
    ),
    passes=(
        'import modal\napp = modal.App("x")\n@app.function(gpu="A10G")\ndef f():\n    pass',
        'import easyocr\nr = easyocr.Reader(["en"], gpu=False)',
        "import taichi as ti\nti.init(arch=ti.cpu)",
        'import easyocr, torch\nr = easyocr.Reader(["en"], gpu=torch.cuda.is_available())',
    ),
)
