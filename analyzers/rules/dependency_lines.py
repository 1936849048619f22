"""Dependency lines wherever they stand: in lists, and in image definitions written in the code."""

from collections.abc import Iterator

from analyzers.dependencies import parse_requirement
from analyzers.facts import Call, Dependency, Facts, Items, options, texts

_INSTALLERS = frozenset({"pip_install", "uv_pip_install", "add_python_packages", "pip_install_from_requirements"})
_KEYWORDS = ("packages", "python_packages", "requirements", "pip_packages", "dependencies")


def all_dependencies(facts: Facts) -> Iterator[Dependency]:
    """The lines of the dependency lists, then what the code installs in an image that it defines."""
    yield from facts.dependencies
    for call in facts.calls():
        for text in _installed(call):
            dependency = parse_requirement(call.place, text)
            if dependency:
                yield dependency


def is_for_gpus(dependency: Dependency) -> bool:
    """Whether the line stands in a list that is only installed where there is a GPU, such as requirements-gpu.txt."""
    return any(word in dependency.place.path for word in ("gpu", "cuda"))


def _installed(call: Call) -> Iterator[str]:
    values = [argument.value for argument in call.args] if call.method in _INSTALLERS else []
    values += [argument.value for name, argument in call.keywords if name in _KEYWORDS]
    for value in values:
        yield from texts(value)
        for option in options(value):
            if isinstance(option, Items):
                yield from (text for item in option.values for text in texts(item))
