"""GA711: the function says itself which GPUs are visible."""

from analyzers.facts.model import Guard, Known
from analyzers.rules.behaviour import Behaviour, switchability_rule
from analyzers.rules.rule import Hit, Hits

_VARIABLES = frozenset({"CUDA_VISIBLE_DEVICES", "NVIDIA_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES"})
_SETTERS = frozenset({"os.putenv", "os.environ.setdefault", "os.environ.pop", "os.unsetenv"})


def _check(behaviour: Behaviour) -> Hits:
    for call, context in behaviour.calls():
        sets = call.name in _SETTERS or (call.name == "os.environ.__getitem__" and context.stores)
        variable = call.args[0].value if sets and call.args else None
        if not isinstance(variable, Known) or variable.value not in _VARIABLES or context.chosen:
            continue
        if call.guard not in (Guard.SETTING, Guard.WITHOUT_GPU):
            yield Hit(call.place, f"sets {variable.value}, with which Gaia limits what a worker may use")


RULE = switchability_rule(
    code="GA711",
    name="sets-visible-devices",
    summary="The function sets CUDA_VISIBLE_DEVICES itself.",
    rationale="A worker on the CPU is started with no visible GPU, one on the GPU with those that it may use. A "
    "function that overwrites the variable takes a GPU while it is accounted as running on the CPU, or hides the one "
    "that it was promoted to: the measured latencies then belong to the wrong backend, and the policy decides on them. "
    "What an option, a variable or the function's own search has chosen is not reported.",
    remedy="Leave the variable alone, and read GAIA_BACKEND to know where the function runs.",
    confidence=0.95,
    check=_check,
    matches=(
        'import os\nos.environ["CUDA_VISIBLE_DEVICES"] = "0"',
        'import os\nos.environ.setdefault("CUDA_VISIBLE_DEVICES", "1")',
    ),
    passes=(
        'import os\nvisible = os.environ["CUDA_VISIBLE_DEVICES"]',
        'import os\nos.environ["HF_HOME"] = "/models"',
        (
            "import argparse, os\nargs = argparse.ArgumentParser().parse_args()\n"
            'if args.gpus:\n    os.environ["CUDA_VISIBLE_DEVICES"] = args.gpus'
        ),
        'import os\nvisible = os.environ.get("CUDA_VISIBLE_DEVICES")',
        ('import os, torch\nif not torch.cuda.is_available():\n    os.environ["CUDA_VISIBLE_DEVICES"] = ""'),
    ),
)
