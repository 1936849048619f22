"""GA208: an option that only makes sense with a GPU."""

from analyzers.facts.model import Call, Facts, Guard, Known, OneOf, Symbol, Value, options, texts
from analyzers.facts.vocabulary import PLATFORMS
from analyzers.rules.model import Found, Rule, Signal

_NEEDS = frozenset({"load_in_4bit", "load_in_8bit", "tensor_parallel_size", "gpu_memory_utilization"})
_SWITCHES = {
    "use_gpu": 2.0,
    "use_cuda": 2.0,
    "gpu": 2.0,
    "cuda": 2.0,
    "enable_gpu": 2.0,
    "fp16": 1.5,
    "use_fp16": 1.5,
    "n_gpu_layers": 2.5,
    "gpus": 1.5,
    "num_gpus": 1.5,
}
_NEEDED_VALUES = {
    "attn_implementation": ("flash_attention_2", "flash_attention_3"),
    "tree_method": ("gpu_hist",),
    "task_type": ("GPU",),
    "compute_type": (),
}
_WISHED = {
    "taichi.cuda": "Taichi",
    "taichi.gpu": "Taichi",
    "taichi.vulkan": "Taichi",
    "cv2.dnn.DNN_BACKEND_CUDA": "OpenCV",
    "cv2.dnn.DNN_TARGET_CUDA": "OpenCV",
    "cv2.dnn.DNN_TARGET_CUDA_FP16": "OpenCV",
}
"""Constants that ask for a GPU, of libraries that fall back to the CPU by themselves."""
_WISHING = frozenset({"init", "setPreferableBackend", "setPreferableTarget"})
_NEEDED_CALLS = ("transformers.BitsAndBytesConfig",)


def _check(facts: Facts) -> Found:
    for call in facts.calls():
        if call.guard is not Guard.ALWAYS:
            continue
        if call.name in _NEEDED_CALLS:
            yield call.place, f"{call.method} quantises a model with CUDA kernels", 3.5, Signal.NEEDS_GPU
        if call.method == "init_process_group" and any("nccl" in texts(argument.value) for argument in call.arguments):
            yield call.place, "NCCL connects GPUs and nothing else", 3.5, Signal.NEEDS_GPU
        for argument in call.arguments if call.method in _WISHING else ():
            if isinstance(argument.value, Symbol) and argument.value.name in _WISHED:
                yield call.place, f"asks {_WISHED[argument.value.name]} for a GPU", 1.5, Signal.CAN_USE_GPU
        for name, argument in call.keywords:
            if name in _NEEDS and _is_on(argument.value):
                yield call.place, f"the option {name} works on GPUs only", 3.5, Signal.NEEDS_GPU
            elif name in _SWITCHES and _is_on(argument.value) and not _declares(call):
                yield call.place, f"the option {name} asks for a GPU", _SWITCHES[name], Signal.CAN_USE_GPU
            elif name in _NEEDED_VALUES and _only(argument.value, _NEEDED_VALUES[name]):
                yield call.place, f"{name} names an implementation for GPUs only", 3.0, Signal.NEEDS_GPU
            elif name == "compute_type" and _only(argument.value, ("float16", "int8_float16")):
                yield call.place, "compute_type names a precision that only GPUs compute in", 2.0, Signal.CAN_USE_GPU


def _declares(call: Call) -> bool:
    """Whether a call tells a platform which machine to start: that is somebody's answer and no evidence for one."""
    return call.is_decorator or call.package in PLATFORMS


def _is_on(value: Value) -> bool:
    """Whether an option is switched on whatever the machine has."""
    return not isinstance(value, OneOf) and isinstance(value, Known) and bool(value.value) and value.value != "cpu"


def _only(value: Value, names: tuple[str, ...]) -> bool:
    return bool(names) and all(isinstance(option, Known) and option.value in names for option in options(value))


RULE = Rule(
    code="GA208",
    name="gpu-option",
    summary="An argument only makes sense with a GPU.",
    rationale="Four-bit loading, tensor parallelism and flash attention are CUDA kernels; use_gpu=True and "
    "fp16=True are requests "
    "for a GPU that a library may still turn down.",
    check=_check,
    matches=(
        'from transformers import AutoModel\nm = AutoModel.from_pretrained("x", load_in_4bit=True)',
        'import easyocr\nr = easyocr.Reader(["en"], gpu=True)',
        "from catboost import CatBoostClassifier\nm = CatBoostClassifier(task_type='GPU')",
        "import cv2\nnet = cv2.dnn.readNet('a')\nnet.setPreferableBackend(cv2.dnn.DNN_BACKEND_CUDA)",
        "import taichi as ti\nti.init(arch=ti.gpu)",
        'import torch.distributed as dist\ndist.init_process_group("nccl")',
        'from faster_whisper import WhisperModel\nm = WhisperModel("base", compute_type="float16")',
    ),
    passes=(
        'import modal\napp = modal.App("x")\n@app.function(gpu="A10G")\ndef f():\n    pass',
        'import easyocr\nr = easyocr.Reader(["en"], gpu=False)',
        "import taichi as ti\nti.init(arch=ti.cpu)",
        'import easyocr, torch\nr = easyocr.Reader(["en"], gpu=torch.cuda.is_available())',
    ),
)
