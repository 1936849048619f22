"""What the image of a Dockerfile installs by pip or conda, as requirements and the indexes that they come from."""

import shlex
from collections.abc import Iterable, Iterator

from analyzers.lean.patterns import Pattern
from analyzers.project.model import Dependency, Step
from analyzers.project.requirements import parse_requirement

_INSTALLS = Pattern(r"\b(?:pip[\d.]*|conda|mamba|micromamba) +install\b")
_APART = Pattern(r"&&|\|\||;|\n")
_CHOOSES = Pattern(r"(^|[\s;])(if|case)\s")
"""A command that the shell chooses: what it installs is one of several ways."""
_INDEX = frozenset({"-i", "--index-url", "--extra-index-url", "-f", "--find-links"})
_TAKES_A_VALUE = frozenset(
    {"-c", "--constraint", "-r", "--requirement", "-t", "--target", "--prefix", "--root", "--timeout", "--python", "-n"}
)


def installed(steps: Iterable[Step]) -> Iterator[Dependency]:
    """Yield what RUN instructions always install."""
    for step in steps:
        if step.word == "RUN" and not _CHOOSES.search(step.text):
            for command in _APART.split(step.text):
                found = _INSTALLS.search(command)
                for text in _wanted(command[found.end() :]) if found else ():
                    dependency = parse_requirement(step.place, text)
                    if dependency is not None:
                        yield dependency


def _wanted(arguments: str) -> Iterator[str]:
    """Yield each requirement of a command, an index as the option that names it."""
    try:
        words = shlex.split(arguments)
    except ValueError:
        words = arguments.split()
    pending = iter(words)
    for word in pending:
        option, equals, value = word.partition("=")
        if option in _INDEX:
            yield f"{option} {value if equals else next(pending, '')}"
        elif word in _TAKES_A_VALUE:
            next(pending, "")
        elif not word.startswith(("-", ".", "/", "$", "<", ">")):
            yield word
