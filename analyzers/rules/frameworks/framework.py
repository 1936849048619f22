"""GA102: a framework that runs on a CPU and on a GPU."""

from analyzers.facts.model import Facts
from analyzers.rules.knowledge.dependency_lines import all_dependencies
from analyzers.rules.knowledge.libraries import FRAMEWORKS, import_name, lookup, outside
from analyzers.rules.model import Found, Rule, Signal

HEAVY = 1.0
"""From this weight on, a dependency counts that no file imports: a command may use it. Others are often left over."""


def _check(facts: Facts) -> Found:
    seen = set()
    for fact in outside(facts):
        key = lookup(fact.name, FRAMEWORKS)
        if key and key not in seen:
            seen.add(key)
            yield fact.place, f"imports {key}, which computes on a CPU or a GPU", FRAMEWORKS[key], Signal.CAN_USE_GPU
    for dependency in all_dependencies(facts):
        key = import_name(dependency.name)
        if FRAMEWORKS.get(key, 0.0) >= HEAVY and key not in seen:
            seen.add(key)
            yield dependency.place, f"depends on {key}, which is slow on a CPU", FRAMEWORKS[key], Signal.CAN_USE_GPU


RULE = Rule(
    code="GA102",
    name="framework",
    summary="The function uses a framework that computes on a CPU or on a GPU.",
    rationale="Without one of these, or a library for GPUs only, a GPU can change nothing. Alone it decides "
    "little: most "
    "small models are served well by a CPU. The weight says how rarely that is so for this framework.",
    check=_check,
    matches=(
        "import torch",
        "from transformers import pipeline",
        "import tensorflow as tf",
        "# requirements.txt\ndiffusers",
    ),
    passes=("import json", "import torchlight", "# requirements.txt\ntorch", '"""import torch"""'),
)
