"""GA104: a framework that is installed and that no file imports."""

from analyzers.facts.model import Facts
from analyzers.findings import Signal
from analyzers.project.model import Dependency
from analyzers.rules.knowledge.calls import starts_programs
from analyzers.rules.knowledge.dependency_lines import all_dependencies, without_idle
from analyzers.rules.knowledge.libraries import FRAMEWORKS, GPU_ONLY, import_name, is_heavy, used
from analyzers.rules.rule import Hit, Hits, Rule


def _check(facts: Facts) -> Hits:
    if any(used(facts, FRAMEWORKS)) or any(used(facts, GPU_ONLY)):
        return
    for dependency in without_idle(filter(_is_of_framework, all_dependencies(facts)), facts)[:1]:
        key = import_name(dependency.name)
        if starts_programs(facts):
            message = f"depends on {key} and starts programs that may use it"
            yield Hit(dependency.place, message, "used by a program")
        else:
            yield Hit(dependency.place, f"depends on {key}, though no file imports it", "left over")


def _is_of_framework(dependency: Dependency) -> bool:
    key = import_name(dependency.name)
    return key in FRAMEWORKS and not is_heavy(key)


RULE = Rule(
    code="GA104",
    name="leftover-framework",
    summary="A framework is installed, but no file imports it.",
    rationale="Often it is left over. But where the function starts another program, such as a model server, that "
    "program needs the framework, and no import shows it.",
    remedy="Remove it from the list, unless a program that the function starts needs it.",
    confidence=0.8,
    signal=Signal.CAN_USE_GPU,
    check=_check,
    weights={"left over": 0.2, "used by a program": 1.8},
    words="packages subprocess",
    matches=(
        "# requirements.txt\ntorch",
        'image = Image(python_packages=["torch"])\nimport subprocess\nsubprocess.run(["python", "serve.py"])',
    ),
    passes=("# requirements.txt\nrequests", "import torch"),
)
