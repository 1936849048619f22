"""GA403: products of matrices."""

from analyzers.facts.model import Call, Facts
from analyzers.facts.values.operations import arrays, elements, shown_shape, size_from_caller
from analyzers.findings import Signal, Trait
from analyzers.rules.knowledge.calls import MATRIX_MODULES
from analyzers.rules.rule import Hit, Hits, Rule

_PRODUCTS = frozenset(["matmul", "dot", "bmm", "mm", "einsum", "tensordot"])
_SOLVERS = frozenset(["inv", "svd", "eig", "eigh", "solve", "cholesky", "qr", "lstsq", "pinv"])
LARGE = 2048 * 2048


def _check(facts: Facts) -> Hits:
    for call in facts.calls():
        if not call.name.startswith(MATRIX_MODULES) or call.method not in _PRODUCTS | _SOLVERS:
            continue
        operands = [array for argument in call.args for array in arrays(argument.value)]
        if any(size_from_caller(array) for array in operands):
            message = f"{_verb(call)} matrices whose size the caller decides"
            yield Hit(call.place, message, "sized by the caller", trait=Trait.CALLER_DECIDES)
        elif any((elements(array) or 0) >= LARGE for array in operands):
            yield Hit(call.place, f"{_verb(call)} matrices of {shown_shape(operands[0])}", "large")
        elif call.name != "operator.matmul":
            yield Hit(call.place, f"{_verb(call)} matrices", "any")


def _verb(call: Call) -> str:
    return "multiplies" if call.method in _PRODUCTS else "decomposes"


RULE = Rule(
    code="GA403",
    name="matrix-product",
    summary="The function multiplies or decomposes matrices.",
    rationale="The work grows with the cube of the size. When the request names the size, only the running function "
    "can tell which backend is right: that is what the two preferred modes are for.",
    confidence=0.8,
    signal=Signal.WORK,
    check=_check,
    weights={"sized by the caller": -0.3, "large": 1.5, "any": 0.0},
    words="@ dot( einsum linalg matmul mm( numpy torch",
    matches=(
        (
            'import numpy as np\ndef handler(payload):\n    n = payload["size"]\n'
            "    a = np.random.rand(n, n)\n    return np.matmul(a, a)"
        ),
        "import torch\na = torch.rand(4096, 4096)\nb = a @ a",
    ),
    passes=("a = [1]\nb = a + a", "import torch\nx = torch.nn.Linear(2, 2)"),
)
