"""GA402: large tensors."""

from analyzers.facts.model import Array, Call, Facts, Value
from analyzers.facts.values.operations import allocated, elements, shown_shape
from analyzers.findings import Signal
from analyzers.rules.rule import Hit, Hits, Rule

LARGE = 5_000_000
SIZABLE = 1_000_000
_FRAMEWORKS = ("torch", "tensorflow", "jax", "cupy")


def _check(facts: Facts) -> Hits:
    for call in facts.calls():
        array = _allocated(call)
        count = elements(array) if array is not None else None
        if array is not None and count is not None and count >= SIZABLE:
            shape = shown_shape(array)
            movable = call.name.startswith(_FRAMEWORKS)
            weight = ("large" if count >= LARGE else "sizable") if movable else "on the CPU"
            yield Hit(call.place, f"makes an array of {shape} = {count / 1e6:,.1f} million elements", weight)


def _allocated(call: Call) -> Array | None:
    args: list[Value] = [argument.value for argument in call.args]
    keywords: dict[str, Value] = {name: argument.value for name, argument in call.keywords}
    return allocated(call.name, args, keywords)


RULE = Rule(
    code="GA402",
    name="tensor-size",
    summary="The function makes a large tensor.",
    rationale="The size of the data bounds the work from below. A batch of 128 pictures of 224 x 224 is 19 million "
    "numbers, each of which goes through every layer.",
    remedy="Work in smaller pieces where the result allows it.",
    confidence=0.8,
    signal=Signal.WORK,
    check=_check,
    weights={"large": 2.0, "sizable": 1.0, "on the CPU": 0.3},
    words="cupy jax numpy random tensor torch",
    matches=(
        "import torch\nbatch = 128\nx = torch.randn(batch, 3, 224, 224)",
        "import numpy as np\nx = np.zeros((4096, 4096))",
        "import tensorflow as tf\nx = tf.random.normal([8192, 8192])",
    ),
    passes=("import torch\nx = torch.randn(1, 3, 224, 224)", "import numpy as np\nx = np.zeros(10)"),
)
