"""GA102: a framework that runs on a CPU and on a GPU."""

from analyzers.facts.model import Facts
from analyzers.findings import Signal
from analyzers.rules.knowledge.dependency_lines import all_dependencies
from analyzers.rules.knowledge.libraries import FRAMEWORKS, import_name, is_heavy, used
from analyzers.rules.rule import Hit, Hits, Rule


def _check(facts: Facts) -> Hits:
    seen = set()
    for key, fact in used(facts, FRAMEWORKS):
        seen.add(key)
        yield Hit(fact.place, f"imports {key}, which computes on a CPU or a GPU", FRAMEWORKS[key])
    for dependency in all_dependencies(facts):
        key = import_name(dependency.name)
        if is_heavy(key) and key not in seen:
            seen.add(key)
            yield Hit(dependency.place, f"depends on {key}, which is slow on a CPU", FRAMEWORKS[key])


RULE = Rule(
    code="GA102",
    name="framework",
    summary="The function uses a framework that computes on a CPU or on a GPU.",
    rationale="Without one of these, or a library for GPUs only, a GPU can change nothing. Alone it decides little: "
    "most small models are served well by a CPU. The weight says how rarely that is so for this framework.",
    remedy="Use a lighter runtime, such as ONNX Runtime, where only inference is needed.",
    confidence=0.95,
    signal=Signal.CAN_USE_GPU,
    check=_check,
    words="TTS accelerat audiocraft ctranslate diffus easyocr fairseq faiss gfpgan hugging insightface jax keras "
    "mxnet onnx open_clip paddle peft sentence_ tensor timm torch transformers ultralytics whisper",
    matches=(
        "import torch",
        "from transformers import pipeline",
        "import tensorflow as tf",
        "# requirements.txt\ndiffusers",
    ),
    passes=("import json", "import torchlight", "# requirements.txt\ntorch", '"""import torch"""'),
)
