"""GA103: a package or an index built for CUDA."""

from analyzers.facts.model import Facts
from analyzers.findings import Signal, Trait
from analyzers.rules.knowledge.dependency_lines import all_dependencies, is_for_gpus, names_cuda, without_idle
from analyzers.rules.knowledge.libraries import import_name, is_known
from analyzers.rules.rule import Hit, Hits, Rule


def _check(facts: Facts) -> Hits:
    for dependency in without_idle(filter(names_cuda, all_dependencies(facts)), facts):
        if is_for_gpus(dependency):
            message = f"installed for the GPU backend only: {dependency.text}"
            yield Hit(dependency.place, message, "installed on the GPU only")
        else:
            is_known_build = not dependency.name or is_known(import_name(dependency.name))
            trait = Trait.PLAIN if is_known_build else Trait.UNKNOWN
            yield Hit(dependency.place, f"asks for a build for CUDA: {dependency.text}", "installed", trait=trait)


RULE = Rule(
    code="GA103",
    name="cuda-package",
    summary="A dependency is a build for CUDA.",
    rationale="Nobody downloads gigabytes of CUDA libraries for a function that stays on a CPU. Such builds still run "
    "without a GPU, so this is strong evidence but no proof. It counts where the code may use what is installed.",
    remedy="List the plain package, and the build for CUDA in requirements-gpu.txt, which only the GPU backend "
    "installs.",
    confidence=0.95,
    signal=Signal.CAN_USE_GPU,
    check=_check,
    weights={"installed": 2.2, "installed on the GPU only": 0.2},
    words="dependencies install packages requirements",
    matches=(
        "# requirements.txt\ntorch==2.1.0+cu118",
        "# requirements.txt\n--extra-index-url https://download.pytorch.org/whl/cu121\ntorch",
        "# requirements.txt\nonnxruntime-gpu==1.16",
        "# requirements.txt\npytorch==2.3.1=py3.11_cuda12.1_cudnn8.9.2_0",
    ),
    passes=(
        "# requirements.txt\ntorch==2.1.0",
        "# requirements.txt\ntorch==2.1.0+cpu",
        "# requirements.txt\ncucumber",
        "# requirements.txt\npytorch==2.3.1=py3.11_cpu_0",
    ),
)
