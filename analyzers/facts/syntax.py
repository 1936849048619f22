"""Small questions about syntax trees: what an expression names, and where in the text it stands."""

import ast
from collections.abc import Iterator
from functools import lru_cache

from analyzers.project.parsing import nodes_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from array import array

Function = ast.FunctionDef | ast.AsyncFunctionDef


def last_name(node: ast.AST) -> str:
    """Return the last part of a name, empty for anything else."""
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")


def called_name(node: ast.AST) -> str:
    """Return the last part of what a call or a decorator names."""
    while isinstance(node, ast.Call):
        node = node.func
    return last_name(node)


def arguments_of(call: ast.Call) -> Iterator[ast.expr]:
    """Yield what a call is given, by position and then by name."""
    yield from call.args
    for keyword in call.keywords:
        yield keyword.value


def owner_of(node: ast.expr) -> str:
    """Return the name that an expression starts with when exactly one attribute follows, else empty."""
    return node.value.id if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) else ""


def spine(node: ast.expr) -> Iterator[ast.expr]:
    """Yield the parts of `a.b(c)[d].e` from the outside to the name that it starts with."""
    inner = node
    while True:
        yield inner
        match inner:
            case (
                ast.Call(func=inner) | ast.Attribute(value=inner) | ast.Subscript(value=inner) | ast.Await(value=inner)
            ):
                pass
            case _:
                return


def words(node: ast.AST) -> Iterator[str]:
    """Yield all names and attributes in `node`."""
    for part in nodes_of(node):
        if isinstance(part, ast.Name):
            yield part.id
        elif isinstance(part, ast.Attribute):
            yield part.attr


def word_of(node: ast.AST) -> str:
    """Return the name, the attribute or the text that a node is, empty for any other."""
    match node:
        case ast.Name(id=word) | ast.Attribute(attr=word) | ast.Constant(value=str(word)):
            return word
    return ""


def column(line: str, offset: int) -> int:
    """Return the column, from 1, of an offset in UTF-8 bytes."""
    if line.isascii():
        return 1 + offset
    from bisect import bisect_left  # most lines are ASCII

    return 1 + bisect_left(_byte_offsets(line), offset)


def bytes_in(line: str) -> int:
    """Return how many bytes of UTF-8 a line has."""
    return len(line) if line.isascii() else _byte_offsets(line)[-1]


@lru_cache(maxsize=2)  # a line of a megabyte may hold all that a file has
def _byte_offsets(line: str) -> "array[int]":
    """Return where each character begins in UTF-8, and where the line ends."""
    from array import array
    from itertools import accumulate

    return array("l", accumulate((len(character.encode()) for character in line), initial=0))
