"""GA104: a framework that is installed and that no file imports."""

from analyzers.facts.model import Facts
from analyzers.rules.frameworks.framework import HEAVY
from analyzers.rules.knowledge.dependency_lines import all_dependencies
from analyzers.rules.knowledge.libraries import FRAMEWORKS, GPU_ONLY, import_name, lookup, outside
from analyzers.rules.knowledge.programs import starts_programs
from analyzers.rules.model import Found, Rule, Signal


def _check(facts: Facts) -> Found:
    if any(lookup(fact.name, FRAMEWORKS) or lookup(fact.name, GPU_ONLY) for fact in outside(facts)):
        return
    for dependency in all_dependencies(facts):
        key = import_name(dependency.name)
        if key in FRAMEWORKS and FRAMEWORKS[key] < HEAVY:
            if starts_programs(facts):
                yield dependency.place, f"depends on {key} and starts programs that may use it", 1.8, Signal.CAN_USE_GPU
            else:
                yield dependency.place, f"depends on {key}, though no file imports it", 0.2, Signal.CAN_USE_GPU
            return


RULE = Rule(
    code="GA104",
    name="leftover-framework",
    summary="A framework is installed and no file imports it.",
    rationale="Often it is left over. But where the function starts another program, such as a model server, that "
    "program is what needs the framework, and no import tells about it.",
    check=_check,
    matches=(
        "# requirements.txt\ntorch",
        'image = Image(python_packages=["torch"])\nimport subprocess\nsubprocess.run(["python", "serve.py"])',
    ),
    passes=("# requirements.txt\nrequests", "import torch"),
)
