"""Dependency lines wherever they stand: in lists, and in image definitions written in the code."""

import re
from collections.abc import Iterable, Iterator, Sequence

from analyzers.facts.model import Call, Facts, Place, strings
from analyzers.facts.vocabulary import PACKAGE_LISTS
from analyzers.lean.patterns import Pattern
from analyzers.project.model import Dependency
from analyzers.project.requirements import parse_requirement
from analyzers.rules.knowledge.calls import starts_programs
from analyzers.rules.knowledge.libraries import import_name, lookup, outside, uses_no_framework

_CUDA = Pattern(
    r"\+cu\d{2,3}\b|/whl/(nightly/)?cu\d{2,3}\b|^nvidia-(cu|nccl|tensorrt)|-gpu\b|\[[^\[\]]{0,200}(cuda|gpu)"
    r"|^cupy-cuda|^tensorrt|^(pytorch-cuda|cudatoolkit|cudnn|cuda-toolkit|cuda-runtime|cuda-nvcc|cuda-version)\b"
    r"|==[^=\s]{0,100}=[^=\s]{0,100}(cuda|gpu)",  # the build of a conda package
    re.IGNORECASE,
)
_INSTALLERS = frozenset({"pip_install", "uv_pip_install", "add_python_packages", "pip_install_from_requirements"})
_BUILDERS = frozenset({"run_commands", "add_commands", "dockerfile_commands", "from_dockerfile_str"})
_CPU = Pattern(
    r"\+cpu\b|%2Bcpu\b|/whl/(nightly/)?cpu\b|^(tensorflow|intel-tensorflow|faiss|tensorflow-serving-api|vllm)-cpu\b"
    r"|\[cpu\]|^cpuonly\b"
)


def all_dependencies(facts: Facts) -> Iterator[Dependency]:
    """Yield the lines of the dependency lists, then what the code installs in an image that it defines."""
    yield from facts.dependencies
    for call in facts.calls():
        yield from _parsed(call.place, _installed(call))
    for constant in facts.constants():
        if constant.name.lower() in PACKAGE_LISTS:
            yield from _parsed(constant.place, strings(constant.value))


def is_for_cpus(dependency: Dependency) -> bool:
    """Return whether the line asks for a build without CUDA, or for the index of such builds."""
    return _CPU.search(dependency.text) is not None


def names_cuda(dependency: Dependency) -> bool:
    """Return whether a line asks for a package, or an index, that is built for CUDA."""
    return _CUDA.search(dependency.text) is not None or dependency.name.endswith("-gpu")


def without_idle(lines: Iterable[Dependency], facts: Facts) -> list[Dependency]:
    """Return those of `lines` whose packages code may use: `pip freeze` also lists what others once needed.

    What code or a Dockerfile installs, as for a platform's image, is meant for it. The code is looked at once for all
    lines.
    """
    found = list(lines)
    if not found or starts_programs(facts) or not uses_no_framework(facts):
        return found
    files = {file.path for file in facts.files} | {step.place.path for step in facts.image}
    imports = [fact.name for fact in outside(facts)]
    return [one for one in found if one.place.path in files or _is_imported(one, imports)]


def _is_imported(dependency: Dependency, imports: Sequence[str]) -> bool:
    name = import_name(dependency.name)
    beside = "onnxruntime" if name.startswith("nvidia") else name
    return any(lookup(imported, {name: "", beside: ""}) for imported in imports)


def is_for_gpus(dependency: Dependency) -> bool:
    """Return whether the line is in a list that only the GPU backend installs, such as requirements-gpu.txt."""
    return any(word in dependency.place.path for word in ("gpu", "cuda"))


def _parsed(place: Place, lines: Iterator[str]) -> Iterator[Dependency]:
    return filter(None, (parse_requirement(place, line) for line in lines))


def _installed(call: Call) -> Iterator[str]:
    """Yield the requirements that a call installs: an image's packages, or those of a command with pip."""
    values = [argument.value for argument in call.args] if call.method in _INSTALLERS else []
    values += [argument.value for name, argument in call.keywords if name in PACKAGE_LISTS]
    for value in values:
        yield from strings(value)
    if call.method in _BUILDERS:
        for command in (text for argument in call.args for text in strings(argument.value)):
            requirements = command.partition("pip install")[2].partition("&&")[0].split()
            yield from (word.strip("'\"") for word in requirements if not word.startswith("-"))
