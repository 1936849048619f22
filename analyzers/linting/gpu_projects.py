"""Projects that are for GPUs only: there a device that is named is no mistake, and nothing could ask for a CPU.

A project is one if it requires a library that does nothing without a GPU, and much of its own code imports that library
at its top, whatever happens: then no guard at another place makes it run on a CPU. A single file among many is one of
several ways to do the same. Libraries that are also installed, and imported, where there is no GPU say nothing. Where
many files name a GPU, and hardly any asks whether there is one, that is how the project is meant.
"""

import re
from collections.abc import Iterator
from functools import lru_cache

from analyzers.lean.files import TEXT_BYTES, read_inside, repository_of
from analyzers.lean.patterns import Pattern
from analyzers.lean.records import record
from analyzers.project.ignored import walk
from analyzers.project.importers import is_test
from analyzers.rules.knowledge.libraries import GPU_ONLY, import_name

_ALSO_WITHOUT = frozenset({"bitsandbytes", "deepspeed", "unsloth", "xformers"})
"""Libraries for GPUs that code for both imports as well."""
_EXAMPLES = frozenset(
    {"example", "examples", "sample", "samples", "demo", "demos", "recipes", "tutorials", "docs"}
    | {"benchmark", "benchmarks"}
)
"""Folders of programs of which each may need something else."""
_NAMES_GPU = (b".cuda()", b'"cuda"', b"'cuda'")
_NAMES_NUMBER = Pattern(rb"[\"']cuda:\d[\"']")
_IMPORTED = Pattern(rb"^(?:from|import)[ \t]++(\w++)", re.MULTILINE)
_ASKS = (
    *(b"is_available(", b"is_cuda_available", b"device_count("),
    *(b"list_physical_devices", b"get_available_providers"),
)
_ENOUGH = 3
_ENOUGH_SHARE = 0.2
"""How many files, or which part of all, that import such a library make a project one for GPUs."""
_AT_LEAST = 12
_FOR_EACH_THAT_ASKS = 5
"""How many files that name a GPU do so, and how many there are for each that asks."""
_MOST_MODULES = 5_000


@record
class ForGpus:
    """Whether a project is for GPUs only, and its dependency lists, of which some say so."""

    only: bool
    lists: frozenset[str] = frozenset()


def for_gpus(root: str, path: str) -> ForGpus:
    """Return whether the project that the file at `path` below `root` belongs to is for GPUs only.

    It ends where the file's repository does: what else lies in a folder above it is somebody else's.
    """
    return _project(repository_of(f"{root}/{path}".rpartition("/")[0], root))


@lru_cache(maxsize=8)
def _project(root: str) -> ForGpus:
    """Return whether the project in a folder is for GPUs only; worked out once for a run."""
    importing: dict[str, int] = {}
    files = naming = asking = 0
    for path in _python_files(root):
        content = _content(root, path)
        files += 1
        naming += _names_gpu(content)
        asking += any(word in content for word in _ASKS)
        for name in {found.decode() for found in _IMPORTED.findall(content)}.intersection(GPU_ONLY) - _ALSO_WITHOUT:
            importing[name] = importing.get(name, 0) + 1
    if naming >= max(_AT_LEAST, _FOR_EACH_THAT_ASKS * asking):
        return ForGpus(only=True)
    enough = min(_ENOUGH, _ENOUGH_SHARE * files)
    return _requiring(root, {name for name, number in importing.items() if number >= enough})


def _requiring(root: str, libraries: set[str]) -> ForGpus:
    """Return whether the project requires one of the `libraries`, which enough of its files import."""
    if not libraries:
        return ForGpus(only=False)
    from pathlib import Path  # few projects get here

    from analyzers.project.dependencies import read_dependencies

    stated = read_dependencies(Path(root)).stated
    only = any(import_name(one.name) in libraries for one in stated)
    return ForGpus(only, frozenset(one.place.path for one in stated))


def _names_gpu(content: bytes) -> bool:
    named = any(words in content for words in _NAMES_GPU)
    return named or (b"cuda:" in content and _NAMES_NUMBER.search(content) is not None)


def _content(root: str, path: str) -> bytes:
    try:
        return read_inside(root, path, TEXT_BYTES)
    except OSError:
        return b""


def _python_files(root: str) -> Iterator[str]:
    """Yield the files of the project's own code, tests and examples aside."""
    files = (f"{folder.removeprefix(root)}/{name}".lstrip("/") for folder, names in walk(root) for name in names)
    python = (path for path in files if path.endswith(".py") and not _is_aside(path))
    return (path for _, path in zip(range(_MOST_MODULES), python, strict=False))


def _is_aside(path: str) -> bool:
    return is_test(path) or not _EXAMPLES.isdisjoint(path.split("/")[:-1])
