"""GA304: sources of kernels, in a string or a file that is compiled when the function starts."""

from collections.abc import Iterator

from analyzers.facts.model import Argument, Call, Facts, Guard, Place, Value, strings, texts
from analyzers.findings import Signal
from analyzers.lean.patterns import Pattern
from analyzers.lean.tables import by_word
from analyzers.project.beside.assets import KERNELS
from analyzers.rules.rule import Hit, Hits, Rule

_KERNEL = Pattern(r"__global__\s+(void|\w+)|@triton\.jit|\b__kernel\s+void|#include\s*<cuda")
_COMPILERS = frozenset({"torch.utils.cpp_extension.load", "torch.utils.cpp_extension.load_inline"})
_PORTABLE = by_word({"OpenCL": "pyopencl.Program", "Warp": "warp.kernel", "Taichi": "taichi.kernel taichi.func"})


def _check(facts: Facts) -> Hits:
    for call in facts.calls():
        if call.name in _COMPILERS and _is_cuda(call):
            message = f"{call.method} compiles CUDA sources"
            if call.guard is Guard.ALWAYS:
                yield Hit(call.place, message, "compiled", Signal.NEEDS_GPU)
            else:
                yield Hit(call.place, message, "compiled behind a test")
        elif call.name in _PORTABLE:
            yield Hit(call.place, f"{call.name} is a parallel kernel in {_PORTABLE[call.name]}", "portable")
        elif any(argument.is_literal and _is_kernel(argument.value) for argument in _given(call)):
            yield Hit(call.place, f"{call.method} is given the source of a GPU kernel", "held")
    for constant in facts.constants():
        if constant.given.is_literal and _is_kernel(constant.value):
            yield Hit(constant.place, f"{constant.name} holds the source of a GPU kernel", "held")
    for asset in facts.assets:
        if asset.path.endswith(KERNELS):
            yield Hit(Place(asset.path, 1), f"{asset.path} is the source of a GPU kernel", "held")


def _is_kernel(value: Value) -> bool:
    return any(_KERNEL.search(text) for text in texts(value))


def _given(call: Call) -> Iterator[Argument]:
    """Yield what a call is given and the text that its method is called on: `dedent(TEXT)`, `TEXT.replace(...)`."""
    yield from call.arguments
    if call.on is not None:
        yield call.on


def _is_cuda(call: Call) -> bool:
    texts_given = (text for argument in call.arguments for text in strings(argument.value))
    return call.keyword("cuda_sources") is not None or any(text.endswith(".cu") for text in texts_given)


RULE = Rule(
    code="GA304",
    name="kernel-source",
    summary="The function brings the source of a kernel with it.",
    rationale="A kernel in CUDA, Triton, OpenCL, Warp or Taichi is written for thousands of threads. CUDA sources "
    "need NVIDIA's compiler and a GPU; the portable ones run on a CPU too.",
    remedy="Compile CUDA sources only where there is a GPU, and keep a plain version beside them.",
    confidence=0.95,
    signal=Signal.CAN_USE_GPU,
    check=_check,
    weights={"compiled": 4.0, "compiled behind a test": 1.0, "portable": 1.0, "held": 2.0},
    words="@ __global__ __kernel torch triton",
    matches=(
        'SOURCE = """__global__ void add(float *a) { a[threadIdx.x] += 1; }"""',
        'HEAD = "#define N 4\\n"\nSOURCE = HEAD + "__global__ void add(float *a) { a[N] += 1; }"',
        'from textwrap import dedent\nSOURCE = dedent("""\n    __global__ void add(float *a) {}\n    """)',
        'SOURCE = "__global__ void add(TYPE *a) { a[0] += 1; }".replace("TYPE", "float")',
        "# files\nkernels/add.cu 2048\n",
        'from torch.utils.cpp_extension import load\next = load(name="x", sources=["x.cpp", "x_kernel.cu"])',
        "import taichi as ti\n@ti.kernel\ndef paint():\n    pass",
    ),
    passes=(
        'from torch.utils.cpp_extension import load\next = load(name="x", sources=["x.cpp"])',
        'HELP = "kernels are written in CUDA"',
        'print("kernels are written in CUDA")',
        "# files\nmodels/add.onnx 2048\n",
    ),
)
