"""Whether Python's own parser is done with a file in time, tried in a process of its own.

The parser is quadratic in a few things, such as the fields of an f-string, and no signal stops it, since it is written
in C. What is short costs half a second at most, whatever it is; a longer file is tried first, in a process that the
kernel stops. So a file can cost no more than these limits, and a parser that crashes costs nobody but itself. Memory
has one such thing: each beginning of a dotted name in an import is kept.

The parser is never told a file's name: for the line that an error shows it would open that name in the working
directory, where it may be another file, a link that leads out or a pipe.
"""

import sys
from enum import Enum

TYPE_CHECKING = False
if TYPE_CHECKING:
    import ast
    from collections.abc import Iterator

NO_FILE = ""
"""What the parser is told for a file's name."""

AT_ONCE = 64 * 1024
"""How many characters are parsed without a trial: half a second for the worst of them (`benchmarks/nasty.py`)."""
_MOST_DOTS = 8 * 1024
"""How many dots are parsed without a trial: with all of them in one name, a quarter of a gigabyte."""
LONGEST_S = 5
"""Processor time for a trial; a million characters of ordinary code take one second."""
MOST_BYTES = 1 << 30
"""Memory for a trial; a million characters of ordinary code takes a fifth of it."""
_BLOCKS = ("body", "handlers", "orelse", "finalbody", "cases")
"""The fields of statements in which further ones stand."""
_CODING = ("utf-8", "surrogatepass")
_OUTCOMES: "dict[bytes, Outcome]" = {}
"""What came of the trials by digest: many files import a long one, and an entry point is parsed to find it."""
_IS_NO_PYTHON = 3


class Outcome(Enum):
    """What came of a trial."""

    PARSED = "is Python"
    NO_PYTHON = "is not Python"
    TOO_SLOW = f"takes longer than {LONGEST_S} s to parse"
    TOO_LARGE = f"is nested too deeply to be parsed, or takes more than {MOST_BYTES >> 30} GiB of memory for it"


BEYOND = (Outcome.TOO_SLOW, Outcome.TOO_LARGE)
"""What must not be parsed; the value of each says why."""


def needs_trial(text: str) -> bool:
    """Return whether parsing `text` may take long, or much memory."""
    return len(text) > AT_ONCE or (len(text) > _MOST_DOTS and text.count(".") > _MOST_DOTS)


def tried(text: str) -> Outcome:
    """Return what came of parsing `text`, tried once; a short one is not worth a process, and counts as parsed."""
    if not needs_trial(text):
        return Outcome.PARSED
    from hashlib import blake2b  # few files are that long

    data = text.encode(*_CODING)
    key = blake2b(data).digest()
    if key not in _OUTCOMES:
        _OUTCOMES[key] = _tried(data)
    return _OUTCOMES[key]


def _tried(data: bytes) -> Outcome:
    import subprocess
    from signal import SIGXCPU

    command = [sys.executable, "-I", "-S", __file__]
    ended = subprocess.run(command, input=data, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    by_code = {0: Outcome.PARSED, _IS_NO_PYTHON: Outcome.NO_PYTHON, -SIGXCPU: Outcome.TOO_SLOW}
    return by_code.get(ended.returncode, Outcome.TOO_LARGE)


def syntax_tree(text: str) -> "ast.Module":
    """Parse the Python code `text`; where it is for a newer Python, one that is installed does so.

    Raises:
        SyntaxError, ValueError, RecursionError, MemoryError: it cannot be parsed.
    """
    import ast  # a file that is only checked needs none

    try:
        return ast.parse(text, NO_FILE)
    except SyntaxError as error:
        from analyzers.project.newer.trees import newer_tree  # few files need it

        return newer_tree(text, error, LONGEST_S, MOST_BYTES)


def nodes_of(tree: "ast.AST") -> "Iterator[ast.AST]":
    """Yield `tree` and all nodes below it but operators and contexts, as `ast.walk` does, in half of the time."""
    from ast import AST

    pending = [tree]
    for node in pending:
        yield node
        for value in node.__dict__.values():
            if value.__class__ is int:
                continue  # half of all: where a node stands
            if isinstance(value, list):
                pending += [part for part in value if isinstance(part, AST)]
            elif isinstance(value, AST) and value._fields:
                pending.append(value)


def statements_of(tree: "ast.Module") -> "Iterator[ast.AST]":
    """Yield the statements in `tree`, at any depth, with the handlers and cases that hold some; outer ones first."""
    pending: list[ast.AST] = [*tree.body]
    for node in pending:
        yield node
        for block in _BLOCKS:
            pending += node.__dict__.get(block, ())


def _limit() -> None:
    """Let the kernel end this process where it takes more than a trial may."""
    import resource

    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CPU, (LONGEST_S, LONGEST_S + 1))
    resource.setrlimit(resource.RLIMIT_AS, (MOST_BYTES, MOST_BYTES))


def _main() -> int:
    import ast
    import gc
    import warnings

    gc.disable()  # a tree has no cycles, and to look for some takes a third of the time
    warnings.simplefilter("ignore")
    text = sys.stdin.buffer.read().decode(*_CODING)
    _limit()
    try:
        ast.parse(text, NO_FILE)
    except (SyntaxError, ValueError):
        return _IS_NO_PYTHON
    except (MemoryError, RecursionError):
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(_main())
