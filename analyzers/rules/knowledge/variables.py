"""The environment variables that a function sets: in its code, in its Dockerfile, in gaia.toml."""

from collections.abc import Iterator

from analyzers.facts.model import Facts, Guard, Known
from analyzers.project.model import Variable


def variables(facts: Facts) -> Iterator[Variable]:
    """Yield the variables that always have one known text."""
    yield from facts.variables
    handed = {(call.place.path, one.line) for call in facts.calls() for name, one in call.keywords if name == "env"}
    for constant in facts.constants():
        if not constant.name.isupper() or constant.guard is not Guard.ALWAYS:
            continue
        if (constant.place.path, constant.place.line) not in handed:  # else it is another program's
            match constant.value:
                case Known(value=str(text)):
                    yield Variable(constant.name, text, constant.place)
