"""GA403: products of matrices."""

from analyzers.facts.model import Array, Call, Facts
from analyzers.facts.operations import arrays, elements, size_from_caller
from analyzers.rules.model import Found, Rule, Signal

_PRODUCTS = frozenset(["matmul", "dot", "bmm", "mm", "einsum", "tensordot"])
_SOLVERS = frozenset(["inv", "svd", "eig", "eigh", "solve", "cholesky", "qr", "lstsq", "pinv"])
_MODULES = ("torch", "numpy", "cupy", "jax.numpy", "tensorflow", "operator.matmul", "scipy.linalg")
LARGE = 2048 * 2048


def _check(facts: Facts) -> Found:
    for call in facts.calls():
        if not call.name.startswith(_MODULES) or call.method not in _PRODUCTS | _SOLVERS:
            continue
        operands = [array for argument in call.args for array in arrays(argument.value)]
        if any(size_from_caller(array) for array in operands):
            yield call.place, f"{_verb(call)} matrices whose size the caller decides", -0.3, Signal.WORK
        elif any((elements(array) or 0) >= LARGE for array in operands):
            yield call.place, f"{_verb(call)} matrices of {_shape(operands[0])}", 1.5, Signal.WORK
        elif call.name != "operator.matmul":
            yield call.place, f"{_verb(call)} matrices", 0.0, Signal.WORK


def is_product(call: Call) -> bool:
    """Whether `call` multiplies two matrices."""
    return call.name.startswith(_MODULES) and call.method in ("matmul", "dot", "mm")


def _verb(call: Call) -> str:
    return "multiplies" if call.method in _PRODUCTS else "decomposes"


def _shape(array: Array) -> str:
    return " x ".join(str(getattr(dimension, "value", "?")) for dimension in array.shape)


RULE = Rule(
    code="GA403",
    name="matrix-product",
    summary="Matrices are multiplied or decomposed.",
    rationale="The work grows with the cube of the size. When the request names the size, nothing but the "
    "running function can tell "
    "which backend is right: that is what the two preferred modes are for.",
    check=_check,
    matches=(
        (
            'import numpy as np\ndef handler(payload):\n    n = payload["size"]\n'
            "    a = np.random.rand(n, n)\n    return np.matmul(a, a)"
        ),
        "import torch\na = torch.rand(4096, 4096)\nb = a @ a",
    ),
    passes=("a = [1]\nb = a + a", "import torch\nx = torch.nn.Linear(2, 2)"),
)
