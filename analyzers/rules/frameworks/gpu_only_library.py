"""GA101: a library that does nothing without a GPU."""

from analyzers.facts.model import Facts, Guard
from analyzers.facts.vocabulary import AVAILABILITY
from analyzers.findings import Signal
from analyzers.rules.knowledge.cpu_pins import built_for_cpus, pins
from analyzers.rules.knowledge.dependency_lines import all_dependencies, is_for_gpus
from analyzers.rules.knowledge.libraries import GPU_ONLY, import_name, used
from analyzers.rules.rule import Hit, Hits, Rule


def _check(facts: Facts) -> Hits:
    imported = set()
    pinned = built_for_cpus(facts) | {pin.package for pin in pins(facts)}
    for key, fact in used(facts, GPU_ONLY):
        imported.add(key)
        if key in pinned:
            continue  # a build for CPUs is asked for, as of vLLM
        if fact.guard is Guard.ALWAYS and not _is_asked(key, facts):
            yield Hit(fact.place, f"imports {key}: {GPU_ONLY[key]}", "imported", Signal.NEEDS_GPU)
        else:
            yield Hit(fact.place, f"imports {key} only where a GPU is available", "imported if available")
    for dependency in all_dependencies(facts):
        key = import_name(dependency.name)
        if key in GPU_ONLY and key not in imported and key != "triton":
            imported.add(key)
            if is_for_gpus(dependency):
                yield Hit(dependency.place, f"{key} is installed for the GPU backend only", "installed on the GPU only")
            else:
                yield Hit(dependency.place, f"depends on {key}: {GPU_ONLY[key]}", "installed")


def _is_asked(key: str, facts: Facts) -> bool:
    """Return whether the code asks the library for a GPU, and calls nothing else of it without an answer."""
    calls = [call for call in facts.calls() if call.name.startswith(f"{key}.")]
    others = [call for call in calls if call.name not in AVAILABILITY]
    return len(others) < len(calls) and not any(call.guard is Guard.ALWAYS for call in others)


RULE = Rule(
    code="GA101",
    name="gpu-only-library",
    summary="The function uses a library that does nothing without a GPU.",
    rationale="vLLM, bitsandbytes, TensorRT, CuPy and their like fail at import or at the first call on a machine "
    "without a GPU. An import that is guarded, or a dependency of the GPU backend alone, only shows that a GPU can be "
    "used.",
    remedy="Import it behind a test, with a fallback for the CPU: `except ImportError: import numpy as xp`.",
    confidence=0.95,
    signal=Signal.CAN_USE_GPU,
    check=_check,
    ties=True,
    weights={"imported": 4.0, "imported if available": 0.3, "installed": 2.5, "installed on the GPU only": 0.2},
    words="apex awq bitsandbytes cucim cuda cudf cuml cupy dali deepspeed exllama flash gptq lmdeploy nvidia sglang "
    "triton vllm xformers",
    matches=(
        "from vllm import LLM",
        "import cupy as cp",
        "try:\n    import cupy as xp\nexcept ImportError:\n    import numpy as xp",
        "# requirements.txt\nbitsandbytes>=0.43",
    ),
    passes=(
        'from vllm import LLM\nllm = LLM("facebook/opt-125m", device="cpu")',
        "import numpy as np",
        "# requirements.txt\nnumpy",
        '"""We used vllm before."""',
    ),
)
