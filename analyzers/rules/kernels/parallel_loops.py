"""GA302: loops that are compiled to run on many processors."""

from analyzers.facts.model import Facts, constants
from analyzers.findings import Signal
from analyzers.rules.rule import Hit, Hits, Rule

_COMPILERS = ("numba.njit", "numba.jit", "numba.vectorize", "numba.guvectorize")


def _check(facts: Facts) -> Hits:
    for call in facts.calls():
        parallel = call.keyword("parallel")
        target = call.keyword("target")
        if call.name in _COMPILERS and target is not None and "cuda" in constants(target):
            yield Hit(call.place, f"{call.name} compiles for CUDA", "cuda", Signal.NEEDS_GPU)
        elif call.name in _COMPILERS and parallel is not None and True in constants(parallel):
            yield Hit(call.place, f"{call.name} spreads loops over the processors of a CPU", "parallel")
        elif call.name == "numba.prange":
            yield Hit(call.place, "prange spreads a loop over the processors of a CPU", "parallel")


RULE = Rule(
    code="GA302",
    name="parallel-loops",
    summary="Loops are compiled to run in parallel.",
    rationale="Numba's parallel loops are real work, but on the processors of a CPU; only target='cuda' needs a GPU.",
    remedy='Use `target="parallel"` instead of `target="cuda"` to run on a CPU.',
    confidence=0.95,
    signal=Signal.SPEAKS_FOR_CPU,
    check=_check,
    ties=True,
    weights={"cuda": 4.0, "parallel": 0.0},
    words="numba",
    matches=(
        "from numba import njit, prange\n@njit(parallel=True)\ndef f(a):\n    for i in prange(3):\n        a[i] = 0",
        'from numba import vectorize\n@vectorize(["float32(float32)"], target="cuda")\ndef f(a):\n    return a',
    ),
    passes=("from numba import njit\n@njit\ndef f(a):\n    return a",),
)
