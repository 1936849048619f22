"""The facts of a rule's example, for its tests and for anybody who writes a rule; nothing is read from disk."""

import ast

from analyzers.dependencies import read_requirements
from analyzers.facts import Facts
from analyzers.reading import Source
from analyzers.syntax import extract

REQUIREMENTS_MARK = "# requirements.txt\n"


def facts_of(example: str) -> Facts:
    """The facts of `example`: Python, or a dependency list when it begins with `REQUIREMENTS_MARK`."""
    if example.startswith(REQUIREMENTS_MARK):
        return Facts((), tuple(read_requirements("requirements.txt", example)))
    files, troubles = extract([Source("func.py", "func", example, ast.parse(example))], "func.py")
    assert not troubles, troubles
    return Facts(files)
