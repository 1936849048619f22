"""GA204: calls to the CUDA runtime."""

from analyzers.facts.model import Call, Facts, Guard, OneOf, Symbol, options, texts
from analyzers.findings import Signal
from analyzers.lean.tables import by_word, words
from analyzers.rules.rule import Hit, Hits, Rule

_FAILS = words(
    "synchronize current_device get_device_name get_device_properties get_device_capability mem_get_info CUDAGraph "
    "graph Stream Event current_stream set_per_process_memory_fraction reset_peak_memory_stats "
    "reset_max_memory_allocated"
)
_CARES = by_word(
    {
        "cared for": "empty_cache ipc_collect max_memory_allocated memory_allocated",
        "seeded": "manual_seed manual_seed_all",
        "autocast": "autocast",
        "scaled": "GradScaler",
    }
)
_OFFLOADS = frozenset({"enable_model_cpu_offload", "enable_sequential_cpu_offload"})
"""Methods of pipelines that keep weights in main memory and refuse to work without an accelerator."""
_AUTOCAST = ("torch.autocast", "torch.amp.autocast", "torch.amp.GradScaler")


def _check(facts: Facts) -> Hits:
    for call in facts.calls():
        if call.method in _OFFLOADS and call.name.startswith("diffusers.") and call.guard is Guard.ALWAYS:
            yield Hit(call.place, f"{call.method}() moves parts of a pipeline to a GPU", "needed", Signal.NEEDS_GPU)
        elif call.name in _AUTOCAST and call.guard is Guard.ALWAYS and _names_cuda(call):
            yield Hit(call.place, f'{call.name}("cuda") is for GPUs', "autocast")
        elif call.name == "torch.set_default_tensor_type" and call.guard is Guard.ALWAYS and _on_gpus(call):
            yield Hit(call.place, "makes every tensor on a GPU", "needed", Signal.NEEDS_GPU)
        elif call.method == "type" and call.args and call.guard is Guard.ALWAYS and _on_gpus(call):
            yield Hit(call.place, "makes a tensor on a GPU", "needed", Signal.NEEDS_GPU)
        if not call.name.startswith("torch.cuda."):
            continue
        if call.method.endswith("Tensor") and call.guard is Guard.ALWAYS:
            yield Hit(call.place, f"{call.name}() makes a tensor on a GPU", "needed", Signal.NEEDS_GPU)
        if call.method in _FAILS and call.guard is Guard.ALWAYS:
            yield Hit(call.place, f"{call.name}() fails without a GPU", "fails", Signal.NEEDS_GPU)
        elif call.method in _CARES or call.method in _FAILS:
            yield Hit(call.place, f"{call.name}() manages a GPU", _weight(call))


def _weight(call: Call) -> str:
    """Return what a call weighs: managing a GPU says little behind a test for one, asking which GPU it is says more."""
    if call.guard is Guard.ALWAYS:
        return _CARES[call.method]
    return "asked about" if call.method in _FAILS else "cared for behind a test"


def _names_cuda(call: Call) -> bool:
    value = call.argument(0, "device_type", "device")
    return value is not None and not isinstance(value, OneOf) and "cuda" in texts(value)


def _on_gpus(call: Call) -> bool:
    """Return whether a type of tensors, given by name or as a string, is one on GPUs."""
    value = call.argument(0, "t")
    if value is None or isinstance(value, OneOf):
        return False
    named = [option.name for option in options(value) if isinstance(option, Symbol)]
    return any(name.startswith("torch.cuda.") for name in (*texts(value), *named))


RULE = Rule(
    code="GA204",
    name="cuda-runtime",
    summary="The function talks to the CUDA runtime.",
    rationale="Some of these calls raise on a machine without a GPU, the others do nothing there. Either way the code "
    "manages a GPU.",
    remedy="Put the call behind `if torch.cuda.is_available():`.",
    confidence=0.95,
    signal=Signal.CAN_USE_GPU,
    check=_check,
    ties=True,
    weights={
        "needed": 3.5,
        "fails": 3.0,
        "asked about": 0.7,
        "cared for": 0.8,
        "cared for behind a test": 0.2,
        "seeded": 0.3,
        "autocast": 0.8,
        "scaled": 0.5,
    },
    words="cuda diffusers torch",
    matches=(
        'import torch\nwith torch.autocast("cuda"):\n    pass',
        "import torch\ntorch.cuda.synchronize()",
        'from diffusers import FluxPipeline\np = FluxPipeline.from_pretrained("a")\np.enable_model_cpu_offload()',
        "import torch\ntorch.cuda.empty_cache()",
        'import torch\ntorch.set_default_tensor_type("torch.cuda.FloatTensor")',
        "import torch\ntorch.set_default_tensor_type(torch.cuda.HalfTensor)",
        "import torch\nx = torch.cuda.FloatTensor(3)",
        'import torch\nx = torch.ones(3).type("torch.cuda.FloatTensor")',
    ),
    passes=(
        "import torch\ntorch.cuda.is_available()",
        "import torch\nx = torch.ones(3).type(torch.FloatTensor)",
        "import torch\ntorch.set_default_tensor_type(torch.DoubleTensor)",
    ),
)
