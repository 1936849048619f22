"""GA210: an ONNX Runtime provider for GPUs."""

from analyzers.facts.model import Call, Facts, Guard, Items, OneOf, Table, strings, texts
from analyzers.findings import Signal
from analyzers.rules.knowledge.device_words import TABLES
from analyzers.rules.rule import Hit, Hits, Rule

_PROVIDERS = frozenset(name for name, kind in TABLES["PROVIDERS"].items() if kind == "gpu")
_OF_INTEL = "OpenVINOExecutionProvider"


def _check(facts: Facts) -> Hits:
    for call in facts.calls():
        given = call.args[0].value if call.method == "set_providers" and call.args else None
        for value in (call.keyword("providers", "provider"), given):
            named = [text for text in strings(value) if _is_for_gpus(text, call)] if value is not None else []
            if named:
                chosen = isinstance(value, OneOf) or call.guard is not Guard.ALWAYS
                yield Hit(call.place, f"asks ONNX Runtime for {named[0]}", "chosen" if chosen else "asked for")


def _is_for_gpus(provider: str, call: Call) -> bool:
    return provider in _PROVIDERS or (provider == _OF_INTEL and _on_gpu(call))


def _on_gpu(call: Call) -> bool:
    """Return whether OpenVINO is told to use a GPU: `provider_options=[{"device_type": "GPU_FP32"}]`."""
    value = call.keyword("provider_options")
    tables = value.values if isinstance(value, Items) else ()
    types = (one.get("device_type") for one in tables if isinstance(one, Table))
    return any(text.startswith("GPU") for kind in types if kind is not None for text in texts(kind))


RULE = Rule(
    code="GA210",
    name="gpu-provider",
    summary="The function asks ONNX Runtime for a provider that uses a GPU.",
    rationale="ONNX Runtime falls back to the CPU with a warning, so the function runs on both; naming the provider "
    "only asks for one. CPUExecutionProvider alone means nothing: it is in every list.",
    remedy="Use what the machine has: `providers=onnxruntime.get_available_providers()`.",
    confidence=0.8,
    signal=Signal.CAN_USE_GPU,
    check=_check,
    weights={"asked for": 2.0, "chosen": 0.3},
    words="onnx",
    matches=(
        'import onnxruntime as ort\ns = ort.InferenceSession("m", providers=["DmlExecutionProvider"])',
        'import onnxruntime as ort\ns = ort.InferenceSession("m.onnx", providers=["CUDAExecutionProvider"])',
    ),
    passes=(
        'import onnxruntime as ort\ns = ort.InferenceSession("m", providers=["OpenVINOExecutionProvider"])',
        'import onnxruntime as ort\ns = ort.InferenceSession("m.onnx", providers=["CPUExecutionProvider"])',
    ),
)
