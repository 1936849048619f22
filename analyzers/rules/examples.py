"""The facts of a rule's example, for its tests and for anybody who writes a rule; nothing is read from disk."""

import ast

from analyzers.facts.model import Asset, Facts
from analyzers.facts.stage1 import extract
from analyzers.project.dependencies import read_requirements
from analyzers.project.model import Source

REQUIREMENTS_MARK = "# requirements.txt\n"
FILES_MARK = "# files\n"


def facts_of(example: str) -> Facts:
    """The facts of `example`: Python, a dependency list, or a list of files with their sizes, each below its mark."""
    if example.startswith(REQUIREMENTS_MARK):
        return Facts((), tuple(read_requirements("requirements.txt", example)))
    if example.startswith(FILES_MARK):
        lines = [line.split() for line in example.removeprefix(FILES_MARK).splitlines()]
        return Facts((), assets=tuple(Asset(path, int(size)) for path, size in lines))
    files, troubles = extract([Source("func.py", "func", example, ast.parse(example))], ("func.py",))
    assert not troubles, troubles
    return Facts(files)
