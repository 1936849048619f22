"""Libraries as far as they matter for GPUs, by import name and by package name: libraries.tsv has the tables.

packages.tsv has further packages, of which only a summary is known; scripts/gather_gpu_packages.py writes it.
"""

import sys
from collections.abc import Iterator, Mapping
from functools import cache

from analyzers.facts.gpu_only import gpu_only
from analyzers.facts.model import Facts, Import
from analyzers.lean.patterns import Pattern
from analyzers.lean.tables import read_tables
from analyzers.project.requirements import normalize

_TABLES = read_tables(__file__, "libraries")
GPU_ONLY, CPU_ONLY, REMOTE = gpu_only(), _TABLES["CPU_ONLY"], _TABLES["REMOTE"]
PLUMBING, PACKAGES = _TABLES["PLUMBING"], _TABLES["PACKAGES"]
_MOVING = {**REMOTE, **PLUMBING, **_TABLES["PLAIN"]}
_ALSO_COMPUTES = {"cv2": ""}
"""What moves data, and runs networks where it is asked to."""
_WITHOUT_GPU = {**CPU_ONLY, **_MOVING}
FRAMEWORKS = {name: float(weight) for name, weight in _TABLES["FRAMEWORKS"].items()}
BUILD = Pattern(r"-(cu1\d{1,2}|cuda\d{0,3}x?|gpu|cpu)$")
"""The end of a package's name that says for what it is built."""
_HEAVY = 1.0
"""From this weight on, a dependency counts that no file imports: a command may use it. Others are often left over."""
_MOST_PARTS = 8
"""How many parts a name in a table may have."""


def is_heavy(framework: str) -> bool:
    """Return whether a framework is one that few functions serve well on a CPU."""
    return FRAMEWORKS.get(framework, 0.0) >= _HEAVY


@cache
def _by_summary() -> Mapping[str, str]:
    """Return the packages that say in one line what they compute with; most functions import none that is asked for."""
    return read_tables(__file__, "packages")["BY_SUMMARY"]


def summary_of(package: str) -> str:
    """Return what an import's package computes with by its own summary, as "PyTorch", empty where that says nothing."""
    return _by_summary().get(normalize(package), "")


def import_name(package: str) -> str:
    """Return the import name that belongs to a package name, whatever it is built for."""
    normalized = BUILD.sub("", normalize(package))
    return PACKAGES.get(normalized, normalized.replace("-", "_"))


def is_known(name: str) -> bool:
    """Return whether a table says what the library of the qualified import `name` does."""
    return any(lookup(name, table) for table in (FRAMEWORKS, GPU_ONLY, CPU_ONLY, PLUMBING, REMOTE))


def lookup(name: str, table: Mapping[str, object]) -> str:
    """Return the key of `table` that the qualified import `name` falls under, empty without one."""
    known = name if name.count(".") < _MOST_PARTS else ".".join(name.split(".", _MOST_PARTS)[:_MOST_PARTS])
    while known and known not in table:
        known = known.rpartition(".")[0]
    return known


def outside(facts: Facts) -> Iterator[Import]:
    """Return the imports of other people's libraries: a project's own `clip.py` or `bark/` is none of them."""
    own = {part for file in facts.files for part in _own_names(file.path)}
    return (fact for fact in facts.imports() if fact.package not in own)


def used(facts: Facts, table: Mapping[str, object]) -> Iterator[tuple[str, Import]]:
    """Yield each key of `table` that other people's libraries fall under, with its first import."""
    seen: set[str] = set()
    for fact in outside(facts):
        key = lookup(fact.name, table)
        if key and key not in seen:
            seen.add(key)
            yield key, fact


def uses_no_framework(facts: Facts) -> bool:
    """Return whether code imports something, all of which is known to use no GPU, whatever is installed beside it."""
    return _imports_only(facts, _WITHOUT_GPU)


def computes_nothing(facts: Facts) -> bool:
    """Return whether code imports something, all of which only moves data or asks a service elsewhere."""
    return _imports_only(facts, _MOVING) and not any(used(facts, _ALSO_COMPUTES))


def _imports_only(facts: Facts, table: Mapping[str, object]) -> bool:
    imported = [*outside(facts)]
    others = (fact for fact in imported if fact.package not in sys.stdlib_module_names)
    return bool(imported) and all(lookup(fact.name, table) for fact in others)


def _own_names(path: str) -> tuple[str, ...]:
    """Return the names under which a project's file may be imported: from the root, from src/, from beside it."""
    parts = path.removesuffix(".py").removesuffix("/__init__").split("/")
    return (parts[0], parts[1] if parts[0] == "src" and len(parts) > 1 else "", parts[-1])
