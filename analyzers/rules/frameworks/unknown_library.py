"""GA105: a library that no table knows, and that may compute on GPUs by its name, its summary or its models."""

import re
import sys

from analyzers.facts.model import Facts, Place
from analyzers.findings import Signal, Trait
from analyzers.lean.patterns import Pattern
from analyzers.rules.knowledge.dependency_lines import all_dependencies
from analyzers.rules.knowledge.libraries import import_name, is_known, outside, summary_of
from analyzers.rules.rule import Hit, Hits, Rule

_SPEAKS = Pattern(r"(?<!barra)cuda|-cu1\d{1,2}$|(^|[-_.\d])gpus?|gpus?([-_.\d]|$)", re.IGNORECASE)
_OF_FRAMEWORKS = Pattern(r"torch(?!light)|tensorflow|keras|(^|_)jax(_|$)|vllm", re.IGNORECASE)
_LOADS = frozenset({"from_pretrained", "load_from_checkpoint"})
_CUDA = "CUDA"
_RUNTIME = "nvidia-"
"""How the names of CUDA's own libraries begin, which other packages bring with them."""


def _check(facts: Facts) -> Hits:
    seen = set()
    loading = {call.package for call in facts.calls() if call.method in _LOADS}
    for fact in outside(facts):
        package = fact.package
        if package in seen or not _is_unknown(fact.name):
            continue
        if _SPEAKS.search(package):
            seen.add(package)
            yield _hit(fact.place, f"imports {package}")
        elif _OF_FRAMEWORKS.search(package):
            seen.add(package)
            message = f"imports {package}, an unknown library whose name speaks of a framework for GPUs"
            yield Hit(fact.place, message, "framework", trait=Trait.UNKNOWN)
        elif package in loading:
            seen.add(package)
            message = f"imports {package}, an unknown library from which a trained model is loaded"
            yield Hit(fact.place, message, "framework", trait=Trait.UNKNOWN)
        elif summary := summary_of(package):
            seen.add(package)
            message = f"imports {package}, an unknown library that is for {summary} by its own summary"
            yield Hit(fact.place, message, "named" if summary == _CUDA else "framework", trait=Trait.UNKNOWN)
    for dependency in all_dependencies(facts):
        name = dependency.name
        key = import_name(name)
        if key in seen or name.startswith(_RUNTIME) or not _is_unknown(key):
            continue
        if _SPEAKS.search(name):
            seen.add(key)
            yield _hit(dependency.place, f"depends on {name}")


def _hit(place: Place, use: str) -> Hit:
    return Hit(place, f"{use}, an unknown library whose name speaks of GPUs", "named", trait=Trait.UNKNOWN)


def _is_unknown(name: str) -> bool:
    return not is_known(name) and name.partition(".")[0] not in sys.stdlib_module_names


RULE = Rule(
    code="GA105",
    name="unknown-library",
    summary="The function uses an unknown library that may compute on GPUs by its name, its summary, or its models.",
    rationale="No table can hold all libraries. A name such as fastgpu, somecuda or solver-cu12 is all that is known "
    "of some, of others what their summary in the index of packages says: enough to rule out that a GPU would change "
    "nothing, and too little to say more, so the confidence is low.",
    confidence=0.5,
    signal=Signal.CAN_USE_GPU,
    check=_check,
    weights={"named": 1.0, "framework": 0.0},
    words="dependencies install packages requirements",
    matches=(
        "import gpu_solver",
        "from fastgpu.core import solve",
        "import some_cuda_library",
        "import opacus",
        "import torchsomething",
        'from unheard import Model\nmodel = Model.from_pretrained("a/b")',
        "import pycuda_helpers_gpu",
        "# requirements.txt\nsolver-cu12==1.0",
        "# requirements.txt\nsolver-cuda12x",
        "# requirements.txt\nsolver-gpu",
    ),
    passes=(
        "import curses",
        "import torchlight",
        "import cupy",
        "import barracuda_client",
        "# requirements.txt\nnvidia-cublas-cu12",
        "# requirements.txt\ncucumber",
        "# requirements.txt\nonnxruntime-gpu",
    ),
)
