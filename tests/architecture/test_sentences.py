"""No code reads a sentence that was written for people: what matters to code is a field."""

import ast
from collections.abc import Iterator

from tests.architecture.sources import Module, listed, modules

SENTENCES = {"explanation", "hint", "message", "messages", "rationale", "reason", "reasons", "sentence", "summary"}
"""Names of attributes, keys and variables that hold a sentence."""
READERS = {
    "count",
    "endswith",
    "find",
    "index",
    "partition",
    "removeprefix",
    "removesuffix",
    "rpartition",
    "startswith",
}
PATTERN_READERS = {"findall", "finditer", "fullmatch", "match", "search"}

OTHERS_SENTENCES = {
    "gaia_cli/project/project.py": "tomllib tells the line of a mistake in its message alone before Python 3.14",
    "gaia_cli/targets/failures.py": "Kubernetes and Python say in a message alone what was forbidden or failed",
    "gaia_cli/targets/knative/rollout/judging.py": "Kubernetes says in an event's message alone what no waiting mends",
    "gaia_cli/targets/knative/rollout/revisions.py": "Knative says in a message alone that a Revision is dead",
    "gaia_cli/usage_words.py": "Typer's messages are put into Gaia's words",
}
"""Modules that read another program's or library's sentences, and why they must."""


def is_sentence(node: ast.expr) -> bool:
    """Whether an expression is by its name a sentence; `str(error)` is one, too."""
    match node:
        case ast.Attribute(attr=name) | ast.Name(id=name) | ast.Subscript(slice=ast.Constant(value=name)):
            return name in SENTENCES
        case ast.Call(func=ast.Name(id="str"), args=[ast.Name(id="error" | "exception")]):
            return True
        case ast.Call(func=ast.Attribute(value=value, attr="lower" | "casefold" | "strip")):
            return is_sentence(value)
        case ast.Call(func=ast.Attribute(attr="get"), args=[ast.Constant(value=name), *_]):
            return name in SENTENCES
    return False


def is_read(node: ast.AST) -> bool:
    """Whether a sentence is compared, searched or taken apart here."""
    match node:
        case ast.Compare(left=left, ops=ops, comparators=others):
            plain = [side for side in (left, *others) if not is_sentence(side)]
            return len(plain) <= len(others) and any(
                isinstance(op, ast.In | ast.NotIn) or any(has_text(side) for side in plain) for op in ops
            )
        case ast.Call(func=ast.Attribute(value=value, attr=method), args=arguments):
            return (method in READERS and is_sentence(value)) or (
                method in PATTERN_READERS and any(is_sentence(argument) for argument in arguments)
            )
        case ast.Match(subject=subject):
            return is_sentence(subject)
    return False


def has_text(node: ast.expr) -> bool:
    """Whether an expression holds a string that is not empty."""
    return any(isinstance(part, ast.Constant) and isinstance(part.value, str) and part.value for part in ast.walk(node))


def readers(module: Module) -> Iterator[str]:
    for node in ast.walk(module.tree):
        if is_read(node):
            yield f"{module.path}:{getattr(node, 'lineno', 0)}: {ast.unparse(node).splitlines()[0]}"


def test_no_sentence_is_read_by_code() -> None:
    allowed = OTHERS_SENTENCES.keys()
    found = [place for module in modules() if module.path not in allowed for place in readers(module)]

    assert not found, listed("give it a field for what is asked here: a reworded sentence must change nothing", found)
