"""GA101: a library that does nothing without a GPU."""

from analyzers.facts.model import Facts, Guard
from analyzers.rules.knowledge.dependency_lines import all_dependencies, is_for_gpus
from analyzers.rules.knowledge.libraries import GPU_ONLY, import_name, lookup, outside
from analyzers.rules.model import Found, Rule, Signal


def _check(facts: Facts) -> Found:
    imported = set()
    for fact in outside(facts):
        key = lookup(fact.name, GPU_ONLY)
        if key and key not in imported:
            imported.add(key)
            if fact.guard is Guard.ALWAYS:
                yield fact.place, f"imports {key}: {GPU_ONLY[key]}", 4.0, Signal.NEEDS_GPU
            else:
                yield fact.place, f"imports {key} only where a GPU is available", 0.3, Signal.CAN_USE_GPU
    for dependency in all_dependencies(facts):
        key = import_name(dependency.name)
        if key in GPU_ONLY and key not in imported and key != "triton":
            imported.add(key)
            if is_for_gpus(dependency):
                yield dependency.place, f"{key} is installed for the GPU backend only", 0.2, Signal.CAN_USE_GPU
            else:
                yield dependency.place, f"depends on {key}: {GPU_ONLY[key]}", 2.5, Signal.CAN_USE_GPU


RULE = Rule(
    code="GA101",
    name="gpu-only-library",
    summary="The function uses a library that does nothing without a GPU.",
    rationale="vLLM, bitsandbytes, TensorRT, CuPy and their like fail at import or at the first call on a "
    "machine without a "
    "GPU. An import that is guarded, or a dependency of the GPU backend alone, only shows that a GPU can be used.",
    check=_check,
    matches=(
        "from vllm import LLM",
        "import cupy as cp",
        "try:\n    import cupy as xp\nexcept ImportError:\n    import numpy as xp",
        "# requirements.txt\nbitsandbytes>=0.43",
    ),
    passes=("import numpy as np", "# requirements.txt\nnumpy", '"""We used vllm before."""'),
)
