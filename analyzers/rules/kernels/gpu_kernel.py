"""GA301: kernels written for a GPU."""

from analyzers.facts.model import Facts, Guard
from analyzers.findings import Signal
from analyzers.lean.tables import words
from analyzers.rules.rule import Hit, Hits, Rule

_KERNELS = words(
    "cupy.ElementwiseKernel cupy.RawKernel cupy.RawModule cupy.ReductionKernel cupy.fuse cupyx.jit.rawkernel "
    "jax.experimental.pallas.pallas_call numba.cuda.cudadrv.devicearray numba.cuda.jit numba.cuda.reduce "
    "numba.cuda.to_device pycuda.compiler.SourceModule pycuda.elementwise.ElementwiseKernel "
    "torch.utils.cpp_extension.CUDAExtension triton.autotune triton.jit"
)


def _check(facts: Facts) -> Hits:
    for call in facts.calls():
        if call.name in _KERNELS:
            if call.guard is Guard.ALWAYS:
                yield Hit(call.place, f"{call.name} runs on GPUs only", "always", Signal.NEEDS_GPU)
            else:
                yield Hit(call.place, f"{call.name} runs where there is a GPU", "behind a test")


RULE = Rule(
    code="GA301",
    name="gpu-kernel",
    summary="The function has kernels of its own that run on a GPU.",
    rationale="A hand-written kernel is the plainest way to need a GPU; behind a guard it shows that one is worth the "
    "effort.",
    remedy="Keep a plain version beside the kernel, and choose by what the machine has.",
    confidence=0.95,
    signal=Signal.CAN_USE_GPU,
    check=_check,
    ties=True,
    weights={"always": 4.0, "behind a test": 1.0},
    words="cuda cupy jax numba torch triton",
    matches=(
        "from numba import cuda\n@cuda.jit\ndef add(a, b):\n    pass",
        "import triton\n@triton.jit\ndef kernel(x):\n    pass",
        'import cupy as cp\nk = cp.RawKernel("code", "name")',
        "from pycuda.compiler import SourceModule\nm = SourceModule('code')",
    ),
    passes=("from numba import njit\n@njit\ndef add(a, b):\n    return a + b",),
)
