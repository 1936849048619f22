"""GA302: loops that are compiled to run on many processors."""

from analyzers.facts.model import Facts, constants
from analyzers.rules.model import Found, Rule, Signal

_COMPILERS = ("numba.njit", "numba.jit", "numba.vectorize", "numba.guvectorize")


def _check(facts: Facts) -> Found:
    for call in facts.calls():
        parallel = call.keyword("parallel")
        target = call.keyword("target")
        if call.name in _COMPILERS and target is not None and "cuda" in constants(target):
            yield call.place, f"{call.name} compiles for CUDA", 4.0, Signal.NEEDS_GPU
        elif call.name in _COMPILERS and parallel is not None and True in constants(parallel):
            yield call.place, f"{call.name} spreads loops over the processors of a CPU", 0.0, Signal.SPEAKS_FOR_CPU
        elif call.name == "numba.prange":
            yield call.place, "prange spreads a loop over the processors of a CPU", 0.0, Signal.SPEAKS_FOR_CPU


RULE = Rule(
    code="GA302",
    name="parallel-loops",
    summary="Loops are compiled to run in parallel.",
    rationale="Numba's parallel loops are real work, but on the processors of a CPU; only target='cuda' needs a GPU.",
    check=_check,
    matches=(
        "from numba import njit, prange\n@njit(parallel=True)\ndef f(a):\n    for i in prange(3):\n        a[i] = 0",
        'from numba import vectorize\n@vectorize(["float32(float32)"], target="cuda")\ndef f(a):\n    return a',
    ),
    passes=("from numba import njit\n@njit\ndef f(a):\n    return a",),
)
