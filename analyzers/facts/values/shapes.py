"""What the shape of a test and of what it reads says about devices, without any value being worked out."""

import ast
import re

from analyzers.facts.vocabulary import BACKEND_VARIABLES
from analyzers.lean.patterns import Pattern
from analyzers.project.parsing import nodes_of

_SWITCH_NAME = Pattern(r"(^|_)(use_?)?(gpu|cuda)s?(_|$)|(gpu|cuda)_?(available|enabled)", re.IGNORECASE)
_DEVICE_WORDS = ("gpu", "cuda", "cpu", "device", "accelerator")


def entry_read(node: ast.AST) -> str:
    """Return the entry that `holder["entry"]` or `holder.get("entry")` reads, "" for anything else."""
    match node:
        case ast.Subscript(slice=ast.Constant(value=str(entry))):
            return entry
        case ast.Call(func=ast.Attribute(attr="get"), args=[ast.Constant(value=str(entry)), *_]):
            return entry
        case ast.Call(func=ast.Attribute(attr="get" | "getboolean"), args=[_, ast.Constant(value=str(entry)), *_]):
            return entry  # of a section of configparser's
        case _:
            return ""


def is_device_word(name: str) -> bool:
    """Return whether an entry of this name says which device to use."""
    return any(word in name.lower() for word in _DEVICE_WORDS)


def names_backend(node: ast.expr) -> bool:
    """Return whether `node` names one of Gaia's variables."""
    return any(isinstance(part, ast.Constant) and part.value in BACKEND_VARIABLES for part in nodes_of(node))


def is_switch(name: str) -> bool:
    """Return whether a flag of this name is about a GPU; for most, no pattern is compiled."""
    lower = name.lower()
    return ("gpu" in lower or "cuda" in lower) and _SWITCH_NAME.search(name) is not None


def is_made(test: ast.expr, node: ast.expr) -> bool:
    """Return whether `test` asks if there is an object already, `if model is None:`, which `node` makes."""
    match test:
        case ast.Compare(comparators=[ast.Constant(value=None)]):
            return isinstance(node, ast.Call) and not entry_read(node)
        case _:
            return False
