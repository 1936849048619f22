"""The environment variables that a function sets: in its code, in its Dockerfile, in gaia.toml."""

from collections.abc import Iterator

from analyzers.facts.model import Facts, Guard, Known
from analyzers.project.model import Variable


def variables(facts: Facts) -> Iterator[Variable]:
    """Yield the variables that always have one known text."""
    yield from facts.variables
    for constant in facts.constants():
        if constant.name.isupper() and constant.guard is Guard.ALWAYS:
            match constant.value:
                case Known(value=str(text)):
                    yield Variable(constant.name, text, constant.place)
