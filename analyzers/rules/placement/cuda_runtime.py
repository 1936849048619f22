"""GA204: calls to the CUDA runtime."""

from analyzers.facts.model import Call, Facts, Guard, OneOf, Symbol, options, texts
from analyzers.rules.model import Found, Rule, Signal

_FAILS = frozenset(
    [
        "synchronize",
        "current_device",
        "get_device_name",
        "get_device_properties",
        "get_device_capability",
        "mem_get_info",
        "CUDAGraph",
        "graph",
        "Stream",
        "Event",
        "current_stream",
        "set_per_process_memory_fraction",
    ]
)
_IDLE = {
    "empty_cache": 0.8,
    "ipc_collect": 0.8,
    "max_memory_allocated": 0.8,
    "memory_allocated": 0.8,
    "reset_peak_memory_stats": 0.8,
    "manual_seed": 0.3,
    "manual_seed_all": 0.3,
    "autocast": 0.8,
    "GradScaler": 0.5,
}


_NEEDED = {
    "cv2.cuda.GpuMat": "holds a picture in a GPU's memory",
    "faiss.StandardGpuResources": "takes memory on a GPU",
    "faiss.index_cpu_to_all_gpus": "moves an index to GPUs",
    "faiss.index_cpu_to_gpu": "moves an index to a GPU",
}
_AUTOCAST = ("torch.autocast", "torch.amp.autocast", "torch.amp.GradScaler")


def _check(facts: Facts) -> Found:
    for call in facts.calls():
        if call.name in _NEEDED and call.guard is Guard.ALWAYS:
            yield call.place, f"{call.name}() {_NEEDED[call.name]}", 3.5, Signal.NEEDS_GPU
        elif call.name in _AUTOCAST and call.guard is Guard.ALWAYS and _names_cuda(call):
            yield call.place, f'{call.name}("cuda") is for GPUs', 0.8, Signal.CAN_USE_GPU
        elif call.name == "torch.set_default_tensor_type" and call.guard is Guard.ALWAYS and _on_gpus(call):
            yield call.place, "makes every tensor on a GPU", 3.5, Signal.NEEDS_GPU
        if not call.name.startswith("torch.cuda."):
            continue
        if call.method.endswith("Tensor") and call.guard is Guard.ALWAYS:
            yield call.place, f"{call.name}() makes a tensor on a GPU", 3.5, Signal.NEEDS_GPU
        if call.method in _FAILS and call.guard is Guard.ALWAYS:
            yield call.place, f"{call.name}() fails without a GPU", 3.0, Signal.NEEDS_GPU
        elif call.method in _IDLE or call.method in _FAILS:
            yield call.place, f"{call.name}() manages a GPU", _weight(call), Signal.CAN_USE_GPU


def _weight(call: Call) -> float:
    """What looks after a GPU says little behind a test for one; what asks which GPU it is was written for one."""
    if call.guard is Guard.ALWAYS:
        return _IDLE.get(call.method, 0.5)
    return 0.7 if call.method in _FAILS else 0.2


def _names_cuda(call: Call) -> bool:
    value = call.argument(0, "device_type", "device")
    return value is not None and not isinstance(value, OneOf) and "cuda" in texts(value)


def _on_gpus(call: Call) -> bool:
    """Whether a type of tensors, given by name or as a string, is one on GPUs."""
    value = call.argument(0, "t")
    named = [option.name for option in options(value) if isinstance(option, Symbol)] if value is not None else []
    return value is not None and any(name.startswith("torch.cuda.") for name in (*texts(value), *named))


RULE = Rule(
    code="GA204",
    name="cuda-runtime",
    summary="The function talks to the CUDA runtime.",
    rationale="Some of these calls raise on a machine without a GPU, the others do nothing there; either way "
    "somebody looks after "
    "a GPU in code that runs for every request.",
    check=_check,
    matches=(
        "import faiss\nresources = faiss.StandardGpuResources()",
        'import torch\nwith torch.autocast("cuda"):\n    pass',
        "import torch\ntorch.cuda.synchronize()",
        "import torch\ntorch.cuda.empty_cache()",
        'import torch\ntorch.set_default_tensor_type("torch.cuda.FloatTensor")',
        "import torch\ntorch.set_default_tensor_type(torch.cuda.HalfTensor)",
        "import torch\nx = torch.cuda.FloatTensor(3)",
    ),
    passes=(
        "import torch\ntorch.cuda.is_available()",
        "import torch\ntorch.set_default_tensor_type(torch.DoubleTensor)",
    ),
)
