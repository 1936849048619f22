"""GA103: a package or an index built for CUDA."""

import re

from analyzers.facts.model import Facts
from analyzers.lean.patterns import Pattern
from analyzers.rules.knowledge.dependency_lines import all_dependencies, is_for_gpus
from analyzers.rules.model import Found, Rule, Signal

_CUDA = Pattern(
    r"\+cu\d{2,3}\b|/whl/(nightly/)?cu\d{2,3}\b|^nvidia-(cu|nccl|tensorrt)|-gpu\b|\[[^\]]*(cuda|gpu)[^\]]*\]"
    r"|^cupy-cuda|^tensorrt|^(pytorch-cuda|cudatoolkit|cudnn|cuda-toolkit|cuda-runtime|cuda-nvcc)\b",
    re.IGNORECASE,
)


def _check(facts: Facts) -> Found:
    for dependency in all_dependencies(facts):
        if _CUDA.search(dependency.text) or re.search(r"-gpu$", dependency.name):
            own = is_for_gpus(dependency)
            where = "installed for the GPU backend only" if own else "asks for a build for CUDA"
            yield dependency.place, f"{where}: {dependency.text}", 0.2 if own else 2.2, Signal.CAN_USE_GPU


RULE = Rule(
    code="GA103",
    name="cuda-package",
    summary="A dependency is a build for CUDA.",
    rationale="Nobody downloads gigabytes of CUDA libraries for a function that stays on a CPU. Such builds "
    "still run without a "
    "GPU, so it is strong evidence and no proof.",
    check=_check,
    matches=(
        "# requirements.txt\ntorch==2.1.0+cu118",
        "# requirements.txt\n--extra-index-url https://download.pytorch.org/whl/cu121\ntorch",
        "# requirements.txt\nonnxruntime-gpu==1.16",
    ),
    passes=("# requirements.txt\ntorch==2.1.0", "# requirements.txt\ntorch==2.1.0+cpu", "# requirements.txt\ncucumber"),
)
