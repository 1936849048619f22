"""GA602: a build or a setting that rules a GPU out."""

from analyzers.facts.model import Call, Facts, Guard, Items, Known
from analyzers.findings import Signal
from analyzers.lean.tables import words
from analyzers.project.model import Dependency
from analyzers.rules.knowledge.dependency_lines import all_dependencies, is_for_cpus, names_cuda, without_idle
from analyzers.rules.knowledge.libraries import FRAMEWORKS, GPU_ONLY, lookup, outside, used
from analyzers.rules.knowledge.variables import variables
from analyzers.rules.rule import Hit, Hits, Rule

_PYTORCH = dict.fromkeys(
    words(
        "accelerate diffusers easyocr flair kornia lightning open_clip optimum peft pytorch_lightning "
        "sentence_transformers speechbrain stanza timm torch torch_geometric torchaudio torchtext torchvision "
        "transformers ultralytics whisper"
    ),
    "",
)
_TENSORFLOW = dict.fromkeys(words("keras tensorflow tensorflow_hub tensorflow_text tf_keras"), "")
"""What computes by PyTorch, and what by TensorFlow: a build without CUDA speaks for all of them."""
_NONE = frozenset({"", "-1", "none", "void", "nodevfiles"})
"""What no GPU is called: the drivers take any text that names none for an end of the list."""
_VISIBLE = frozenset({"CUDA_VISIBLE_DEVICES", "NVIDIA_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES"})
_HIDES = frozenset({"set_visible_devices", "set_visible_gpus"})


def _check(facts: Facts) -> Hits:
    for dependency in all_dependencies(facts):
        if is_for_cpus(dependency):
            message = f"asks for a build without CUDA: {dependency.text}"
            weight = _weight(dependency, facts)
            if weight == "build" and _is_all(dependency, facts):
                yield Hit(dependency.place, message, weight, Signal.RULES_OUT_GPU)
            else:
                yield Hit(dependency.place, message, weight)
    for variable in variables(facts):
        if variable.name in _VISIBLE and variable.value.lower() in _NONE:
            yield Hit(variable.place, "hides every GPU from the function", "hides GPUs", Signal.RULES_OUT_GPU)
    for call in facts.calls():
        if call.method in _HIDES and call.guard is Guard.ALWAYS and _hides_all(call):
            yield Hit(call.place, "hides every GPU from the function", "hides GPUs", Signal.RULES_OUT_GPU)


def _hides_all(call: Call) -> bool:
    """Return whether `set_visible_devices([], "GPU")` leaves nothing: of GPUs, or of everything without a type."""
    kind = call.argument(1, "device_type")
    return call.argument(0, "devices") == Items(()) and (kind is None or kind == Known("GPU"))


def _is_all(built: Dependency, facts: Facts) -> bool:
    """Return whether all that the code imports and could use a GPU rests on what is built without CUDA."""
    if without_idle(filter(names_cuda, all_dependencies(facts)), facts):
        return False
    own = _TENSORFLOW if built.name.startswith(("tensorflow", "intel")) else _PYTORCH
    return all(lookup(fact.name, own) for key, fact in used(facts, FRAMEWORKS)) and not any(used(facts, GPU_ONLY))


def _weight(dependency: Dependency, facts: Facts) -> str:
    """Return what a build weighs: faiss comes without CUDA by default, TensorFlow's build says nothing of PyTorch's."""
    if dependency.name.startswith("faiss"):
        return "by default"
    beside_torch = dependency.name.startswith(("tensorflow", "intel")) and any(
        fact.package == "torch" for fact in outside(facts)
    )
    return "of another library" if beside_torch else "build"


RULE = Rule(
    code="GA602",
    name="cpu-build",
    summary="A dependency is a build without CUDA, or the code hides every GPU.",
    rationale="A wheel built for the CPU cannot use a GPU at all, so its author has decided. It rules a GPU out where "
    "all that the code imports and could use one rests on it.",
    confidence=0.95,
    signal=Signal.SPEAKS_FOR_CPU,
    check=_check,
    weights={"build": -3.0, "of another library": -1.0, "by default": -0.3, "hides GPUs": -3.0},
    words="CUDA environ install packages requirements visible",
    matches=(
        "# requirements.txt\ntorch==2.1.0+cpu",
        "# requirements.txt\n--extra-index-url https://download.pytorch.org/whl/cpu\ntorch",
        'import os\nos.environ["CUDA_VISIBLE_DEVICES"] = ""\nimport torch',
        'import os\nos.environ["CUDA_VISIBLE_DEVICES"] = "NoDevFiles"',
        'import os\nos.environ.update(CUDA_VISIBLE_DEVICES="-1")\nimport torch',
        "import tensorflow as tf\ntf.config.set_visible_devices([], 'GPU')",
    ),
    passes=(
        'import subprocess\nsubprocess.run(["x"], env={"CUDA_VISIBLE_DEVICES": ""})',
        "import tensorflow as tf\ntf.config.set_visible_devices([], 'TPU')",
        "# requirements.txt\ntorch==2.1.0",
        "# requirements.txt\ncpuinfo",
    ),
)
